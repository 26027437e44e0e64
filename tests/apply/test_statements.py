"""The new statements look as a person would have written them."""

from __future__ import annotations

import pytest
from tests.helpers import check_converted, convert, net, registrations

LONG = "return F.interpolate(x, scale_factor=2, mode={}, align_corners=False, recompute_scale_factor=True)"


def test_a_long_line_is_broken_as_black_breaks_it() -> None:
    text, _ = convert(net(LONG.format("'bilinear'")), line_length=88)
    assert (
        "        self.interpolate = nn.Upsample(\n            scale_factor=2,\n            mode='bilinear',\n"
        "            align_corners=False,\n            recompute_scale_factor=True,\n        )\n"
    ) in text


def test_a_line_that_fits_stays_whole() -> None:
    line = "        self.interpolate = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=False, "
    line += "recompute_scale_factor=True)"
    for length, whole in ((len(line), True), (len(line) - 1, False)):
        text, _ = convert(net(LONG.format("'bilinear'")), line_length=length)
        assert (line in text.splitlines()) is whole


def test_a_long_line_is_indented_as_the_file_is() -> None:
    text, _ = convert(net(LONG.format("'bilinear'")).replace("    ", "\t"), line_length=60)
    assert "\t\tself.interpolate = nn.Upsample(\n\t\t\tscale_factor=2,\n" in text
    assert "\t\t)\n" in text


def test_only_what_differs_from_the_defaults_is_written() -> None:
    source = net("return F.layer_norm(x, (self.d,), eps=1e-6)", init="self.d = 3")
    assert registrations(source) == ["layer_norm = nn.LayerNorm((self.d,), eps=1e-6, elementwise_affine=False)"]


def test_settings_over_lines_become_one_line() -> None:
    source = net("return F.max_pool2d(\n    x,\n    kernel_size=(\n        2,\n        3,\n    ),\n)")
    assert registrations(source) == ["max_pool2d = nn.MaxPool2d(kernel_size=(2, 3))"]


@pytest.mark.parametrize(
    ("before", "written"),
    [('A = "a"\nB = "b"', '"bilinear"'), ("A = 'a'\nB = 'b'", "'bilinear'"), ('A = "a"', '"bilinear"')],
)
def test_generated_strings_have_the_quotes_of_the_file(before: str, written: str) -> None:
    quote = written[0]
    forward = f"m = {quote}bilinear{quote}\nreturn F.interpolate(x, scale_factor=2, mode=m)"
    [registration] = registrations(net(forward, before=before))
    assert registration == f"interpolate = nn.Upsample(scale_factor=2, mode={written})"


def test_a_string_with_a_quote_in_it_keeps_its_quotes() -> None:
    forward = "m = 'a\"b'\nreturn F.interpolate(x, scale_factor=2, mode=m)"
    [registration] = registrations(net(forward, before='A = "a"\nB = "b"'))
    assert registration == "interpolate = nn.Upsample(scale_factor=2, mode='a\"b')"


def test_a_setting_keeps_its_own_text() -> None:
    source = net("return F.max_pool2d(x,(2,2),  stride = 2, padding=0x1)", before="A = 'a'")
    assert registrations(source) == ["max_pool2d = nn.MaxPool2d((2,2), stride=2, padding=0x1)"]


def test_the_receiver_is_that_of_init() -> None:
    check_converted(
        """\
        import torch.nn as nn
        import torch.nn.functional as F


        class Net(nn.Module):
            def __init__(me, k):
                super().__init__()
                me.k = k

            def forward(this, x):
                return F.max_pool2d(x, this.k)
        """,
        """\
        import torch.nn as nn


        class Net(nn.Module):
            def __init__(me, k):
                super().__init__()
                me.k = k
                me.max_pool2d = nn.MaxPool2d(me.k)

            def forward(this, x):
                return this.max_pool2d(x)
        """,
    )
