"""Rule 23: comments, line breaks, parentheses and everything else around a converted call stay."""

from __future__ import annotations

import ast

import pytest
from tests.helpers import convert, executes_the_same, net

HEADER = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def _forward(source: str, **options: bool) -> str:
    """The converted body of forward, not indented."""
    text, plan = convert(source, **options)
    assert plan.converted, plan.left
    lines = text.rstrip("\n").split("\n")
    start = next(number for number, line in enumerate(lines) if "def forward" in line)
    return "\n".join(line.removeprefix(" " * 8) for line in lines[start + 1 :])


CASES = {
    "trailing comment": (
        "return F.relu(x)  # noqa",
        "return self.relu(x)  # noqa",
    ),
    "comments in every position": (
        "return F.max_pool2d(  # a\n    # b\n    x,  # c\n    # d\n    kernel_size=2,  # e\n    # f\n"
        "    stride=2,\n    # g\n)  # h",
        "return self.max_pool2d(  # a\n    # b\n    x,  # c\n    # d\n    # e\n    # f\n    # g\n)  # h",
    ),
    "comment inside an argument that goes": (
        "return F.max_pool2d(\n    x,\n    (2,  # h\n     2),  # w\n)",
        "return self.max_pool2d(\n    x,\n    # h\n    # w\n)",
    ),
    "comment inside an argument on the line of another": (
        "return F.max_pool2d(x, (2,  # h\n    2))",
        "return self.max_pool2d(x,  # h\n    )",
    ),
    "comment behind an argument on the first line": (
        "return F.max_pool2d(kernel_size=2,  # k\n    input=x)",
        "return self.max_pool2d(  # k\n    x)",
    ),
    "comment between name and value": (
        "return F.relu(input=  # c\n    x)",
        "return self.relu(  # c\n    x)",
    ),
    "comment inside the function's parentheses": (
        "return (\n    # c\n    F.relu\n)(x)",
        "return self.relu(  # c\n    x)",
    ),
    "comment inside a constructor": (
        "return nn.MaxPool2d(\n    2,  # k\n)(x)",
        "return self.max_pool2d(  # k\n    x)",
    ),
    "type ignore": (
        "return F.softmax(  # type: ignore\n    x,\n    dim=1,  # noqa\n)",
        "return self.softmax(  # type: ignore\n    x,  # noqa\n)",
    ),
    "magic trailing comma stays": (
        "return F.relu(\n    x,\n    inplace=True,\n)",
        "return self.relu(\n    x,\n)",
    ),
    "trailing comma of one line goes": ("return F.max_pool2d(x, 2,)", "return self.max_pool2d(x)"),
    "trailing comma of one argument stays": ("return F.relu(x,)", "return self.relu(x,)"),
    "argument over lines": (
        "return F.relu(\n    self.f(\n        x\n    ), inplace=True\n)",
        "return self.relu(\n    self.f(\n        x\n    ),\n)",
    ),
    "hanging": (
        "return F.max_pool2d(x,\n                    2,\n                    stride=2)",
        "return self.max_pool2d(x)",
    ),
    "over lines that are not needed any more": (
        "y = F.max_pool2d(\n    x, 2, stride=2\n) + 1",
        "y = self.max_pool2d(x) + 1",
    ),
    "over lines, behind a setting": (
        "y = F.pad(\n    mode='reflect', pad=(1, 1),\n    input=F.relu(x)\n) + 1",
        "y = self.pad(self.relu(x)) + 1",
    ),
    "over lines that are still needed": (
        f"return F.relu(\n    self.{'f' * 60}(x), inplace=True\n)",
        f"return self.relu(\n    self.{'f' * 60}(x),\n)",
    ),
    "backslashes": ("return F.max_pool2d \\\n    (x, \\\n     2)", "return self.max_pool2d(x)"),
    "parentheses around the function": ("return (F.relu)(x)", "return self.relu(x)"),
    "parentheses around an input": ("return F.relu((x), True)", "return self.relu((x))"),
    "spaces": ("return F . relu ( x , inplace = True )", "return self.relu( x  )"),
    "nested with comments": (
        "return F.relu(  # outer\n    F.max_pool2d(x, 2),  # inner\n    inplace=True)",
        "return self.relu(  # outer\n    self.max_pool2d(x),  # inner\n)",
    ),
    "two on a line": (
        "return F.relu(x) + F.relu(x)[0] + F.relu(F.relu(x)).sum()",
        "return self.relu1(x) + self.relu2(x)[0] + self.relu3(self.relu4(x)).sum()",
    ),
    "strings with commas and parentheses": (
        "return F.relu(self.d[f'a,{x!r:>{3}}) # no'], True)",
        "return self.relu(self.d[f'a,{x!r:>{3}}) # no'])",
    ),
    "wide characters before it": (
        "é = '日本𝄞'; return F.relu(x, True) + F.relu(é)",
        "é = '日本𝄞'; return self.relu1(x) + self.relu2(é)",
    ),
    "lambda with two arguments": (
        "return F.relu(lambda a, b: {a: b}, True)",
        "return self.relu(lambda a, b: {a: b})",
    ),
    "swapped keywords": (
        "return F.mse_loss(\n    target=y,  # t\n    input=x,  # i\n)",
        "return self.mse_loss(\n    x,  # t\n    y,  # i\n)",
    ),
    "swapped keywords with comments before the values": (
        "return F.mse_loss(\n    target=  # t\n    y,\n    input=x,\n)",
        "return self.mse_loss(\n    # t\n    x,\n    y,\n)",
    ),
    "conditional and chained": (
        "return F.relu(x).sum() if x else F.relu(x)[0]",
        "return self.relu1(x).sum() if x else self.relu2(x)[0]",
    ),
    "walrus": ("if (y := F.relu(x, True)) is x: return y", "if (y := self.relu(x)) is x: return y"),
    "await": ("return F.relu(await x)", "return self.relu(await x)"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_call_reads_as_before(name: str) -> None:
    before, after = CASES[name]
    source = net(before, inputs="x, y=None")
    if name == "await":
        source = source.replace("    def forward", "    async def forward")
    assert _forward(source) == after


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
@pytest.mark.parametrize("ending", [True, False])
def test_newlines_and_indents_are_kept(newline: str, indent: str, ending: bool) -> None:
    forward = "x = F.max_pool2d(\n    x,  # keep\n    (2,  # two\n    2))\nreturn F.relu(\\\n    x, True)"
    source = net(forward).replace("    ", indent).replace("\n", newline)
    source = source if ending else source.rstrip("\r\n")
    text, plan = convert(source)
    assert len(plan.converted) == 2
    rest = text.replace(newline, "")
    assert "\r" not in rest
    assert "\n" not in rest
    assert text.endswith(newline) is ending
    assert f"{newline}{indent * 2}self.relu = nn.ReLU(True){newline}" in text


def test_a_form_feed_stays() -> None:
    text, _ = convert(net("return F.relu(x, True)").replace("class Net", "\x0c\nclass Net"))
    assert "\x0c\nclass Net" in text


def test_many_nested_calls() -> None:
    depth = 90
    text, plan = convert(net("return " + "F.relu(" * depth + "x" + ")" * depth))
    assert len(plan.converted) == depth
    assert "self.relu90(x)" in text
    chained, plan = convert(net("return x" + ".relu()" * depth), methods=True)
    assert len(plan.converted) == depth
    assert "self.relu1(x)" in chained


def test_a_very_long_expression_elsewhere() -> None:
    text, _ = convert(net("return F.relu(x)", before="K = " + " + ".join(["1"] * 700)))
    assert "self.relu(x)" in text


def test_nothing_but_the_edits_changes() -> None:
    source = net("x = {  'a' :1 }[ 'a' ]   ;  y = F.relu( x,True )   # c\nreturn  y")
    text, _ = convert(source)
    assert "        x = {  'a' :1 }[ 'a' ]   ;  y = self.relu( x )   # c\n        return  y\n" in text
    assert len(text.splitlines()) == len(source.splitlines())  # one import goes, one registration comes


def test_a_decorator_and_annotations_stay() -> None:
    source = net("return F.relu(x)", inputs="x: 'torch.Tensor', *, k: int = 3").replace(
        "    def forward", "    @torch.no_grad()\n    def forward"
    )
    text = executes_the_same(source, "Net", inputs="torch.randn(2, 3)")
    assert "    @torch.no_grad()\n    def forward(self, x: 'torch.Tensor', *, k: int = 3):" in text
    ast.parse(text)


def test_a_call_is_joined_only_where_the_project_has_room_for_it() -> None:
    source = net("y = F.max_pool2d(\n    x, 2, stride=2\n) + 1\nreturn y")
    joined = "        y = self.max_pool2d(x) + 1\n"
    assert joined in convert(source, line_length=len(joined) - 1)[0]
    assert joined not in convert(source, line_length=len(joined) - 2)[0]
