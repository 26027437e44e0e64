"""Rule 32: nn.BatchNorm2d counts its batches in training, and so does what it becomes."""

from __future__ import annotations

import pytest
from tests.decide.back import BACK
from tests.helpers import check_converted, codes, net
from tests.weights.both import build, train_alike

BN = "self.bn = nn.BatchNorm1d(3)"
KEPT = """bn = nn.BatchNorm1d(3)
self.bn_weight = bn.weight
self.bn_bias = bn.bias
self.register_buffer("bn_running_mean", bn.running_mean)
self.register_buffer("bn_running_var", bn.running_var)
self.register_buffer("bn_num_batches_tracked", bn.num_batches_tracked)"""
COUNT = "if self.training:\n    self.bn_num_batches_tracked.add_(1)\n"


def functional(x: str) -> str:
    operands = "self.bn_running_mean, self.bn_running_var, self.bn_weight, self.bn_bias"
    return f"F.batch_norm({x}, {operands}, training=self.training)"


COUNTED = {
    "returned": ("return self.bn(x)", f"{COUNT}return {functional('x')}"),
    "assigned": ("x = self.bn(x)\nreturn x", f"{COUNT}x = {functional('x')}\nreturn x"),
    "nested": ("return self.bn(x.relu()).sigmoid()", f"{COUNT}return {functional('x.relu()')}.sigmoid()"),
    "in a branch": (
        "if x.sum() > 0:\n    x = self.bn(x)\nreturn x",
        f"if x.sum() > 0:\n    if self.training:\n        self.bn_num_batches_tracked.add_(1)\n"
        f"    x = {functional('x')}\nreturn x",
    ),
    "in a loop": (
        "for _ in range(3):\n    x = self.bn(x)\nreturn x",
        f"for _ in range(3):\n    if self.training:\n        self.bn_num_batches_tracked.add_(1)\n"
        f"    x = {functional('x')}\nreturn x",
    ),
    "twice": (
        "x = self.bn(x)\nreturn self.bn(x)",
        f"{COUNT}x = {functional('x')}\n{COUNT}return {functional('x')}",
    ),
    "twice in a statement": (
        "return self.bn(x) + self.bn(x * 2)",
        f"{COUNT}    self.bn_num_batches_tracked.add_(1)\nreturn {functional('x')} + {functional('x * 2')}",
    ),
    "first in a choice": (
        "return x if self.bn(x).sum() > 0 else -x",
        f"{COUNT}return x if {functional('x')}.sum() > 0 else -x",
    ),
    "first of several": ("return self.bn(x) is x or x", f"{COUNT}return {functional('x')} is x or x"),
    "behind a comment": (
        "# normalised\nreturn self.bn(\n    x\n)  # here",
        f"# normalised\n{COUNT}return {functional(chr(10) + '    x')[:-1]}\n)  # here",
    ),
}


@pytest.mark.parametrize(("forward", "new"), COUNTED.values(), ids=COUNTED)
def test_a_statement_in_front_counts(forward: str, new: str) -> None:
    check_converted(net(forward, init=BN), net(new, init=KEPT), direction=BACK, parameters=True)
    train_alike(build(net(forward, init=BN), direction=BACK), "torch.randn(4, 3)")


LEFT = {
    "in a condition": "return self.bn(x) if x.sum() > 0 else x",
    "behind and": "return x is None and self.bn(x)",
    "behind a comparison": "return 0 < x.sum() < self.bn(x).sum()",
    "in a lambda": "return (lambda y: self.bn(y))(x)",
    "in a comprehension": "return [self.bn(y) for y in x]",
    "in a nested function": "def f(y):\n    return self.bn(y)\nreturn f(x)",
    "in a loop's test": "while self.bn(x).sum() > 1:\n    x = x / 2\nreturn x",
    "in a loop's head": "for y in self.bn(x):\n    return y",
    "in a branch's test": "if self.bn(x).sum() > 1:\n    return x\nreturn -x",
    "in an assertion": "assert self.bn(x) is not None\nreturn x",
    "with a yield": "yield self.bn((yield x))",
    "behind another statement on its line": "y = 1; return self.bn(x)",
    "on the line of the if": "if x.sum() > 0: return self.bn(x)\nreturn x",
}


@pytest.mark.parametrize("forward", LEFT.values(), ids=LEFT)
def test_a_call_that_may_not_run_once_for_its_statement(forward: str) -> None:
    assert codes(net(forward, init=BN), direction=BACK, parameters=True) == ["NNC422"]


@pytest.mark.parametrize("forward", LEFT.values(), ids=LEFT)
def test_without_statistics_there_is_nothing_to_count(forward: str) -> None:
    init = "self.bn = nn.BatchNorm1d(3, track_running_stats=False)"
    assert codes(net(forward, init=init), direction=BACK, parameters=True) == []


def test_tabs_and_carriage_returns() -> None:
    old = net("return self.bn(x)", init=BN).replace("    ", "\t").replace("\n", "\r\n")
    new = net(f"{COUNT}return {functional('x')}", init=KEPT).replace("    ", "\t").replace("\n", "\r\n")
    check_converted(old, new, direction=BACK, parameters=True)


def test_the_mode_may_change_in_between() -> None:
    both = build(net("return self.bn(x)", init=BN), direction=BACK)
    train_alike(both, "torch.randn(4, 3)", steps=3)
    assert both.new.bn_num_batches_tracked == 3
