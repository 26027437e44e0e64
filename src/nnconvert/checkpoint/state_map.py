"""The state map, old state_dict key -> new state_dict key, and the JSON file that holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnconvert.checkpoint import strict_json
from nnconvert.checkpoint.errors import listed
from nnconvert.checkpoint.strict_json import repeated
from nnconvert.errors import UsageError

VERSION = 1
_SECTIONS = ("version", "files", "models")
_MODEL_FIELDS = ("keys", "order", "added", "removed")

Keys = Mapping[str, str]
"""Old key -> new key, for the keys that change."""
Order = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of all parameters as named_parameters() gives them: in the old version, in the new one."""


@dataclass(frozen=True, slots=True)
class ModelMap:
    """What changes for one model, whole keys with prefixes, as seen on instances of both versions.

    Raises ValueError where the fields contradict each other.
    """

    keys: Keys
    order: Order | None = None
    """None where it is not known; then no optimizer state can follow."""
    added: tuple[str, ...] = ()
    """Keys that the new version alone has, such as the counter of nn.BatchNorm2d."""
    removed: tuple[str, ...] = ()
    """Keys that the old version alone has."""

    def __post_init__(self) -> None:
        _require_one_to_one(self.keys)
        twice = sorted(set(self.added) & set(self.keys.values())) or repeated(self.added)
        if twice:
            raise ValueError(f"added names twice or names what keys gives: {listed(twice)}")
        twice = sorted(set(self.removed) & set(self.keys)) or repeated(self.removed)
        if twice:
            raise ValueError(f"removed names twice or names what keys takes: {listed(twice)}")
        if self.order is not None:
            _require_same_parameters(self.keys, *self.order)


@dataclass(frozen=True, slots=True)
class StateMap:
    """All that a run knows of the keys that it moved. Raises ValueError where two old keys become one."""

    files: Mapping[str, Mapping[str, Keys]] = field(default_factory=dict)
    """From the source alone: path -> class -> keys relative to an instance of the class."""
    models: Mapping[str, ModelMap] = field(default_factory=dict)
    """From instances: ``package.module:Class`` -> whole keys and the order of parameters."""

    def __post_init__(self) -> None:
        for classes in self.files.values():
            for keys in classes.values():
                _require_one_to_one(keys)


def dumps(state_map: StateMap) -> str:
    """The text of the file: empty sections and keys that stay as they are left out."""
    data: dict[str, Any] = {"version": VERSION}
    files = {path: {name: _moved(keys) for name, keys in found.items()} for path, found in state_map.files.items()}
    if files:
        data["files"] = files
    if state_map.models:
        data["models"] = {name: _model_data(model) for name, model in state_map.models.items()}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def loads(text: str | bytes) -> StateMap:
    """The inverse of dumps. Raises ValueError, in words for people, for anything that it would not write."""
    data = strict_json.loads(text)
    _require_fields("a state map", data, _SECTIONS)
    version = data.get("version")
    if version != VERSION or isinstance(version, bool):
        raise ValueError(f"version is {version!r}; this nnconvert reads version {VERSION}")
    files = {
        path: {name: _keys(f"files, {path}, {name}", keys) for name, keys in _object(f"files, {path}", classes).items()}
        for path, classes in _object("files", data.get("files", {})).items()
    }
    models = {
        name: _model(f"models, {name}", model) for name, model in _object("models", data.get("models", {})).items()
    }
    return StateMap(files, models)


def read(path: Path) -> StateMap:
    """The state map in a file. Raises UsageError with one clear line."""
    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def write(path: Path, state_map: StateMap) -> None:
    """Write the file, all or nothing, in place of what stood there. Raises OSError."""
    from nnconvert.checkpoint.output import created

    with created(path) as temporary:
        temporary.write_text(dumps(state_map), encoding="utf-8")


def _moved(keys: Keys) -> dict[str, str]:
    return {old: new for old, new in keys.items() if old != new}


def _model_data(model: ModelMap) -> dict[str, Any]:
    data: dict[str, Any] = {"keys": _moved(model.keys)}
    if model.order is not None:
        data["order"] = [list(names) for names in model.order]
    if model.added:
        data["added"] = list(model.added)
    if model.removed:
        data["removed"] = list(model.removed)
    return data


def _model(where: str, value: object) -> ModelMap:
    data = _require_fields(where, value, _MODEL_FIELDS)
    keys = _keys(f"{where}, keys", data.get("keys", {}))
    added = _strings(f"{where}, added", data.get("added", []))
    removed = _strings(f"{where}, removed", data.get("removed", []))
    order = data.get("order")
    if order is not None:
        if not isinstance(order, list) or len(order) != 2:
            raise ValueError(f"{where}, order: must be two lists of names, the old order and the new one")
        order = (_strings(f"{where}, order", order[0]), _strings(f"{where}, order", order[1]))
    try:
        return ModelMap(keys, order, added, removed)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _keys(where: str, value: object) -> dict[str, str]:
    keys = _object(where, value)
    for old, new in keys.items():
        if not isinstance(new, str) or not new or not old:
            raise ValueError(f"{where}: {old!r} must become a key, not {new!r}")
    try:
        _require_one_to_one(keys)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return keys


def _require_fields(where: str, value: object, known: tuple[str, ...]) -> dict[str, Any]:
    data = _object(where, value)
    unknown = [name for name in data if name not in known]
    if unknown:
        raise ValueError(f"{where} has no {listed(unknown)}; it has {', '.join(known)}")
    return data


def _object(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: must be an object, not {_kind(value)}")
    return value


def _strings(where: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"{where}: must be a list of names")
    return tuple(value)


def _kind(value: object) -> str:
    return {list: "a list", str: "a string", type(None): "null"}.get(type(value), f"{value!r}")


def _require_one_to_one(keys: Keys) -> None:
    twice = repeated(keys.values())
    if twice:
        old = [name for name, new in keys.items() if new == twice[0]]
        raise ValueError(f"{' and '.join(old)} would both become {twice[0]}")


def _require_same_parameters(keys: Keys, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    twice = repeated(old) or repeated(new)
    if twice:
        raise ValueError(f"order names twice: {listed(twice)}")
    expected = {keys.get(name, name) for name in old}
    astray = sorted(expected ^ set(new))
    if astray or len(expected) != len(old):
        raise ValueError(f"order does not list the same parameters in both versions: {listed(astray)}")
