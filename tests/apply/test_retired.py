"""The edits of submodules that go: their assignments, their calls, and not a byte besides."""

from __future__ import annotations

import pytest
from tests.helpers import convert, executes_the_same, net

BACK = "to-functional"

SOURCE = net(
    "x = self.act(\n    self.fc(x),  # keep\n)\nx = self.skip(x)\nreturn self.drop(\\\n    x)",
    init=(
        "self.fc = nn.Linear(4, 4)\n\nself.act = nn.ReLU(  # one\n    inplace=True,\n)  # two\n"
        "self.drop = nn.Dropout(\n    p)\nself.skip = nn.Identity(); self.n = 1"
    ),
    args="p",
)
EXPECTED = net(
    "# one\n# two\nx = F.relu(\n    self.fc(x), inplace=True,  # keep\n)\n"
    "return F.dropout(\\\n    x, self.drop_p, training=self.training)",
    init="self.fc = nn.Linear(4, 4)\n\nself.drop_p = p\nself.n = 1",
    args="p",
)


def _relaid(text: str, newline: str, indent: str, ending: bool) -> str:
    text = text.replace("    ", indent).replace("\n", newline)
    return text if ending else text.rstrip("\r\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
@pytest.mark.parametrize("ending", [True, False])
def test_newlines_and_indents_are_kept(newline: str, indent: str, ending: bool) -> None:
    text, plan = convert(_relaid(SOURCE, newline, indent, ending), direction=BACK)
    assert len(plan.converted) == 3
    assert text == _relaid(EXPECTED, newline, indent, ending)


def test_the_example_runs() -> None:
    executes_the_same(SOURCE, "Net", "0.5", "torch.randn(2, 4)", direction=BACK)


def _forward(call: str, constructor: str = "nn.Dropout(0.5)") -> str:
    """The converted body of forward, not indented."""
    source = net(call, init=f"self.n = 1\nself.m = {constructor}", inputs="x, y=None")
    if "await" in call:
        source = source.replace("    def forward", "    async def forward")
    lines = convert(source, direction=BACK)[0].rstrip("\n").split("\n")
    start = next(number for number, line in enumerate(lines) if "def forward" in line)
    return "\n".join(line.removeprefix(" " * 8) for line in lines[start + 1 :])


P = "0.5, training=self.training"
CALLS = {
    "plain": ("return self.m(x)", f"return F.dropout(x, {P})"),
    "with a comment": ("return self.m(x)  # noqa", f"return F.dropout(x, {P})  # noqa"),
    "trailing comma": ("return self.m(x,)", f"return F.dropout(x, {P},)"),
    "spaces": ("return self . m ( x )", f"return F.dropout ( x, {P} )"),
    "parentheses around the input": ("return self.m((x))", f"return F.dropout((x), {P})"),
    "parentheses around the module": ("return (self.m)(x)", f"return (F.dropout)(x, {P})"),
    "glued": ("return(self.m)(x)if x else(self.m)(x)", f"return(F.dropout)(x, {P})if x else(F.dropout)(x, {P})"),
    "by keyword": ("return self.m(input=x)", "return F.dropout(input=x, p=0.5, training=self.training)"),
    "backslashes": ("return self \\\n    .m \\\n    (x)", f"return F.dropout \\\n    (x, {P})"),
    "own lines": (
        "return self.m(\n    x,\n)",
        "return F.dropout(\n    x,\n    0.5,\n    training=self.training,\n)",
    ),
    "own lines without a comma": ("return self.m(\n    x\n)", f"return F.dropout(\n    x, {P}\n)"),
    "hanging": ("return self.m(self.f(\n    x,\n))", f"return F.dropout(self.f(\n    x,\n), {P})"),
    "nested": ("return self.m(self.m(x))", f"return F.dropout(F.dropout(x, {P}), {P})"),
    "nested on own lines": (
        "return self.m(\n    self.m(\n        x,\n    ),\n)",
        "return F.dropout(\n    F.dropout(\n        x,\n        0.5,\n        training=self.training,\n    ),\n"
        "    0.5,\n    training=self.training,\n)",
    ),
    "in its own index": ("return self.m(x[self.m(x)])", f"return F.dropout(x[F.dropout(x, {P})], {P})"),
    "comments everywhere": (
        "return self.m(  # a\n    # b\n    x,  # c\n    # d\n)  # e",
        f"return F.dropout(  # a\n    # b\n    x, {P},  # c\n    # d\n)  # e",
    ),
    "a comment before a comma": ("return self.m(x  # a\n    ,  # b\n)", f"return F.dropout(x  # a\n    , {P},  # b\n)"),
    "a comment behind the input": ("return self.m(\n    x  # a\n)", f"return F.dropout(\n    x, {P}  # a\n)"),
    "a comment inside of the name": (
        "return (self  # a\n    .m(x))",
        f"return (F.dropout(  # a\n        x, {P}))",
    ),
    "a comment inside of the name on its line": (
        "return (\n    self\n    # a\n    .m(\n        x,\n    )\n)",
        "return (\n    F.dropout(  # a\n        x,\n        0.5,\n        training=self.training,\n    )\n)",
    ),
    "strings with commas and parentheses": (
        "return self.m(self.d[f'a,{x!r:>{3}}) # no'])",
        f"return F.dropout(self.d[f'a,{{x!r:>{{3}}}}) # no'], {P})",
    ),
    "wide characters": (
        "é = '日本𝄞'; return self.m(x) + self.m(é)",
        f"é = '日本𝄞'; return F.dropout(x, {P}) + F.dropout(é, {P})",
    ),
    "a lambda": ("return self.m(lambda a, b: {a: b})", f"return F.dropout(lambda a, b: {{a: b}}, {P})"),
    "a conditional": ("return self.m(x if y else -x)", f"return F.dropout(x if y else -x, {P})"),
    "a walrus": ("if (z := self.m(y := x)) is x: return z", f"if (z := F.dropout(y := x, {P})) is x: return z"),
    "awaited": ("return self.m(await x)", f"return F.dropout(await x, {P})"),
}


@pytest.mark.parametrize(("call", "expected"), CALLS.values(), ids=CALLS)
def test_the_call_reads_as_before(call: str, expected: str) -> None:
    assert _forward(call) == expected


NAMED = {
    "size by position": (
        "return self.m(x, y,\n    x.shape  # size\n)",
        "nn.MaxUnpool2d(2)",
        "return F.max_unpool2d(x, y,\n    output_size=x.shape, kernel_size=2  # size\n)",
    ),
    "size by keyword, with a comment": (
        "return self.m(x, y,\n    output_size=  # size\n    x.shape)",
        "nn.MaxUnpool2d(2)",
        "return F.max_unpool2d(x, y,\n    output_size=  # size\n    x.shape, kernel_size=2)",
    ),
    "another name": (
        "return self.m(log_input  =  x, target=y)",
        "nn.PoissonNLLLoss(False)",
        "return F.poisson_nll_loss(input=x, target=y, log_input=False)",
    ),
    "another name, with a comment": (
        "return self.m(log_input=  # logs\n    x,\n    target=y,\n)",
        "nn.PoissonNLLLoss()",
        "return F.poisson_nll_loss(input=  # logs\n    x,\n    target=y,\n)",
    ),
}


@pytest.mark.parametrize(("call", "constructor", "expected"), NAMED.values(), ids=NAMED)
def test_arguments_that_get_a_name(call: str, constructor: str, expected: str) -> None:
    assert _forward(call, constructor) == expected


ONE_LINE = """\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, p=0.5): super().__init__(); {init}
    def forward(self, x): return {forward}{end}"""
BODIES = {
    "behind": ("self.n = 1; self.m = nn.ReLU()", "self.n = 1"),
    "before": ("self.m = nn.ReLU(); self.n = 1", "self.n = 1"),
    "with a comment": ("self.n = 1; self.m = nn.ReLU()  # c", "self.n = 1  # c"),
    "stored": ("self.m = nn.LeakyReLU(p)", "self.m_negative_slope = p"),
    "stored between others": (
        "self.n = 1; self.m = nn.LeakyReLU(p); self.o = 2  # c",
        "self.n = 1; self.m_negative_slope = p; self.o = 2  # c",
    ),
    "on two lines": ("self.n = 1; self.m = nn.ReLU(\n        inplace=False)", "self.n = 1"),
}


@pytest.mark.parametrize(("init", "expected"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("end", ["", "\n"])
def test_bodies_on_the_line_of_the_def(init: str, expected: str, end: str) -> None:
    call = "F.leaky_relu(x, self.m_negative_slope)" if "Leaky" in init else "F.relu(x, inplace=False)"
    call = call if "Leaky" in init or "inplace" in init else "F.relu(x)"
    text, _ = convert(ONE_LINE.format(init=init, forward="self.m(x)", end=end), direction=BACK)
    assert text == ONE_LINE.format(init=expected, forward=call, end=end)


def test_a_stored_value_that_is_too_long_for_a_line() -> None:
    value = "first_rate_of_all if first_rate_of_all is not None else second_rate_of_them"
    source = net(
        "return self.drop(x)",
        init=f"self.drop = nn.Dropout({value})",
        args="first_rate_of_all=None, second_rate_of_them=0.5",
    )
    text = executes_the_same(source, "Net", "", "torch.randn(2, 4)", direction=BACK)
    assert f"        self.drop_p = (\n            {value}\n        )\n" in text
    assert f"        self.drop_p = {value}\n" in convert(source, direction=BACK, line_length=120)[0]


def test_a_form_feed_and_trailing_blanks_stay() -> None:
    source = SOURCE.replace("class Net", "\x0c\nclass Net").replace("self.n = 1", "self.n = 1  ")
    text, _ = convert(source, direction=BACK)
    assert "\x0c\nclass Net" in text
    assert "self.n = 1  \n" in text


def test_many_nested_calls() -> None:
    depth = 90
    source = net("return " + "self.m(" * depth + "x" + ")" * depth, init="self.n = 1\nself.m = nn.ReLU()")
    text, plan = convert(source, direction=BACK)
    assert len(plan.converted) == depth
    assert "F.relu(" * depth + "x" + ")" * depth in text


def test_nothing_but_the_edits_changes() -> None:
    forward = "x = {  'a' :x }[ 'a' ]   ;  y = self.m( x )   # c\nreturn  y"
    source = net(forward, init="self.n   =  1\nself.m = nn.ReLU()")
    text, _ = convert(source, direction=BACK)
    assert text == source.replace("        self.m = nn.ReLU()\n", "").replace("self.m( x )", "F.relu( x )")
