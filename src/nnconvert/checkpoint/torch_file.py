"""Files of torch.save, read with weights_only=True and written as they were: format, sharing, device tags."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnconvert.checkpoint.admitted import Admitted
from nnconvert.checkpoint.errors import CheckpointError, first_line
from nnconvert.checkpoint.refusal import refusal
from nnconvert.errors import UsageError

_BEFORE_TORCH = 0
"""The priority of our device tags; torch's own begin at 10."""

_tags: dict[int, str] = {}
"""Storage -> device tag, while a checkpoint is written."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint, and what must be known to write it as it was."""

    content: Any
    legacy: bool
    """Whether it has the format from before torch 1.6, which torch.save still writes when asked."""
    admitted: Admitted
    storages: dict[int, tuple[Any, str]]
    """By their address, every storage and the device that it was saved from; here, all are on the CPU."""


def require_torch() -> Any:
    """The module torch. Raises UsageError where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise UsageError(f"migrate needs torch for a file of torch.save, and it cannot be imported: {error}") from None
    return torch


def load(path: Path, *, legacy: bool, admitted: Admitted) -> Loaded:
    """Read a checkpoint; in the zip format, tensors are mapped and not read. Raises CheckpointError."""
    torch = require_torch()
    storages: dict[int, tuple[Any, str]] = {}

    def stay(storage: Any, tag: str) -> Any:
        storages[storage._cdata] = (storage, tag)
        return storage

    with admitted.by_torch():
        try:
            content = torch.load(str(path), map_location=stay, weights_only=True, mmap=not legacy)
        except Exception as error:  # of any kind: nothing says what damaged or hostile bytes make torch raise
            raise CheckpointError(refusal(path, legacy=legacy, error=error)) from error
    return Loaded(content, legacy, admitted, storages)


def save(loaded: Loaded, path: Path) -> None:
    """Write a checkpoint in its own format. Raises OSError, CheckpointError for what cannot be pickled."""
    torch = require_torch()
    with _tagged(loaded):
        try:
            torch.save(
                loaded.content,
                str(path),
                pickle_module=loaded.admitted.pickle_module(),
                _use_new_zipfile_serialization=not loaded.legacy,
            )
        except OSError:
            raise
        except Exception as error:  # torch's own writer, and whatever an admitted class raises
            raise CheckpointError(f"it cannot be written again: {type(error).__name__}: {first_line(error)}") from error


@contextmanager
def _tagged(loaded: Loaded) -> Iterator[None]:
    """For as long as the block runs, torch.save writes the device that each storage was saved from."""
    _register()
    _tags.update((address, tag) for address, (_, tag) in loaded.storages.items())
    try:
        yield
    finally:
        _tags.clear()


@functools.cache
def _register() -> None:
    from torch import serialization

    serialization.register_package(
        _BEFORE_TORCH, lambda storage: _tags.get(storage._cdata), lambda _storage, _tag: None
    )
