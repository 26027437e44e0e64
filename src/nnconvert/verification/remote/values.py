"""Record what was observed, exactly: tensors by dtype, shape and bits, everything else by its text."""

from __future__ import annotations

import ctypes
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from .bunch import Bunch

KEEP_TENSOR = 4 << 20
"""Bytes up to which a tensor itself is kept, to describe a difference; of larger ones only the digest is."""
KEEP_ALL = 512 << 20


def raw_digest(tensor: torch.Tensor) -> str:
    """SHA-256 of the tensor's values in row-major order."""
    size = tensor.numel() * tensor.element_size()
    if size == 0:
        return hashlib.sha256(b"").hexdigest()
    return hashlib.sha256((ctypes.c_char * size).from_address(tensor.data_ptr())).hexdigest()


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """A detached copy in main memory, row-major, of whatever layout."""
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    return tensor.cpu().resolve_conj().resolve_neg().contiguous()


class Recorder:
    """Collects observations under phrases a person can read (``train, call 1: output[0]``)."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, dict[str, Any]]] = []
        self.kept: dict[str, torch.Tensor] = {}
        self._bytes = 0

    def text(self, key: str, value: object) -> None:
        self.entries.append((key, {"text": plain_text(value)}))

    def tensor(self, key: str, tensor: torch.Tensor) -> None:
        values = dense(tensor)
        entry = {"dtype": str(tensor.dtype), "shape": list(tensor.shape), "digest": raw_digest(values)}
        if tensor.layout != torch.strided:
            entry["layout"] = str(tensor.layout)
        size = values.numel() * values.element_size()
        if size <= KEEP_TENSOR and self._bytes + size <= KEEP_ALL:
            self._bytes += size
            self.kept[key] = values.clone()
        self.entries.append((key, entry))

    def value(self, key: str, value: object) -> None:
        """Record any nesting of tensors, containers and plain values."""
        for path, leaf in leaves(value):
            if isinstance(leaf, torch.Tensor):
                self.tensor(key + path, leaf)
            else:
                self.text(key + path, leaf)

    def save(self, folder: str) -> None:
        torch.save(self.kept, os.path.join(folder, "kept.pt"))
        with open(os.path.join(folder, "entries.json"), "w", encoding="utf-8") as file:
            json.dump(self.entries, file)


class Container:
    """Stands for a container itself among the leaves: its type and its length or keys."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def leaves(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Every leaf of a nested value with its path (``[0]['logits']``); containers are leaves, too."""
    if isinstance(value, torch.Tensor) or depth > 20:
        yield path, value
        return
    parts: list[tuple[str, object]]
    if isinstance(value, Mapping):
        parts = [(f"[{key!r}]", item) for key, item in value.items()]
    elif isinstance(value, (tuple, list)):
        parts = [(f"[{number}]", item) for number, item in enumerate(value)]
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [(f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value)]
    elif type(value).__module__.startswith("torch") and hasattr(value, "__dict__"):
        parts = [(f".{name}", item) for name, item in vars(value).items()]
    else:
        yield path, value
        return
    yield path, Container(f"{type(value).__qualname__} of {[name for name, _ in parts]}")
    for name, item in parts:
        yield from leaves(item, path + name, depth + 1)


def tensors_in(value: object) -> list[torch.Tensor]:
    return [leaf for _, leaf in leaves(value) if isinstance(leaf, torch.Tensor)]


def put_into(arguments: object, before: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The tensors in a call's arguments that were not there ``before`` it: results that are left in a dictionary."""
    known = {id(tensor) for tensor in before}
    return [tensor for tensor in tensors_in(arguments) if id(tensor) not in known]


def plain_text(value: object) -> str:
    """A text that is equal for equal values; addresses are left out of it."""
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        digest = hashlib.sha256(value.tobytes()).hexdigest()
        return f"array {value.dtype} {getattr(value, 'shape', '')} {digest}"
    text = repr(sorted(map(repr, value))) if isinstance(value, (set, frozenset)) else repr(value)
    return f"{type(value).__qualname__}: " + re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def map_tensors(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same nesting of tuples, lists and dicts with every tensor changed; the rest stays."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_tensors(item, change) for item in value))
    if type(value) in (tuple, list):
        return type(value)(map_tensors(item, change) for item in value)
    if type(value) in (dict, Bunch):
        return type(value)({key: map_tensors(item, change) for key, item in value.items()})
    return value
