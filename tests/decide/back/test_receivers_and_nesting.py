"""Whose self it is: any name for the instance, nested classes and functions, properties, classes made by functions."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.decide.back import BACK, check_runs, converted, decided, source
from tests.helpers import check_converted, executes_the_same

DROP = "self.p = p\nself.drop = nn.Dropout({})"


@pytest.mark.parametrize(
    ("setting", "read"), [("p", "me.p"), ("self.p", "me.p"), ("self.p / 2", "me.p / 2"), ("0.5", "0.5")]
)
def test_a_method_may_name_the_instance_otherwise(setting: str, read: str) -> None:
    text = source(DROP.format(setting), "return self.drop(x)", args="p")
    text = text.replace("def forward(self, x):\n        return self", "def forward(me, x):\n        return me")
    result = executes_the_same(text, "Net", "0.25", "torch.randn(2, 4)", direction=BACK)
    assert f"return F.dropout(x, {read}, training=me.training)" in result


def test_init_may_name_the_instance_otherwise() -> None:
    text = source("self.act = nn.LeakyReLU(p)", "return self.act(x)", args="p")
    start, end = text.index("def __init__"), text.index("    def forward")
    text = text[:start] + text[start:end].replace("self", "this") + text[end:]
    result = executes_the_same(text, "Net", "0.25", "torch.randn(2, 4)", direction=BACK)
    assert "        this.act_negative_slope = p\n" in result
    assert "return F.leaky_relu(x, self.act_negative_slope)" in result


METHODS = {
    "a property": ("@property\ndef f(self):\n    return self.act(torch.ones(1))", True),
    "a cached property": ("@functools.cached_property\ndef f(self):\n    return self.act(torch.ones(1))", True),
    "a decorated method": ("@torch.no_grad()\ndef f(self, x):\n    return self.act(x)", True),
    "an async method": ("async def f(self, x):\n    return self.act(x)", True),
    "a generator": ("def f(self, x):\n    yield self.act(x)", True),
    "a lambda in a method": ("def f(self):\n    return lambda x: self.act(x)", True),
    "self handed to a lambda": ("def f(self, x):\n    return (lambda self: self.act(x))(self)", False),
    "a comprehension over self": ("def f(self, x):\n    return [self.act(x) for self in x]", False),
    "self as a default": ("def f(self, x):\n    def g(me=self):\n        return me.act(x)\n    return g()", False),
}


@pytest.mark.parametrize(("body", "converts"), METHODS.values(), ids=METHODS)
def test_methods(body: str, converts: bool) -> None:
    text = source("self.act = nn.ReLU()", "return self.act(x)", body=body, before="import functools")
    assert decided(text) == ("act act" if converts else "NNC605")
    if converts:
        assert "self.act" not in converted(text)


NESTED = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Outer(nn.Module):
    class Inner(nn.Module):
        def __init__(self, p):
            super().__init__()
            self.drop = nn.Dropout(p)

        def forward(self, x):
            return self.drop(x)

    def __init__(self, p):
        super().__init__()
        self.inner = self.Inner(p / 2)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.drop(self.inner(x))
"""


def test_a_class_in_a_class() -> None:
    expected = NESTED.replace("self.drop = nn.Dropout(p)", "self.drop_p = p")
    expected = expected.replace("self.drop(x)", "F.dropout(x, self.drop_p, training=self.training)")
    expected = expected.replace(
        "self.drop(self.inner(x))", "F.dropout(self.inner(x), self.drop_p, training=self.training)"
    )
    check_converted(NESTED, expected, direction=BACK)
    executes_the_same(NESTED, "Outer", "0.5", "torch.randn(2, 4)", direction=BACK)


def test_a_class_that_a_function_makes() -> None:
    text = dedent(
        """\
        import torch
        import torch.nn as nn
        import torch.nn.functional as F


        def make(p, slope):
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.drop = nn.Dropout(p)
                    self.act = nn.LeakyReLU(slope)

                def forward(self, x, slope=None):
                    return self.drop(self.act(x))

            slope = slope * 2
            return Net()
        """
    )
    result = executes_the_same(text, "make", "0.5, 0.25", "torch.randn(2, 4)", direction=BACK)
    assert "self.drop_p = p\n" in result
    assert "self.act_negative_slope = slope\n" in result


def test_a_method_that_another_method_replaces() -> None:
    text = source(
        "self.act = nn.ReLU()",
        "return self.act(x)",
        body="def f(self, x):\n    return self.act(x)\n\ndef f(self, x):\n    return x",
    )
    assert "self.act" not in converted(text)


def test_names_of_the_module_mean_the_same_at_every_call() -> None:
    before = "P = 0.25"
    body = "def f(self, x, P=1.0):\n    return self.drop(x)"
    text = source("self.drop = nn.Dropout(P)", "return self.drop(x)", before=before, body=body)
    assert "self.drop_p = P" in converted(text)
    local = source("self.drop = nn.Dropout(P)", "P = 1.0\nreturn self.drop(x)", before=before)
    assert "self.drop_p = P" in executes_the_same(local, "Net", inputs="torch.randn(2, 4)", direction=BACK)


def test_a_subclass_runs_what_its_base_converts() -> None:
    after = "class Sub(Net):\n    def __init__(self):\n        super().__init__(0.5)\n        self.p = 1\n"
    text = source("self.drop = nn.Dropout(p)", "return self.drop(x)", args="p", after=after)
    executes_the_same(text, "Sub", inputs="torch.randn(2, 4)", direction=BACK)
    held = source("self.p = p\nself.drop = nn.Dropout(p)", "return self.drop(x)", args="p", after=after)
    assert "self.drop_p = p" in executes_the_same(held, "Sub", inputs="torch.randn(2, 4)", direction=BACK)


def test_a_submodule_of_a_base_and_one_of_a_subclass_get_names_of_their_own() -> None:
    after = dedent(
        """\
        class Sub(Net):
            def __init__(self, p):
                super().__init__(p / 2)
                self.act = nn.LeakyReLU(p)
                self.act2 = nn.LeakyReLU(p)

            def forward(self, x):
                return self.act2(self.act(super().forward(x)))
        """
    )
    init = "self.slope = nn.LeakyReLU(p)\nself.slope2 = nn.LeakyReLU(p)"
    text = source(init, "return self.slope(self.slope2(x))", args="p", after=after)
    result = executes_the_same(text, "Sub", "0.5", "torch.randn(2, 4)", direction=BACK)
    assert result.count("self.p_negative_slope = p\n") == 1
    assert result.count("self.act_negative_slope = p\n") == 1


def test_calls_in_branches_that_the_mode_decides() -> None:
    forward = "if self.training:\n    x = self.drop(x)\nelse:\n    x = self.act(x)\nreturn self.act(self.fc(x))"
    assert "self.act(" not in check_runs("self.drop = nn.Dropout(p)\nself.act = nn.ReLU()", forward, "0.5", args="p")
