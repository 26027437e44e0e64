"""What the tests of the command line share: a model to convert and two ways to run."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nnconvert.cli import main

NET = b"""\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        x = F.relu(self.fc(x))  # keep me
        return F.softmax(x, x.dim() - 1)


def get_inputs():
    return [torch.randn(2, 4)]
"""


@dataclass(frozen=True)
class Run:
    code: int
    out: bytes
    err: str


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test meets, or changes, what a person has in the cache."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NNCONVERT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def net() -> bytes:
    """A model with one call site that converts (F.relu) and one that stays (F.softmax)."""
    return NET


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the working folder."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Run]:
    """Run the command line in this process, in the project."""

    def run(*arguments: object, stdin: bytes = b"") -> Run:
        monkeypatch.chdir(project)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        captured = capsysbinary.readouterr()
        return Run(code, captured.out, captured.err.decode())

    return run


@pytest.fixture
def command(project: Path) -> Callable[..., Run]:
    """Run the command line in a process of its own, in the project."""

    def command(*arguments: object, stdin: bytes = b"", **environment: str) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "nnconvert", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=project,
            env={**os.environ, **environment},
        )
        return Run(done.returncode, done.stdout, done.stderr.decode())

    return command
