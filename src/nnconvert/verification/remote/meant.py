"""What a class itself says of its constructor's parameters: annotations, and what it compares them with."""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import inspect
import textwrap
from typing import Any, get_args, get_origin

from torch import nn


def class_meant(name: str, annotation: Any, module_globals: dict[str, Any]) -> tuple[str, type] | None:
    """The module class, dataclass or enum that the annotation or the name means, after its spelling."""
    text = annotation if isinstance(annotation, str) else ""
    plain = name.replace("_", "").lower()
    usable = {n: v for n, v in module_globals.items() if isinstance(v, type) and _is_buildable(v)}
    for spelled, value in usable.items():
        if value is annotation or value in get_args(annotation) or spelled in _words(text):
            return spelled, value
    if annotation is not inspect.Parameter.empty:
        return None
    return next(((s, v) for s, v in usable.items() if s.lower() == plain and issubclass(v, nn.Module)), None)


def _words(text: str) -> set[str]:
    """Of a textual annotation (``Mode | None``, ``Optional[Mode]``), the names that it may mean."""
    inner = text.removeprefix("Optional[").removesuffix("]")
    return {part.strip() for part in inner.split("|")}


def _is_buildable(value: type) -> bool:
    if value.__module__.partition(".")[0] == "torch":
        return False
    return issubclass(value, (nn.Module, enum.Enum)) or dataclasses.is_dataclass(value)


def literals_meant(cls: type, name: str, annotation: Any) -> tuple[str, ...]:
    """Texts of the values that ``Literal[...]`` allows, or of the strings that the class compares it with."""
    if "Literal" in str(get_origin(annotation)):
        return tuple(map(repr, get_args(annotation)))
    if isinstance(annotation, str) and annotation.startswith("Literal["):
        return tuple(part.strip() for part in annotation[8:-1].split(","))
    return tuple(map(repr, _compared(cls).get(name, ())))


@functools.cache
def _compared(cls: type) -> dict[str, list[str]]:
    """Name -> strings that it (or the attribute of this name) is compared with, in source order."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}  # made at run time
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            strings = _strings(node.comparators[0])
            left = node.left
            if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute):
                left = left.func.value  # mode.lower() == "max"
            name = left.attr if isinstance(left, ast.Attribute) else left.id if isinstance(left, ast.Name) else ""
            found.setdefault(name, []).extend(s for s in strings if s not in found.get(name, []))
    return found


def _strings(node: ast.expr) -> list[str]:
    parts = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    return [p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)]


def parameter_at(target: Any, place: int | str) -> str | None:
    """The name of the parameter that an argument at a place, or of a name, is for."""
    if not (inspect.isclass(target) or inspect.isfunction(target)):
        return None
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # written in C, without a signature
        return None
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if isinstance(place, str):
        return place if place in names else None
    return names[place] if place < len(names) else None
