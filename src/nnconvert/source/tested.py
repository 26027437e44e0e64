"""Of which modules a test may be true: ``isinstance(m, nn.Conv2d)``, ``"Conv" in type(m).__name__``."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import torch_attribute_names
from nnconvert.source.harmless import is_free_of, is_name
from nnconvert.source.keeps import EVERYTHING, NOTHING, Keeps
from nnconvert.source.names import Names
from nnconvert.source.scopes import Scope

_FOUND: Final = frozenset({(ast.NotEq, "-1"), (ast.Gt, "-1"), (ast.IsNot, "-1"), (ast.GtE, "0")})
"""What a comparison with the result of ``find`` looks like that is true where the text was found."""


@dataclass(frozen=True, slots=True)
class About:
    """The variable that holds a module, and what is known where it is read."""

    variable: str
    scope: Scope
    class_names: frozenset[str] = frozenset()
    """Locals that hold the name of the module's class."""
    each: Mapping[str, ast.expr] = field(default_factory=dict)
    """Variable of a loop within -> what it loops over."""
    loop: ast.For | None = None
    """The walk that this stands in; None in a function that gets the module."""
    for_all: bool = True
    """Whether this is reached for every module, or for none, as far as tests around it tell."""


class Tests:
    """Reads tests of one variable that holds a module."""

    def __init__(self, attributes: Attributes, names: Names) -> None:
        self.attributes = attributes
        self.names = names

    def test(self, test: ast.expr, about: About) -> Keeps:
        """Of which modules the test may be true; everything where it is not understood."""
        if isinstance(test, ast.BoolOp):
            parts = [self.test(value, about) for value in test.values]
            if isinstance(test.op, ast.And):
                return next((part for part in parts if not part.everything), EVERYTHING)
            keeps = NOTHING
            for part in parts:
                keeps |= part
            return keeps
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._negated(test.operand, about)
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Name):
            return self._call(test, about)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self._compare(test, about)
        return EVERYTHING

    def _negated(self, test: ast.expr, about: About) -> Keeps:
        """``not hasattr(m, "training")``: no module is without it."""
        found = self.test(test, about).attributes
        alone = isinstance(test, ast.Call) and len(found) == 1
        return NOTHING if alone and found <= torch_attribute_names()["Module"] else EVERYTHING

    def _call(self, test: ast.Call, about: About) -> Keeps:
        function = test.func
        if not (len(test.args) > 1 and is_name(test.args[0], about.variable) and isinstance(function, ast.Name)):
            return EVERYTHING
        wanted = test.args[1]
        if function.id == "isinstance":
            return self._class_keeps(wanted, about)
        has = function.id == "hasattr" or (function.id == "getattr" and len(test.args) == 3 and _is_false(test.args[2]))
        names = _strings(wanted, about) if has else []
        return Keeps(attributes=frozenset(names)) if names else EVERYTHING

    def _compare(self, test: ast.Compare, about: About) -> Keeps:
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(operator, ast.In) and is_class_name(right, about):
            return _part(left)
        if isinstance(operator, ast.Eq) and is_class_name(left, about):
            return _part(right)
        if _is_type_of(left, about.variable) and isinstance(operator, ast.Eq | ast.Is | ast.In):
            return self._class_keeps(right, about)
        identical = isinstance(operator, ast.Is) and is_name(left, about.variable)
        if identical and is_free_of(right, about.variable, about.scope):
            return NOTHING  # what exists already is not the new one
        if isinstance(operator, ast.IsNot) and isinstance(left, ast.Call) and _is_none(right):
            got = isinstance(left.func, ast.Name) and left.func.id == "getattr" and _is_none(left.args[-1])
            return self._call(left, about) if got else EVERYTHING
        if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and left.func.attr == "find":
            found = (type(operator), ast.unparse(right)) in _FOUND
            if found and left.args and is_class_name(left.func.value, about):
                return _part(left.args[0])
        return EVERYTHING

    def _class_keeps(self, node: ast.expr, about: About) -> Keeps:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            keeps = NOTHING
            for element in node.elts:
                keeps |= self._class_keeps(element, about)
            return keeps
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.Add):
            return self._class_keeps(node.left, about) | self._class_keeps(node.right, about)
        if isinstance(node, ast.Name) and node.id in about.each:
            return self._class_keeps(about.each[node.id], replace(about, each={}))
        if self.attributes.classes.named(node, about.scope):
            return Keeps(classes=frozenset({"<local class>"}))
        qualname = self.names.qualname(node, about.scope)
        if qualname is not None:
            return Keeps(classes=frozenset({qualname.rpartition(".")[2]}))
        found = about.scope.lookup(node.id) if isinstance(node, ast.Name) else None
        value = found[1][0].value if found is not None and len(found[1]) == 1 else None
        if found is not None and isinstance(value, ast.Tuple | ast.List | ast.Set | ast.BinOp):
            return self._class_keeps(value, replace(about, scope=found[0]))
        return EVERYTHING


def _strings(node: ast.expr, about: About) -> Sequence[str]:
    """``"weight"``, or the strings that a loop goes through."""
    if isinstance(node, ast.Name) and node.id in about.each:
        node = about.each[node.id]
    elements = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
    texts = [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
    return texts if len(texts) == len(elements) else []


def _part(node: ast.expr) -> Keeps:
    known = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    return Keeps(parts=frozenset({str(node.value)})) if known and isinstance(node, ast.Constant) else EVERYTHING


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _is_type_of(node: ast.expr, variable: str) -> bool:
    """``type(m)`` or ``m.__class__``."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__class__" and is_name(node.value, variable)
    is_type = isinstance(node, ast.Call) and is_name(node.func, "type") and len(node.args) == 1
    return is_type and isinstance(node, ast.Call) and is_name(node.args[0], variable)


def is_class_name(node: ast.expr, about: About) -> bool:
    """``type(m).__name__``, ``m.__class__.__name__``, or a local that holds it."""
    if isinstance(node, ast.Name):
        return node.id in about.class_names
    return isinstance(node, ast.Attribute) and node.attr == "__name__" and _is_type_of(node.value, about.variable)
