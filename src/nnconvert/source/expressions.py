"""Which expressions are constant: literals, names and attributes that are, and what is made of these."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

from nnconvert.source.facts import Method
from nnconvert.source.imported import literal_named
from nnconvert.source.names import root_name
from nnconvert.source.nodes import NodeTable
from nnconvert.source.paths import run_at_import
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding, Scope

Why = Literal["input", "local", "training", "state", "dotted", "changed", "unknown", "late"]

PURE_BUILTINS: Final = frozenset(
    {"int", "float", "bool", "str", "tuple", "list", "len", "max", "min", "abs", "round", "sum", "pow",
     "divmod", "range"}
)  # fmt: skip
_IMMUTABLE_RESULTS: Final = frozenset({"int", "float", "bool", "str", "len"})
_SHAPE_WORDS: Final = frozenset({"shape", "size", "ndim", "dim", "numel", "__len__"})
_CHANGING_METHODS: Final = frozenset(
    {"append", "extend", "insert", "pop", "popitem", "remove", "clear", "sort", "reverse", "__setitem__",
     "update", "setdefault"}
)  # fmt: skip
_DEPTH: Final = 12


class NotConstantError(Exception):
    """An expression that may differ between construction and call: why, in a word and in words."""

    def __init__(self, why: Why, words: str) -> None:
        super().__init__(words)
        self.why = why
        self.words = words


class Surroundings(Protocol):
    """What an expression is settled in."""

    reader: Reader
    method: Method

    @property
    def init_receiver(self) -> str: ...

    def attribute_after(self, name: str) -> int:
        """Behind which statement of ``__init__`` ``self.<name>`` is fixed; raises NotConstantError."""


def changes_in_place(node: ast.AST, parents: NodeTable[ast.AST]) -> bool:
    """``x[...] = ...``, ``x[0][1] = ...``, ``x.append(...)``."""
    parent = parents.get(node)
    while isinstance(parent, ast.Subscript) and parent.value is node:
        if not isinstance(parent.ctx, ast.Load):
            return True
        node, parent = parent, parents.get(parent)
    return isinstance(parent, ast.Attribute) and parent.value is node and parent.attr in _CHANGING_METHODS


class Expression:
    """One expression being settled: ``visit`` returns what may stand in ``__init__`` in its place."""

    def __init__(self, surroundings: Surroundings, scope: Scope) -> None:
        self.surroundings = surroundings
        self.reader = scope.tree.home
        self.scope = scope
        self.after = 0
        self.substituted = False
        """Whether a local was replaced by what it is computed from."""
        self.names: dict[str, Scope | None] = {}
        """Names that the result reads, and the scopes that bind them (None: builtin)."""

    def visit(self, node: ast.expr, depth: int = 0) -> ast.expr:
        if depth > _DEPTH:
            raise NotConstantError("unknown", "the setting is nested too deeply")
        handler = _VISITORS.get(type(node))
        if handler is None:
            self._refuse_input(node)
            raise NotConstantError("unknown", f"`{_short(node)}` is not a constant expression")
        return handler(self, node, depth)

    def constant(self, node: ast.expr, _: int) -> ast.expr:
        if isinstance(node, ast.Constant) and (node.value is ... or isinstance(node.value, bytes)):
            raise NotConstantError("unknown", f"`{_short(node)}` is not a setting")
        return node

    def operands(self, node: ast.expr, depth: int) -> ast.expr:
        """Arithmetic, comparisons, tuples, dicts: constant if all parts are."""
        fields: dict[str, Any] = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                fields[name] = self.visit(value, depth + 1)
            elif isinstance(value, list) and all(isinstance(item, ast.expr) for item in value):
                fields[name] = [self.visit(item, depth + 1) for item in value]
            else:
                fields[name] = value
        return type(node)(**fields)

    def mapping(self, node: ast.expr, depth: int) -> ast.expr:
        if isinstance(node, ast.Dict) and None in node.keys:
            raise NotConstantError("unknown", f"`{_short(node)}` is not a constant expression")
        return self.operands(node, depth)

    def call(self, node: ast.expr, depth: int) -> ast.expr:
        assert isinstance(node, ast.Call)
        if not (_is_builtin(node.func, PURE_BUILTINS, self.scope) or self._is_math(node.func)):
            self._refuse_input(node)
            raise NotConstantError("unknown", f"`{_short(node)}` is not known to give the same at every call")
        self._note(node.func)
        arguments = [self.visit(argument, depth + 1) for argument in node.args]
        keywords = [ast.keyword(k.arg, self.visit(k.value, depth + 1)) for k in node.keywords]
        return ast.Call(node.func, arguments, keywords)

    def _is_math(self, node: ast.expr) -> bool:
        return (self.reader.names.qualname(node, self.scope) or "").startswith("math.")

    def _note(self, node: ast.expr) -> None:
        root = root_name(node)
        if root is not None:
            found = self.scope.lookup(root.id)
            self.names[root.id] = found[0] if found is not None else None

    def attribute(self, node: ast.expr, _: int) -> ast.expr:
        assert isinstance(node, ast.Attribute)
        method = self.reader.attributes.self_of(node.value)
        if method is not None and method is self.surroundings.method:
            self.after = max(self.after, self.surroundings.attribute_after(node.attr))
            return ast.Attribute(ast.Name(self.surroundings.init_receiver, ast.Load()), node.attr, ast.Load())
        qualname = self.reader.names.qualname(node, self.scope) or ""
        if qualname.startswith(("math.", "torch.nn.functional.")):
            self._note(node)
            return node
        if literal_named(node, self.scope) is not None:
            self._note(node)
            return node
        self._refuse_input(node)
        raise NotConstantError("dotted", f"`{_short(node)}` is not known to be constant")

    def subscript(self, node: ast.expr, depth: int) -> ast.expr:
        assert isinstance(node, ast.Subscript)
        if isinstance(node.slice, ast.Slice | ast.Tuple):
            self._refuse_input(node)
            raise NotConstantError("unknown", f"`{_short(node)}` is not a constant expression")
        value, index = self.visit(node.value, depth + 1), self.visit(node.slice, depth + 1)
        keyed = isinstance(index, ast.Constant) and isinstance(index.value, str)
        if keyed and not isinstance(self._definition(node.value), ast.Dict):
            # A mapping from elsewhere belongs to others, too, who may change it: like `self.cfg.p`.
            raise NotConstantError("dotted", f"`{_short(node)}` is not known to be constant")
        return ast.Subscript(value, index, ast.Load())

    def _definition(self, node: ast.expr) -> ast.expr | None:
        """What a constant name or ``self.x`` was given; the expression itself where it is neither."""
        if isinstance(node, ast.Name):
            found = self.scope.lookup(node.id)
            return found[1][0].value if found is not None else None
        if isinstance(node, ast.Attribute):
            stores = self.reader.attributes.stores(self.surroundings.method.info, node.attr)
            return stores[0].value if len(stores) == 1 else None
        return node

    def name(self, node: ast.expr, depth: int) -> ast.expr:
        assert isinstance(node, ast.Name)
        found = self.scope.lookup(node.id)
        if found is None:
            raise NotConstantError("unknown", f"`{node.id}` is not bound in this file")
        where, bindings = found
        if where.kind == "module" or (where.kind == "class" and where is self.scope):
            self._shared_constant(node, bindings, where, depth)
            self._note(node)
            return node
        if where.kind == "class":
            raise NotConstantError("unknown", f"`{node.id}` belongs to a class body")
        if self._is_inside_method(where):
            return self._local(node, bindings, where, depth)
        raise NotConstantError("local", f"`{node.id}` is a variable of the function around the class")

    def _is_inside_method(self, where: Scope) -> bool:
        scope: Scope | None = where
        while scope is not None:
            if scope is self.surroundings.method.scope:
                return True
            scope = scope.parent
        return False

    def _shared_constant(self, node: ast.Name, bindings: list[Binding], where: Scope, depth: int) -> None:
        """A name of the module, or of the class body that is being read."""
        shown = f"`{node.id}`"
        if all(b.kind == "import" for b in bindings):
            if literal_named(node, self.scope) is None:
                raise NotConstantError("dotted", f"{shown} is imported; its value is not known here")
            if place := self.reader.elsewhere.rebound(node.id):
                raise NotConstantError("changed", f"{shown} gets another value: {place}")
            return
        if len(bindings) != 1 or bindings[0].value is None:
            raise NotConstantError("changed", f"{shown} is bound more than once, or not by a plain assignment")
        self._refuse_changed(node.id, "changed")
        if where.kind == "module" and self.reader.changes_globals:
            raise NotConstantError("changed", f"the file changes globals by other means, perhaps {shown}")
        if where.kind == "module" and self._may_be_built_before(bindings[0].node):
            raise NotConstantError("late", f"{shown} gets its value after code that may build the class")
        if where.kind == "module" and (place := self.reader.elsewhere.rebound(node.id)):
            raise NotConstantError("changed", f"{shown} gets another value: {place}")
        value = bindings[0].value
        if not gives_immutable(value, where):  # what int(...) gave when the module was imported stays
            Expression(self.surroundings, where).visit(value, depth + 1)

    def _may_be_built_before(self, target: ast.AST) -> bool:
        """Whether something is called when the module is imported, behind the class and before the target."""
        line = getattr(target, "lineno", 0)
        start = self.surroundings.method.info.node.lineno
        for statement in self.reader.source.tree.body:
            if start < statement.lineno < line and any(map(_is_call, run_at_import(statement))):
                return True
        return False

    def _local(self, node: ast.Name, bindings: list[Binding], where: Scope, depth: int) -> ast.expr:
        shown = f"`{node.id}`"
        if any(b.kind == "parameter" for b in bindings):
            raise NotConstantError("input", f"{shown} is an argument of the call")
        if len(bindings) != 1 or bindings[0].value is None:
            if any(self._reads_input(binding.node) for binding in bindings):
                raise NotConstantError("input", f"{shown} depends on the input")
            raise NotConstantError("local", f"{shown} is a variable of the method that changes")
        if where is self.scope and node.lineno < getattr(bindings[0].node, "lineno", 0):
            raise NotConstantError("local", f"{shown} is read before it has a value")
        self._refuse_changed(node.id, "local")
        self.substituted = True
        outer, self.scope = self.scope, where
        value = self.visit(bindings[0].value, depth + 1)
        self.scope = outer
        return value

    def _reads_input(self, target: ast.AST) -> bool:
        """Whether what the target is assigned reads a shape or an argument of the method."""
        statement = self.reader.tree.parents.get(target)
        while isinstance(statement, ast.Tuple | ast.List | ast.Starred):
            statement = self.reader.tree.parents.get(statement)
        if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) or statement.value is None:
            return False
        arguments = {n for n, found in self.surroundings.method.scope.bindings.items() if found[0].kind == "parameter"}
        arguments -= {self.surroundings.method.receiver or ""}
        return any(
            (isinstance(node, ast.Attribute) and node.attr in _SHAPE_WORDS)
            or (isinstance(node, ast.Name) and node.id in arguments)
            for node in ast.walk(statement.value)
        )

    def _refuse_changed(self, name: str, why: Why) -> None:
        tree = self.reader.tree
        if any(use.id == name and changes_in_place(use, tree.parents) for use in tree.names()):
            raise NotConstantError(why, f"`{name}` is changed in place")

    def _refuse_input(self, node: ast.expr) -> None:
        """Say that a setting reads the input, where it does."""
        for child in ast.walk(node):
            if isinstance(child, ast.Attribute) and child.attr in _SHAPE_WORDS:
                raise NotConstantError("input", f"`{_short(node)}` depends on the input")
            if isinstance(child, ast.Name) and child.id != self.surroundings.method.receiver:
                found = self.scope.lookup(child.id)
                if found is not None and self._is_inside_method(found[0]):
                    raise NotConstantError("input", f"`{_short(node)}` depends on the input")


def _is_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def _is_builtin(node: ast.expr, names: frozenset[str], scope: Scope) -> bool:
    return isinstance(node, ast.Name) and node.id in names and scope.lookup(node.id) is None


def gives_immutable(node: ast.expr, scope: Scope) -> bool:
    """``float(...)``: a number or a string, whatever it is made from."""
    return isinstance(node, ast.Call) and _is_builtin(node.func, _IMMUTABLE_RESULTS, scope)


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:37] + "..."


_VISITORS: Final[dict[type[ast.expr], Callable[[Expression, ast.expr, int], ast.expr]]] = {
    ast.Constant: Expression.constant,
    ast.UnaryOp: Expression.operands,
    ast.BinOp: Expression.operands,
    ast.BoolOp: Expression.operands,
    ast.Compare: Expression.operands,
    ast.IfExp: Expression.operands,
    ast.Tuple: Expression.operands,
    ast.List: Expression.operands,
    ast.Dict: Expression.mapping,
    ast.Call: Expression.call,
    ast.Attribute: Expression.attribute,
    ast.Subscript: Expression.subscript,
    ast.Name: Expression.name,
}
