"""Whether an expression of ``__init__`` is one number or several, where a class takes both."""

from __future__ import annotations

import ast
import re
from typing import Final, Literal

from nnconvert.decide.arguments import literal
from nnconvert.source.constants import Settler
from nnconvert.source.scopes import Scope

Shape = Literal["number", "sequence", "unknown"]

_NUMBERS: Final = frozenset({"int", "float", "bool", "len", "round", "abs"})
_SEQUENCES: Final = frozenset({"tuple", "list"})
_NUMBER_WORDS: Final = frozenset({"int", "float", "int | float", "float | int"})
_NEVER_OF_SEQUENCES: Final = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_DEPTH: Final = 8


def shape_of(value: ast.expr, scope: Scope, settler: Settler, depth: int = 0) -> Shape:
    """What the expression certainly is; ``scope``: where it stands."""
    if isinstance(literal(value), int | float) or isinstance(value, ast.UnaryOp):
        return "number"
    if isinstance(value, ast.Tuple | ast.List):
        return "sequence"
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and scope.lookup(value.func.id) is None:
        name = value.func.id
        return "number" if name in _NUMBERS else "sequence" if name in _SEQUENCES else "unknown"
    if isinstance(value, ast.IfExp):
        branches = {shape_of(branch, scope, settler, depth + 1) for branch in (value.body, value.orelse)}
        return branches.pop() if len(branches) == 1 else "unknown"
    if isinstance(value, ast.BinOp):
        return _of_operation(value, scope, settler, depth)
    return _of_origin(value, scope, settler, depth) if depth < _DEPTH else "unknown"


def _of_operation(value: ast.BinOp, scope: Scope, settler: Settler, depth: int) -> Shape:
    if isinstance(value.op, _NEVER_OF_SEQUENCES):
        return "number"
    sides = {shape_of(side, scope, settler, depth + 1) for side in (value.left, value.right)}
    if sides == {"number"}:
        return "number"
    return "sequence" if "sequence" in sides else "unknown"


def _of_origin(value: ast.expr, scope: Scope, settler: Settler, depth: int) -> Shape:
    """What a name or ``self.x`` was given, or its annotation, says."""
    if isinstance(value, ast.Name):
        found = scope.lookup(value.id)
        if found is None or len(found[1]) != 1:
            return "unknown"
        where, [binding] = found
        annotation = getattr(binding.node, "annotation", None)
        if annotation is not None:
            return _of_annotation(annotation)
        return shape_of(binding.value, where, settler, depth + 1) if binding.value is not None else "unknown"
    defined = settler.definition(value, scope)
    if defined is None:
        return "unknown"
    if defined.annotation is not None:
        return _of_annotation(defined.annotation)
    return shape_of(defined.value, defined.scope, settler, depth + 1)


def _of_annotation(annotation: ast.expr) -> Shape:
    text = ast.unparse(annotation).lower()
    if text in _NUMBER_WORDS:
        return "number"
    return "sequence" if re.fullmatch(r"(typing\.)?(tuple|list|sequence)\[[^|]*\]", text) else "unknown"
