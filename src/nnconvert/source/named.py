"""Attribute names given as strings: ``setattr(self, f"relu{i}", ...)``, ``self._modules["relu"]``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from nnconvert.source.scopes import Scope
from nnconvert.source.tree import ScopeTree

TABLES: Final = frozenset({"__dict__", "_modules", "_parameters", "_buffers"})
"""Dicts of an object that hold its attributes by name."""

_REGISTERING: Final = frozenset({"add_module", "register_module", "register_buffer", "register_parameter"})
_FUNCTIONS: Final = frozenset({"getattr", "hasattr"})
_SETTING: Final = frozenset({"setattr", "delattr"})
_TABLE_LOOKUPS: Final = frozenset({"get", "pop", "__getitem__", "__contains__"})
_PATHS: Final = frozenset({"get_submodule", "attrgetter", "methodcaller", "__getattr__", "__getattribute__"})
ASKING: Final = _FUNCTIONS | _PATHS | {"eval"}
"""What asks for an attribute by a string is called so."""


def named_store(call: ast.Call) -> tuple[ast.expr | None, ast.expr | None, ast.expr | None]:
    """Target and name of ``setattr(target, name, ...)`` and of ``target.add_module(name, ...)``."""
    function, arguments = call.func, call.args
    if isinstance(function, ast.Name) and function.id in _SETTING and len(arguments) >= 2:
        return arguments[0], arguments[1], None
    if isinstance(function, ast.Attribute) and function.attr in _REGISTERING:
        named = next((k.value for k in call.keywords if k.arg == "name"), None)
        return function.value, arguments[0] if arguments else named, None
    if isinstance(function, ast.Attribute) and function.attr == "object" and len(arguments) >= 2:
        return arguments[0], arguments[1], None  # mock.patch.object(target, name, ...)
    if isinstance(function, ast.Attribute) and function.attr in ("__setattr__", "__delattr__"):
        if len(arguments) >= 3:  # object.__setattr__(self, name, value)
            return arguments[0], arguments[1], None
        if arguments:
            return function.value, arguments[0], None
    return None, None, None


def hides_stores(node: ast.Name, tree: ScopeTree) -> bool:
    """``exec`` at all, and ``setattr`` under another name or handed on."""
    if node.id not in ("exec", "setattr") or tree.scope_of[node].lookup(node.id) is not None:
        return False
    call = tree.parents.get(node)
    return node.id == "exec" or not (isinstance(call, ast.Call) and call.func is node)


def asked_name(call: ast.Call) -> ast.expr | None:
    """The name expression of ``getattr(x, name)``, ``x.get_submodule(name)`` or ``eval("x.name")``."""
    function = call.func
    if isinstance(function, ast.Name) and function.id == "eval" and call.args:
        return call.args[0]
    if isinstance(function, ast.Name) and function.id in _FUNCTIONS and len(call.args) >= 2:
        return call.args[1]
    short = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return call.args[0] if short in _PATHS and call.args else None


def asked_object(call: ast.Call) -> ast.expr | None:
    """Of whom ``asked_name`` is asked; None where that is not known."""
    if isinstance(call.func, ast.Name) and call.func.id in _FUNCTIONS:
        return call.args[0]
    called = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return call.func.value if isinstance(call.func, ast.Attribute) and called == "get_submodule" else None


def listed_names(call: ast.Call) -> Iterator[str]:
    """The parts of dotted names in lists and dicts among the arguments of a call, its first one left out."""
    for argument in (*call.args[1:], *(keyword.value for keyword in call.keywords)):
        if isinstance(argument, ast.List | ast.Tuple | ast.Dict):
            yield from names_in(argument)


def names_in(node: ast.expr) -> Iterator[str]:
    """``conv`` and ``relu`` for ``[["conv", "relu"]]``; of a dict only where it maps names to names."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from node.value.split(".")
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for element in node.elts:
            yield from names_in(element)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None and isinstance(value, ast.Constant):
                yield from names_in(key)
            yield from names_in(value)


def table_use(node: ast.Attribute | ast.Call, tree: ScopeTree) -> tuple[ast.expr | None, bool]:
    """What a use of ``x._modules`` names, and whether it stores there; (None, True): under any name."""
    parent = tree.parents.get(node)
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return parent.slice, not isinstance(parent.ctx, ast.Load)
    if isinstance(parent, ast.Compare) and node in parent.comparators:
        return parent.left, False
    call = tree.parents.get(parent) if isinstance(parent, ast.Attribute) else None
    if isinstance(parent, ast.Attribute) and isinstance(call, ast.Call) and call.func is parent:
        if parent.attr in ("update", "__ior__") or (parent.attr == "setdefault" and not call.args):
            return None, True
        if parent.attr in ("setdefault", "__setitem__") and call.args:
            return call.args[0], True
        if parent.attr in _TABLE_LOOKUPS and call.args:
            return call.args[0], False
    return None, False


def string_values(node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[tuple[str, bool]]:
    """What a name may evaluate to: (text, whole) or (prefix, not whole); ("", False) is anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, True
        return
    if isinstance(node, ast.Name) and depth < 4:
        found = scope.lookup(node.id)
        values = [b.value for b in found[1]] if found else []
        known = [value for value in values if value is not None]
        if known and len(known) == len(values):
            for value in known:
                yield from string_values(value, scope, depth + 1)
            return
    yield _prefix(node), False


def _prefix(node: ast.expr) -> str:
    """The fixed beginning of a built string: f-string, ``"a%d" % i``, ``"a" + x``, ``"a{}".format(i)``."""
    if isinstance(node, ast.JoinedStr) and node.values:
        return _prefix(node.values[0])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _prefix(node.left).partition("%")[0]
    if isinstance(node, ast.BinOp):
        return _prefix(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _prefix(node.func.value).partition("{")[0]
    return ""
