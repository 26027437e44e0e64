"""Which modules are called, and from where; which converted calls of the old version's submodules never ran."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Collection, Iterator, Mapping
from types import FrameType, ModuleType
from typing import Any, NamedTuple

from torch import nn

from .planned import Expected, owners, walk


class Call(NamedTuple):
    """One call of a module."""

    instance: int
    """The module's id()."""
    kind: str
    """Name of its class."""
    line: int
    """The line of the verified file that it was called from, directly or through other files; or 0."""
    mode: str
    """``train`` or ``eval``."""


@contextlib.contextmanager
def watch_calls(path: str, calls: set[Call], mode: str) -> Iterator[None]:
    """Collect the calls of all modules that run meanwhile, without touching the modules."""

    def note(module: nn.Module, *_: object) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != path:
            frame = frame.f_back
        calls.add(Call(id(module), type(module).__name__, frame.f_lineno if frame else 0, mode))

    handle = nn.modules.module.register_module_forward_pre_hook(note)
    try:
        yield
    finally:
        handle.remove()


def unreached(
    model: nn.Module, calls: Collection[Call], expected: list[Expected], module: ModuleType, source: str
) -> list[str]:
    """Where planned calls did not run: paths of submodules, ``line 12`` for a module built on the spot.

    A submodule must have run in each instance of its class, each of its calls in some instance.
    """
    tree, modules = ast.parse(source), dict(walk(model))
    called, inside = {call.instance for call in calls}, {id(instance) for instance in modules.values()}
    prefixes: dict[str, list[str]] = {}
    for prefix, plan in owners(model, expected, module):
        prefixes.setdefault(plan["class_name"], []).append(prefix)
    found: dict[str, None] = {}
    for plan in expected:
        for planned in plan["calls"] if plan["class_name"] in prefixes else ():
            lines, name = _lines(tree, planned), planned["name"]
            if not name:
                ran = any(c.line in lines and c.kind == planned["module"] and c.instance not in inside for c in calls)
                found.update({} if ran else {f"line {planned['line']}": None})
                continue
            paths = [prefix + name for prefix in prefixes[plan["class_name"]]]
            held = {path: id(modules[path]) for path in paths if path in modules}
            ran = any(c.line in lines and c.instance in held.values() for c in calls)
            missed = [path for path, instance in held.items() if not ran or instance not in called]
            found.update(dict.fromkeys(missed if held else [name]))
    return list(found)


def _lines(tree: ast.Module, planned: Mapping[str, Any]) -> range:
    """The lines that the call which begins on the planned line may be said to run on: those of what is called."""
    first: int = planned["line"]
    ends = [
        node.func.end_lineno or first
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.lineno == first and _calls(node.func, planned["name"])
    ]
    return range(first, max(ends, default=first) + 1)


def _calls(function: ast.expr, name: str) -> bool:
    if not name:
        return isinstance(function, ast.Call)
    return isinstance(function, ast.Attribute) and function.attr == name
