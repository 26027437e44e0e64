"""Literal loops around a call: under ``--split-shared`` each turn gets a submodule of its own."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Comprehension, FunctionNode, Scope

_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While, Comprehension, ast.Lambda)
_MOST_TURNS: Final = 16
"""More copies than this would no longer be readable."""


@dataclass(frozen=True, slots=True)
class Loop:
    """``for <variable> in range(<turns>)`` around a call."""

    variable: str
    turns: int
    first_is_there: bool
    """Whether the first turn keeps the submodule that the source has already."""


def literal_loop(call: ast.Call, reader: Reader, *, first_is_there: bool) -> Loop | None:
    """The one loop around the call, if it is ``for i in range(3)`` and nothing in it binds ``i`` again."""
    loops = [n for n in reader.tree.ancestors(call) if isinstance(n, (*_LOOPS, FunctionNode))]
    outer = next(i for i, node in enumerate(loops) if isinstance(node, FunctionNode))
    loop = loops[0]
    if outer != 1 or not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
        return None
    if not any(call in ast.walk(statement) for statement in loop.body):
        return None
    scope = reader.tree.scope_of[call]
    found = scope.lookup(loop.target.id)
    if scope.kind != "function" or found is None or found[0] is not scope:
        return None
    inside = set(ast.walk(loop)) - {loop.target}
    if any(binding.node in inside for binding in found[1]):
        return None
    if any(n.attr in ("script", "script_method") for n in reader.tree.attributes()):
        return None  # TorchScript cannot choose a submodule by a variable
    turns = _range_of(loop.iter, scope)
    return Loop(loop.target.id, turns, first_is_there) if 1 < turns <= _MOST_TURNS else None


def _range_of(node: ast.expr, scope: Scope) -> int:
    """``3`` for ``range(3)``, 0 for anything else."""
    is_range = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"
    if not (is_range and isinstance(node, ast.Call) and len(node.args) == 1 and scope.lookup("range") is None):
        return 0
    stop = node.args[0]
    return stop.value if isinstance(stop, ast.Constant) and type(stop.value) is int else 0


def is_repeated(call: ast.Call, reader: Reader) -> bool:
    """Whether a loop around the call, in the same function, runs it more than once."""
    child: ast.AST = call
    for ancestor in reader.tree.ancestors(call):
        if isinstance(ancestor, ast.For | ast.AsyncFor) and child is not ancestor.iter:
            return True
        if isinstance(ancestor, ast.While | Comprehension):
            return True
        if isinstance(ancestor, FunctionNode):
            return False
        child = ancestor
    return False
