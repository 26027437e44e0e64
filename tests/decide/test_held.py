"""Rule 20: a functional held on self becomes a module where every use of the attribute is a plain call."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, convert, executes_the_same, net

ACT = "self.act = F.relu"
CALL = "return self.act(x)"


@pytest.mark.parametrize(
    ("init", "constructor"),
    [
        (ACT, "nn.ReLU()"),
        ("self.act: object = torch.tanh", "nn.Tanh()"),
        ("self.act = nn.functional.relu_", "nn.ReLU(inplace=True)"),
        ("self.act, self.k = F.gelu, 2", "nn.GELU(), 2"),
        ("self.act = F.relu if self.training else torch.tanh", "nn.ReLU() if self.training else nn.Tanh()"),
        (
            "self.act = F.elu if not self.training else (F.gelu if self.training else F.relu6)",
            "nn.ELU() if not self.training else (nn.GELU() if self.training else nn.ReLU6())",
        ),
    ],
)
def test_a_held_functional_converts(init: str, constructor: str) -> None:
    text = executes_the_same(net("x = x + 1\n" + CALL, init=init), "Net", inputs="torch.randn(2, 3)")
    assert f"= {constructor}" in text
    assert "return self.act(x)" in text


def test_the_attribute_may_be_called_like_the_functional() -> None:
    executes_the_same(net("return self.relu(x)", init="self.relu = F.relu"), "Net", inputs="torch.randn(2, 3)")


def test_used_in_a_subclass_and_from_outside() -> None:
    after = "class Sub(Net):\n    def forward(self, x):\n        return self.act(self.act(x))\nSub().act(y)"
    text, plan = convert(net(CALL, init=ACT, after=after))
    assert "self.act = nn.ReLU()" in text
    assert len(plan.converted) == 1


@pytest.mark.parametrize(
    "source",
    [
        net(CALL, init="self.act = F.relu if a else a", args="a"),
        net(CALL, init="self.act = F.relu if a else F.gelu if a == 1 else None", args="a"),
        net(CALL, init="self.act = a if F.relu else None", args="a"),
        net("return self.act(x, True)", init="self.act = F.relu if a else F.gelu", args="a"),
        net(CALL, init="self.act = (F.relu if a else F.gelu, 1)[0]", args="a"),
        net(CALL, init="if a:\n    self.act = F.relu", args="a"),
        net(CALL, init="self.act = a or F.relu", args="a"),
        net(CALL, init="self.acts = {'relu': F.relu}"),
        net(CALL, init="self.act = make(F.relu)"),
        net(CALL, init="self.act = self.other = F.relu"),
        net(CALL, init="act = self.act = F.relu\nself.acts = [act]"),
        net("return self.act(x, True)", init=ACT),
        net("return self.act(x, inplace=True)", init=ACT),
        net("return self.act(input=x)", init=ACT),
        net("return self.act(*x)", init=ACT),
        net("act = self.act\nreturn act(x)", init=ACT),
        net("return run(self.act, x)", init=ACT),
        net("return self.act(x) if self.act is F.gelu else x", init=ACT),
        net(CALL, init=ACT, after="net = Net()\nnet.act = torch.tanh"),
        net(CALL, init=ACT, after="f = Net().act"),
        net(CALL, init=ACT, after="f = getattr(Net(), 'act')"),
        net(CALL, init=ACT, body="act = None"),
        net(CALL, init="self.act = F.dropout"),
        net(CALL, init="self.act = F.max_pool2d"),
        net("return self.run(x, F.relu)"),
    ],
)
def test_other_uses_are_left(source: str) -> None:
    _, plan = convert(source)
    assert not plan.converted
    assert "NNC109" in [decision.outcome.code for decision in plan.left]  # type: ignore[union-attr]


def test_assigned_before_super_init_is_left() -> None:
    source = """\
        import torch.nn as nn
        import torch.nn.functional as F


        class Net(nn.Module):
            def __init__(self):
                self.act = F.relu
                super().__init__()

            def forward(self, x):
                return self.act(x)
        """
    check_left(source, "NNC304")
