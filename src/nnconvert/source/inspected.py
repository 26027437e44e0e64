"""Methods that are only looked at: ``inspect.signature(self.message)``, ``self.forward.__name__``."""

from __future__ import annotations

import ast
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import ClassInfo
from nnconvert.source.facts import Method
from nnconvert.source.scopes import FunctionNode

_TOLD: Final = frozenset({"__name__", "__qualname__", "__module__", "__doc__", "__annotations__"})
_TESTS: Final = frozenset({"isinstance", "callable", "id"})
_RESTORING: Final = frozenset({"__init__", "__setstate__", "__getstate__", "__deepcopy__", "__copy__"})
_DEPTH: Final = 4


def is_only_inspected(node: ast.expr, attributes: Attributes, depth: int = 0) -> bool:
    """Whether this read of a function, of whatever file, surely does not run it."""
    parent = attributes.tree.parents.get(node)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _TOLD and isinstance(parent.ctx, ast.Load)
    if isinstance(parent, ast.Compare):
        return True
    call = attributes.tree.parents.get(parent) if isinstance(parent, ast.keyword) else parent
    if not isinstance(call, ast.Call) or call.func is node or depth > _DEPTH:
        return False
    scope = attributes.tree.scope_of[call]
    if isinstance(call.func, ast.Name) and scope.lookup(call.func.id) is None:
        by_name = call.func.id in ("getattr", "hasattr") and node in call.args[1:2]
        return call.func.id in _TESTS or by_name
    home = scope.tree.home
    if (home.names.qualname(call.func, scope) or "").startswith("inspect."):
        return True
    functions = _methods(call, home.attributes)
    return bool(functions) and all(
        (parameter := _parameter(call, node, parent, function)) is not None
        and _inspects(function, parameter, attributes, depth)
        for function in functions
    )


def _methods(call: ast.Call, attributes: Attributes) -> list[FunctionNode]:
    """Those that ``self.look(...)`` may run, or ``self.inspector.look(...)`` where that is built above."""
    if not isinstance(call.func, ast.Attribute):
        return []
    receiver, name = call.func.value, call.func.attr
    owner = attributes.self_of(receiver)
    infos = owner.info.family() if owner is not None else []
    if isinstance(receiver, ast.Attribute) and (owner := attributes.self_of(receiver.value)) is not None:
        built = _built_above(call, receiver.attr, owner, attributes)
        infos = [m for m in built.ancestors() if name in m.methods][:1] if built is not None else []
    functions = [node for info in infos for node in info.methods.get(name, [])]
    return functions if not any(node.decorator_list for node in functions) else []


def _built_above(call: ast.Call, name: str, owner: Method, attributes: Attributes) -> ClassInfo | None:
    stores = attributes.stores(owner.info, name)
    above = [s for s in stores if s.method.node is owner.node and getattr(s.node, "lineno", call.lineno) < call.lineno]
    if not above or any(s.method.node.name not in _RESTORING for s in stores):
        return None
    last = max(above, key=lambda s: getattr(s.node, "lineno", 0))
    statement = attributes.tree.parents.get(last.node)
    if statement not in owner.node.body or not isinstance(last.value, ast.Call):
        return None
    named = attributes.classes.named(last.value.func, attributes.tree.scope_of[last.value])
    return named[0] if len(named) == 1 else None


def _parameter(call: ast.Call, node: ast.expr, parent: ast.AST | None, function: FunctionNode) -> str | None:
    """The parameter of a method that gets this argument."""
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    names = [p.arg for p in (*function.args.posonlyargs, *function.args.args)][1:]
    if isinstance(parent, ast.keyword):
        return parent.arg if parent.arg in names else None
    place = call.args.index(node)
    return names[place] if place < len(names) else None


def _inspects(function: FunctionNode, parameter: str, attributes: Attributes, depth: int) -> bool:
    """Whether a function does nothing with a parameter but look at it, whatever else the name is given."""
    uses = (node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == parameter)
    return all(isinstance(use.ctx, ast.Store) or is_only_inspected(use, attributes, depth + 1) for use in uses)
