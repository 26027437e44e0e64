"""What git knows of a folder: which of its files have changes that are not committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from nnconvert.errors import UsageError

_OF_ONE_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def in_tree(folder: Path) -> bool:
    """Whether ``folder`` lies in a git tree."""
    real = folder.resolve()
    return any(os.path.exists(parent / ".git") for parent in (real, *real.parents))


def uncommitted(folder: Path) -> frozenset[Path]:
    """Resolved paths of the files under ``folder`` that are changed, staged or untracked.

    ``folder`` lies in a git tree. Raises UsageError where git cannot tell.
    """
    top = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n")))
    status = _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--", ".")
    return frozenset((top / name).resolve() for name in _names(status))


def _git(folder: Path, *arguments: str) -> bytes:
    """What git prints; without its optional locks it writes nothing, not even its index."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    # In a git hook these speak of the hook's repository, by paths that -C would misplace.
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}
    try:
        done = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL, env=environment)
    except FileNotFoundError:
        raise UsageError(_unknown(folder, "there is no git command")) from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(_unknown(folder, lines[0] if lines else f"git exits {error.returncode}")) from None
    return done.stdout


def _names(status: bytes) -> list[str]:
    """The names in the output of ``git status --porcelain -z``."""
    entries = iter(status.split(b"\0"))
    names = []
    for entry in entries:
        if not entry:
            continue
        names.append(os.fsdecode(entry[3:]))
        if b"R" in entry[:2] or b"C" in entry[:2]:
            next(entries)  # the name before a rename or copy
    return names


def _unknown(folder: Path, words: str) -> str:
    return f"{folder}: cannot tell whether its files are committed: {words}; --allow-dirty writes nevertheless"
