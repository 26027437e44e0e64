"""The command line with verification: what is written, what is held back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Command = Callable[..., Run]

SHOWS_ITSELF = b"return F.softmax(x, x.dim() - 1) * len(repr(self))"
"""A model whose output depends on its registered submodules."""


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify on the interpreter of the tests."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def test_a_conversion_is_verified_and_written(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    ended = run("--to-module", "--require-verified", "net.py")
    assert ended.code == 0, ended.err
    assert "F.relu       -> self.relu     " in ended.err
    assert "1 class proved (train and eval, input 2x4, any batch size from 2 on)" in ended.err
    assert b"self.relu(" in (project / "net.py").read_bytes()


def test_a_difference_holds_the_file_back(run: Command, project: Path, net: bytes) -> None:
    source = net.replace(b"return F.softmax(x, x.dim() - 1)", SHOWS_ITSELF)
    (project / "net.py").write_bytes(source)
    (project / "other.py").write_bytes(net)
    ended = run("--to-module", "net.py", "other.py")
    assert ended.code == 3, ended.err
    assert "Net differs: " in ended.err
    assert "1 file left as it was since verification found a difference" in ended.err
    assert (project / "net.py").read_bytes() == source
    assert b"self.relu(" in (project / "other.py").read_bytes()
    stdin = run("--to-module", "-", stdin=source)
    assert (stdin.code, stdin.out) == (3, source)


def test_unverified_is_written_with_its_reason_unless_it_must_be_verified(
    run: Command, project: Path, net: bytes
) -> None:
    (project / "net.py").write_bytes(net)
    refused = ("--to-module", "--inputs", "torch.randn(2, 3), 'no such argument', 3", "net.py")
    held = run("--require-verified", *refused)
    assert held.code == 1
    assert "--require-verified asks" in held.err
    assert "1 file left as it was since it is not verified" in held.err
    assert (project / "net.py").read_bytes() == net
    written = run(*refused)
    assert written.code == 0
    assert "the given inputs do not work" in written.err
    assert "nothing was verified: " in written.err.splitlines()[-1]
    assert b"self.relu(" in (project / "net.py").read_bytes()


def test_inputs_that_raise_by_themselves_are_a_usage_error(run: Command, project: Path, net: bytes) -> None:
    (project / "net.py").write_bytes(net)
    ended = run("--to-module", "--inputs", "torch.randn(2, 1 // 0)", "net.py")
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith("nnconvert: --args, --inputs: torch.randn(2, 1 // 0): ")
    assert "ZeroDivisionError" in ended.err
    assert (project / "net.py").read_bytes() == net


def test_without_torch_files_are_converted_and_the_summary_says_so(project: Path, net: bytes) -> None:
    bare = project / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    (project / "net.py").write_bytes(net)
    blocked = "import sys; sys.modules['torch'] = None; from nnconvert.cli import main; sys.exit(main())"
    python = bare / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = subprocess.run(
        [sys.executable, "-c", blocked, "--to-module", "--python", python, "net.py"],
        capture_output=True,
        text=True,
        cwd=project,
    )
    assert done.returncode == 0, done.stderr
    summary = done.stderr.splitlines()[-1]
    assert summary.startswith("1 file changed, 1 call site converted, 1 left; nothing was verified: ")
    assert "torch" in summary
    assert "--python" in summary
    assert b"self.relu(" in (project / "net.py").read_bytes()


def test_verify_compares_two_versions(run: Command, project: Path, net: bytes) -> None:
    versions = {
        "old.py": net,
        "same.py": net.replace(b"F.relu(", b"torch.relu("),
        "wrong.py": net.replace(b"F.relu(", b"F.relu6("),
        "broken.py": net + b"def (",
        "empty.py": b"",
    }
    for name, source in versions.items():
        (project / name).write_bytes(source)
    same = run("verify", "old.py", "same.py")
    assert (same.code, same.out) == (0, b""), same.err
    wrong = run("verify", "old.py", "wrong.py", "--inputs", "10 * torch.randn(64, 4)")
    assert wrong.code == 3, wrong.err
    assert "Net differs" in wrong.err
    broken = run("verify", "old.py", "broken.py")
    assert broken.code == 4
    assert broken.err.startswith("broken.py:18:5: ")
    assert run("verify", "old.py", "empty.py").code == 1
