"""``[tool.nnconvert]`` of pyproject.toml, and the line length that the project's formatter uses."""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnconvert.discovery import compile_pattern
from nnconvert.errors import UsageError

DEFAULT_LINE_LENGTH = 88
_ROOT_MARKERS = ("pyproject.toml", "setup.py", ".git")


@dataclass(frozen=True, slots=True)
class Config:
    """What a project has settled; each field is the key of that name with dashes."""

    root: Path
    """The project root, absolute: the nearest folder with pyproject.toml, setup.py or .git."""
    share: bool = False
    split_shared: bool = False
    methods: bool = False
    unsafe: bool = False
    parameters: bool = False
    load_old: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: str | None = None
    extend_exclude: str | None = None
    force_exclude: str | None = None
    verify: bool = True
    verify_time_limit: float | None = None
    """Seconds for the verification of a run."""
    python: Path | None = None
    """The interpreter of verification; relative ones start at the folder of pyproject.toml."""
    module_bases: tuple[str, ...] = ()
    line_length: int = DEFAULT_LINE_LENGTH
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """``package.module:Class`` -> ``args`` and ``inputs``, Python expressions for verification."""


def load(start: Path) -> Config:
    """The configuration for a file or folder. Raises UsageError for one that makes no sense."""
    folder = Path(os.path.abspath(start))
    folder = folder if folder.is_dir() else folder.parent
    root = _nearest(folder, _ROOT_MARKERS) or folder
    holder = _nearest(folder, ("pyproject.toml",))
    if holder is None:
        return Config(root, line_length=_ruff_file_line_length(root) or DEFAULT_LINE_LENGTH)
    path = holder / "pyproject.toml"
    tool = _table(_read(path).get("tool", {}), f"{path}: tool")
    settings = _settings(_table(tool.get("nnconvert", {}), f"{path}: tool.nnconvert"), path)
    if "python" in settings:
        settings["python"] = _interpreter(holder / settings["python"], path)
    if "line_length" not in settings:
        settings["line_length"] = _project_line_length(tool, path) or DEFAULT_LINE_LENGTH
    return Config(root, **settings)


def _nearest(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The folder at or above ``folder`` that holds one of ``names``."""
    above = (folder, *folder.parents)
    return next((parent for parent in above if any(os.path.exists(parent / name) for name in names)), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None


def _settings(table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The table checked key by key, as fields of Config."""
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{path}: tool.nnconvert has no key {key!r}{suggestion(key, _KEYS)}")
    return {key.replace("-", "_"): _KEYS[key](value, f"{path}: tool.nnconvert.{key}") for key, value in table.items()}


def suggestion(word: str, known: Mapping[str, Any] | tuple[str, ...] | frozenset[str]) -> str:
    """``; did you mean 'x'?`` where a known word is near, else nothing."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a table")
    return value


def _boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where} must be true or false, not {value!r}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{where} must be a string, not {value!r}")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where} must be a list of strings, not {value!r}")
    return tuple(value)


def _pattern(value: Any, where: str) -> str:
    text = _text(value, where)
    compile_pattern(text, where)
    return text


def _length(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{where} must be a number of characters, not {value!r}")
    return value


def _seconds(value: Any, where: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < math.inf:
        raise UsageError(f"{where} must be a number of seconds above 0, not {value!r}")
    return value


def _path(value: Any, where: str) -> Path:
    return Path(_text(value, where)).expanduser()


def _interpreter(python: Path, path: Path) -> Path:
    if not python.is_file():
        raise UsageError(f"{path}: tool.nnconvert.python: no such file: {python}")
    return python


def _models(value: Any, where: str) -> dict[str, dict[str, str]]:
    models: dict[str, dict[str, str]] = {}
    for name, entry in _table(value, where).items():
        inside = f'{where}."{name}"'
        module, colon, class_name = name.partition(":")
        if not (module and colon and class_name):
            raise UsageError(f'{inside}: a model is named "package.module:Class"')
        for key in _table(entry, inside):
            if key not in ("args", "inputs"):
                words = suggestion(key, ("args", "inputs")) or "; there are args and inputs"
                raise UsageError(f"{inside} has no key {key!r}{words}")
        models[name] = {key: _expression(text, f"{inside}.{key}") for key, text in entry.items()}
    return models


def _expression(value: Any, where: str) -> str:
    return expression(_text(value, where), where)


def expression(text: str, where: str) -> str:
    """``text`` again, where it parses as arguments of a call. Raises UsageError."""
    import ast

    try:
        ast.parse(f"f(\n{text}\n)", mode="eval")
    except (SyntaxError, ValueError) as error:
        words = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{where}: not a Python expression: {text!r}: {words}") from None
    return text


def _project_line_length(tool: Mapping[str, Any], path: Path) -> int | None:
    """What [tool.black] says, else [tool.ruff], else the project's ruff.toml."""
    for name in ("black", "ruff"):
        table = _table(tool.get(name, {}), f"{path}: tool.{name}")
        if "line-length" in table:
            return _length(table["line-length"], f"{path}: tool.{name}.line-length")
    return _ruff_file_line_length(path.parent)


def _ruff_file_line_length(folder: Path) -> int | None:
    for path in (folder / ".ruff.toml", folder / "ruff.toml"):
        if path.is_file():
            length = _read(path).get("line-length")
            return None if length is None else _length(length, f"{path}: line-length")
    return None


_KEYS: Mapping[str, Callable[[Any, str], Any]] = {
    "share": _boolean,
    "split-shared": _boolean,
    "methods": _boolean,
    "unsafe": _boolean,
    "parameters": _boolean,
    "load-old": _boolean,
    "select": _texts,
    "ignore": _texts,
    "exclude": _pattern,
    "extend-exclude": _pattern,
    "force-exclude": _pattern,
    "verify": _boolean,
    "verify-time-limit": _seconds,
    "python": _path,
    "module-bases": _texts,
    "line-length": _length,
    "models": _models,
}
