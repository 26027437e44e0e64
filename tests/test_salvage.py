"""A file in which one call site is guilty of a difference: that one is left, the others are converted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Command = Callable[..., Run]

CALLS = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        x = F.relu(self.fc(x))
        x = torch.sigmoid(x)
        x = F.elu(x) * (1 + repr(self).count("Sigmoid"))
        return torch.tanh(x)


class Other(nn.Module):
    def forward(self, x):
        return F.gelu(x)
"""
"""The converted sigmoid shows in the output; nothing else does."""
SUBMODULES = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.relu = nn.ReLU()
        self.sigmoid = nn.Sigmoid()
        self.tanh = nn.Tanh()

    def forward(self, x):
        x = self.sigmoid(self.relu(x))
        return self.tanh(x) * (1 + repr(self).count("Sigmoid"))
"""


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify on the interpreter of the tests."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def test_the_guilty_call_site_is_left_and_the_others_convert(run: Command, project: Path) -> None:
    (project / "net.py").write_text(CALLS)
    ended = run("--to-module", "net.py")
    assert ended.code == 3, ended.err
    text = (project / "net.py").read_text()
    assert "torch.sigmoid(x)" in text
    assert not re.search(r"F\.relu|F\.elu|torch\.tanh|F\.gelu", text)
    assert re.search(r"Net.forward:13 +torch.sigmoid +left: Net differs with it: train, call 1: output", ended.err)
    assert "1 file changed, 4 call sites converted, 1 left, 1 of them since verification found a differ" in ended.err
    assert "2 classes proved" in ended.err
    assert "NNC701: " in ended.err


def test_quiet_names_the_guilty_call_site(run: Command, project: Path) -> None:
    (project / "net.py").write_text(CALLS)
    ended = run("--to-module", "-q", "--class", "Net", "net.py")
    assert ended.code == 3
    assert ended.err.startswith("net.py: Net.forward:13 torch.sigmoid was left: Net differs with it: ")
    assert len(ended.err.splitlines()) == 1


def test_no_salvage_leaves_the_file_whole(run: Command, project: Path) -> None:
    (project / "net.py").write_text(CALLS)
    ended = run("--to-module", "--no-salvage", "net.py")
    assert ended.code == 3
    assert (project / "net.py").read_text() == CALLS
    assert "1 file left as it was since verification found a difference" in ended.err
    assert "the runs part at aten.mul.Tensor in line 14 of the old version" in ended.err
    words = "nnconvert --to-module --check --no-salvage net.py --model Net --inputs "
    assert words in ended.err
    assert same_differences(run, ended) == []


def test_the_command_that_is_said_shows_the_difference_again(run: Command, project: Path) -> None:
    """Also one that the first call does not show, or not the shape that the first call is given."""
    source = CALLS.partition("class Net")[0]
    for number, when in enumerate(("self.n > 1", "x.shape[0] > 2", "not self.training")):
        forward = f"self.n += 1\n        return torch.sigmoid(x) * (1 + ({when}) * repr(self).count('Sigmoid'))\n"
        source += f"class Net{number}(nn.Module):\n    n = 0\n    def forward(self, x):\n        {forward}\n\n"
    (project / "net.py").write_text(source)
    ended = run("--to-module", "--select", "sigmoid", "--no-salvage", "net.py")
    assert ended.code == 3
    assert "nnconvert --to-module --select sigmoid --check --no-salvage net.py;" in ended.err
    assert same_differences(run, ended) == []


def same_differences(run: Command, ended: Run) -> list[str]:
    """Differences that were told and that the command told does not tell again, and the other way round."""
    said = set(re.findall("to see it again: nnconvert (.*?); the file was left", ended.err))
    again = run(*shlex.split(said.pop()))
    assert not said
    assert again.code == 3
    before, after = ({*re.findall("Net.* differs: .*?;", found.err)} for found in (ended, again))
    assert before
    return sorted(before ^ after)


def test_to_functional(run: Command, project: Path) -> None:
    (project / "net.py").write_text(SUBMODULES)
    ended = run("--to-functional", "net.py")
    assert ended.code == 3, ended.err
    text = (project / "net.py").read_text()
    assert "self.sigmoid = nn.Sigmoid()" in text
    assert "nn.ReLU" not in text
    assert "nn.Tanh" not in text


def test_a_file_of_guilty_call_sites_alone_is_left_whole(run: Command, project: Path) -> None:
    source = CALLS.replace('count("Sigmoid")', 'count("(")').split("\n\nclass Other")[0]
    (project / "net.py").write_text(source)
    ended = run("--to-module", "net.py")
    assert ended.code == 3
    assert (project / "net.py").read_text() == source
