"""``--parameters`` with ``--map``, end to end: convert, migrate what was saved before, go on training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.helpers import bits, load

from conftest import Run
from nnconvert import apply, files
from nnconvert.checkpoint.state_map import read

Convert = Callable[..., Run]

HEAD = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Head(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, width) * 0.02)
        self.bias = nn.Parameter(torch.zeros(classes))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)
"""

BLOCK = """

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(width, width, 3, 3) * 0.1)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("var", torch.ones(width))
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))
        self.mix = nn.Conv2d(width, width, 1)
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = F.conv2d(x, self.kernel, padding=1)
        y = F.batch_norm(y, self.mean, self.var, self.gamma, self.beta, self.training)
        y = F.layer_norm(self.mix(F.relu(y)).transpose(1, 3), (4,), self.scale).transpose(1, 3)
        return x + y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Parameter(torch.randn(4, 3, 3, 3) * 0.2)
        self.body = nn.ModuleList(Block(4) for _ in range(4))
        self.head = Head(4, 5)

    def forward(self, x):
        x = F.conv2d(x, self.stem, padding=1)
        for block in self.body:
            x = block(x)
        return self.head(x.mean((2, 3)))


def get_inputs():
    return [torch.randn(2, 3, 6, 6)]
"""


def converted(run: Convert, project: Path, source: str, *options: str) -> tuple[Run, ModuleType, ModuleType]:
    """Convert net.py with a state map; the run, and both versions as modules."""
    (project / "net.py").write_text(source)
    ended = run("--to-module", "--parameters", "--map", "m.json", "net.py", *options)
    assert ended.code == 0, ended.err
    return ended, module(source), module((project / "net.py").read_text())


def module(source: str) -> ModuleType:
    found = ModuleType("net")
    vars(found).update(load(source))
    return found


def trained(model: torch.nn.Module, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    model.train()
    for step in range(first, last):
        torch.manual_seed(100 + step)
        optimizer.zero_grad()
        model(torch.randn(4, 3, 6, 6)).square().mean().backward()
        optimizer.step()


def saved(model: torch.nn.Module, optimizer: torch.optim.Optimizer, path: Path) -> None:
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.01),
}


def test_training_goes_on_as_if_nothing_had_been_converted(run: Convert, project: Path) -> None:
    ended, old, new = converted(run, project, HEAD + BLOCK, "-v")
    assert "order of parameters in net:Block: kernel, gamma, beta, scale, mix.weight, mix.bias became " in ended.err
    assert "Block: kernel -> conv2d.weight, " in ended.err
    assert (
        "; new key batch_norm.num_batches_tracked; the order of parameters changes: optimizer state needs" in ended.err
    )
    names = read(project / "m.json").models["net:Net"].keys
    assert len(names) == 1 + 4 * 6 + 2
    for name, make in OPTIMIZERS.items():
        torch.manual_seed(0)
        before = old.Net()
        optimizer = make(before.parameters())
        trained(before, optimizer, 0, 10)
        saved(before, optimizer, project / f"{name}.pt")
        migrated = run("migrate", f"{name}.pt", "--map", "m.json", "-o", f"new-{name}.pt")
        assert migrated.code == 0, migrated.err
        content = torch.load(project / f"new-{name}.pt", weights_only=True)
        torch.manual_seed(1)
        after = new.Net()
        resumed = make(after.parameters())
        after.load_state_dict(content["model"])
        resumed.load_state_dict(content["optimizer"])
        trained(before, optimizer, 10, 20)
        trained(after, resumed, 10, 20)
        state = after.state_dict()
        for key, value in before.state_dict().items():
            assert bits(value) == bits(state[names.get(key, key)]), (name, key)
        saved(after, resumed, project / f"later-{name}.pt")
        back = run("migrate", f"later-{name}.pt", "--map", "m.json", "-o", f"back-{name}.pt", "--reverse")
        assert back.code == 0, back.err
        content = torch.load(project / f"back-{name}.pt", weights_only=True)
        optimizer.load_state_dict(content["optimizer"])
        before.load_state_dict(content["model"])


def test_the_map_of_a_small_class(run: Convert, project: Path) -> None:
    source = HEAD.replace("(self, width, classes)", "(self, width=4, classes=5)")
    ended, _, _ = converted(run, project, source)
    assert "  Head: weight -> linear.weight, bias -> linear.bias\n" in ended.err
    keys = {"weight": "linear.weight", "bias": "linear.bias"}
    assert json.loads((project / "m.json").read_text()) == {
        "version": 1,
        "files": {"net.py": {"Head": keys}},
        "models": {"net:Head": {"keys": keys, "order": [["weight", "bias"], ["linear.weight", "linear.bias"]]}},
    }


def test_without_verification_the_map_has_what_the_source_says(run: Convert, project: Path) -> None:
    converted(run, project, HEAD, "--no-verify")
    found = read(project / "m.json")
    assert found.files == {"net.py": {"Head": {"weight": "linear.weight", "bias": "linear.bias"}}}
    assert not found.models


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_the_map_is_written_without_the_sources(run: Convert, project: Path, option: str) -> None:
    (project / "net.py").write_text(HEAD)
    run("--to-module", "--parameters", "--map", "m.json", "net.py", "--no-verify", option)
    assert (project / "net.py").read_text() == HEAD
    assert list(read(project / "m.json").files) == ["net.py"]


def test_the_map_of_stdin(run: Convert, project: Path) -> None:
    options = ("--parameters", "--no-verify", "--map", "m.json", "--stdin-filename", "sub/net.py")
    assert run("--to-module", "-", *options, stdin=HEAD.encode()).code == 0
    assert list(read(project / "m.json").files) == ["sub/net.py"]


def test_a_run_that_moves_nothing_leaves_the_map_of_an_earlier_one(run: Convert, project: Path) -> None:
    converted(run, project, HEAD, "--no-verify")
    before = (project / "m.json").read_bytes()
    again = run("--to-module", "--parameters", "--map", "m.json", "net.py")
    assert (again.code, again.err.splitlines()[-1]) == (0, "m.json: not written, since no key changes")
    assert (project / "m.json").read_bytes() == before
    quiet = run("--to-module", "--parameters", "--map", "m.json", "net.py", "-q")
    assert (quiet.code, quiet.err) == (0, "")


@pytest.mark.parametrize("where", ["missing/m.json", "."])
def test_a_map_that_cannot_be_written_is_found_out_before_anything_is(run: Convert, project: Path, where: str) -> None:
    (project / "net.py").write_text(HEAD)
    ended = run("--to-module", "--parameters", "--map", where, "net.py")
    assert (ended.code, len(ended.err.splitlines())) == (4, 1)
    assert ended.err.startswith(f"{where}: cannot be written: ")
    assert (project / "net.py").read_text() == HEAD


def test_the_map_is_no_source(run: Convert, project: Path) -> None:
    (project / "net.py").write_text(HEAD)
    ended = run("--to-module", "--parameters", "--map", "net.py", "net.py")
    assert (ended.code, ended.err) == (2, "nnconvert: --map net.py: is one of the files to be converted\n")
    assert (project / "net.py").read_text() == HEAD


def test_a_map_needs_parameters(run: Convert, project: Path) -> None:
    (project / "net.py").write_text(HEAD)
    ended = run("--to-module", "--map", "m.json", "net.py")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "--map goes with --parameters" in ended.err


def test_a_file_that_differs_is_not_in_the_map(run: Convert, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = apply.apply
    (project / "a.py").write_text(HEAD.replace("(self, width, classes)", "(self, width=4, classes=5)"))
    (project / "b.py").write_text(HEAD.replace("(self, width, classes)", "(self, width=3, classes=2)"))
    monkeypatch.setattr("nnconvert.check.check", lambda *_: None)

    def wrong(*given: Any) -> str:
        return right(*given).replace("width=3, classes=2", "width=3, classes=1")

    monkeypatch.setattr(apply, "apply", wrong)
    ended = run("--to-module", "--parameters", "--map", "m.json", "a.py", "b.py")
    assert ended.code == 3
    found = read(project / "m.json")
    assert (list(found.files), list(found.models)) == (["a.py"], ["a:Head"])


def test_an_interrupted_run_leaves_the_map_of_what_it_wrote(
    run: Convert, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = files.write

    def interrupted(path: Path, old: bytes, new: bytes) -> None:
        if path.name == "b.py":
            raise KeyboardInterrupt
        right(path, old, new)

    monkeypatch.setattr(files, "write", interrupted)
    for name in ("a.py", "b.py"):
        (project / name).write_text(HEAD)
    ended = run("--to-module", "--parameters", "--map", "m.json", "a.py", "b.py", "--no-verify")
    assert ended.code == 130
    assert "self.linear(x)" in (project / "a.py").read_text()
    assert list(read(project / "m.json").files) == ["a.py"]


def test_two_models_that_are_imported_under_one_name(run: Convert, project: Path) -> None:
    for folder, classes in (("one", 5), ("two", 6)):
        (project / folder).mkdir()
        text = HEAD.replace("(self, width, classes)", f"(self, width=4, classes={classes})")
        text = text if folder == "one" else text.replace("weight", "matrix")
        (project / folder / "net.py").write_text(text)
    ended = run("--to-module", "--parameters", "--map", "m.json", "one/net.py", "two/net.py")
    assert ended.code == 0, ended.err
    assert list(read(project / "m.json").models) == ["net:Head", "two/net.py:Head"]


NORM = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("var", torch.ones(width))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.var, training=self.training)
"""
INSIDE = """

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv{n}d(3, 4, 3)
        self.norm = Norm(4)

    def forward(self, x):
        return self.norm(self.conv(x))
"""


def test_a_run_tells_the_rank_of_a_batch_norm(run: Convert, project: Path) -> None:
    ended, _, _ = converted(run, project, NORM + INSIDE.format(n=2))
    assert "-> self.batch_norm" in ended.err
    assert "nn.BatchNorm2d(" in (project / "net.py").read_text()
    assert read(project / "m.json").models["net:Net"].added == ("norm.batch_norm.num_batches_tracked",)


def test_a_guess_tells_no_rank_and_neither_do_runs_of_several(run: Convert, project: Path) -> None:
    alone = NORM.partition("\n\n\n")[2].replace("Norm", "Alone").replace("width)", "width=3)", 1)
    source = NORM + INSIDE.format(n=2) + INSIDE.format(n=3).replace("class Net", "class Other") + "\n\n" + alone
    source += "\n\ndef get_inputs():\n    return [torch.randn(2, 3, 8, 8)]\n"
    (project / "net.py").write_text(source)
    ended = run("--to-module", "--parameters", "net.py")
    assert ended.err.count("(NNC414)") == 2
    assert (project / "net.py").read_text() == source
