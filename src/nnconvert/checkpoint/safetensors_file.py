"""Files of safetensors, with new names in their header; the tensors are copied as bytes.

The format is a length, a header in JSON and the bytes of all tensors, so new names need no library: this is exact for
every dtype, also for those that the installed torch or safetensors does not know, keeps the order of tensors and takes
no memory, where ``safetensors.torch.save_file`` would load all of them, sort them anew and refuse shared ones.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nnconvert.checkpoint import strict_json
from nnconvert.checkpoint.errors import CheckpointError
from nnconvert.checkpoint.keys import KeyMoves

_METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8
_LONGEST = 100_000_000
"""The longest header that the library reads."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says before its tensors: the entries as they are there, and where the tensors begin."""

    entries: dict[str, Any]
    start: int

    @property
    def names(self) -> list[str]:
        return [name for name in self.entries if name != _METADATA]

    @property
    def metadata(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.entries.get(_METADATA, {})
        return found

    def places(self) -> list[tuple[str, tuple[int, int]]]:
        """Every tensor with its offsets, as they lie in the file. Raises CheckpointError."""
        found = [(name, _offsets(name, self.entries[name])) for name in self.names]
        return sorted(found, key=lambda place: place[1])

    def aliases(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of ``keys`` that are another name of a tensor.

        safetensors.torch.save_model stores shared tensors once, and the names that it left out in the metadata.
        """
        stored = set(self.names)
        return {k: self.metadata[k] for k in keys if k not in stored and self.metadata.get(k) in stored}


def read(path: Path) -> Header:
    """Raises CheckpointError where the file is truncated or damaged."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = _LENGTH.unpack(stream.read(_LENGTH.size))[0]
        if length > min(size - _LENGTH.size, _LONGEST):
            raise CheckpointError("it is truncated or damaged: the header is longer than the file may have it")
        text = stream.read(length)
    try:
        entries = strict_json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"it is damaged: the header is {error}") from None
    if not isinstance(entries, dict):
        raise CheckpointError("it is damaged: the header is not an object")
    header = Header(entries, _LENGTH.size + length)
    _require_whole(header, size - header.start)
    return header


def _require_whole(header: Header, size: int) -> None:
    """The tensors must lie one behind the other, with nothing between them and nothing behind the last."""
    metadata = header.entries.get(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError(f"it is damaged: {_METADATA} is not an object of strings")
    end = 0
    for name, (start, stop) in header.places():
        if start != end or stop < start:
            raise CheckpointError(f"it is damaged: {name} does not begin where the tensor before it ends")
        end = stop
    if end != size:
        raise CheckpointError(f"it is truncated or damaged: it has {size} bytes of tensors where {end} are listed")


def _offsets(name: str, entry: object) -> tuple[int, int]:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(offset) is int for offset in offsets):
        raise CheckpointError(f"it is damaged: the header does not say where {name} lies")
    return offsets[0], offsets[1]


def renamed(header: Header, planned: KeyMoves) -> bytes:
    """The header with new names, entries in their order; names of shared tensors in the metadata move, too."""
    moves, offsets = planned.moves, _new_offsets(header, planned.dropped)
    entries = {
        moves.get(name, name): entry if name == _METADATA else {**entry, "data_offsets": list(offsets[name])}
        for name, entry in header.entries.items()
        if name in offsets or name == _METADATA
    }
    aliases = header.aliases(planned.fit.prefix + key for key in planned.fit.part.required)
    if aliases:
        entries[_METADATA] = {
            moves.get(key, key) if key in aliases else key: moves.get(value, value) if key in aliases else value
            for key, value in header.metadata.items()
        }
    try:
        text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise CheckpointError(f"a name of it, or a new one, is no text: {error.object!r}") from None
    return text + b" " * (-len(text) % _ALIGNMENT)


def _new_offsets(header: Header, dropped: Collection[str]) -> dict[str, tuple[int, int]]:
    """Where each tensor that stays lies when those before it that are dropped are gone."""
    offsets: dict[str, tuple[int, int]] = {}
    end = 0
    for name, (start, stop) in header.places():
        if name not in dropped:
            offsets[name] = (end, end + stop - start)
            end += stop - start
    return offsets


def write(source: Path, header: Header, text: bytes, dropped: Collection[str], output: Path) -> None:
    """Write a new header, and then the bytes of all tensors of ``source`` but those that are dropped."""
    with source.open("rb") as old, output.open("wb") as new:
        new.write(_LENGTH.pack(len(text)) + text)
        for name, (start, stop) in header.places():
            if name not in dropped:
                old.seek(header.start + start)
                _copy(old, new, stop - start)


def _copy(old: BinaryIO, new: BinaryIO, count: int) -> None:
    while count:
        data = old.read(min(count, _CHUNK))
        if not data:
            raise OSError("the input became shorter meanwhile")
        new.write(data)
        count -= len(data)
