"""Where a new file goes: what must not be overwritten, and writing it whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nnconvert.errors import UsageError

_TEMPORARY_PREFIX = ".nnconvert-"


def require_writable(output: Path, inputs: Sequence[Path], *, force: bool) -> None:
    """Raise UsageError where ``output`` is one of ``inputs``, by whatever name, or is there without ``force``."""
    try:
        parent, there = output.resolve().parent, output.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise UsageError(f"{output}: cannot be written: {error}") from None
    if not parent.is_dir():
        raise UsageError(f"{output}: the folder {parent} does not exist")
    if not there:
        return
    for path in inputs:
        if output.samefile(path):
            raise UsageError(f"{output}: is the input {path}, which is never overwritten")
    if not output.is_file():
        raise UsageError(f"{output}: is there and is not a regular file")
    if not force:
        raise UsageError(f"{output}: exists already; --force replaces it")


@contextmanager
def created(output: Path, *, like: Path | None = None, replace: bool = True) -> Iterator[Path]:
    """Yields a path to write to; it becomes ``output`` when the block ends, and goes where it raises.

    A symbolic link stays one. A file that was there keeps its mode; a new one gets that of ``like``, less what
    the umask forbids, as with cp. Raises OSError, FileExistsError where a file appeared meanwhile and
    ``replace`` is false.
    """
    target = output.resolve()
    # A folder, so that the file has its own name while it is written: torch.save puts the name into the archive.
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=_TEMPORARY_PREFIX))
    try:
        temporary = folder / target.name
        yield temporary
        _sync(temporary)
        os.chmod(temporary, _mode(temporary, target, like))
        if not replace and target.exists():
            raise FileExistsError("another program has created the file meanwhile")
        os.replace(temporary, target)
    finally:
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _mode(temporary: Path, target: Path, like: Path | None) -> int:
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    new = stat.S_IMODE(temporary.stat().st_mode)
    return new if like is None else new & like.stat().st_mode
