"""Rules 30 and 31: padding classes, upsampling, flatten and unflatten, and classes that take one number or several."""

from __future__ import annotations

import pytest
from tests.decide.back import check, check_runs, check_stays, source
from tests.helpers import check_converted

CALL = "return self.m(x)"
MAPS = "torch.randn(2, 4, 6, 6)"

FORMS = {
    "nn.ZeroPad2d(1)": "F.pad(x, (1, 1, 1, 1))",
    "nn.ZeroPad2d(padding=1)": "F.pad(x, pad=(1, 1, 1, 1))",
    "nn.ZeroPad2d((1, 2, 3, 4))": "F.pad(x, (1, 2, 3, 4))",
    "nn.ConstantPad2d(1, 3.5)": "F.pad(x, (1, 1, 1, 1), value=3.5)",
    "nn.ReflectionPad2d((1, 2, 3, 4))": 'F.pad(x, (1, 2, 3, 4), mode="reflect")',
    "nn.ReplicationPad3d(1)": 'F.pad(x, (1, 1, 1, 1, 1, 1), mode="replicate")',
    "nn.Upsample(scale_factor=2)": "F.interpolate(x, scale_factor=2)",
    "nn.Upsample(scale_factor=(1.5, 2.5), mode='bilinear', align_corners=True)": (
        "F.interpolate(x, scale_factor=(1.5, 2.5), mode='bilinear', align_corners=True)"
    ),
    "nn.UpsamplingBilinear2d((9, 7))": 'F.interpolate(x, (9, 7), mode="bilinear", align_corners=True)',
    "nn.Flatten()": "torch.flatten(x, 1)",
    "nn.Flatten(end_dim=2)": "torch.flatten(x, 1, end_dim=2)",
    "nn.Unflatten(1, (2, 2))": "torch.unflatten(x, 1, (2, 2))",
    "nn.Unflatten(dim=1, unflattened_size=(2, -1))": "torch.unflatten(x, dim=1, sizes=(2, -1))",
    "nn.Softmax2d()": "F.softmax(x, dim=-3)",
    "nn.MaxPool2d(3, 2, 1, 1, False, True)": "F.max_pool2d(x, 3, 2, 1, 1, True, False)",
    "nn.AvgPool2d(3, padding=1, count_include_pad=False)": "F.avg_pool2d(x, 3, padding=1, count_include_pad=False)",
    "nn.LayerNorm(6, elementwise_affine=False)": "F.layer_norm(x, (6,))",
    "nn.LayerNorm((6, 6), 1e-3, False)": "F.layer_norm(x, (6, 6), eps=1e-3)",
    "nn.ReLU(inplace=True)": "F.relu(x, inplace=True)",
}


@pytest.mark.parametrize(("constructor", "call"), FORMS.items(), ids=FORMS)
def test_the_functional_form(constructor: str, call: str) -> None:
    quoted = call.replace('"', "'") if "'" in constructor else call
    check(f"self.m = {constructor}", CALL, "", f"return {quoted}")
    tensors = (
        "torch.randn(2, 4, 6)" if "1d" in constructor else "torch.randn(2, 2, 4, 6, 6)" if "3d" in constructor else MAPS
    )
    check_runs(f"self.m = {constructor}", CALL, tensors=tensors)


def test_quotes_are_the_file_s() -> None:
    before = source("self.m = nn.ReflectionPad2d(1)", CALL, before="A, B, C = 'a', 'b', 'c'")
    after = source("", "return F.pad(x, (1, 1, 1, 1), mode='reflect')", before="A, B, C = 'a', 'b', 'c'")
    check_converted(before, after, direction="to-functional")


# -- one number, or one for each side ---------------------------------------------------------------------

PAD = "self.m = nn.ReflectionPad2d({})"
SPREAD: dict[str, tuple[str, str, dict[str, str], str]] = {
    "an annotated number": ("k", "(k,) * 4", {"args": "k: int"}, "1"),
    "a number by what is done with it": ("k // 2", "(k // 2,) * 4", {"args": "k"}, "3"),
    "a tuple of numbers": ("(k, k, 0, 1)", "(k, k, 0, 1)", {"args": "k"}, "1"),
}


@pytest.mark.parametrize(("value", "stored", "parts", "given"), SPREAD.values(), ids=SPREAD)
def test_a_number_is_spread_where_it_is_stored(value: str, stored: str, parts: dict[str, str], given: str) -> None:
    init = PAD.format(value)
    check(init, CALL, f"self.m_padding = {stored}", 'return F.pad(x, self.m_padding, mode="reflect")', **parts)
    check_runs(init, CALL, given, MAPS, **parts)


@pytest.mark.parametrize("given", ["1", "(1, 2, 3, 4)", "[1, 2, 3, 4]"])
@pytest.mark.parametrize("value", ["k", "cfg.k"])
def test_where_only_the_call_knows_both_are_provided_for(value: str, given: str) -> None:
    parts = {"args": "k", "before": "class Cfg:\n    pass"}
    init = f"self.k = k\ncfg = Cfg()\ncfg.k = k\n{PAD.format(value)}"
    text = check_runs(init, CALL, given, MAPS, **parts)
    assert f"hasattr({value}, " in text
    assert "self.m_padding, mode=" in text


HELD = {
    "a number": ("self.k = 2\nself.m = nn.ReflectionPad2d(self.k)", "(self.k,) * 4", ""),
    "an annotated number": ("self.k = k\nself.m = nn.ReflectionPad2d(k)", "(self.k,) * 4", "k: int = 2"),
    "a tuple": ("self.k = (1, 2, 3, 4)\nself.m = nn.ReflectionPad2d(self.k)", "self.k", ""),
    "a normalized shape": ("self.k = 6\nself.m = nn.LayerNorm(self.k, elementwise_affine=False)", "(self.k,)", ""),
}


@pytest.mark.parametrize(("init", "text", "args"), HELD.values(), ids=HELD)
def test_a_held_number_is_spread_at_the_call(init: str, text: str, args: str) -> None:
    call = f"F.layer_norm(x, {text})" if "LayerNorm" in init else f'F.pad(x, {text}, mode="reflect")'
    check(init, CALL, init.partition("\n")[0], f"return {call}", args=args)
    check_runs(init, CALL, tensors=MAPS, args=args)


def test_a_global_is_spread_at_the_call() -> None:
    check(PAD.format("K"), CALL, "", 'return F.pad(x, (K,) * 4, mode="reflect")', before="K = 1")
    check(PAD.format("K"), CALL, "", 'return F.pad(x, K, mode="reflect")', before="K = (1, 2, 3, 4)")


@pytest.mark.parametrize(("value", "parts"), [("f(k)", {"args": "f, k"}), ("hasattr", {"args": "hasattr"})])
def test_what_may_be_either_and_cannot_be_asked_twice(value: str, parts: dict[str, str]) -> None:
    check_stays(PAD.format(value), CALL, "NNC207", **parts)


OTHERS = [
    ("self.m = nn.Upsample(size, scale)", "None, 2.0", "size, scale"),
    ("self.m = nn.Upsample(scale_factor=scale)", "2", "scale"),
    ("self.m = nn.MaxPool2d(k, k)", "2", "k"),
    ("self.m = nn.Unflatten(1, sizes)", "(2, 2)", "sizes"),
    ("self.m = nn.Unflatten(1, sizes)", "[2, 2]", "sizes"),
    ("self.m = nn.LayerNorm(shape, elementwise_affine=False)", "[6, 6]", "shape"),
    ("self.m = nn.LayerNorm(shape, elementwise_affine=False)", "torch.Size([6, 6])", "shape"),
    ("self.m = nn.ConstantPad2d(k, value)", "1, 0.5", "k, value"),
]


@pytest.mark.parametrize(("init", "values", "args"), OTHERS)
def test_settings_from_init(init: str, values: str, args: str) -> None:
    assert "self.m(" not in check_runs(init, CALL, values, MAPS, args=args)


def test_a_list_that_changes_later_is_read_at_construction() -> None:
    init = "self.m = nn.LayerNorm(shape, elementwise_affine=False)\nshape.append(0)"
    check_runs(init, CALL, "[6]", MAPS, args="shape")


@pytest.mark.parametrize(
    ("constructor", "code"),
    [
        ("nn.Unflatten(1, 4)", "NNC208"),
        ("nn.Upsample(scale_factor='2')", "NNC208"),
        ("nn.FractionalMaxPool2d(2)", "NNC208"),
        ("nn.Hardtanh(2.0, 1.0)", "NNC208"),
        ("nn.FractionalMaxPool2d(2, 2, _random_samples=torch.rand(1, 3, 2))", "NNC406"),
    ],
)
def test_what_the_constructor_refuses_or_keeps(constructor: str, code: str) -> None:
    check_stays(f"self.m = {constructor}", CALL, code)


# -- several inputs ----------------------------------------------------------------------------------------

UNPOOL = "self.pool = nn.MaxPool2d(2, return_indices=True)\nself.m = nn.MaxUnpool2d(2)"
INPUTS = {
    "self.m(y, i)": "F.max_unpool2d(y, i, 2)",
    "self.m(y, indices=i)": "F.max_unpool2d(y, indices=i, kernel_size=2)",
    "self.m(y, i, x.shape)": "F.max_unpool2d(y, i, output_size=x.shape, kernel_size=2)",
    "self.m(y, i, output_size=x.shape)": "F.max_unpool2d(y, i, output_size=x.shape, kernel_size=2)",
    "self.m(indices=i, input=y)": "F.max_unpool2d(indices=i, input=y, kernel_size=2)",
}


@pytest.mark.parametrize(("call", "expected"), INPUTS.items())
def test_inputs_keep_their_places_or_get_their_names(call: str, expected: str) -> None:
    forward = f"y, i = self.pool(x)\nreturn {call}"
    text = check_runs(UNPOOL, forward, tensors=MAPS)
    assert f"        y, i = F.max_pool2d(x, 2, return_indices=True)\n        return {expected}\n" in text


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("self.m(*y)", "NNC201"),
        ("self.m(y, **i)", "NNC201"),
        ("self.m(y)", "NNC213"),
        ("self.m(y, i, None, 1)", "NNC213"),
        ("self.m(y, i, size=None)", "NNC213"),
        ("self.m(y, i, input=y)", "NNC213"),
        ("self.m()", "NNC213"),
    ],
)
def test_calls_that_do_not_fit(call: str, code: str) -> None:
    check_stays("self.m = nn.MaxUnpool2d(2)", f"return {call}", code, inputs="y, i")
