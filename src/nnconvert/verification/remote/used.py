"""What a class does with its constructor's parameters, read from its source: which kind of value each one is."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from typing import Any

from .following import FunctionNode, Reader
from .use import Use

LARGE = 40
"""Methods that a base has at the most, to be read."""
DEPTH = 3
"""How far a value is followed into the constructors that it is passed on to."""


@functools.cache
def uses_of(cls: type, depth: int = 0) -> dict[str, Use]:
    """Parameter of the constructor -> what is done with it; empty where the source is not to be had."""
    owner = next((base for base in cls.__mro__ if "__init__" in vars(base)), object)
    init = vars(owner)["__init__"]
    if not hasattr(init, "__globals__") or owner.__module__.partition(".")[0] == "torch":
        return {}
    methods = {name: _parsed(method) for name, method in _methods(cls).items()}
    head = _parsed(init)
    if head is None:
        return {}
    reader = Reader(
        init.__globals__,
        owner,
        functools.partial(_passed_on, depth),
        [head, *(m for m in methods.values() if m is not None)],
    )
    arguments = head.args
    names = [a.arg for a in [*arguments.posonlyargs, *arguments.args][1:] + arguments.kwonlyargs]
    found = {name: Use() for name in names}
    for name, use in found.items():
        reader.note_name(head, name, use)
    return found


def _methods(cls: type) -> dict[str, Any]:
    """The methods of a class and of its bases but for the constructors; large bases are about more than one class."""
    found: dict[str, Any] = {}
    for base in cls.__mro__[::-1]:
        own = {name: method for name, method in vars(base).items() if inspect.isfunction(method)}
        if base.__module__.partition(".")[0] != "torch" and len(own) <= LARGE:
            found.update(own)
    return {name: method for name, method in found.items() if name != "__init__"}


def _passed_on(depth: int, cls: Any, name: str) -> Use | None:
    """What another constructor does with what is passed on to it."""
    return uses_of(cls, depth + 1).get(name) if depth < DEPTH else None


def _parsed(function: Any) -> FunctionNode | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None  # made at run time
    return tree if isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)) else None
