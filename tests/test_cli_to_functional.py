"""The command line on files, the other way: submodules become functionals."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Command = Callable[..., Run]
FAST = ("--to-functional", "--no-verify")

OLD = b"""\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.act = nn.ReLU()  # as usual
        self.drop = nn.Dropout(p)
        self.gate = nn.Sigmoid()

    def forward(self, x):
        x = self.act(self.fc(x))
        return self.drop(x) * self.scale(x)

    def scale(self, x):
        return sum(map(self.gate, x))


def get_inputs():
    return [torch.randn(2, 4)]
"""
NEW = b"""\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.drop_p = p
        self.gate = nn.Sigmoid()

    def forward(self, x):
        # as usual
        x = F.relu(self.fc(x))
        return F.dropout(x, self.drop_p, training=self.training) * self.scale(x)

    def scale(self, x):
        return sum(map(self.gate, x))


def get_inputs():
    return [torch.randn(2, 4)]
"""


@pytest.fixture
def path(project: Path) -> Path:
    path = project / "net.py"
    path.write_bytes(OLD)
    return path


def test_a_file_is_converted_in_place(run: Command, project: Path, path: Path) -> None:
    path.chmod(0o755)
    ended = run(*FAST, "net.py")
    assert (ended.code, ended.out) == (0, b"")
    assert path.read_bytes() == NEW
    assert ended.err == (
        "net.py\n"
        "  Net.__init__:11     nn.Sigmoid    left: line 18 uses self.gate for more than a call (NNC603)\n"
        "  Net.forward:14      self.act      -> F.relu\n"
        "  Net.forward:15      self.drop     -> F.dropout\n"
        "NNC603: Call it as self.<name>(...) only.\n"
        "1 file changed, 2 call sites converted, 1 left; nothing was verified (--no-verify)\n"
    )
    assert path.stat().st_mode & 0o777 == 0o755
    assert sorted(os.listdir(project)) == ["net.py", "pyproject.toml"]


def test_a_conversion_is_verified_and_written(run: Command, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    ended = run("--to-functional", "--require-verified", "net.py")
    assert ended.code == 0, ended.err
    assert "1 class proved (train and eval, input 2x4, these sizes only)" in ended.err
    assert path.read_bytes() == NEW


def test_a_second_run_touches_nothing(run: Command, path: Path) -> None:
    run(*FAST, "net.py")
    os.utime(path, ns=(10**18, 10**18))
    ended = run(*FAST, "net.py")
    assert ended.code == 0
    assert ended.err.splitlines()[-1].startswith("0 files changed, 0 call sites converted, 1 left")
    assert path.stat().st_mtime_ns == 10**18


def test_check_writes_nothing_and_tells_by_its_exit_code(run: Command, path: Path) -> None:
    ended = run(*FAST, "--check", ".")
    assert (ended.code, ended.out) == (1, b"")
    assert "1 file would change, 2 call sites would be converted, 1 left" in ended.err
    assert path.read_bytes() == OLD
    path.write_bytes(NEW)
    assert run(*FAST, "--check", ".").code == 0


def test_diff_prints_every_line_that_changes(run: Command, path: Path) -> None:
    ended = run(*FAST, "--diff", "net.py")
    assert ended.code == 0
    lines = ended.out.decode().splitlines()
    assert [line for line in lines if re.match(r"[+-](?![+-])", line)] == [
        "+import torch.nn.functional as F",
        "-        self.act = nn.ReLU()  # as usual",
        "-        self.drop = nn.Dropout(p)",
        "+        self.drop_p = p",
        "-        x = self.act(self.fc(x))",
        "-        return self.drop(x) * self.scale(x)",
        "+        # as usual",
        "+        x = F.relu(self.fc(x))",
        "+        return F.dropout(x, self.drop_p, training=self.training) * self.scale(x)",
    ]
    assert path.read_bytes() == OLD
    assert run(*FAST, "--diff", "--check", "net.py").code == 1


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_stdin_to_stdout_gives_nothing_but_code(run: Command, newline: bytes) -> None:
    ended = run(*FAST, "-", stdin=OLD.replace(b"\n", newline))
    assert (ended.code, ended.out) == (0, NEW.replace(b"\n", newline))
    assert ended.err.startswith("<stdin>\n  Net.__init__:11")
    unchanged = run(*FAST, "-", stdin=NEW.replace(b"\n", newline))
    assert (unchanged.code, unchanged.out) == (0, NEW.replace(b"\n", newline))


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "latin-1": lambda net: b"# coding: latin-1\n" + net.replace(b"as usual", b"\xe0 la caf\xe9"),
    "utf-8": lambda net: net.replace(b"as usual", "日本 é".encode()),
    "bom": lambda net: b"\xef\xbb\xbf" + net,
    "tabs": lambda net: net.replace(b"    ", b"\t"),
    "no final newline": lambda net: net.rstrip(b"\n"),
    "form feed": lambda net: net.replace(b"\n\nclass", b"\n\x0c\nclass"),
}


@pytest.mark.parametrize("change", BYTES.values(), ids=BYTES)
def test_every_other_byte_stays(run: Command, path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(OLD))
    assert run(*FAST, "net.py").code == 0
    assert path.read_bytes() == change(NEW)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--share"], "--share goes with --to-module only"),
        (["--split-shared"], "--split-shared goes with --to-module only"),
        (["--methods"], "--methods goes with --to-module only"),
        (["--to-module"], "--to-module and --to-functional exclude each other"),
        (["--select", "dropuot"], "'dropuot'; did you mean 'dropout'"),
        (["--class", "Nett"], "'Nett'; did you mean 'Net'"),
        (["--lines", "9-"], "'9-' is no range of lines"),
    ],
)
def test_usage_errors_are_one_line_and_write_nothing(
    run: Command, path: Path, arguments: list[str], words: str
) -> None:
    ended = run("--to-functional", *arguments, "net.py")
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, b"", 1)
    assert words in ended.err
    assert path.read_bytes() == OLD


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ["self.act", "self.drop"]),
        (("--select", "relu"), ["self.act"]),
        (("--select", "dropout,pooling"), ["self.drop"]),
        (("--ignore", "activation"), ["self.drop"]),
        (("--class", "Net"), ["self.act", "self.drop"]),
        (("--lines", "14-14"), ["self.act"]),
        (("--lines", "1-12"), []),
    ],
)
def test_names_classes_and_lines_narrow_a_run(
    run: Command, path: Path, arguments: tuple[str, ...], words: list[str]
) -> None:
    ended = run(*FAST, "--check", *arguments, "net.py")
    assert re.findall(r"^  Net\.forward:\d+ +(\S+) +->", ended.err, re.MULTILINE) == words
    assert path.read_bytes() == OLD


def test_a_file_that_fails_is_named_and_the_others_go_on(run: Command, project: Path, path: Path) -> None:
    (project / "bad.py").write_bytes(b"import torch.nn as nn\nx = (1,\n  2]\n")
    ended = run(*FAST, "bad.py", "net.py")
    assert ended.code == 4
    assert ended.err.startswith("bad.py:3:4: ")
    assert path.read_bytes() == NEW


LAYERS = """\
from torch.nn import Module, ReLU


class Net(Module):
    def __init__(self):
        super().__init__()
        self.n = 1
        self.act = ReLU()

    def forward(self, x):
        return self.act(x)
"""


@pytest.mark.parametrize(("other", "left"), [("ReLU", "Module, ReLU"), ("Net", "Module")])
def test_imports_that_other_files_read_stay(run: Command, project: Path, other: str, left: str) -> None:
    (project / "layers.py").write_text(LAYERS)
    (project / "other.py").write_text(f"from layers import {other}\n")
    assert run(*FAST, ".").code == 0
    text = (project / "layers.py").read_text()
    assert text.startswith(f"from torch.nn import {left}\nimport torch.nn.functional as F\n")
    assert "return F.relu(x)\n" in text


def test_there_and_back(run: Command, path: Path) -> None:
    path.write_bytes(OLD.replace(b"p=0.1", b"p: float = 0.1"))
    assert run(*FAST, "net.py").code == 0
    ended = run("--to-module", "--no-verify", "net.py")
    assert "2 call sites converted, 0 left" in ended.err
    text = path.read_bytes()
    assert b"        self.drop_p = p\n        self.gate = nn.Sigmoid()\n" in text
    assert b"        self.relu = nn.ReLU()\n        self.dropout = nn.Dropout(self.drop_p)\n" in text
    assert b"functional" not in text
