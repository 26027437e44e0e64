"""Which class an argument without annotation is an instance of: one that has what is taken from the argument."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType

import torch
from torch import nn

PLAIN = (torch.Tensor, list, dict, str, type)
MOST = 200
"""Classes that are looked at for one argument."""


def classes_wanted(cls: type, name: str) -> Iterator[type]:
    """Module classes of the package whose instances have what ``cls`` takes from its constructor's argument."""
    taken = _taken(cls, name)
    if not taken or any(taken <= set(dir(plain)) for plain in PLAIN):
        return
    home = sys.modules.get(cls.__module__)
    imported = [value for value in vars(home).values() if isinstance(value, type)] if home is not None else []
    package = cls.__module__.partition(".")[0]
    others = (m for key, m in list(sys.modules.items()) if key.partition(".")[0] == package and m is not home)
    known = itertools.chain(imported, itertools.chain.from_iterable(_own(module, taken) for module in others))
    for found in dict.fromkeys(itertools.islice(known, MOST)):
        if issubclass(found, nn.Module) and not issubclass(found, cls) and taken <= _held(found):
            yield found


def _taken(cls: type, name: str) -> set[str]:
    """Attributes that are read of the constructor's argument, or of the attribute that it becomes."""
    tree = _parsed(cls)
    if tree is None:
        return set()
    kept = {
        node.targets[0].attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == name
        and isinstance(node.targets[0], ast.Attribute)
    }  # fmt: skip
    init = next((m for m in ast.walk(tree) if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
    inside = list(ast.walk(init)) if init is not None else []
    if any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == name for n in inside):
        return set()  # a class, or a function
    read = set(_read_of(init, {name}, set())) if init is not None else set()
    read |= set(_read_of(tree, set(), kept))
    return {attribute for attribute in read if not hasattr(nn.Module(), attribute)}


def _read_of(tree: ast.AST, names: set[str], kept: set[str]) -> Iterator[str]:
    """Attributes that are read of these names and of ``self.<kept>``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            of_self = (
                isinstance(owner, ast.Attribute) and isinstance(owner.value, ast.Name) and owner.value.id == "self"
            )
            if (isinstance(owner, ast.Name) and owner.id in names) or (of_self and getattr(owner, "attr", "") in kept):
                yield node.attr


def _own(module: ModuleType, taken: set[str]) -> Iterator[type]:
    """Classes that the module defines, if its text has all the names."""
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return  # made at run time
    if all(name in text for name in taken):
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield value


def _held(cls: type) -> set[str]:
    """Names that instances have: attributes of the classes, and what is assigned to ``self`` or registered."""
    found = set(dir(cls))
    for base in cls.__mro__:
        tree = _parsed(base) if base.__module__.partition(".")[0] not in ("torch", "builtins") else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "").startswith("register_") and node.args:
                found.add(str(getattr(node.args[0], "value", "")))
    return found


@functools.cache
def _parsed(cls: type) -> ast.Module | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return None  # made at run time
