"""What an expression of ``__init__`` is worth in front of one of its statements, where a module is to be built."""

from __future__ import annotations

import ast
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.source.classes import ClassInfo
from nnconvert.source.constants import Settled
from nnconvert.source.construction import Construction
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Scope
from nnconvert.source.tensors import Shape

_PURE: Final = frozenset({"int", "len", "max", "min", "abs", "round", "sum", "tuple"})
_PLAIN: Final = (
    ast.Name, ast.Attribute, ast.Constant, ast.Tuple, ast.List, ast.BinOp, ast.UnaryOp, ast.Call, ast.Subscript,
    ast.IfExp, ast.Compare, ast.BoolOp, ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context,
)  # fmt: skip


class Place:
    """Places in the ``__init__`` of one class; each is the index of the statement in front of which it is."""

    def __init__(self, info: ClassInfo, reader: Reader) -> None:
        self.info = info
        self.reader = reader
        self.construction: Construction = reader.construction(info)

    # -- sizes ---------------------------------------------------------------------------------------------

    def check(self, shape: Shape, before: int) -> None:
        """Refuse a size that has no value yet there, another one, or an effect; raises LeaveError."""
        for dimension in shape:
            for node in ast.walk(dimension):
                self._check_node(node, before)

    def _check_node(self, node: ast.AST, before: int) -> None:
        init = self.construction.init
        assert init is not None
        if isinstance(node, ast.Name):
            parent = self.reader.tree.parents.get(node)
            if self.reader.attributes.self_of(node) is not None and isinstance(parent, ast.Attribute):
                return
            if not self.is_ready(node.id, init.scope, before):
                raise LeaveError("NNC412", f"`{node.id}` may be something else where the module is built")
        elif isinstance(node, ast.Attribute) and self.reader.attributes.self_of(node.value) is not None:
            stores = self.reader.attributes.stores(self.info, node.attr)
            indexes = [self.construction.index_of(store.node) for store in stores]
            if len(indexes) != 1 or indexes[0] is None or indexes[0] >= before:
                raise LeaveError("NNC412", f"self.{node.attr} may be something else where the module is built")
        elif isinstance(node, ast.Call):
            called = self.reader.names.qualname(node.func, init.scope) or ""
            builtin = isinstance(node.func, ast.Name) and node.func.id in _PURE
            if not (builtin or called.startswith("math.")):
                raise LeaveError("NNC412", f"`{ast.unparse(node)}` would run twice")
        elif isinstance(node, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            raise LeaveError("NNC412", "a size has an effect")

    def is_ready(self, name: str, scope: Scope, before: int) -> bool:
        """A parameter that is never rebound, a local assigned once and before, or a name from outside."""
        bindings = scope.bindings.get(name, [])
        if not bindings:
            return True
        if len(bindings) != 1:
            return False
        if bindings[0].kind == "parameter":
            return True
        targets = [t for s in self.construction.body[:before] if isinstance(s, ast.Assign) for t in s.targets]
        return any(bindings[0].node in ast.walk(target) for target in targets)

    def same(self, first: ast.expr, second: ast.expr) -> bool:
        """Equal once ``self.groups = groups`` is taken into account."""
        return ast.dump(self._origin(first)) == ast.dump(self._origin(second))

    def _origin(self, node: ast.expr) -> ast.expr:
        """What ``self.x`` is given, where that is a parameter of ``__init__`` that is never rebound."""
        init = self.construction.init
        assert init is not None
        if not (isinstance(node, ast.Attribute) and ast.unparse(node.value) == init.receiver):
            return node
        stores = self.reader.attributes.stores(self.info, node.attr)
        value = stores[0].value if len(stores) == 1 and stores[0].method is init else None
        bindings = init.scope.bindings.get(value.id, []) if isinstance(value, ast.Name) else []
        return value if value is not None and [b.kind for b in bindings] == ["parameter"] else node

    # -- settings ------------------------------------------------------------------------------------------

    def early(self, settled: Settled, setting: str, before: int) -> str:
        """The setting's text there: what ``__init__`` assigns later is taken from its source; raises LeaveError."""
        if settled.after <= before:
            return settled.text
        value = _Earlier(self, setting, before).visit(settled.value)
        assert isinstance(value, ast.expr)
        return unparse(value, self.reader.source)


class _Earlier(ast.NodeTransformer):
    """Puts what an attribute is assigned in its place, where the assignment comes too late."""

    def __init__(self, place: Place, setting: str, before: int) -> None:
        self.place = place
        self.setting = setting
        self.before = before

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        place = self.place
        stores = place.reader.attributes.stores(place.info, node.attr)
        index = place.construction.index_of(stores[0].node) if len(stores) == 1 else None
        if index is not None and index < self.before:
            return node
        value = stores[0].value if len(stores) == 1 and stores[0].method is place.construction.init else None
        late = LeaveError("NNC209", f"{self.setting}: self.{node.attr} gets its value after the parameter is made")
        if value is None or not all(isinstance(n, _PLAIN) for n in ast.walk(value)):
            raise late
        try:
            place.check((value,), self.before)
        except LeaveError as error:
            raise late from error
        return value
