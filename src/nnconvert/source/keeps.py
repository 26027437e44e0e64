"""Which modules a walk over children or modules does something with, read from its loop or function."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import torch_attribute_names, torch_bases
from nnconvert.source.names import Names
from nnconvert.source.scopes import FunctionNode, Scope
from nnconvert.source.surely import is_class_test, surely_read

_PARAMETER_WALKS: Final = frozenset({"parameters", "named_parameters", "buffers", "named_buffers"})
_TEXT_METHODS: Final = frozenset({"startswith", "endswith", "find", "lower", "split"})
_HAS_CHILDREN: Final = re.compile(r"(len\()?list\(\w+\.(named_)?children\(\)\)(\) (>|!=) 0|\) >= 1|\))?")
_FOUND: Final = frozenset({(ast.NotEq, "-1"), (ast.Gt, "-1"), (ast.IsNot, "-1"), (ast.GtE, "0")})
"""What a comparison with the result of ``find`` looks like that is true where the text was found."""


@dataclass(frozen=True, slots=True)
class Keeps:
    """Which modules a walk does something with."""

    everything: bool = False
    classes: frozenset[str] = frozenset()
    """Names of classes that the walk tests for."""
    parts: frozenset[str] = frozenset()
    """Parts of class names that the walk tests for (``"Conv" in type(m).__name__``)."""
    attributes: frozenset[str] = frozenset()
    """Attributes that the walk tests for (``hasattr(m, "weight")``)."""
    parameters: bool = False
    """Whether it goes through the parameters of every module: one without them does not matter there."""

    def __or__(self, other: Keeps) -> Keeps:
        return Keeps(
            self.everything or other.everything,
            self.classes | other.classes,
            self.parts | other.parts,
            self.attributes | other.attributes,
            self.parameters or other.parameters,
        )

    def notices(self, module: str, has_weights: bool = False) -> bool:
        """Whether the walk would treat a submodule of this torch.nn class as one of its own."""
        if self.everything or "Module" in self.classes or (has_weights and self.parameters):
            return True
        names = torch_attribute_names()
        known = names["Module"] | names.get(module, frozenset())
        return bool(
            self.classes & ({module} | torch_bases(module))
            or any(part in module for part in self.parts)
            or self.attributes & known
        )


EVERYTHING: Final = Keeps(everything=True)
NOTHING: Final = Keeps()
PARAMETERS: Final = Keeps(parameters=True)


@dataclass(frozen=True, slots=True)
class _Called:
    parameter: str
    scope: Scope


class Keeper:
    """Reads statements and tests about one variable that holds a module."""

    def __init__(self, attributes: Attributes, names: Names) -> None:
        self.attributes = attributes
        self.names = names
        self._entered: list[Scope] = []
        """Functions that are being read, since they may call one another."""

    def body(
        self,
        body: Iterable[ast.stmt],
        variable: str,
        scope: Scope,
        *,
        loop: bool,
        known: frozenset[str] = frozenset(),
    ) -> Keeps:
        """What the body of a loop, or else of a function that is applied, does something with.

        ``known``: locals that hold the name of the module's class.
        """
        keeps = NOTHING
        leave = ast.Continue if loop else ast.Return
        for statement in body:
            if isinstance(statement, leave):
                return keeps
            if isinstance(statement, ast.If):
                operand = _skipped_unless(statement, leave)
                if operand is not None:
                    return keeps | self.test(operand, variable, scope, known)
                keeps |= self._branches(statement, variable, scope, known, loop)
            elif isinstance(statement, ast.With):
                keeps |= self.body(statement.body, variable, scope, loop=loop, known=known)
            elif isinstance(statement, ast.Assign) and _is_class_name(statement.value, variable, frozenset()):
                known |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
            elif isinstance(statement, ast.For) and is_parameter_walk(statement.iter, variable):
                keeps |= PARAMETERS
            elif (called := self._called(statement, variable, scope)) is not None:
                keeps |= self._function(called)
            elif not (_is_harmless(statement, variable) or self.recurses(statement, scope)):
                return EVERYTHING
        return keeps

    def _branches(self, statement: ast.If, variable: str, scope: Scope, known: frozenset[str], loop: bool) -> Keeps:
        keeps = NOTHING
        deeper = has_children(statement.test) and all(self.recurses(s, scope) for s in statement.body)
        if not (deeper or _is_empty(statement.body)):
            keeps = self.test(statement.test, variable, scope, known)
            if keeps.everything and is_class_test(statement.test, variable):
                # An instance without what is read first would have ended the program.
                read = surely_read(statement.body[0], variable) - torch_attribute_names()["Module"]
                keeps = Keeps(attributes=frozenset(sorted(read)[:1])) if read else keeps
            if keeps.everything and _is_free_of(statement.test, variable):
                keeps = self.body(statement.body, variable, scope, loop=loop, known=known)
        return keeps | self.body(statement.orelse, variable, scope, loop=loop, known=known)

    def _called(self, statement: ast.stmt, variable: str, scope: Scope) -> _Called | None:
        """``init(m)``: a function of the file that gets the module, and else nothing that has to do with it."""
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
            return None
        found = scope.lookup(call.func.id)
        node = found[1][0].node if found is not None and len(found[1]) == 1 else None
        others = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
        if not isinstance(node, FunctionNode) or not _is_name(call.args[0], variable):
            return None
        parameters = [*node.args.posonlyargs, *node.args.args]
        inner = self.attributes.tree.inner[node]
        if inner in self._entered or _is_inside(scope, inner) or not parameters or node.decorator_list:
            return None
        return _Called(parameters[0].arg, inner) if all(_is_free_of(other, variable) for other in others) else None

    def _function(self, called: _Called) -> Keeps:
        assert isinstance(called.scope.node, FunctionNode)
        self._entered.append(called.scope)
        try:
            return self.body(called.scope.node.body, called.parameter, called.scope, loop=False)
        finally:
            self._entered.pop()

    def recurses(self, statement: ast.stmt, scope: Scope) -> bool:
        """``replace(child)`` within ``replace``, if that does nothing for a module without children."""
        call = statement.value if isinstance(statement, ast.Expr) else None
        name = call.func if isinstance(call, ast.Call) else None
        found = scope.lookup(name.id) if isinstance(name, ast.Name) else None
        around: Scope | None = scope
        while around is not None and around.kind != "function":
            around = around.parent
        if found is None or around is None or [b.node for b in found[1]] != [around.node]:
            return False
        assert isinstance(around.node, FunctionNode)
        return all(isinstance(s, ast.Return) or _is_empty([s]) or _loops_over_children(s) for s in around.node.body)

    def test(self, test: ast.expr, variable: str, scope: Scope, known: frozenset[str] = frozenset()) -> Keeps:
        """Of which modules the test may be true; everything where it is not understood."""
        if isinstance(test, ast.BoolOp):
            parts = [self.test(value, variable, scope, known) for value in test.values]
            if isinstance(test.op, ast.And):
                return next((part for part in parts if not part.everything), EVERYTHING)
            keeps = NOTHING
            for part in parts:
                keeps |= part
            return keeps
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and len(test.args) == 2:
            return self._call(test, variable, scope)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self._compare(test, variable, scope, known)
        return EVERYTHING

    def _call(self, test: ast.Call, variable: str, scope: Scope) -> Keeps:
        subject, wanted = test.args
        function = test.func
        if not (_is_name(subject, variable) and isinstance(function, ast.Name)):
            return EVERYTHING
        if function.id == "isinstance":
            return self._class_keeps(wanted, scope)
        if function.id == "hasattr" and isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
            return Keeps(attributes=frozenset({wanted.value}))
        return EVERYTHING

    def _compare(self, test: ast.Compare, variable: str, scope: Scope, known: frozenset[str]) -> Keeps:
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(operator, ast.In) and _is_class_name(right, variable, known):
            return _part(left)
        if isinstance(operator, ast.Eq) and _is_class_name(left, variable, known):
            return _part(right)
        if _is_type_of(left, variable) and isinstance(operator, ast.Eq | ast.Is | ast.In):
            return self._class_keeps(right, scope)
        if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and left.func.attr == "find":
            found = (type(operator), ast.unparse(right)) in _FOUND
            if found and left.args and _is_class_name(left.func.value, variable, known):
                return _part(left.args[0])
        return EVERYTHING

    def _class_keeps(self, node: ast.expr, scope: Scope) -> Keeps:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            keeps = NOTHING
            for element in node.elts:
                keeps |= self._class_keeps(element, scope)
            return keeps
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.Add):
            return self._class_keeps(node.left, scope) | self._class_keeps(node.right, scope)
        if self.attributes.classes.named(node, scope):
            return Keeps(classes=frozenset({"<local class>"}))
        qualname = self.names.qualname(node, scope)
        if qualname is not None:
            return Keeps(classes=frozenset({qualname.rpartition(".")[2]}))
        found = scope.lookup(node.id) if isinstance(node, ast.Name) else None
        value = found[1][0].value if found is not None and len(found[1]) == 1 else None
        if found is not None and isinstance(value, ast.Tuple | ast.List | ast.Set | ast.BinOp):
            return self._class_keeps(value, found[0])
        return EVERYTHING


def _is_inside(scope: Scope, outer: Scope) -> bool:
    found: Scope | None = scope
    while found is not None and found is not outer:
        found = found.parent
    return found is not None


def _part(node: ast.expr) -> Keeps:
    known = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    return Keeps(parts=frozenset({str(node.value)})) if known and isinstance(node, ast.Constant) else EVERYTHING


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_type_of(node: ast.expr, variable: str) -> bool:
    """``type(m)`` or ``m.__class__``."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__class__" and _is_name(node.value, variable)
    is_type = isinstance(node, ast.Call) and _is_name(node.func, "type") and len(node.args) == 1
    return is_type and isinstance(node, ast.Call) and _is_name(node.args[0], variable)


def _is_class_name(node: ast.expr, variable: str, class_names: frozenset[str]) -> bool:
    """``type(m).__name__``, ``m.__class__.__name__``, or a local that holds it."""
    if isinstance(node, ast.Name):
        return node.id in class_names
    return isinstance(node, ast.Attribute) and node.attr == "__name__" and _is_type_of(node.value, variable)


def _is_empty(body: Sequence[ast.stmt]) -> bool:
    return all(
        isinstance(s, ast.Pass | ast.Continue | ast.Global | ast.Nonlocal | ast.Import | ast.ImportFrom)
        or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in body
    )


def has_children(test: ast.expr) -> bool:
    """``len(list(m.children())) > 0``"""
    return _HAS_CHILDREN.fullmatch(ast.unparse(test)) is not None


def _loops_over_children(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.For) and "children()" in ast.unparse(statement.iter)


def _skipped_unless(statement: ast.If, leave: type[ast.stmt]) -> ast.expr | None:
    """The test of ``if not <test>: continue``."""
    test = statement.test
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and not statement.orelse
    leaves = _is_empty(statement.body[:-1]) and isinstance(statement.body[-1], leave)
    return test.operand if negated and leaves and isinstance(test, ast.UnaryOp) else None


def _is_harmless(statement: ast.stmt, variable: str) -> bool:
    """Whether running the statement for one more module, without parameters, makes no difference."""
    return _is_empty([statement]) or _is_plain_assignment(statement, variable)


def _is_free_of(node: ast.expr, variable: str) -> bool:
    """Whether an expression has nothing to do with the variable, and no effect that would add up."""
    for child in ast.walk(node):
        if _is_name(child, variable) or isinstance(child, ast.NamedExpr | ast.Await | ast.Yield):
            return False
        method = child.func if isinstance(child, ast.Call) else None
        if isinstance(child, ast.Call) and not (isinstance(method, ast.Attribute) and method.attr in _TEXT_METHODS):
            return False
    return True


def _is_plain_assignment(statement: ast.stmt, variable: str) -> bool:
    """``std = self.config.std``"""
    return (
        isinstance(statement, ast.Assign)
        and all(isinstance(target, ast.Name) for target in statement.targets)
        and _is_free_of(statement.value, variable)
        and not any(_is_name(target, variable) for target in statement.targets)
    )


def is_parameter_walk(node: ast.expr, variable: str) -> bool:
    """``m.parameters()``: a submodule without parameters yields nothing there."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _PARAMETER_WALKS
        and _is_name(node.func.value, variable)
    )
