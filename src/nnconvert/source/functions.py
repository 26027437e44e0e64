"""The functions that names stand for, across files."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from nnconvert.source.scopes import FunctionNode, Scope

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader

_DEPTH: Final = 8


def function_named(node: ast.expr, scope: Scope) -> FunctionNode | None:
    """The one function that a name, or a name of an imported module, stands for; None where that is not certain.

    It may be a function of another file, with the scopes of that file.
    """
    found = scope.lookup(node.id) if isinstance(node, ast.Name) else None
    if found is not None and len(found[1]) == 1 and isinstance(found[1][0].node, FunctionNode):
        return found[1][0].node
    home = scope.tree.home
    qualname = home.names.qualname(node, scope)
    return _imported(qualname, home) if qualname is not None else None


def _imported(qualname: str, home: Reader, depth: int = 0) -> FunctionNode | None:
    dots = qualname[: len(qualname) - len(qualname.lstrip("."))]
    module, _, name = qualname.rpartition(".")
    module = module if len(module) > len(dots) else dots
    path = home.index.find(module, home.path) if module and not qualname.startswith("torch.") else None
    reader = home.index.reader(path) if path is not None and depth < _DEPTH else None
    if reader is None or reader is home or reader.changes_globals:
        return None
    bindings = reader.tree.module.bindings.get(name, [])
    if len(bindings) == 1 and isinstance(bindings[0].node, FunctionNode):
        return bindings[0].node
    further = reader.names.qualname(ast.Name(name, ast.Load()), reader.tree.module)
    return _imported(further, reader, depth + 1) if further is not None else None
