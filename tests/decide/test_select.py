"""What is asked for: --select, --ignore, --class, --lines and --methods."""

from __future__ import annotations

from typing import Any

import pytest
from tests.helpers import check_left, convert, executes_the_same, net, registrations

SOURCE = """\
import torch.nn as nn
import torch.nn.functional as F


class A(nn.Module):
    def forward(self, x):
        x = F.relu(x)
        return F.max_pool2d(x, 2)


class B(nn.Module):
    class C(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5, self.training)

    def forward(self, x):
        return F.relu_(F.gelu(x))
"""
ALL = ["relu", "max_pool2d", "dropout", "relu", "gelu"]


@pytest.mark.parametrize(
    ("options", "decided"),
    [
        ({}, ALL),
        ({"select": frozenset({"relu"})}, ["relu", "relu"]),
        ({"select": frozenset({"relu_"})}, ["relu"]),
        ({"select": frozenset({"activation"})}, ["relu", "relu", "gelu"]),
        ({"select": frozenset({"activation"}), "ignore": frozenset({"gelu"})}, ["relu", "relu"]),
        ({"ignore": frozenset({"dropout", "pooling"})}, ["relu", "relu", "gelu"]),
        ({"classes": frozenset({"A"})}, ["relu", "max_pool2d"]),
        ({"classes": frozenset({"B"})}, ["relu", "gelu"]),
        ({"classes": frozenset({"B.C"})}, ["dropout"]),
        ({"lines": ((8, 8),)}, ["max_pool2d"]),
        ({"lines": ((1, 7), (17, 99))}, ["relu", "relu", "gelu"]),
        ({"lines": ((1, 3),)}, []),
    ],
)
def test_only_what_is_asked_for_is_decided(options: dict[str, Any], decided: list[str]) -> None:
    _, plan = convert(SOURCE, **options)
    assert [decision.site.functional for decision in plan.decisions] == decided
    assert len(plan.converted) == len(decided)


def test_the_rest_stays_as_it_is() -> None:
    source = net("x = F.relu(x)\nreturn F.relu(x)")
    line = next(number for number, line in enumerate(source.splitlines(), 1) if "x = F.relu(x)" in line)
    text, _ = convert(source, lines=((line, line),))
    assert "self.relu = nn.ReLU()" in text
    assert "x = self.relu(x)" in text
    assert "return F.relu(x)" in text


# -- tensor methods --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("x.relu()", "self.relu(x)"),
        ("x.flatten(1)", "self.flatten(x)"),
        ("x.sigmoid().relu()", "self.relu(self.sigmoid(x))"),
        ("x.relu().sigmoid()", "self.sigmoid(self.relu(x))"),
        ("F.relu(x).sigmoid()", "self.sigmoid(self.relu(x))"),
        ("F.relu(x.sigmoid())", "self.relu(self.sigmoid(x))"),
        ("(x + 1).relu()", "self.relu((x + 1))"),
        ("x[0].softmax(dim=-1)", "self.softmax(x[0])"),
        ("(-x).tanh().flatten(start_dim=0).relu()", "self.relu(self.flatten(self.tanh((-x))))"),
        ("x.relu() + x.relu()", "self.relu1(x) + self.relu2(x)"),
    ],
)
def test_tensor_methods(call: str, expected: str) -> None:
    text = executes_the_same(net(f"return {call}"), "Net", inputs="torch.randn(2, 3)", methods=True)
    assert f"return {expected}\n" in text


def test_tensor_methods_are_not_asked_for_by_default() -> None:
    _, plan = convert(net("return x.relu()"))
    assert not plan.decisions


@pytest.mark.parametrize(
    "call", ["self.relu(x)", "self.x.relu()", "torch.special.softmax(x, 0)", "super().relu(x)", "K.relu()"]
)
def test_other_objects_have_such_methods_too(call: str) -> None:
    _, plan = convert(net(f"return {call}", before="K = 1"), methods=True)
    assert not plan.decisions


def test_settings_of_a_method_from_the_input_are_left() -> None:
    check_left(net("return x.flatten(y)", inputs="x, y"), "NNC204", methods=True)


def test_a_chain_over_several_lines_keeps_its_comments() -> None:
    forward = "return (\n    x\n    # first\n    .flatten(1)  # then\n    .relu()\n)"
    text = executes_the_same(net(forward), "Net", inputs="torch.randn(2, 3, 2)", methods=True)
    assert registrations(net(forward), methods=True) == ["flatten = nn.Flatten(1)", "relu = nn.ReLU()"]
    assert text.index("# first") < text.index("# then")
