"""One file: bytes to text and back without a loss, the test that drops most files, and the atomic write."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nnconvert.errors import SourceError
from nnconvert.options import Options
from nnconvert.plan import Direction

_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?\Z")
_NEWLINES = ("\r\n", "\n", "\r")
_TEMPORARY_PREFIX = ".nnconvert-"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A source as text, newlines untouched, and what is needed to write it back byte for byte."""

    text: str
    encoding: str
    """As in PEP 263, ``utf-8`` where nothing is declared."""
    bom: bool
    newline: str
    """The line ending that the file mostly uses."""


def may_convert(data: bytes, options: Options) -> bool:
    """The bytes test: False where no call site of ``data`` can possibly convert.

    It must err to True: what it drops is never parsed. A file that names neither nn nor functional can still
    derive from a module class of another file and call ``torch.relu``; one that does not even name torch can have
    ``F`` from a file of its project.
    """
    if b"torch" in data:
        if b"nn" in data or b"functional" in data or _twins("torch.").search(data):
            return True
    elif b"import" in data and _handed_on(options.direction).search(data):
        return True
    return options.methods and _twins("torch.Tensor.").search(data) is not None


@lru_cache(maxsize=2)
def _twins(prefix: str) -> re.Pattern[bytes]:
    """Matches any word that spells a functional under ``prefix`` (``torch.relu`` is spelled ``relu``)."""
    from nnconvert.catalog import every_pair

    spellings = (spelling for pair in every_pair() for spelling in pair.spellings)
    words = {s.short for s in spellings if s.name.rpartition(".")[0] == prefix.rstrip(".")}
    return re.compile(rb"\b(?:%s)\b" % "|".join(sorted(words)).encode())


@lru_cache(maxsize=2)
def _handed_on(direction: Direction) -> re.Pattern[bytes]:
    """Matches any call of a functional or, on the way back, of a module class, by its last name."""
    from nnconvert.catalog import every_pair

    if direction == "to-functional":
        words = {pair.module for pair in every_pair()} | {"Identity"}
    else:
        spellings = (spelling for pair in every_pair() for spelling in pair.spellings)
        words = {s.short for s in spellings if not s.is_method}
    return re.compile(rb"\b(?:%s)[ \t]*\(" % "|".join(sorted(words)).encode())


def require_python(data: bytes) -> None:
    """Raise SourceError for bytes that cannot be Python source in any encoding."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError("not Python source: it is UTF-16, which Python does not read", 1, 1)
    offset = data.find(b"\0")
    if offset >= 0:
        line, column = _position(data[:offset].decode("latin-1"))
        raise SourceError("not Python source: it holds NUL bytes", line, column)


def decode(data: bytes) -> Decoded:
    """Text of a Python file. Raises SourceError with line and column where it cannot be read."""
    require_python(data)
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[len(codecs.BOM_UTF8) :] if bom else data
    encoding = _encoding(body, bom)
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line, column = _position(body[: error.start].decode(encoding, "replace"))
        words = f"byte 0x{body[error.start]:02x} is not {encoding}"
        if encoding == "utf-8" and not bom:
            words += "; where the file has another encoding, its first line must declare it (# coding: latin-1)"
        raise SourceError(words, line, column) from None
    decoded = Decoded(text, encoding, bom, newline_style(text))
    if encode(text, decoded) != data:
        raise SourceError(f"the encoding {encoding} would not give the same bytes back", 1, 1)
    return decoded


def encode(text: str, decoded: Decoded) -> bytes:
    """The bytes of ``text`` in the encoding that ``decoded`` was read with: the inverse of decode."""
    return (codecs.BOM_UTF8 if decoded.bom else b"") + text.encode(decoded.encoding)


def newline_style(text: str) -> str:
    """The line ending that ``text`` mostly uses: ``\\n`` where there is none at all."""
    crlf = text.count("\r\n")
    counts = (crlf, text.count("\n") - crlf, text.count("\r") - crlf)
    return _NEWLINES[counts.index(max(counts))] if any(counts) else "\n"


def _encoding(body: bytes, bom: bool) -> str:
    """The encoding by PEP 263: a cookie in the first line, or in the second after a blank or a comment."""
    for number, line in enumerate(_first_lines(body), start=1):
        found = _COOKIE.match(line)
        if found:
            name = found[1].decode()
            normal = _normalized(name)
            if normal is None:
                raise SourceError(f"unknown encoding: {name}", number, found.start(1) + 1)
            if bom and normal != "utf-8":
                words = f"the file declares {name} but starts with the byte order mark of UTF-8"
                raise SourceError(words, number, found.start(1) + 1)
            return normal
        if not _BLANK.match(line):
            break
    return "utf-8"


def _first_lines(body: bytes) -> Iterable[bytes]:
    """The first two lines, whichever line ending they have."""
    return re.split(rb"\r\n|\r|\n", body, maxsplit=2)[:2]


def _normalized(name: str) -> str | None:
    """The codec that Python reads ``name`` as, or None where there is no text encoding of that name."""
    lowered = name.lower().replace("_", "-")
    if lowered == "utf-8" or lowered.startswith("utf-8-"):
        return "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return None
    return codecs.lookup(name).name


def _position(before: str) -> tuple[int, int]:
    """Line and column, from 1, of the character that follows ``before``."""
    lines = re.split(r"\r\n|\r|\n", before)
    return len(lines), len(lines[-1]) + 1


def write(path: Path, old: bytes, new: bytes) -> None:
    """Replace the content ``old`` of ``path`` by ``new``, all or nothing.

    The mode is kept and a symbolic link stays one. Raises OSError, also where the file or its folder is
    read-only, the file has hard links or no longer holds ``old``; whatever happens, it has its old or its new content.
    """
    target = path.resolve(strict=True)
    status = target.stat()
    if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
        raise PermissionError("the file is read-only")
    if status.st_nlink > 1:
        raise OSError("it is a hard link: its other names would keep the old content")
    _require_content(target, old)
    # Named before it is there: an interrupt at any moment finds the name to remove.
    temporary = target.with_name(f"{_TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with open(temporary, "xb", opener=_private) as stream:
            stream.write(new)
            stream.flush()
            os.fsync(stream.fileno())
        _keep_owner(temporary, status)
        os.chmod(temporary, stat.S_IMODE(status.st_mode))
        _require_content(target, old)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)  # gone where an interrupt came after the replacement
        raise


def _require_content(target: Path, old: bytes) -> None:
    if target.read_bytes() != old:
        raise OSError("another program has changed the file meanwhile")


def _private(name: str, flags: int) -> int:
    """Open for the owner alone: the file may hold what others may not read."""
    return os.open(name, flags, 0o600)


def _keep_owner(name: Path, status: os.stat_result) -> None:
    own = os.stat(name)
    if (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
        # Only a privileged user may give files away; anyone else owns what they write, as with every editor.
        with contextlib.suppress(PermissionError):
            os.chown(name, status.st_uid, status.st_gid)
