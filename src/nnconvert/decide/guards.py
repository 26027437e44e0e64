"""Under which conditions a call site runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nnconvert.decide.sites import Site
from nnconvert.source.facts import Method
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

    def only_in_training(self) -> bool:
        """Whether the call runs only where ``self.training`` holds: ``if self.training: ...``."""
        child: ast.AST = self.site.node
        for ancestor in self.reader.tree.ancestors(self.site.node):
            body = ancestor.body if isinstance(ancestor, ast.If | ast.IfExp) else None
            inside = child is body or (isinstance(body, list) and child in body)
            if inside and isinstance(ancestor, ast.If | ast.IfExp) and self._means_training(ancestor.test):
                return True
            if isinstance(ancestor, FunctionNode | ast.Lambda):
                return False
            child = ancestor
        return False

    def _means_training(self, test: ast.expr) -> bool:
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return any(self._means_training(value) for value in test.values)
        return (
            isinstance(test, ast.Attribute)
            and test.attr == "training"
            and self.reader.attributes.self_of(test.value) is self.method
        )

    def allows(self, value: ast.expr) -> bool:
        """Whether guards of the call ask for the value only to compare it with a number (``self.p > 0``), if at all."""
        wanted = ast.unparse(value)
        nodes = [node for test in self._tests() for node in ast.walk(test)]
        compared = {
            node.left
            for node in nodes
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE)
        }
        asking = (node for node in nodes if isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) == wanted)
        return all(node in compared for node in asking)

    def _tests(self) -> Iterator[ast.expr]:
        """The conditions around the call, and those under which the method returns before it."""
        child: ast.AST = self.site.node
        for ancestor in self.reader.tree.ancestors(self.site.node):
            if isinstance(ancestor, ast.If | ast.IfExp | ast.While):
                yield ancestor.test
            elif isinstance(ancestor, ast.BoolOp):
                yield from ancestor.values
            for statement in _before(ancestor, child):
                yield from (n.test for n in ast.walk(statement) if isinstance(n, ast.If) and _returns(n))
            if ancestor is self.method.node:
                return
            child = ancestor

    def _surely_within(self, node: ast.AST, method: Method) -> bool:
        """Whether a run of the method always reaches the node: no condition around, no return before it."""
        child = node
        for ancestor in self.reader.tree.ancestors(node):
            if isinstance(ancestor, ast.If | ast.IfExp | ast.BoolOp | ast.While | ast.Try | ast.Match | ast.Lambda):
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
    return any(_returns(statement) for statement in _before(parent, child))


def _before(parent: ast.AST, child: ast.AST) -> Sequence[ast.stmt]:
    """The statements of the same body in front of the child."""
    for _, value in ast.iter_fields(parent):
        if isinstance(value, list) and child in value:
            return [node for node in value[: value.index(child)] if isinstance(node, ast.stmt)]
    return []


def _returns(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Return) for node in ast.walk(statement))
