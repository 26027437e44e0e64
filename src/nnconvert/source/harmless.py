"""Statements that make no difference where a walk runs them for one more module without parameters and children."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

from nnconvert.source.classes import torch_attribute_names
from nnconvert.source.names import Names
from nnconvert.source.scopes import FunctionNode, Scope

_PARAMETER_WALKS: Final = frozenset({"parameters", "named_parameters", "buffers", "named_buffers"})
CHILD_WALKS: Final = frozenset({"children", "named_children"})
_PARAMETER_METHODS: Final = frozenset(
    {
        *("_apply", "requires_grad_", "zero_grad", "share_memory", "to", "to_empty", "cpu", "cuda"),
        *("float", "double", "half", "bfloat16"),
    }
)
"""Methods of nn.Module that do something with the parameters and buffers of a module and of its children, no more."""
_FAILING: Final = frozenset(
    {
        "torch.nn.utils.remove_weight_norm",
        "torch.nn.utils.remove_spectral_norm",
        "torch.nn.utils.weight_norm.remove_weight_norm",
        "torch.nn.utils.spectral_norm.remove_spectral_norm",
        "torch.nn.utils.parametrize.remove_parametrizations",
    }
)
"""Functions of torch that raise ValueError for a module without what they remove."""
_CATCHING: Final = frozenset({"ValueError", "Exception", "BaseException"})
_TEXT_METHODS: Final = frozenset({"startswith", "endswith", "find", "lower", "split", "keys", "format"})
_PURE: Final = frozenset({"len", "isinstance", "hasattr", "any", "all", "str", "int", "range", "min", "max", "type"})
_ASKING: Final = frozenset({"isinstance", "hasattr", "type"})
_LOGS: Final = frozenset({"logging", "logger", "_logger", "log", "LOGGER", "LOG"})
_HAS_CHILDREN: Final = re.compile(r"(len\()?list\(\w+\.(named_)?children\(\)\)(\) (>|!=) 0|\) >= 1|\))?")


def is_empty(body: Sequence[ast.stmt]) -> bool:
    return all(
        isinstance(s, ast.Pass | ast.Continue | ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom)
        or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )


def is_harmless(statement: ast.stmt, variable: str, scope: Scope, loop: ast.For | None) -> bool:
    """Nothing, a local of no concern, a function defined, a line of a log.

    ``loop``: the walk that the statement stands in; None in a function that gets the module.
    """
    if isinstance(statement, FunctionNode):
        defaults = [*statement.args.defaults, *(d for d in statement.args.kw_defaults if d is not None)]
        return not statement.decorator_list and all(is_free_of(default, variable, scope) for default in defaults)
    if isinstance(statement, ast.Assign) and _is_plain(statement, variable, scope):
        return not any(outlives(target, scope, loop) for target in statement.targets)
    return is_empty([statement]) or _is_log(statement, scope)


def outlives(target: ast.expr, scope: Scope, loop: ast.For | None) -> bool:
    """Whether what is assigned may be read after the walk, or when the walk is at another module."""
    found = scope.lookup(target.id) if isinstance(target, ast.Name) else None
    if not isinstance(target, ast.Name) or found is None or found[0] is not scope:
        return True  # a global, for one
    if loop is None:
        return False
    tree = scope.tree
    lines = range(target.lineno + 1, (loop.body[-1].end_lineno or 0) + 1)
    loads = (node for node in tree.names() if node.id == target.id and isinstance(node.ctx, ast.Load))
    return any(load.lineno not in lines for load in loads if tree.scope_of[load].lookup(load.id) == found)


def is_free_of(node: ast.expr, variable: str, scope: Scope) -> bool:
    """Whether an expression has nothing to do with the variable, and no effect that would add up."""
    return has_no_effect(node, scope) and not any(is_name(child, variable) for child in ast.walk(node))


def has_no_effect(node: ast.expr, scope: Scope) -> bool:
    for child in ast.walk(node):
        if isinstance(child, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(child, ast.Call) and not _is_pure(child, scope):
            return False
    return True


def _is_pure(call: ast.Call, scope: Scope) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id in _PURE and scope.lookup(call.func.id) is None
    return isinstance(call.func, ast.Attribute) and call.func.attr in _TEXT_METHODS


def asks_only(node: ast.expr, variable: str, scope: Scope) -> bool:
    """``isinstance(m, kind)``, ``m is last``: what asks something of any module, and neither fails nor does more."""
    if not has_no_effect(node, scope):
        return False
    asked: set[ast.AST] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id in _ASKING:
            asked |= set(child.args[:1])
        elif isinstance(child, ast.Attribute) and child.attr in torch_attribute_names()["Module"]:
            asked.add(child.value)
        elif isinstance(child, ast.Compare) and all(isinstance(op, ast.Is | ast.IsNot) for op in child.ops):
            asked |= {child.left, *child.comparators}
    return all(child in asked for child in ast.walk(node) if is_name(child, variable))


def is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_plain(statement: ast.Assign, variable: str, scope: Scope) -> bool:
    """``std = self.config.std``"""
    names = {target.id for target in statement.targets if isinstance(target, ast.Name)}
    read = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return is_free_of(statement.value, variable, scope) and names.isdisjoint({variable, *read})  # n = n + 1


def _is_log(statement: ast.stmt, scope: Scope) -> bool:
    """``logging.debug(f"Weight norm is removed from {m}.")``: it shows the modules, as ``print(net)`` does."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr="debug" | "info"), args=args, keywords=[])):
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            return name in _LOGS and all(has_no_effect(argument, scope) for argument in args)
    return False


def is_parameter_walk(node: ast.expr, variable: str) -> bool:
    """``m.parameters()``: a submodule without parameters yields nothing there."""
    return _method_called(node, variable) in _PARAMETER_WALKS


def is_child_walk(node: ast.expr, variable: str) -> bool:
    """``m.children()``: no module class that the catalog has holds others."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("list", "tuple", "reversed"):
        return len(node.args) == 1 and is_child_walk(node.args[0], variable)
    return _method_called(node, variable) in CHILD_WALKS


def is_about_parameters(statement: ast.stmt, variable: str, scope: Scope) -> bool:
    """``m.requires_grad_(False)``"""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not (isinstance(call, ast.Call) and _method_called(call, variable) in _PARAMETER_METHODS):
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(is_free_of(argument, variable, scope) for argument in given)


def _method_called(node: ast.expr, variable: str) -> str:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_name(node.func.value, variable)
    return node.func.attr if called and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def has_children(test: ast.expr) -> bool:
    """``len(list(m.children())) > 0``"""
    return _HAS_CHILDREN.fullmatch(ast.unparse(test)) is not None


def loops_over_children(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.For) and "children()" in ast.unparse(statement.iter)


def before_failure(statement: ast.Try, variable: str, scope: Scope, names: Names) -> Sequence[ast.stmt] | None:
    """What ``try: ...; remove_weight_norm(m)`` does before it fails for a module that never had any, and is caught."""
    caught = {ast.unparse(handler.type) if handler.type is not None else "Exception" for handler in statement.handlers}
    if not caught & _CATCHING or statement.orelse or statement.finalbody:
        return None
    for index, step in enumerate(statement.body):
        call = step.value if isinstance(step, ast.Expr) else None
        removes = isinstance(call, ast.Call) and names.qualname(call.func, scope) in _FAILING
        if removes and isinstance(call, ast.Call) and call.args and is_name(call.args[0], variable):
            return statement.body[:index]
    return None
