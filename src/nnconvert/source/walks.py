"""Walks over submodules: who iterates over children or modules, and which classes the walk keeps.

A new submodule without parameters changes what such a walk yields. A walk that looks at certain classes only
(``if isinstance(m, nn.Conv2d): ...``) does not notice.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import ClassInfo, torch_attribute_names, torch_bases
from nnconvert.source.names import Names
from nnconvert.source.scopes import FunctionNode, Scope

_SHALLOW: Final = frozenset({"children", "named_children"})
_DEEP: Final = frozenset({"modules", "named_modules", "apply"})
_PARAMETER_WALKS: Final = frozenset({"parameters", "named_parameters", "buffers", "named_buffers"})


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

    def __or__(self, other: Keeps) -> Keeps:
        return Keeps(
            self.everything or other.everything,
            self.classes | other.classes,
            self.parts | other.parts,
            self.attributes | other.attributes,
        )

    def notices(self, module: str) -> bool:
        """Whether the walk would treat a submodule of this torch.nn class as one of its own."""
        if self.everything or "Module" in self.classes:
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


@dataclass(frozen=True, slots=True)
class Walk:
    node: ast.Attribute
    keeps: Keeps
    owners: tuple[ClassInfo, ...] | None
    """Classes whose instances are walked; None when it may be any."""


class Walks:
    """Every walk of a file over children or modules."""

    def __init__(self, attributes: Attributes, names: Names) -> None:
        self.attributes = attributes
        self.names = names
        self.tree = attributes.tree
        self._all = [walk for node in self.tree.attributes() if (walk := self._walk(node)) is not None]

    def noticing(self, info: ClassInfo, module: str) -> Walk | None:
        """A walk that would notice a new submodule of this torch.nn class in instances of the class."""
        family = info.family()
        for walk in self._all:
            if walk.owners is not None and not any(owner in family for owner in walk.owners):
                continue
            if walk.keeps.notices(module):
                return walk
        return None

    def _walk(self, node: ast.Attribute) -> Walk | None:
        deep = node.attr in _DEEP
        if node.attr == "_modules":
            keeps = self._modules_use(node)
        elif deep or node.attr in _SHALLOW:
            call = self.tree.parents.get(node)
            called = isinstance(call, ast.Call) and call.func is node
            keeps = self._call_keeps(node, call) if called and isinstance(call, ast.Call) else EVERYTHING
        else:
            return None
        if keeps == NOTHING:
            return None
        owners = self._owners(node.value, self.tree.scope_of[node])
        if owners is not None and not owners:
            return None
        return Walk(node, keeps, None if deep else owners)

    def _modules_use(self, node: ast.Attribute) -> Keeps:
        parent = self.tree.parents.get(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return NOTHING
        if isinstance(parent, ast.Compare) and node in parent.comparators:
            return NOTHING
        return EVERYTHING

    # -- whose children -----------------------------------------------------------------------------------------

    def _owners(self, receiver: ast.expr, scope: Scope) -> tuple[ClassInfo, ...] | None:
        """Classes of the file that the receiver may be an instance of; None is any, () is none of them."""
        method = self.attributes.self_of(receiver)
        if method is not None:
            return (method.info,)
        if isinstance(receiver, ast.Call):
            return self._built(receiver, scope)
        if self.names.qualname(receiver, scope) is not None:
            return ()  # torch.func.apply, torch.nn.modules and the like: not an instance
        if isinstance(receiver, ast.Attribute):
            owner = self.attributes.self_of(receiver.value)
            stores = self.attributes.stores(owner.info, receiver.attr) if owner else []
            return self._all_built([store.value for store in stores], scope)
        if self.attributes.classes.named(receiver, scope):
            return ()  # a class, not an instance: apply of an autograd.Function
        if isinstance(receiver, ast.Name):
            found = scope.lookup(receiver.id)
            return self._all_built([b.value for b in found[1]] if found else [], scope)
        return None

    def _all_built(self, values: Sequence[ast.expr | None], scope: Scope) -> tuple[ClassInfo, ...] | None:
        found: list[ClassInfo] = []
        for value in values:
            built = self._built(value, scope) if isinstance(value, ast.Call) else None
            if built is None:
                return None
            found.extend(built)
        return tuple(found) if values else None

    def _built(self, call: ast.Call, scope: Scope) -> tuple[ClassInfo, ...] | None:
        if isinstance(call.func, ast.Name) and call.func.id == "super":
            method = self.attributes.method_of(scope)
            return (method.info,) if method else None
        local = self.attributes.classes.named(call.func, scope)
        if local:
            return tuple(local)
        return () if self.names.qualname(call.func, scope) is not None else None

    # -- what is kept -------------------------------------------------------------------------------------------

    def _call_keeps(self, node: ast.Attribute, call: ast.Call) -> Keeps:
        scope = self.tree.scope_of[node]
        if node.attr == "apply":
            if len(call.args) != 1 or call.keywords:
                return NOTHING  # not nn.Module.apply(fn)
            return self._function_keeps(call.args[0], scope)
        outer: ast.AST = call
        parent = self.tree.parents.get(call)
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in ("list", "tuple"):
            outer, parent = parent, self.tree.parents.get(parent)
        if isinstance(parent, ast.For) and parent.iter is outer:
            variable = _module_variable(parent.target, node.attr)
            return self._body_keeps(parent.body, variable, scope) if variable else EVERYTHING
        if isinstance(parent, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            generator = parent.generators[0]
            variable = _module_variable(generator.target, node.attr) if generator.iter is outer else None
            if variable and generator.ifs:
                inner = self.tree.inner[parent]
                return self._test_keeps(ast.BoolOp(ast.And(), generator.ifs), variable, inner, frozenset())
        return EVERYTHING

    def _function_keeps(self, function: ast.expr, scope: Scope) -> Keeps:
        if isinstance(function, ast.Call) and function.args:
            if (self.names.qualname(function.func, scope) or "").endswith("partial"):
                return self._function_keeps(function.args[0], scope)
            return EVERYTHING
        definitions, skip = self._definitions(function, scope)
        keeps = NOTHING if definitions else EVERYTHING
        for node in definitions:
            parameters = [*node.args.posonlyargs, *node.args.args][skip if _takes_self(node) else 0 :]
            if not parameters:
                return EVERYTHING
            keeps |= self._body_keeps(node.body, parameters[0].arg, self.tree.inner[node])
        return keeps

    def _definitions(self, function: ast.expr, scope: Scope) -> tuple[list[FunctionNode], int]:
        if isinstance(function, ast.Attribute):
            method = self.attributes.self_of(function.value)
            infos = method.info.family() if method else self.attributes.classes.named(function.value, scope)
            return [node for info in infos for node in info.methods.get(function.attr, [])], 1
        found = scope.lookup(function.id) if isinstance(function, ast.Name) else None
        nodes = [b.node for b in found[1] if isinstance(b.node, FunctionNode)] if found else []
        return (nodes, 0) if found and len(nodes) == len(found[1]) else ([], 0)

    def _body_keeps(self, body: Iterable[ast.stmt], variable: str, scope: Scope) -> Keeps:
        keeps = NOTHING
        class_names: frozenset[str] = frozenset()
        for statement in body:
            if isinstance(statement, ast.If):
                if _skips(statement) and isinstance(statement.test, ast.UnaryOp):
                    return keeps | self._test_keeps(statement.test.operand, variable, scope, class_names)
                if not _is_empty(statement.body):
                    keeps |= self._test_keeps(statement.test, variable, scope, class_names)
                keeps |= self._body_keeps(statement.orelse, variable, scope)
            elif isinstance(statement, ast.With):
                keeps |= self._body_keeps(statement.body, variable, scope)
            elif isinstance(statement, ast.Assign) and _is_class_name(statement.value, variable, frozenset()):
                targets = (t.id for t in statement.targets if isinstance(t, ast.Name))
                class_names |= frozenset(targets)
            elif not (_is_empty([statement]) or _walks_parameters(statement, variable)):
                return EVERYTHING
        return keeps

    def _test_keeps(self, test: ast.expr, variable: str, scope: Scope, class_names: frozenset[str]) -> Keeps:
        if isinstance(test, ast.BoolOp):
            parts = [self._test_keeps(value, variable, scope, class_names) for value in test.values]
            if isinstance(test.op, ast.And):
                return next((part for part in parts if not part.everything), EVERYTHING)
            keeps = NOTHING
            for part in parts:
                keeps |= part
            return keeps
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and len(test.args) == 2:
            return self._call_test_keeps(test, variable, scope)
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            return self._compare_keeps(test, variable, scope, class_names)
        return EVERYTHING

    def _call_test_keeps(self, test: ast.Call, variable: str, scope: Scope) -> Keeps:
        subject, wanted = test.args
        function = test.func
        if not (_is_name(subject, variable) and isinstance(function, ast.Name)):
            return EVERYTHING
        if function.id == "isinstance":
            return self._class_keeps(wanted, scope)
        if function.id == "hasattr" and isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
            return Keeps(attributes=frozenset({wanted.value}))
        return EVERYTHING

    def _compare_keeps(
        self, test: ast.Compare, variable: str, scope: Scope, class_names: frozenset[str]
    ) -> Keeps:
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(operator, ast.In) and _is_class_name(right, variable, class_names):
            return _part(left)
        if _is_type_of(left, variable) and isinstance(operator, ast.Eq | ast.Is | ast.In):
            return self._class_keeps(right, scope)
        finds = isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and left.func.attr == "find"
        if finds and isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute) and left.args:
            negative = isinstance(operator, ast.NotEq | ast.Gt | ast.IsNot) and ast.unparse(right) == "-1"
            if negative and _is_class_name(left.func.value, variable, class_names):
                return _part(left.args[0])
        return EVERYTHING

    def _class_keeps(self, node: ast.expr, scope: Scope) -> Keeps:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            keeps = NOTHING
            for element in node.elts:
                keeps |= self._class_keeps(element, scope)
            return keeps
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._class_keeps(node.left, scope) | self._class_keeps(node.right, scope)
        if self.attributes.classes.named(node, scope):
            return Keeps(classes=frozenset({"<local class>"}))
        qualname = self.names.qualname(node, scope)
        return EVERYTHING if qualname is None else Keeps(classes=frozenset({qualname.rpartition(".")[2]}))


def _part(node: ast.expr) -> Keeps:
    known = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
    return Keeps(parts=frozenset({str(node.value)})) if known and isinstance(node, ast.Constant) else EVERYTHING


def _module_variable(target: ast.expr, walk: str) -> str | None:
    if walk.startswith("named_"):
        if not (isinstance(target, ast.Tuple) and len(target.elts) == 2):
            return None
        target = target.elts[1]
    return target.id if isinstance(target, ast.Name) else None


def _takes_self(node: FunctionNode) -> bool:
    return not any(ast.unparse(d).endswith("staticmethod") for d in node.decorator_list)


def _is_name(node: ast.expr, name: str) -> bool:
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


def _skips(statement: ast.If) -> bool:
    """``if not <test>: continue`` (or return)."""
    return (
        isinstance(statement.test, ast.UnaryOp)
        and isinstance(statement.test.op, ast.Not)
        and not statement.orelse
        and len(statement.body) == 1
        and isinstance(statement.body[0], ast.Continue | ast.Return)
    )


def _walks_parameters(statement: ast.stmt, variable: str) -> bool:
    """``for p in m.parameters(): ...``: a submodule without parameters gives it nothing to do."""
    return (
        isinstance(statement, ast.For)
        and isinstance(statement.iter, ast.Call)
        and isinstance(statement.iter.func, ast.Attribute)
        and statement.iter.func.attr in _PARAMETER_WALKS
        and _is_name(statement.iter.func.value, variable)
    )
