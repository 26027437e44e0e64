"""stdin and stdout: code, diffs, a reader that goes away, Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Command = Callable[..., Run]
FAST = ("--to-module", "--no-verify")


@pytest.mark.parametrize("change", [lambda s: s, lambda s: s.replace(b"\n", b"\r\n"), lambda s: b"\xef\xbb\xbf" + s])
def test_stdin_to_stdout_gives_nothing_but_code(
    command: Command, project: Path, net: bytes, change: Callable[[bytes], bytes]
) -> None:
    source = change(net)
    ended = command(*FAST, "-", stdin=source)
    assert ended.code == 0
    (project / "net.py").write_bytes(source)
    command(*FAST, "net.py")
    assert ended.out == (project / "net.py").read_bytes() != source
    assert ended.err.startswith("<stdin>\n  Net.forward:12")


def test_stdin_without_a_change_comes_back(run: Command) -> None:
    for source in (b"", b"import os", b"# coding: latin-1\nx = '\xff'"):
        ended = run(*FAST, "-", stdin=source)
        assert (ended.code, ended.out) == (0, source)


def test_stdin_that_is_no_python_fails_though_it_has_nothing_to_convert(run: Command) -> None:
    for source in (b"x = (", b"x = '\xff'"):
        ended = run(*FAST, "-", stdin=source)
        assert (ended.code, ended.out) == (4, b"")


def test_stdin_that_fails_gives_no_code(run: Command) -> None:
    ended = run(*FAST, "--stdin-filename", "src/net.py", "-", stdin=b"import torch.nn\nx = (\n")
    assert (ended.code, ended.out) == (4, b"")
    assert ended.err.startswith("src/net.py:2:5: ")


def test_stdin_with_check_or_diff_gives_no_code(run: Command, net: bytes) -> None:
    ended = run(*FAST, "--check", "-", stdin=net)
    assert (ended.code, ended.out) == (1, b"")
    ended = run(*FAST, "--diff", "--stdin-filename", "src/net.py", "-", stdin=net)
    assert (ended.code, ended.out.splitlines()[:2]) == (0, [b"--- a/src/net.py", b"+++ b/src/net.py"])


BASE = b"import torch.nn as nn\n\n\nclass Base(nn.Module):\n    pass\n"
DERIVED = (
    b"import torch.nn.functional as F\nfrom %s import Base\n\n\nclass Net(Base):\n"
    b"    def forward(self, x):\n        return F.relu(x)\n"
)


def test_stdin_is_in_a_project_where_its_filename_says_so(run: Command, project: Path) -> None:
    (project / "base.py").write_bytes(BASE)
    source = DERIVED % b"base"
    assert run(*FAST, "-", stdin=source).out == source
    assert b"self.relu = nn.ReLU()" in run(*FAST, "--stdin-filename", "new.py", "-", stdin=source).out


def test_python_says_where_packages_are(run: Command, tmp_path: Path) -> None:
    python = tmp_path / "env" / "bin" / "python"
    site = tmp_path / "env" / "lib" / "python3.12" / "site-packages"
    for folder in (python.parent, site):
        folder.mkdir(parents=True)
    python.touch()
    (site / "package.py").write_bytes(BASE)
    source = DERIVED % b"package"
    assert run(*FAST, "-", stdin=source).out == source
    assert b"self.relu = nn.ReLU()" in run(*FAST, "--python", python, "-", stdin=source).out


def test_stdin_filename_chooses_configuration_and_excludes(run: Command, project: Path, net: bytes) -> None:
    (project / "src").mkdir()
    (project / "src" / "pyproject.toml").write_text("[tool.nnconvert]\nselect = ['dropout']")
    assert run(*FAST, "-", stdin=net).out != net
    assert run(*FAST, "--stdin-filename", "src/net.py", "-", stdin=net).out == net
    assert run(*FAST, "--stdin-filename", "gen/net.py", "--force-exclude", "^/gen/", "-", stdin=net).out == net


APPLIED = {
    "plain": lambda net: net,
    "crlf": lambda net: net.replace(b"\n", b"\r\n"),
    "latin-1": lambda net: b"# coding: latin-1\n" + net.replace(b"keep me", b"caf\xe9"),
    "cr": lambda net: net.replace(b"\n", b"\r"),
    "no final newline": lambda net: net[: net.index(b"\n\n\ndef")],
}
TOOLS = {"patch": ["patch", "-p1", "--binary"], "git": ["git", "apply", "-"]}


@pytest.mark.parametrize("tool", [name for name in TOOLS if shutil.which(name)])
@pytest.mark.parametrize("name", APPLIED)
def test_the_diff_applies(run: Command, project: Path, net: bytes, name: str, tool: str) -> None:
    path = project / "my models" / "net.py"
    path.parent.mkdir()
    path.write_bytes(APPLIED[name](net))
    diff = run(*FAST, "--diff", ".")
    assert diff.code == 0
    run(*FAST, path)
    converted = path.read_bytes()
    path.write_bytes(APPLIED[name](net))
    done = subprocess.run(TOOLS[tool], input=diff.out, cwd=project, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == converted


def test_diff_and_check_combine(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    ended = run(*FAST, "--diff", "--check", "net.py")
    assert ended.code == 1
    assert ended.out.startswith(b"--- a/net.py\n+++ b/net.py\n@@ ")
    assert (project / "net.py").read_bytes() == net


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("list",), 0), (("--to-module", "--no-verify", "--diff", "--check", "net.py"), 1), (("--help",), None)],
)
def test_a_reader_that_goes_away_is_no_crash(
    project: Path, net: bytes, arguments: tuple[str, ...], code: int | None
) -> None:
    (project / "net.py").write_bytes(net)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "nnconvert", *arguments]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=project)
    os.close(writing)
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
    assert code is None or done.returncode == code


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_with_130_and_leaves_the_file(project: Path, net: bytes) -> None:
    started = project / "started"
    source = net + f"\nopen({str(started)!r}, 'w').close()\nimport time\ntime.sleep(600)\n".encode()
    (project / "net.py").write_bytes(source)
    command = [sys.executable, "-m", "nnconvert", "--to-module", "--python", sys.executable, "net.py"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True) as process:
        while not started.exists():
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.strip() == "nnconvert: interrupted; every file is as it was or finished"
    assert (project / "net.py").read_bytes() == source
