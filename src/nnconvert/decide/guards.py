"""Under which conditions a call site runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nnconvert.decide.sites import Site
from nnconvert.source.attributes import Method
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import FunctionNode


class Guards:
    def __init__(self, site: Site, method: Method, reader: Reader) -> None:
        self.site = site
        self.method = method
        self.reader = reader

    def surely_runs(self) -> bool:
        """Whether every forward pass runs the call."""
        return self._surely_within(self.site.node, self.method) and self._is_called(self.method, frozenset())

    def tests_number(self, value: ast.expr) -> bool:
        """Whether a guard of the call compares the value with a number (``if self.p > 0``), so it is one."""
        wanted = ast.unparse(value)
        return any(
            isinstance(node, ast.Compare)
            and ast.unparse(node.left) == wanted
            and isinstance(node.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE)
            for test in self._tests()
            for node in ast.walk(test)
        )

    def _tests(self) -> Iterator[ast.expr]:
        for ancestor in self.reader.tree.ancestors(self.site.node):
            if isinstance(ancestor, ast.If | ast.IfExp | ast.While):
                yield ancestor.test
            if ancestor is self.method.node:
                return

    def _surely_within(self, node: ast.AST, method: Method) -> bool:
        """Whether a run of the method always reaches the node: no condition around, no return before it."""
        child = node
        for ancestor in self.reader.tree.ancestors(node):
            if isinstance(
                ancestor, ast.If | ast.IfExp | ast.BoolOp | ast.While | ast.Try | ast.Match | ast.Lambda
            ):
                return False
            if _returns_before(ancestor, child):
                return False
            if ancestor is method.node:
                return True
            if isinstance(ancestor, FunctionNode):
                return False
            child = ancestor
        return False

    def _is_called(self, method: Method, seen: frozenset[str]) -> bool:
        name = method.node.name
        if any(name in subclass.scope.bindings for subclass in method.info.descendants()):
            return False
        if name == "forward":
            return True
        if name in seen:
            return False
        attributes = self.reader.attributes
        loads = [n for m in method.info.family() for n in attributes.facts[m].loads.get(name, [])]
        for load in loads:
            caller = attributes.method_of(self.reader.tree.scope_of[load])
            call = self.reader.tree.parents.get(load)
            if caller is None or not (isinstance(call, ast.Call) and call.func is load):
                continue
            if self._surely_within(call, caller) and self._is_called(caller, seen | {name}):
                return True
        return False


def _returns_before(parent: ast.AST, child: ast.AST) -> bool:
    for _, value in ast.iter_fields(parent):
        if isinstance(value, list) and child in value:
            before: Sequence[ast.AST] = value[: value.index(child)]
            return any(
                isinstance(n, ast.Return) for s in before if isinstance(s, ast.stmt) for n in ast.walk(s)
            )
    return False
