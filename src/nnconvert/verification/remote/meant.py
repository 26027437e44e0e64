"""What a class itself says of its constructor's parameters: annotations, and what it compares them with."""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import inspect
import sys
import textwrap
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from torch import nn


def class_meant(name: str, annotation: Any, module_globals: dict[str, Any]) -> tuple[str, type] | None:
    """The module class, dataclass or enum that the annotation or the name means, after its spelling."""
    if get_origin(annotation) is type:
        return None  # the class itself is meant
    text = annotation if isinstance(annotation, str) else ""
    plain = name.replace("_", "").lower()
    usable = {n: v for n, v in module_globals.items() if isinstance(v, type) and _is_buildable(v)}
    for known, value in usable.items():
        if value is annotation or value in get_args(annotation) or known in _words(text):
            return known, value
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
            strings = _strings(node.comparators[0], vars(sys.modules.get(cls.__module__, ast)))
            left = node.left
            if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute):
                left = left.func.value  # mode.lower() == "max"
            name = left.attr if isinstance(left, ast.Attribute) else left.id if isinstance(left, ast.Name) else ""
            found.setdefault(name, []).extend(s for s in strings if s not in found.get(name, []))
    return found


def _strings(node: ast.expr, module_globals: Mapping[str, Any]) -> list[str]:
    parts = node.elts if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else [node]
    values = [p.value if isinstance(p, ast.Constant) else module_globals.get(getattr(p, "id", "")) for p in parts]
    return [value for value in values if isinstance(value, str)]


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


def qualified(arguments: str, own: Mapping[str, Any], module_globals: Mapping[str, Any]) -> str:
    """The arguments of a call, written in one module's names, in those of another: with imports where they differ."""
    home, call = own["__name__"], ast.parse(f"f({arguments})", mode="eval")

    class Qualify(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            is_known = node.id in ("f", "torch", "nn", "importlib") or node.id not in own
            if is_known or own[node.id] is module_globals.get(node.id):
                return node
            return ast.parse(f"importlib.import_module({home!r}).{node.id}", mode="eval").body

    written: str = ast.unparse(Qualify().visit(call))
    return arguments if own is module_globals else written[2:-1]


def spelled(cls: type, owner: type) -> str:
    """How a class is written in the module of another."""
    name: str = cls.__name__
    if getattr(sys.modules.get(owner.__module__), name, None) is cls:
        return name
    return f"importlib.import_module({cls.__module__!r}).{cls.__qualname__}"
