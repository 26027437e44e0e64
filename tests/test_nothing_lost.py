"""Whatever happens in a bulk run: every file is old or new, whole, and nothing lies beside it."""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripts.fault_interrupts import SIGNALS, disturbed, planted, start

import nnconvert
from conftest import Run
from nnconvert import files

Command = Callable[..., Run]
FAST = ("--to-module", "--no-verify")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_signals_at_random_moments_leave_whole_files(tmp_path: Path) -> None:
    """A handful of what scripts/fault_interrupts.py does a hundred times."""
    tree = planted(tmp_path, 60)
    draw = random.Random(7)
    for number, jobs in zip(SIGNALS, (2, 1, 2), strict=True):
        problems, _ = disturbed(tree, number, draw.uniform(tree.seconds / 4, tree.seconds), jobs)
        assert problems == []


def test_two_runs_at_once_leave_whole_files(tmp_path: Path) -> None:
    tree = planted(tmp_path, 40)
    tree.restore()
    runs = [start(tmp_path, jobs) for jobs in (1, 2)]
    said = [process.communicate()[1] for process in runs]
    assert list(tree.problems()) == tree.strays() == []
    assert tree.converted() == 40
    for process, text in zip(runs, said, strict=True):
        late = text.count(b"cannot be written: another program has changed the file meanwhile")
        assert process.returncode == (4 if late else 0)
        assert b"Traceback" not in text


@pytest.mark.parametrize("moment", ["write", "fsync"])
def test_a_full_disk_fails_the_file_and_leaves_it(
    run: Command, project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full:
        """A file on a full disk."""

        def __init__(self, *given: Any, **options: Any) -> None:
            self.stream = open(*given, **options)  # noqa: SIM115

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.stream.close()

        def write(self, data: bytes) -> None:
            self.stream.write(data[:10])
            full()

    for name in ("a.py", "b.py"):
        (project / name).write_bytes(net)
    if moment == "write":
        monkeypatch.setattr(files, "open", Full, raising=False)
    else:
        monkeypatch.setattr(os, "fsync", full)
    ended = run(*FAST, ".")
    assert ended.code == 4
    assert ended.err.count("cannot be written: No space left on device") == 2
    assert (project / "a.py").read_bytes() == (project / "b.py").read_bytes() == net
    assert sorted(os.listdir(project)) == ["a.py", "b.py", "pyproject.toml"]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare")
def test_a_disk_that_is_really_full(project: Path, net: bytes) -> None:
    """A file system of 64 KiB with eight models, and with less space left than one of them takes."""
    disk, script = project / "disk", project / "script.sh"
    disk.mkdir()
    (project / "model.py").write_bytes(net + b"# " + b"x" * 6000 + b"\n")
    script.write_text(
        "set -e\nmount -t tmpfs -o size=64k tmpfs disk\ncd disk\n"
        "for i in 1 2 3; do cp ../model.py net$i.py; done\ncat /dev/zero >zeros 2>/dev/null || true\nset +e\n"
        f"{sys.executable} -m nnconvert --to-module --no-verify net1.py net2.py net3.py\necho ended $?\n"
        "for i in 1 2 3; do cmp ../model.py net$i.py && echo same; done\nls -A\n"
    )
    command = ["unshare", "--map-root-user", "--mount", "sh", "script.sh"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if "ended" not in done.stdout:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.stderr.count("cannot be written: No space left on device") == 3
    assert done.stdout.split() == ["ended", "4", "same", "same", "same", "net1.py", "net2.py", "net3.py", "zeros"]


def test_a_file_that_changes_while_it_is_converted_is_left_and_reported(
    run: Command, project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, newer = project / "net.py", net + b"# saved in an editor\n"
    path.write_bytes(net)
    synced = os.fsync

    def save_meanwhile(descriptor: int) -> None:
        path.write_bytes(newer)
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", save_meanwhile)
    ended = run(*FAST, "net.py")
    assert (ended.code, path.read_bytes()) == (4, newer)
    assert ended.err.startswith("net.py: cannot be written: another program has changed the file meanwhile\n")
    assert sorted(os.listdir(project)) == ["net.py", "pyproject.toml"]


def test_a_hard_link_is_left_since_its_other_names_would_keep_the_old_content(
    run: Command, project: Path, net: bytes
) -> None:
    (project / "net.py").write_bytes(net)
    os.link(project / "net.py", project / "same.txt")
    ended = run(*FAST, ".")
    assert ended.code == 4
    assert ended.err.startswith("net.py: cannot be written: it is a hard link")
    assert (project / "net.py").samefile(project / "same.txt")
    assert (project / "net.py").read_bytes() == net


def test_links_in_a_tree_stay_and_links_out_of_it_are_not_followed(
    run: Command, project: Path, net: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "far.py").write_bytes(net)
    (project / "real").mkdir()
    (project / "real" / "net.py").write_bytes(net)
    (project / "inner.py").symlink_to("real/net.py")
    (project / "again").symlink_to("real")
    (project / "loop").symlink_to(".")
    (project / "outer.py").symlink_to(outside / "far.py")
    (project / "away").symlink_to(outside)
    (project / "nothing.py").symlink_to("missing.py")
    ended = run(*FAST, ".")
    assert ended.code == 0
    assert "1 file changed" in ended.err
    assert b"self.relu" in (project / "real" / "net.py").read_bytes()
    assert (outside / "far.py").read_bytes() == net
    links = ("inner.py", "again", "loop", "outer.py", "away", "nothing.py")
    assert all((project / name).is_symlink() for name in links)
    assert run(*FAST, "outer.py").code == 0  # named, so meant
    assert b"self.relu" in (outside / "far.py").read_bytes()


def test_names_with_blanks_and_newlines_stay_in_their_line(run: Command, project: Path, net: bytes) -> None:
    for name in ("my net.py", "two\nlines.py", "quote'\".py"):
        (project / name).write_bytes(net)
    (project / "bad\n.py").write_bytes(b"import torch.nn\nx = (\n")
    ended = run(*FAST, ".")
    assert ended.code == 4
    lines = ended.err.splitlines()
    assert lines[0].startswith("bad\\n.py:2:5: ")
    assert [line for line in lines if line.endswith(".py")] == ["my net.py", "quote'\".py", "two\\nlines.py"]
    assert all(b"self.relu" in path.read_bytes() for path in project.glob("*e*.py"))


@pytest.mark.parametrize("tool", [["git", "apply", "-"]])
def test_the_diff_of_a_name_with_a_newline_applies(run: Command, project: Path, net: bytes, tool: list[str]) -> None:
    path = project / 'two\nlines "é".py'
    path.write_bytes(net)
    diff = run(*FAST, "--diff", ".").out
    subprocess.run(tool, input=diff, cwd=project, check=True)
    assert b"self.relu" in path.read_bytes()


def test_a_generated_file_of_five_megabytes_converts(tmp_path: Path, net: bytes) -> None:
    table = b"\nTABLE = '''" + b"0123456789abcdef" * 312_500 + b"'''\n"
    path = tmp_path / "net.py"
    path.write_bytes(net + table)
    result = nnconvert.convert_file(path, write=True)
    assert result.status == "changed"
    assert path.read_bytes().endswith(table)


DEEP = {
    "calls": ("return " + "F.relu(" * 300 + "x" + ")" * 300, "too many nested parentheses"),
    "operators": ("return " + "-" * 3000 + "F.relu(x)", "nested too deeply"),
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_nested_too_deeply_is_left_with_a_clear_reason(run: Command, project: Path, name: str) -> None:
    body, words = DEEP[name]
    source = (
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n"
        f"    def forward(self, x):\n        {body}\n"
    ).encode()
    (project / "net.py").write_bytes(source)
    ended = run(*FAST, "--methods", "net.py")
    assert ended.code == 4
    assert (project / "net.py").read_bytes() == source
    assert "Traceback" not in ended.err
    assert "internal error" not in ended.err
    first = ended.err.splitlines()[0]
    assert first.startswith("net.py:")
    assert re.search(words, first)


def test_a_chain_that_would_be_nested_too_deeply_is_left_with_a_reason(run: Command, project: Path) -> None:
    head = (
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
    )
    source = f"{head}        y = F.relu(x)\n        return y{'.relu()' * 300}\n"
    (project / "net.py").write_text(source)
    ended = run(*FAST, "--methods", "net.py")
    assert ended.code == 0
    assert ended.err.count("NNC112)") == 300
    assert "a chain of 300 calls" in ended.err
    new = (project / "net.py").read_text()
    assert "y = self.relu(x)" in new
    assert ".relu()" * 300 in new


def test_a_chain_that_python_reads_converts(net: bytes) -> None:
    chain = net.replace(b"x = F.relu(self.fc(x))", b"x = self.fc(x)" + b".relu()" * 150)
    result = nnconvert.convert_source(chain, nnconvert.Options(methods=True))
    assert result.plan is not None
    assert (result.status, len(result.plan.converted)) == ("changed", 150)


def test_nested_calls_that_python_reads_convert(net: bytes) -> None:
    deep = net.replace(b"F.relu(self.fc(x))", b"F.relu(" * 150 + b"self.fc(x)" + b")" * 150)
    result = nnconvert.convert_source(deep)
    assert result.plan is not None
    assert (result.status, len(result.plan.converted)) == ("changed", 150)


def test_sigterm_while_one_file_is_written_leaves_no_temporary_file(project: Path, net: bytes) -> None:
    """The moment that random ones seldom meet."""
    (project / "net.py").write_bytes(net)
    program = (
        "import os, signal, sys\nfrom nnconvert import cli\nsynced = os.fsync\n"
        "def fsync(descriptor):\n    synced(descriptor)\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.fsync = fsync\nsys.exit(cli.main(['--to-module', '--no-verify', 'net.py']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == "nnconvert: terminated; every file is as it was or finished\n"
    assert (project / "net.py").read_bytes() == net
    assert sorted(os.listdir(project)) == ["net.py", "pyproject.toml"]
