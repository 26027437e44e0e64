"""What is asked for, and what is asked to be left: then the submodule stays for the calls that stay."""

from __future__ import annotations

from typing import Any

import pytest
from tests.decide.back import BACK, converted, decided
from tests.helpers import convert

SOURCE = """\
import torch.nn as nn
import torch.nn.functional as F


class A(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.act = nn.ReLU()
        self.drop = nn.Dropout(p)

    def forward(self, x):
        x = self.act(self.fc(x))
        x = self.drop(x)
        return self.drop(self.act(x))


class B(nn.Module):
    class C(nn.Module):
        def __init__(self):
            super().__init__()
            self.skip = nn.Identity()
            self.norm = nn.LayerNorm(4)

        def forward(self, x):
            return self.skip(nn.ReLU()(self.norm(x)))

    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(2)
        self.seq = nn.Sequential(nn.GELU())

    def forward(self, x):
        return self.seq(self.pool(x))
"""
A = ["relu", "dropout", "dropout", "relu"]
C = ["identity", "relu"]
B = ["gelu", "max_pool2d"]
CHOICES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "everything": ({}, A + C + B),
    "a functional": ({"select": frozenset({"relu"})}, ["relu", "relu", "relu"]),
    "a functional by its other spelling": ({"select": frozenset({"relu_"})}, ["relu", "relu", "relu"]),
    "a family": ({"select": frozenset({"activation"})}, ["relu", "relu", "relu", "gelu"]),
    "several": ({"select": frozenset({"pooling", "dropout"})}, ["dropout", "dropout", "max_pool2d"]),
    "a family without one": (
        {"select": frozenset({"activation"}), "ignore": frozenset({"gelu"})},
        ["relu", "relu", "relu"],
    ),
    "without a family": ({"ignore": frozenset({"activation"})}, ["dropout", "dropout", "identity", "max_pool2d"]),
    "a class": ({"classes": frozenset({"A"})}, A),
    "a nested class": ({"classes": frozenset({"B.C"})}, C),
    "lines of calls": ({"lines": ((25, 26),)}, C),
    "lines of assignments": ({"lines": ((8, 10),)}, []),
    "the line of an entry": ({"lines": ((31, 31),)}, ["gelu"]),
}


@pytest.mark.parametrize(("options", "names"), CHOICES.values(), ids=CHOICES)
def test_only_what_is_asked_for_is_decided(options: dict[str, Any], names: list[str]) -> None:
    _, plan = convert(SOURCE, direction=BACK, **options)
    assert [decision.site.functional for decision in plan.decisions] == names


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if text in line)


def on(*texts: str) -> dict[str, Any]:
    return {"lines": tuple((line_of(text), line_of(text)) for text in texts), "classes": frozenset({"A"})}


FIRST, DROP, LAST = "self.act(self.fc(x))", "x = self.drop(x)", "self.drop(self.act(x))"


def test_a_submodule_stays_for_the_calls_that_stay() -> None:
    assert converted(SOURCE, **on(FIRST)) == SOURCE.replace("self.act(self.fc(x))", "F.relu(self.fc(x))")


def test_a_submodule_that_holds_a_setting_converts_with_all_of_its_calls_or_not_at_all() -> None:
    assert decided(SOURCE, **on(DROP)) == "NNC609"
    assert decided(SOURCE, **on(FIRST, LAST)) == "act NNC609 act"
    assert decided(SOURCE, **on(DROP, LAST)) == "drop drop act"


@pytest.mark.parametrize(
    ("place", "outcome"),
    [
        ("self.act = nn.ReLU()", "NNC501 drop drop NNC501"),
        ("self.drop = nn.Dropout(p)", "act NNC501 NNC501 act"),
        ("x = self.act(self.fc(x))", "NNC501 drop drop act"),
        ("x = self.drop(x)", "act NNC501 NNC609 act"),
        ("return self.drop(self.act(x))", "act NNC609 NNC501 NNC501"),
        ("def forward(self, x):", "NNC501 NNC501 NNC501 NNC501"),
        ("def __init__(self, p):", "NNC501 NNC501 NNC501 NNC501"),
        ("class A(nn.Module):", "NNC501 NNC501 NNC501 NNC501"),
        ("import torch.nn as nn", "act drop drop act"),
    ],
)
def test_a_comment_asks_to_skip(place: str, outcome: str) -> None:
    text = SOURCE.replace(place, f"{place}  # nnconvert: skip", 1)
    assert decided(text, classes=frozenset({"A"})) == outcome


def test_a_comment_asks_to_skip_the_file() -> None:
    assert set(decided(f"# nnconvert: skip-file\n{SOURCE}").split()) == {"NNC501", "NNC604"}


def test_a_comment_inside_of_a_call_asks_for_that_one() -> None:
    text = SOURCE.replace("self.drop(self.act(x))", "self.drop(  # nnconvert: skip\n            self.act(x)\n        )")
    assert decided(text, classes=frozenset({"A"})) == "act NNC609 NNC501 act"


def test_what_stays_keeps_its_words_and_its_import() -> None:
    text = SOURCE.replace("import torch.nn as nn\n", "import torch.nn as nn\nfrom torch.nn import ReLU\n")
    text = text.replace("self.act = nn.ReLU()", "self.act = ReLU()  # kept")
    line = line_of(FIRST) + 1
    result = converted(text, lines=((line, line),))
    assert "from torch.nn import ReLU\n" in result
    assert "self.act = ReLU()  # kept\n" in result


@pytest.mark.parametrize("options", [{"share": True}, {"split_shared": True}, {"methods": True}, {"unsafe": True}])
def test_options_of_the_other_direction_change_nothing(options: dict[str, Any]) -> None:
    assert converted(SOURCE, **options) == converted(SOURCE)
