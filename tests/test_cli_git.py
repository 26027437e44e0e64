"""A folder in a git tree: nothing is written over changes that git does not hold."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Command = Callable[..., Run]
FAST = ("--to-module", "--no-verify")

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def repository(project: Path, net: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git tree with two committed models in src."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "someone@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    (project / "src").mkdir()
    for name in ("a.py", "b c.py"):
        (project / "src" / name).write_bytes(net)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    return project


def test_a_clean_folder_is_converted(run: Command, repository: Path) -> None:
    ended = run(*FAST, repository / "src")
    assert (ended.code, "2 files changed" in ended.err) == (0, True)


def test_uncommitted_changes_stop_the_run_before_anything_is_written(
    run: Command, repository: Path, net: bytes
) -> None:
    edited = repository / "src" / "b c.py"
    edited.write_bytes(net + b"# edited\n")
    (repository / "src" / "new.py").write_bytes(net)
    (repository / "src" / "nothing_to_do.py").write_bytes(b"import os\n")
    ended = run(*FAST, "src")
    assert ended.code == 2
    words = "uncommitted changes in src/b c.py, src/new.py: commit or stash them, or give --allow-dirty"
    assert ended.err == f"nnconvert: {words}\n"
    assert (repository / "src" / "a.py").read_bytes() == net
    assert run(*FAST, "--check", "src").code == 1
    assert run(*FAST, "--diff", "src").code == 0
    assert (repository / "src" / "a.py").read_bytes() == net
    assert run(*FAST, "--allow-dirty", "src").code == 0
    assert edited.read_bytes().endswith(b"# edited\n")
    assert b"self.relu" in edited.read_bytes()


def test_a_git_hook_changes_nothing(
    run: Command, repository: Path, net: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    (repository / "src" / "a.py").write_bytes(net + b"# edited\n")
    assert "uncommitted changes in src/a.py:" in run(*FAST, "src").err


def test_changes_elsewhere_do_not_matter(run: Command, repository: Path, net: bytes) -> None:
    (repository / "other.py").write_bytes(net)
    (repository / "src" / "notes.txt").write_text("x")
    subprocess.run(["git", "mv", "src/b c.py", "renamed.py"], cwd=repository, check=True)
    assert run(*FAST, "src").code == 0


def test_a_file_given_by_name_needs_nothing(run: Command, repository: Path, net: bytes) -> None:
    (repository / "src" / "a.py").write_bytes(net + b"# edited\n")
    assert run(*FAST, "src/a.py").code == 0


def test_without_a_git_command_the_run_asks(
    run: Command, repository: Path, net: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository))
    ended = run(*FAST, "src")
    assert (ended.code, "there is no git command" in ended.err) == (2, True)
    assert (repository / "src" / "a.py").read_bytes() == net
