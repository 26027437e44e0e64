"""Rule 27, the uses: a submodule goes where its own class calls it and nothing else is done with it."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.back import BACK, check, check_runs, check_stays, converted, decided, source
from tests.helpers import check_left, executes_the_same

ACT = "self.act = nn.ReLU()"
CALL = "return self.act(self.fc(x))"
CALLED = {
    "once": ("return self.act(x)", "return F.relu(x)"),
    "several times": ("x = self.act(x)\nreturn self.act(x)", "x = F.relu(x)\nreturn F.relu(x)"),
    "nested": ("return self.act(self.act(x) - 1)", "return F.relu(F.relu(x) - 1)"),
    "in branches": (
        "if x.ndim > 1:\n    return self.act(x)\nreturn -self.act(-x)",
        "if x.ndim > 1:\n    return F.relu(x)\nreturn -F.relu(-x)",
    ),
    "in a loop": (
        "for _ in range(2):\n    x = self.act(x)\nreturn x",
        "for _ in range(2):\n    x = F.relu(x)\nreturn x",
    ),
    "in a comprehension": ("return [self.act(v) for v in x]", "return [F.relu(v) for v in x]"),
    "in a nested function": (
        "def g(v):\n    return self.act(v)\nreturn g(x)",
        "def g(v):\n    return F.relu(v)\nreturn g(x)",
    ),
    "in a default": (
        "def g(v=self.act(x)):\n    return v\nreturn g()",
        "def g(v=F.relu(x)):\n    return v\nreturn g()",
    ),
    "thrown away": ("self.act(x)\nreturn x", "F.relu(x)\nreturn x"),
    "with its result held": ("self.y = self.act(x)\nreturn self.y", "self.y = F.relu(x)\nreturn self.y"),
}


@pytest.mark.parametrize(("forward", "expected"), CALLED.values(), ids=CALLED)
def test_calls_convert_wherever_they_stand(forward: str, expected: str) -> None:
    check(ACT, forward, "", expected)
    check_runs(ACT, forward)


def test_a_call_in_init_converts_too() -> None:
    init, new = "self.zero = float(self.act(torch.zeros(1)))", "self.zero = float(F.relu(torch.zeros(1)))"
    check(f"{ACT}\n{init}", CALL, new, "return F.relu(self.fc(x))")
    check_runs(f"{ACT}\n{init}", CALL)


VALUES = {
    "handed to checkpoint": "return checkpoint(self.act, x)",
    "handed to map": "return list(map(self.act, x))",
    "returned": "return self.act",
    "held by a local": "act = self.act\nreturn act(x)",
    "in a list": "for f in [self.fc, self.act]:\n    x = f(x)\nreturn x",
    "its forward": "return self.act.forward(x)",
    "its setting": "return self.act(x) if self.act.inplace else x",
    "its mode": "self.act.eval()\nreturn self.act(x)",
    "tested for None": "return self.act(x) if self.act is not None else x",
    "in an f-string": "return self.act(x), f'{self.act}'",
    "a setting that is stored": "self.act.inplace = True\nreturn self.act(x)",
}


@pytest.mark.parametrize("forward", VALUES.values(), ids=VALUES)
def test_a_module_that_is_a_value_stays(forward: str) -> None:
    check_stays(ACT, forward, "NNC603", before="from torch.utils.checkpoint import checkpoint")


@pytest.mark.parametrize(
    "init",
    [
        "self.seq = nn.Sequential(nn.Linear(4, 4), self.act)",
        "self.layers = nn.ModuleList([self.act])",
        "self.act.register_forward_hook(print)",
        "self.act.requires_grad_(False)",
        "self.other = self.act",
        "nn.utils.parametrize.register_parametrization(self.fc, 'weight', self.act)",
    ],
)
def test_a_module_that_init_hands_on_stays(init: str) -> None:
    check_stays(f"{ACT}\n{init}", CALL, "NNC603")


def test_a_module_that_nothing_calls_stays() -> None:
    check_stays(ACT, "return x", "NNC608")


# -- relatives -------------------------------------------------------------------------------------------------

SUB = "class Sub(Net):\n    def forward(self, x):\n        return {}\n"


def test_a_subclass_that_calls_it() -> None:
    check_stays(ACT, CALL, "NNC606", after=SUB.format("self.act(x)"))


def test_a_base_that_calls_it() -> None:
    base = "class Base(nn.Module):\n    def act_on(self, x):\n        return self.act(x)\n"
    text = source(ACT, CALL, before=base).replace("Net(nn.Module)", "Net(Base)")
    assert decided(text) == "NNC606 NNC606"


def test_a_base_that_only_declares_what_its_subclasses_build() -> None:
    text = f"""\
import torch.nn as nn


class Base(nn.Module):
    def forward(self, x):
        return self.act(x)


class Net(Base):
    def __init__(self):
        super().__init__()
        {ACT}
"""
    check_left(text, "NNC606", direction=BACK)


def test_a_subclass_that_assigns_it_again() -> None:
    sub = "class Sub(Net):\n    def __init__(self):\n        super().__init__()\n        self.act = nn.GELU()\n"
    assert decided(source(ACT, CALL, after=sub)) == "NNC602 NNC602"


def test_a_subclass_that_does_something_else() -> None:
    after = SUB.format("super().forward(x).abs()")
    text = source(ACT, CALL, after=after)
    assert "return F.relu(self.fc(x))" in converted(text)
    executes_the_same(text, "Sub", inputs="torch.randn(2, 4)", direction=BACK)


def test_classes_without_a_relation_may_use_one_name() -> None:
    other = source("self.act = nn.Tanh()", "return self.act(self.fc(x))").replace("Net", "Other")
    text = source(ACT, CALL) + other[other.index("class") :]
    assert decided(text) == "act act"
    executes_the_same(text, "Net", inputs="torch.randn(2, 4)", direction=BACK)
    executes_the_same(text, "Other", inputs="torch.randn(2, 4)", direction=BACK)


# -- other classes and other objects ---------------------------------------------------------------------------

FAMILY = {
    "a subclass that skips __init__": "class Sub(Net):\n    def __init__(self):\n        nn.Module.__init__(self)\n",
    "a method on another object": "class Other(nn.Module):\n    def forward(self, x):\n        return Net.forward(self, x)\n",
    "a method of another class": "class Other(nn.Module):\n    forward = Net.forward\n",
    "a method that is replaced": "Net.forward = print\n",
    "objects that __init__ has not seen": "net = Net.__new__(Net)\n",
}


@pytest.mark.parametrize("after", FAMILY.values(), ids=FAMILY)
def test_instances_that_may_be_something_else(after: str) -> None:
    check_stays(ACT, CALL, "NNC110", after=after)


@pytest.mark.parametrize(
    ("bases", "before", "code"),
    [
        ("nn.Sequential", "", "NNC301"),
        ("nn.ModuleList", "", "NNC301"),
        ("object", "", "NNC104"),
        ("Unknown", "from other import Unknown", "NNC105"),
        ("Slotted", "class Slotted(nn.Module):\n    def __getattr__(self, name):\n        return 1\n", "NNC303"),
        ("Slotted", "class Slotted(nn.Module):\n    __slots__ = ('act',)\n", "NNC303"),
    ],
)
def test_classes_that_are_not_like_others(bases: str, before: str, code: str) -> None:
    text = source(ACT, CALL, before=before).replace("class Net(nn.Module)", f"class Net({bases})")
    check_left(text, code, direction=BACK)


def test_a_configured_base() -> None:
    text = source(ACT, CALL, before="from other import Base").replace("Net(nn.Module)", "Net(Base)")
    assert decided(text, module_bases=frozenset({"other.Base"})) == "act"
