"""Which settings have, at construction, the value that they have at every call.

Followed: literals, module-level constants, class attributes, ``self.x`` assigned in ``__init__`` only and
on every path, locals computed once from such, and arithmetic, tuples and pure builtins over these.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nnconvert.source.classes import ClassInfo
from nnconvert.source.construction import Construction
from nnconvert.source.expressions import PURE_BUILTINS, Expression, NotConstantError, changes_in_place, gives_immutable
from nnconvert.source.facts import Method, Store
from nnconvert.source.imported import literal_named
from nnconvert.source.new_init import new_init
from nnconvert.source.paths import always
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding, Scope

_STATE_WORDS: Final = re.compile(r"\b(Tensor|Parameter|Module)\b")
_REGISTERING: Final = frozenset({"register_buffer", "register_parameter", "register_module", "add_module"})


@dataclass(frozen=True, slots=True)
class Settled:
    """An expression as it may stand in ``__init__``."""

    text: str
    after: int
    """Index of the statement of ``__init__`` behind which its value exists; 0 when it always does."""
    value: ast.expr
    """The expression with locals replaced by what they are computed from."""


@dataclass(frozen=True, slots=True)
class Definition:
    """The one expression that a name or ``self.x`` was given, once and for all."""

    value: ast.expr
    scope: Scope
    """Where it is evaluated."""
    annotation: ast.expr | None = None
    """Of the parameter of ``__init__`` that the value is."""
    default: ast.expr | None = None


class Settler:
    """Settles expressions found in one method, for an ``__init__`` that will hold them."""

    def __init__(self, reader: Reader, method: Method, construction: Construction) -> None:
        self.reader = reader
        self.method = method
        self.construction = construction

    def settle(self, node: ast.expr, scope: Scope) -> Settled:
        """The expression for ``__init__``; raises NotConstantError."""
        work = Expression(self, scope)
        value = work.visit(node)
        for name, home in work.names.items():
            self._check_visible(name, home)
        text = self.reader.source.segment(node)
        if work.substituted or "\n" in text or "\r" in text or self.method.receiver != self.init_receiver:
            text = unparse(value, self.reader.source)
        return Settled(text, work.after, value)

    @property
    def init_receiver(self) -> str:
        init = self.construction.init
        return (init.receiver if init is not None else None) or "self"

    def _check_visible(self, name: str, home: Scope | None) -> None:
        """A name that __init__ will read must mean there what it means at the call."""
        init = self.construction.init
        scope = init.scope if init is not None else self.method.info.scope.parent
        found = scope.lookup(name) if scope is not None else None
        seen = found[0] if found is not None else None
        hidden = init is None and name in new_init(self.method.info, self.reader).names
        if seen is not home or hidden:
            raise NotConstantError("late", f"`{name}` means something else in __init__")

    # -- where a value comes from -------------------------------------------------------------------------

    def definition(self, node: ast.expr, scope: Scope | None = None) -> Definition | None:
        """What a settled name or ``self.x`` was given; None where there is no such one expression.

        ``scope``: where the node stands; for a settled expression, the module.
        """
        if isinstance(node, ast.Name):
            found = (scope or self.reader.tree.module).lookup(node.id)
            value = found[1][0].value if found is not None and len(found[1]) == 1 else None
            if found is not None and value is not None:
                return Definition(value, found[0])
        if isinstance(node, ast.Attribute) and self._is_self(node.value):
            return self._definition_of_attribute(node.attr)
        home = scope or self.reader.tree.module
        literal = literal_named(node, home) if isinstance(node, ast.Name | ast.Attribute) else None
        return Definition(literal, home) if literal is not None else None

    def _is_self(self, node: ast.expr) -> bool:
        if node in self.reader.tree.scope_of:
            return self.reader.attributes.self_of(node) is not None
        return isinstance(node, ast.Name) and node.id == self.init_receiver

    def _definition_of_attribute(self, name: str) -> Definition | None:
        stores, bound = self.reader.attributes.stores(self.method.info, name), self._class_attributes(name)
        if len(stores) + len(bound) != 1:
            return None
        if bound:
            member, binding = bound[0]
            return Definition(binding.value, member.scope) if binding.value is not None else None
        value, method = stores[0].value, stores[0].method
        return Definition(value, method.scope, *_promised(value, method)) if value is not None else None

    def _class_attributes(self, name: str) -> list[tuple[ClassInfo, Binding]]:
        """What the class bodies of the family bind the name to; a bare annotation binds nothing."""
        return [
            (member, binding)
            for member in self.method.info.family()
            for binding in member.scope.bindings.get(name, [])
            if not isinstance(binding.node, ast.AnnAssign)
        ]

    # -- self.x -------------------------------------------------------------------------------------------

    def attribute_after(self, name: str) -> int:
        """Behind which statement of ``__init__`` ``self.<name>`` has its one value."""
        attributes, info = self.reader.attributes, self.method.info
        shown = f"self.{name}"
        if name == "training":
            raise NotConstantError("training", f"{shown} changes with train() and eval()")
        if name in attributes.outer_stores:
            raise NotConstantError("changed", f"{shown} is assigned from outside of the class")
        if where := self.reader.elsewhere.stored(info, name):
            raise NotConstantError("changed", f"{shown} may be assigned from outside of the class: {where}")
        if where := self.reader.elsewhere.stored_unknown(info):
            raise NotConstantError("changed", f"attributes are stored under computed names, perhaps {shown}: {where}")
        unknown = any(attributes.facts[m].stores_unknown_names for m in info.family())
        if unknown or attributes.outer_stores_unknown:
            raise NotConstantError("changed", f"attributes are stored under computed names, perhaps {shown}")
        if any(name.startswith(prefix) for prefix in attributes.prefixes(info)):
            raise NotConstantError("changed", f"attributes are stored under computed names like {shown}")
        stores, defined = attributes.stores(info, name), self._class_attributes(name)
        if any(binding.value is None for _, binding in defined):
            raise NotConstantError("unknown", f"{shown} is a method, a property or a nested class")
        if self._changes_in_place(name):
            raise NotConstantError("changed", f"{shown} is changed in place")
        for member, binding in defined:
            assert binding.value is not None
            self._refuse_state(binding.value, shown, member.scope)
            Expression(self, member.scope).visit(binding.value, 1)
        inherited = any(member in info.ancestors() for member, _ in defined)
        if stores:
            return self._stored(stores, shown, has_default=inherited)
        if not inherited:
            raise NotConstantError("unknown", f"{shown} is not assigned in this class")
        return 0

    def _stored(self, stores: Sequence[Store], shown: str, *, has_default: bool) -> int:
        """Stored in one ``__init__`` only, so that it is fixed from the last of the stores on."""
        for store in stores:
            if store.method.node.name != "__init__":
                raise NotConstantError("changed", f"{shown} is assigned in {store.method.node.name}()")
            value = store.value or self._unpacked(store.node)
            if value is None:
                if _registers(store.node):
                    raise NotConstantError("state", f"{shown} is a tensor, a parameter or a submodule")
                raise NotConstantError("changed", f"{shown} is not a plain assignment in __init__")
            if self.reader.tree.scope_of[store.node] is not store.method.scope:
                raise NotConstantError("changed", f"{shown} is assigned in a function inside of __init__")
            self._refuse_state(value, shown, store.method.scope)
        owners = {id(store.method.info) for store in stores}
        if len(owners) > 1:
            raise NotConstantError("changed", f"{shown} is assigned {len(stores)} times")
        owner = stores[0].method.info
        if owner not in self.method.info.ancestors():
            raise NotConstantError("unknown", f"{shown} is assigned in a subclass only")
        own = owner is self.method.info
        construction = self.construction if own else self.reader.construction(owner)
        nodes = {id(store.node) for store in stores}
        if not has_default and not always(construction.body, lambda statement: _assigns(statement, nodes)):
            raise NotConstantError("changed", f"{shown} is assigned under a condition or in a loop")
        if own:
            return 1 + max(i for i, s in enumerate(construction.body) if any(id(n) in nodes for n in ast.walk(s)))
        return (self.construction.base_call or 0) + 1 if self.construction.init is not None else 0

    def _unpacked(self, node: ast.AST) -> ast.expr | None:
        """The right side of ``self.x, self.y = value``."""
        parent = self.reader.tree.parents.get(node)
        while isinstance(parent, ast.Tuple | ast.List | ast.Starred):
            parent = self.reader.tree.parents.get(parent)
        return parent.value if isinstance(parent, ast.Assign) else None

    def _refuse_state(self, value: ast.expr, shown: str, scope: Scope) -> None:
        """A tensor, a parameter, a buffer or a submodule is no setting."""
        if gives_immutable(value, scope):
            return
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
        loads += attributes.outer_loads.get(name, [])
        if any(changes_in_place(load, self.reader.tree.parents) for load in loads):
            return True
        values = [store.value for store in attributes.stores(self.method.info, name)]
        values += [binding.value for _, binding in self._class_attributes(name)]
        return any(map(_is_list, values)) and any(self._gives_away(load) for load in loads)

    def _gives_away(self, load: ast.Attribute) -> bool:
        """Whether a list is handed to somebody who may change it, or gets a second name under which it is changed."""
        tree = self.reader.tree
        parent = tree.parents.get(load)
        if isinstance(parent, ast.Assign):
            names = {target.id for target in parent.targets if isinstance(target, ast.Name)}
            plain = len(names) == len(parent.targets)
            uses = [use for use in tree.names() if use.id in names]
            return not plain or any(changes_in_place(use, tree.parents) for use in uses)
        if isinstance(parent, ast.keyword):
            parent = tree.parents.get(parent)
        if not isinstance(parent, ast.Call):
            return isinstance(parent, ast.Return | ast.List | ast.Tuple | ast.Dict)
        qualname = self.reader.names.qualname(parent.func, tree.scope_of[parent]) or ""
        builtin = isinstance(parent.func, ast.Name) and parent.func.id in PURE_BUILTINS
        return not (builtin or qualname.startswith(("torch.", "math.")))


def _is_list(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "list"
    return isinstance(value, ast.List | ast.ListComp)


def _assigns(statement: ast.stmt, nodes: set[int]) -> bool:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return any(id(node) in nodes for target in targets for node in ast.walk(target))


def _registers(node: ast.AST) -> bool:
    """``self.register_buffer("x", ...)``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _REGISTERING


def _promised(value: ast.expr, init: Method) -> tuple[ast.expr | None, ast.expr | None]:
    """Annotation and default of the parameter of ``__init__`` that the value is, if it is one."""
    if not (isinstance(value, ast.Name) and len(init.scope.bindings.get(value.id, [])) == 1):
        return None, None
    arguments = init.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*padding, *arguments.defaults], strict=True)]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for argument, default in pairs:
        if argument.arg == value.id:
            return argument.annotation, default
    return None, None
