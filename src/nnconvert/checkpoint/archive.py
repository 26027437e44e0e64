"""What a file is, and whether it is whole, found out without torch and without unpickling anything."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from nnconvert.checkpoint.errors import CheckpointError

ZIP, LEGACY, SAFETENSORS = "zip", "legacy", "safetensors"

_LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickled magic number with which torch.save began before torch 1.6, and does when asked."""
_PROTOCOLS = (2, 3)
_CHUNK = 1 << 20


def kind(path: Path) -> str:
    """Which of the formats a file has, by its first bytes. Raises CheckpointError, also where it has none."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_LEGACY_START))
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}") from error
    if start.startswith(b"PK\x03\x04"):
        return ZIP
    if start == _LEGACY_START:
        return LEGACY
    if start[8:9] == b"{" and struct.unpack("<Q", start[:8])[0] <= path.stat().st_size:
        return SAFETENSORS
    if not start:
        raise CheckpointError("it is empty")
    if start[:1] == b"\x80":
        raise CheckpointError("it is a pickle, but not one that torch.save writes by default")
    raise CheckpointError("it is no checkpoint: neither torch.save nor safetensors wrote it, or it is damaged")


def require_whole(path: Path) -> None:
    """Raise CheckpointError where a zip archive is no checkpoint, or is truncated or damaged.

    torch itself does not compare checksums: it would load what is damaged, and write it with a new checksum.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = _pickle(archive)
            for info in archive.infolist():
                if info.compress_type != zipfile.ZIP_STORED:
                    raise CheckpointError(f"its record {info.filename} is compressed, which torch.save never does")
                # The checksum is zero where torch was told not to compute it.
                start = _read(archive, info) if info.CRC else b""
                if info is pickled:
                    _require_protocol(start)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"it is truncated or damaged: {error}") from error


def _pickle(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The record that every checkpoint has."""
    names = archive.namelist()
    if any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError("it is a TorchScript program (torch.jit.save), not a checkpoint")
    pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
    if not pickles:
        raise CheckpointError("it is a zip archive, but not one that torch.save wrote")
    return archive.getinfo(pickles[0])


def _require_protocol(start: bytes) -> None:
    if len(start) == 2 and start[0] == 0x80 and start[1] not in _PROTOCOLS:
        raise CheckpointError(
            f"it was saved with pickle_protocol={start[1]}, which torch.load(weights_only=True) does not read"
        )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Its first two bytes, after all were compared with the checksum."""
    with archive.open(info) as stream:
        start = stream.read(2)
        while stream.read(_CHUNK):
            pass
    return start
