"""Which expressions have, at construction, the value that they have at every call.

Followed: literals, module-level constants, class attributes, ``self.x`` assigned exactly once and unconditionally in
``__init__``, locals computed once from such, and arithmetic, tuples and pure builtins over these.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from nnconvert.source.attributes import Method, Store
from nnconvert.source.construction import Construction
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding, Scope

Why = Literal["input", "local", "training", "state", "dotted", "changed", "unknown", "late"]

_PURE_BUILTINS: Final = frozenset(
    {"int", "float", "bool", "str", "tuple", "list", "len", "max", "min", "abs", "round", "sum", "pow", "divmod", "range"}
)  # fmt: skip
_SHAPE_WORDS: Final = frozenset({"shape", "size", "ndim", "dim", "numel", "__len__"})
_CHANGING_METHODS: Final = frozenset(
    {"append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "__setitem__", "update"}
)
_STATE_WORDS: Final = re.compile(r"\b(Tensor|Parameter|Module)\b")
_DEPTH: Final = 12


class NotConstantError(Exception):
    """An expression that may differ between construction and call: why, in a word and in words."""

    def __init__(self, why: Why, words: str) -> None:
        super().__init__(words)
        self.why = why
        self.words = words


@dataclass(frozen=True, slots=True)
class Settled:
    """An expression as it may stand in ``__init__``."""

    text: str
    after: int
    """Index of the statement of ``__init__`` behind which its value exists; 0 when it always does."""
    value: ast.expr
    """The expression with locals replaced by what they are computed from."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the one value of ``self.x`` comes from."""

    value: ast.expr | None
    annotation: ast.expr | None = None
    """Of the parameter of ``__init__`` that it is."""
    default: ast.expr | None = None


class Settler:
    """Settles expressions found in one method, for an ``__init__`` that will hold them."""

    def __init__(self, reader: Reader, method: Method, construction: Construction) -> None:
        self.reader = reader
        self.method = method
        self.construction = construction

    def settle(self, node: ast.expr, scope: Scope) -> Settled:
        """The expression for ``__init__``; raises NotConstantError."""
        work = _Work(self, scope)
        value = work.visit(node, 0)
        text = self.reader.source.segment(node)
        if work.substituted or "\n" in text or "\r" in text:
            text = ast.unparse(value)
        elif self.method.receiver != self.init_receiver:
            text = ast.unparse(value)
        return Settled(text, work.after, value)

    @property
    def init_receiver(self) -> str | None:
        init = self.construction.init
        return init.receiver if init is not None else "self"

    def definition(self, node: ast.expr) -> ast.expr | None:
        """The expression that a settled name or ``self.x`` was given, once and for all; None where there is none."""
        if isinstance(node, ast.Name):
            found = self.method.scope.lookup(node.id)
            return found[1][0].value if found is not None and len(found[1]) == 1 else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            stores = self.reader.attributes.stores(self.method.info, node.attr)
            if len(stores) == 1:
                return stores[0].value
            bound = [b for m in self.method.info.ancestors() for b in m.scope.bindings.get(node.attr, [])]
            return bound[0].value if bound else None
        return None

    def origin(self, node: ast.expr) -> Origin | None:
        """Where the value of ``self.x`` or of a constant comes from, with what a parameter of __init__ promises."""
        value = self.definition(node)
        if not (isinstance(node, ast.Attribute) and isinstance(value, ast.Name)):
            return Origin(value) if value is not None else None
        store = self.reader.attributes.stores(self.method.info, node.attr)[0]
        arguments = store.method.node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
        pairs = [*zip(positional, [*padding, *arguments.defaults], strict=True)]
        pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for argument, default in pairs:
            if argument.arg == value.id and len(store.method.scope.bindings[value.id]) == 1:
                return Origin(value, argument.annotation, default)
        return None

    # -- self.x -------------------------------------------------------------------------------------------------

    def attribute_after(self, name: str) -> int:
        """Behind which statement of ``__init__`` ``self.<name>`` has its one value."""
        attributes, info = self.reader.attributes, self.method.info
        shown = f"self.{name}"
        if name == "training":
            raise NotConstantError("training", f"{shown} changes with train() and eval()")
        if name in attributes.outer_stores:
            raise NotConstantError("changed", f"{shown} is assigned from outside of the class")
        members = info.family()
        if any(attributes.facts[m].stores_unknown_names for m in members):
            raise NotConstantError("changed", f"the class stores attributes under computed names, perhaps {shown}")
        if any(name.startswith(prefix) for prefix in attributes.prefixes(info)):
            raise NotConstantError("changed", f"the class stores attributes under computed names like {shown}")
        stores = attributes.stores(info, name)
        defined = [b for m in members for b in m.scope.bindings.get(name, [])]
        if defined:
            return self._class_attribute(name, stores, defined)
        return self._single_store(name, stores)

    def _class_attribute(self, name: str, stores: list[Store], defined: list[Binding]) -> int:
        if stores:
            raise NotConstantError("changed", f"self.{name} is a class attribute that is assigned again")
        for binding in defined:
            if isinstance(binding.node, ast.AnnAssign):
                continue
            if binding.value is None:
                raise NotConstantError("unknown", f"self.{name} is a method, a property or a nested class")
            self._refuse_state(binding.value, f"self.{name}", self.method.info.scope)
            _Work(self, self.method.info.scope).visit(binding.value, 1)
        inherited = {id(b) for m in self.method.info.ancestors() for b in m.scope.bindings.get(name, [])}
        if not any(b.value is not None and id(b) in inherited for b in defined):
            raise NotConstantError("unknown", f"nothing in the class or its bases gives self.{name} a value")
        return 0

    def _single_store(self, name: str, stores: list[Store]) -> int:
        shown = f"self.{name}"
        if not stores:
            raise NotConstantError("unknown", f"{shown} is not assigned in this class")
        if len(stores) > 1:
            raise NotConstantError("changed", f"{shown} is assigned {len(stores)} times")
        store = stores[0]
        if store.method.node.name != "__init__":
            raise NotConstantError("changed", f"{shown} is assigned in {store.method.node.name}()")
        if store.value is None:
            raise NotConstantError("changed", f"{shown} is not a plain assignment in __init__")
        self._refuse_state(store.value, shown, store.method.scope)
        if self._changes_in_place(name):
            raise NotConstantError("changed", f"{shown} is changed in place")
        return self._store_index(store, shown)

    def _store_index(self, store: Store, shown: str) -> int:
        info = self.method.info
        owner = store.method.info
        if owner is info:
            index = self.construction.index_of(store.node)
            if index is None:
                raise NotConstantError("changed", f"{shown} is assigned under a condition or in a loop")
            return index + 1
        if owner not in info.ancestors():
            raise NotConstantError("unknown", f"{shown} is assigned in a subclass only")
        if Construction(owner, self.reader.attributes).index_of(store.node) is None:
            raise NotConstantError("changed", f"{shown} is assigned under a condition or in a loop")
        return (self.construction.base_call or 0) + 1 if self.construction.init is not None else 0

    def _refuse_state(self, value: ast.expr, shown: str, scope: Scope) -> None:
        """A tensor, a parameter, a buffer or a submodule is no setting."""
        for call in ast.walk(value):
            if isinstance(call, ast.Call):
                qualname = self.reader.names.qualname(call.func, scope) or ""
                local = bool(self.reader.classes.named(call.func, scope))
                if local or qualname.startswith("torch."):
                    raise NotConstantError("state", f"{shown} is a tensor, a parameter or a submodule")
        if isinstance(value, ast.Name):
            found = scope.lookup(value.id)
            annotations = [getattr(b.node, "annotation", None) for b in found[1]] if found is not None else []
            if any(a is not None and _STATE_WORDS.search(ast.unparse(a)) for a in annotations):
                raise NotConstantError("state", f"{shown} is a tensor, a parameter or a submodule")

    def _changes_in_place(self, name: str) -> bool:
        attributes = self.reader.attributes
        loads = [n for m in self.method.info.family() for n in attributes.facts[m].loads.get(name, [])]
        return any(changes_in_place(load, self.reader.tree.parents.get(load)) for load in loads)


def changes_in_place(node: ast.AST, parent: ast.AST | None) -> bool:
    """``x[...] = ...``, ``x.append(...)``."""
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return not isinstance(parent.ctx, ast.Load)
    return isinstance(parent, ast.Attribute) and parent.value is node and parent.attr in _CHANGING_METHODS


class _Work:
    """One expression being settled."""

    def __init__(self, settler: Settler, scope: Scope) -> None:
        self.settler = settler
        self.scope = scope
        self.after = 0
        self.substituted = False

    def visit(self, node: ast.expr, depth: int) -> ast.expr:
        if depth > _DEPTH:
            raise NotConstantError("unknown", "the setting is nested too deeply")
        handler = _VISITORS.get(type(node))
        if handler is None:
            raise NotConstantError("unknown", f"`{_short(node)}` is not a constant expression")
        return handler(self, node, depth)

    def constant(self, node: ast.expr, _: int) -> ast.expr:
        if isinstance(node, ast.Constant) and (node.value is ... or isinstance(node.value, bytes)):
            raise NotConstantError("unknown", f"`{_short(node)}` is not a setting")
        return node

    def operands(self, node: ast.expr, depth: int) -> ast.expr:
        """Arithmetic, comparisons, tuples: constant if all parts are."""
        fields = {}
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                fields[name] = self.visit(value, depth + 1)
            elif isinstance(value, list) and all(isinstance(item, ast.expr) for item in value):
                fields[name] = [self.visit(item, depth + 1) for item in value]  # type: ignore[assignment]
            else:
                fields[name] = value
        return type(node)(**fields)

    def call(self, node: ast.expr, depth: int) -> ast.expr:
        assert isinstance(node, ast.Call)
        pure = isinstance(node.func, ast.Name) and node.func.id in _PURE_BUILTINS
        if pure and isinstance(node.func, ast.Name) and self.scope.lookup(node.func.id) is not None:
            pure = False
        qualname = self.settler.reader.names.qualname(node.func, self.scope) or ""
        if not (pure or qualname.startswith("math.")):
            self._refuse_input(node)
            raise NotConstantError("unknown", f"`{_short(node)}` is not known to give the same at every call")
        arguments = [self.visit(argument, depth + 1) for argument in node.args]
        keywords = [ast.keyword(k.arg, self.visit(k.value, depth + 1)) for k in node.keywords]
        return ast.Call(node.func, arguments, keywords)

    def attribute(self, node: ast.expr, _: int) -> ast.expr:
        assert isinstance(node, ast.Attribute)
        reader = self.settler.reader
        method = reader.attributes.self_of(node.value)
        if method is not None and method is self.settler.method:
            self.after = max(self.after, self.settler.attribute_after(node.attr))
            receiver = self.settler.init_receiver or "self"
            return ast.Attribute(ast.Name(receiver, ast.Load()), node.attr, ast.Load())
        qualname = reader.names.qualname(node, self.scope) or ""
        if qualname.startswith(("math.", "torch.nn.functional.")):
            return node
        self._refuse_input(node)
        raise NotConstantError("dotted", f"`{_short(node)}` is not known to be constant")

    def subscript(self, node: ast.expr, depth: int) -> ast.expr:
        assert isinstance(node, ast.Subscript)
        if isinstance(node.slice, ast.Slice | ast.Tuple):
            self._refuse_input(node)
            raise NotConstantError("unknown", f"`{_short(node)}` is not a constant expression")
        return ast.Subscript(self.visit(node.value, depth + 1), self.visit(node.slice, depth + 1), ast.Load())

    def name(self, node: ast.expr, depth: int) -> ast.expr:
        assert isinstance(node, ast.Name)
        found = self.scope.lookup(node.id)
        if found is None:
            raise NotConstantError("unknown", f"`{node.id}` is not bound in this file")
        where, bindings = found
        if where.kind == "module":
            self._module_constant(node, bindings, where, depth)
            return node
        if where.kind == "class":
            raise NotConstantError("unknown", f"`{node.id}` belongs to a class body")
        if self._is_inside_method(where):
            return self._local(node, bindings, where, depth)
        raise NotConstantError("local", f"`{node.id}` is a variable of the function around the class")

    def _is_inside_method(self, where: Scope) -> bool:
        scope: Scope | None = where
        while scope is not None:
            if scope is self.settler.method.scope:
                return True
            scope = scope.parent
        return False

    def _module_constant(self, node: ast.Name, bindings: list[Binding], where: Scope, depth: int) -> None:
        shown = f"`{node.id}`"
        if all(b.kind == "import" for b in bindings):
            raise NotConstantError("dotted", f"{shown} is imported; its value is not known here")
        if len(bindings) != 1 or bindings[0].value is None:
            raise NotConstantError("changed", f"{shown} is bound more than once, or not by a plain assignment")
        value = bindings[0].value
        tree = self.settler.reader.tree
        for use in tree.names():
            if use.id == node.id and changes_in_place(use, tree.parents.get(use)):
                raise NotConstantError("changed", f"{shown} is changed in place")
        _Work(self.settler, where).visit(value, depth + 1)
        init = self.settler.construction.init
        if init is not None:
            seen = init.scope.lookup(node.id)
            if seen is None or seen[0] is not where:
                raise NotConstantError("late", f"{shown} means something else in __init__")

    def _local(self, node: ast.Name, bindings: list[Binding], where: Scope, depth: int) -> ast.expr:
        shown = f"`{node.id}`"
        if any(b.kind == "parameter" for b in bindings):
            raise NotConstantError("input", f"{shown} is an argument of the call")
        if len(bindings) != 1 or bindings[0].value is None:
            raise NotConstantError("local", f"{shown} is a variable of the method that changes")
        tree = self.settler.reader.tree
        uses = [use for use in tree.names() if use.id == node.id]
        if any(changes_in_place(use, tree.parents.get(use)) for use in uses):
            raise NotConstantError("local", f"{shown} is changed in place")
        self.substituted = True
        outer, self.scope = self.scope, where
        value = self.visit(bindings[0].value, depth + 1)
        self.scope = outer
        return value

    def _refuse_input(self, node: ast.expr) -> None:
        """Say that a setting reads the input, where it does."""
        for child in ast.walk(node):
            if isinstance(child, ast.Attribute) and child.attr in _SHAPE_WORDS:
                raise NotConstantError("input", f"`{_short(node)}` depends on the input")
            if isinstance(child, ast.Name) and child.id != self.settler.method.receiver:
                found = self.scope.lookup(child.id)
                if found is not None and self._is_inside_method(found[0]):
                    raise NotConstantError("input", f"`{_short(node)}` depends on the input")


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 else text[:37] + "..."


_VISITORS: Final[dict[type[ast.expr], Callable[[_Work, ast.expr, int], ast.expr]]] = {
    ast.Constant: _Work.constant,
    ast.UnaryOp: _Work.operands,
    ast.BinOp: _Work.operands,
    ast.BoolOp: _Work.operands,
    ast.Compare: _Work.operands,
    ast.IfExp: _Work.operands,
    ast.Tuple: _Work.operands,
    ast.List: _Work.operands,
    ast.Call: _Work.call,
    ast.Attribute: _Work.attribute,
    ast.Subscript: _Work.subscript,
    ast.Name: _Work.name,
}
