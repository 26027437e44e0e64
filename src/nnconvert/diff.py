"""Unified diffs in bytes, which patch and git apply take back whatever the encoding and the line endings."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

_COLORS = {b"+": b"\x1b[32m", b"-": b"\x1b[31m", b"@": b"\x1b[36m"}
_QUOTED = re.compile(rb'[\x00-\x1f\x7f"\\]')
_RESET = b"\x1b[0m"


def unified(path: Path, old: bytes, new: bytes, color: bool = False) -> bytes:
    """The diff from ``old`` to ``new`` of the file at ``path``, headed a/... and b/... as git does."""
    name = _name(path)
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(old), _lines(new), _header(b"a/" + name), _header(b"b/" + name), lineterm=b"\n"
    )
    return b"".join(_colored(line) if color else _ended(line) for line in lines)


def _lines(data: bytes) -> list[bytes]:
    """Lines as patch sees them: only a line feed ends one."""
    return [line + b"\n" for line in data.split(b"\n")[:-1]] + [last for last in data.split(b"\n")[-1:] if last]


def _ended(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _colored(line: bytes) -> bytes:
    code = _COLORS.get(line[:1])
    if code is None:
        return _ended(line)
    body, newline, rest = _ended(line).partition(b"\n")
    return code + body + _RESET + newline + rest


def _name(path: Path) -> bytes:
    """The path from the working folder, else from the root."""
    absolute = Path(os.path.abspath(path))
    inside = absolute.is_relative_to(Path.cwd())
    relative = absolute.relative_to(Path.cwd()) if inside else absolute.relative_to(absolute.anchor)
    return os.fsencode(relative.as_posix())


def _header(name: bytes) -> bytes:
    """As git writes names: quoted where they have control characters, else a tab ends one that has blanks."""
    if _QUOTED.search(name):
        return b'"%s"' % _QUOTED.sub(lambda found: b"\\%03o" % ord(found[0]), name)
    return name + b"\t" if b" " in name else name
