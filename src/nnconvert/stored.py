"""Files of the cache: whole or not there, and of no use to another state of this tool."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sys
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

Told: TypeAlias = tuple[int, ...]
"""What tells one content of a file from another without reading it; empty where there is no file."""

_SIZE: Final = 20


def told(path: str | Path) -> Told:
    try:
        found = os.stat(path)
    except OSError:  # gone meanwhile, or a link to nothing
        return ()
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_SIZE).digest()


@cache
def own_code() -> bytes:
    """Stands for this state of the tool, on this Python."""
    here = Path(__file__).parent
    found = sorted((str(path), told(path)) for path in here.rglob("*.py"))
    return digest(repr((found, sys.version, sys.byteorder)).encode())


def load(file: Path, key: bytes) -> bytes | None:
    """What was saved there under this key; None where that is another one, or not whole."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    payload = data[2 * _SIZE :]
    is_whole = data[:_SIZE] == digest(key) and data[_SIZE : 2 * _SIZE] == digest(payload)
    return payload if is_whole else None


def save(file: Path, key: bytes, payload: bytes) -> None:
    """Save for a later run; where that cannot be, it finds nothing."""
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    with contextlib.suppress(OSError):
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(digest(key) + digest(payload) + payload)
            os.replace(temporary, file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
