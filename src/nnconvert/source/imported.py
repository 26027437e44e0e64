"""What names of other files stand for: functions and constants that a file imports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from nnconvert.source.scopes import Binding, FunctionNode, Scope

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
    imported = imported_binding(node, scope)
    if imported is None or not isinstance(imported[0].node, FunctionNode):
        return None
    _, home, name = imported
    return imported[0].node if not home.elsewhere.rebound(name) else None


def literal_named(node: ast.expr, scope: Scope) -> ast.expr | None:
    """The number, string or tuple of such that an imported name stands for, if nothing gives it another one."""
    imported = imported_binding(node, scope)
    if imported is None or imported[0].value is None or not _is_immutable(imported[0].value):
        return None
    binding, home, name = imported
    return binding.value if not home.elsewhere.rebound(name) else None


def imported_binding(node: ast.expr, scope: Scope) -> tuple[Binding, Reader, str] | None:
    """The one binding in another file that a name of this one is imported from, that file, and the name there."""
    home = scope.tree.home
    qualname = home.names.qualname(node, scope)
    return _binding(qualname, home) if qualname is not None else None


def _binding(qualname: str, home: Reader, depth: int = 0) -> tuple[Binding, Reader, str] | None:
    dots = qualname[: len(qualname) - len(qualname.lstrip("."))]
    module, _, name = qualname.rpartition(".")
    module = module if len(module) > len(dots) else dots
    path = home.index.find(module, home.path) if module and not qualname.startswith("torch.") else None
    reader = home.index.reader(path) if path is not None and depth < _DEPTH else None
    if reader is None or reader is home or reader.changes_globals:
        return None
    bindings = reader.tree.module.bindings.get(name, [])
    if len(bindings) == 1 and bindings[0].kind != "import":
        return bindings[0], reader, name
    further = reader.names.qualname(ast.Name(name, ast.Load()), reader.tree.module)
    return _binding(further, reader, depth + 1) if further is not None else None


def _is_immutable(value: ast.expr) -> bool:
    if isinstance(value, ast.Tuple):
        return all(_is_immutable(element) for element in value.elts)
    if isinstance(value, ast.UnaryOp):
        return _is_immutable(value.operand)
    if isinstance(value, ast.BinOp):
        return _is_immutable(value.left) and _is_immutable(value.right)
    return isinstance(value, ast.Constant)
