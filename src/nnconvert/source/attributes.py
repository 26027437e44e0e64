"""What a file does with attributes: on self, class by class, and on anything else."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from nnconvert.source.classes import Classes, ClassInfo, method_kind, torch_attribute_names, torch_class
from nnconvert.source.facts import Facts, Method, Store
from nnconvert.source.named import (
    TABLES,
    asked_name,
    asked_object,
    hides_stores,
    listed_names,
    named_store,
    names_in,
    string_values,
    table_use,
)
from nnconvert.source.names import root_name
from nnconvert.source.scopes import FunctionNode, Scope
from nnconvert.source.tree import ScopeTree

_DEPTH: Final = 8
_REFLECTING: Final = frozenset({"getattr", "setattr", "vars", "dir"})


class _AllFacts(dict[ClassInfo, Facts]):
    """The facts of the classes of one file; those of other files' classes are found, too."""

    def __missing__(self, info: ClassInfo) -> Facts:
        return info.home.attributes.facts[info]


class Attributes:
    """Facts of every class of a file, and what is stored on objects that are not a method's self.

    What is asked about a class or a node of another file is answered by that file's own facts.
    """

    def __init__(self, tree: ScopeTree, classes: Classes) -> None:
        self.tree = tree
        self.classes = classes
        self.methods: dict[Scope, Method] = {}
        self.facts: dict[ClassInfo, Facts] = _AllFacts({info: Facts() for info in classes})
        self.outer_stores: set[str] = set()
        """Names stored on other objects: ``p`` for ``model.p = 0.1``."""
        self.outer_owners: dict[str, list[ast.expr]] = {}
        """The same names, and those objects: ``model``."""
        self.outer_loads: dict[str, list[ast.Attribute]] = {}
        self.outer_prefixes: set[str] = set()
        self.outer_unknown: list[ast.expr] = []
        """Objects that something is stored on under a computed name."""
        self._hides_stores = False
        """Whether the file stores attributes by means that hide on what: ``setattr`` handed on as a value."""
        self.readings: dict[object, dict[str, set[str]]] = {}
        """Which methods read a name, as ``construction`` finds it; only until the links to other files are renewed."""
        for info in classes:
            for nodes in info.methods.values():
                for node in nodes:
                    self._read_method(info, node)
        for attribute in tree.attributes():
            self._read_attribute(attribute)
        for call in tree.calls():
            self._read_call(call)
        if any(hides_stores(name, tree) for name in tree.names()):
            self._hides_stores = True

    @cached_property
    def outer_stores_unknown(self) -> bool:
        """Whether something that may be an instance of a class of the file is stored on under computed names."""
        return self._hides_stores or any(self._may_be_instance(owner) for owner in self.outer_unknown)

    # -- who is self -----------------------------------------------------------------------------------------

    def method_of(self, scope: Scope) -> Method | None:
        """The method that the scope belongs to, through nested functions, lambdas and comprehensions."""
        if scope.tree is not self.tree:
            return scope.tree.home.attributes.method_of(scope)
        found: Scope | None = scope
        while found is not None and found.kind != "class":
            if found in self.methods:
                return self.methods[found]
            found = found.parent
        return None

    def self_of(self, node: ast.expr) -> Method | None:
        """The method whose self this expression is, if it is one."""
        if not isinstance(node, ast.Name):
            return None
        found = self.tree.scope_of[node].lookup(node.id)
        if found is None:
            return None
        where = found[0]
        methods = self.methods if where.tree is self.tree else where.tree.home.attributes.methods
        method = methods.get(where)
        return method if method is not None and method.receiver == node.id else None

    def calls_of(self, info: ClassInfo) -> Sequence[tuple[Method, ast.Call]]:
        """Every call in the methods of the class, nested functions included, with its method."""
        return info.home.attributes._calls.get(info, ())

    @cached_property
    def _calls(self) -> dict[ClassInfo, list[tuple[Method, ast.Call]]]:
        found: dict[ClassInfo, list[tuple[Method, ast.Call]]] = {}
        for call in self.tree.calls():
            method = self.method_of(self.tree.scope_of[call])
            if method is not None:
                found.setdefault(method.info, []).append((method, call))
        return found

    @cached_property
    def reflections(self) -> list[ast.Call]:
        """Calls of ``getattr``, ``setattr``, ``vars`` and ``dir`` with arguments."""
        return [c for c in self.tree.calls() if isinstance(c.func, ast.Name) and c.func.id in _REFLECTING and c.args]

    # -- what a class and its relatives do -------------------------------------------------------------------

    def stores(self, info: ClassInfo, name: str) -> list[Store]:
        """Every store of the name in the class, its bases and its subclasses."""
        return [store for member in info.family() for store in self.facts[member].stores.get(name, [])]

    def is_defined_in_class_body(self, info: ClassInfo, name: str) -> bool:
        return any(name in member.scope.bindings for member in info.family())

    def taken(self, info: ClassInfo) -> set[str]:
        """Every attribute name that the class, its bases and subclasses use, know or inherit from torch.

        Also what their files store on other objects or ask for by string.
        """
        names = set(torch_attribute_names()["Module"])
        for member in info.family():
            facts = self.facts[member]
            names.update(facts.stores, facts.loads, member.scope.bindings)
            for base in member.outer_bases:
                short = torch_class(base)
                if short is not None:
                    names.update(torch_attribute_names()[short])
            if facts.stores_unknown_names:
                names |= member.home.attributes._spoken_names
        return names.union(*(a.outer_stores | a.asked_names for a in self.around(info)))

    def around(self, info: ClassInfo) -> list[Attributes]:
        """Of the files in which the class, its bases and its subclasses stand, this one first."""
        return list(dict.fromkeys([self, *(member.home.attributes for member in info.family())]))

    def prefixes(self, info: ClassInfo) -> set[str]:
        return self.stored_prefixes(info).union(*(attributes._asked[1] for attributes in self.around(info)))

    def stored_prefixes(self, info: ClassInfo) -> set[str]:
        """Beginnings of the names that attributes are stored under at run time."""
        own = {prefix for member in info.family() for prefix in self.facts[member].prefixes}
        return own | self.outer_prefixes

    @property
    def asked_names(self) -> frozenset[str]:
        """Attribute names that the file asks for by string: ``hasattr(self, "relu")``."""
        return self._asked[0]

    @cached_property
    def _asked(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names, and the beginnings of computed names; any name of the file if nothing is known."""
        names: set[str] = set()
        prefixes: set[str] = set()
        for _, node, scope in self.questions:
            for text, exact in string_values(node, scope):
                if exact:
                    names.update(text.split("."))
                elif text.rpartition(".")[2]:
                    prefixes.add(text.rpartition(".")[2])
                else:
                    names |= self._spoken_names
        return frozenset(names), frozenset(prefixes)

    @cached_property
    def listed_names(self) -> frozenset[str]:
        """Names in lists that go into calls with an object: ``fuse_modules(self, [["conv", "relu"]])``."""
        calls = (c for c in self.tree.calls() if c.args and self._may_be_instance(c.args[0]))
        names = {name for call in calls for name in listed_names(call)}
        constants = (b.value for info in self.classes for b in info.scope.bindings.get("__constants__", []))
        return frozenset(names.union(*(names_in(value) for value in constants if value is not None)))

    @cached_property
    def questions(self) -> list[tuple[ast.expr | None, ast.expr, Scope]]:
        """Who is asked for an attribute by string (None: anybody), the string, and where."""
        return list(self._find_questions())

    def _find_questions(self) -> Iterator[tuple[ast.expr | None, ast.expr, Scope]]:
        for call in self.tree.calls():
            name = asked_name(call)
            if name is not None and not self._is_import(call.args[0]):
                yield asked_object(call), name, self.tree.scope_of[call]
        for node in self.tree.attributes_named(TABLES):
            name, _ = table_use(node, self.tree)
            if name is not None:
                yield node.value, name, self.tree.scope_of[node]

    @cached_property
    def spoken_strings(self) -> frozenset[str]:
        """All strings of the file, and the parts of dotted ones."""
        return frozenset(part for node in self.tree.strings() for part in str(node.value).split("."))

    @cached_property
    def _spoken_names(self) -> frozenset[str]:
        """All strings and keywords of the file: what a computed name may well be."""
        strings = {str(node.value) for node in self.tree.strings()}
        return frozenset(strings | {k.arg for call in self.tree.calls() for k in call.keywords if k.arg})

    def _is_import(self, node: ast.expr) -> bool:
        root = root_name(node)
        bound = self.tree.scope_of[root].lookup(root.id) if root is not None else None
        return bound is not None and any(b.kind == "import" for b in bound[1])

    # -- reading ---------------------------------------------------------------------------------------------

    def _read_method(self, info: ClassInfo, node: FunctionNode) -> None:
        kind = method_kind(node, info)
        scope = self.tree.inner[node]
        parameters = [*node.args.posonlyargs, *node.args.args]
        receiver = parameters[0].arg if parameters and kind == "instance" else None
        if receiver is not None and len(scope.bindings[receiver]) > 1:
            receiver = None
        self.methods[scope] = Method(info, node, scope, kind, receiver)

    def _read_attribute(self, node: ast.Attribute) -> None:
        method = self.self_of(node.value)
        loaded = isinstance(node.ctx, ast.Load)
        if method is None:
            if loaded:
                self.outer_loads.setdefault(node.attr, []).append(node)
                if node.attr == "__dict__":
                    self._read_outer_table(node, node.value)
            else:
                self._note_outside(node.value, node.attr)
                self._hides_stores |= node.attr == "__dict__" and self._may_be_instance(node.value)
            return
        facts = self.facts[method.info]
        if loaded:
            facts.loads.setdefault(node.attr, []).append(node)
            self._read_table_use(node, method)
            call = self.tree.parents.get(node)
            if node.attr == "__setattr__" and not (isinstance(call, ast.Call) and call.func is node):
                facts.stores_unknown_names = True
        else:
            facts.stores_unknown_names |= node.attr == "__dict__"
            value = self._assigned_value(node)
            facts.stores.setdefault(node.attr, []).append(Store(node.attr, node, method, value))

    def _assigned_value(self, node: ast.Attribute) -> ast.expr | None:
        """The value of ``self.x = value``, element by element for ``self.x, self.y = a, b``."""
        parent = self.tree.parents.get(node)
        if isinstance(parent, ast.Assign | ast.AnnAssign):
            return parent.value
        outer = self.tree.parents.get(parent) if isinstance(parent, ast.Tuple) else None
        if not (isinstance(parent, ast.Tuple) and isinstance(outer, ast.Assign) and parent in outer.targets):
            return None
        value = outer.value
        if isinstance(value, ast.Tuple) and len(value.elts) == len(parent.elts):
            starred = any(isinstance(e, ast.Starred) for e in (*value.elts, *parent.elts))
            return None if starred else value.elts[parent.elts.index(node)]
        return None

    def _read_table_use(self, node: ast.Attribute | ast.Call, method: Method) -> None:
        if isinstance(node, ast.Attribute) and node.attr not in TABLES:
            return
        name, stores = table_use(node, self.tree)
        if stores and name is None:
            self.facts[method.info].stores_unknown_names = True
        elif stores and name is not None:
            self._store_named(method, node, name, None)

    def _read_outer_table(self, node: ast.Attribute | ast.Call, owner: ast.expr) -> None:
        """``model.__dict__["p"] = ...``, ``vars(model).update(...)``."""
        name, stores = table_use(node, self.tree)
        if stores and name is None:
            self.outer_unknown.append(owner)
        elif stores and name is not None:
            self._store_outside(owner, name, self.tree.scope_of.get(owner))

    def _store_outside(self, target: ast.expr, name: ast.expr, scope: Scope | None) -> None:
        for text, exact in string_values(name, scope or self.tree.module):
            if exact:
                self._note_outside(target, text)
            elif text:
                self.outer_prefixes.add(text)
            else:
                self.outer_unknown.append(target)

    def _note_outside(self, owner: ast.expr, name: str) -> None:
        self.outer_stores.add(name)
        self.outer_owners.setdefault(name, []).append(owner)

    def _may_be_instance(self, node: ast.expr) -> bool:
        """Whether an expression may be an instance of a class of this file, as far as its bindings tell."""
        root = root_name(node)
        found = self.tree.scope_of[root].lookup(root.id) if root is not None else None
        if root is None or found is None:
            return True
        if isinstance(node, ast.Attribute) and self._holds_layer(node):
            return False
        return not all(b.kind in ("import", "class") or self._is_foreign(b.value) for b in found[1])

    def _holds_layer(self, node: ast.Attribute) -> bool:
        """``self.slice1``, which is nothing but ``torch.nn.Sequential()``."""
        owner = self.self_of(node.value)
        values = [store.value for store in self.stores(owner.info, node.attr)] if owner is not None else []
        calls = [value for value in values if isinstance(value, ast.Call)]
        names = self.classes.names
        built = (names.qualname(call.func, self.tree.scope_of[call]) or "" for call in calls)
        return bool(calls) and len(calls) == len(values) and all(torch_class(name) is not None for name in built)

    def _is_foreign(self, value: ast.expr | None, depth: int = 0) -> bool:
        """The result of calling something that was imported: ``parser.parse_args()``, ``Namespace()``."""
        if not isinstance(value, ast.Call) or depth > _DEPTH:  # x = x.reshape(...)
            return False
        root = root_name(value.func)
        found = self.tree.scope_of[root].lookup(root.id) if root is not None else None
        if found is None:
            return False
        return all(b.kind == "import" or self._is_foreign(b.value, depth + 1) for b in found[1])

    def _read_call(self, call: ast.Call) -> None:
        if isinstance(call.func, ast.Name) and call.func.id == "vars" and call.args:
            owner = self.self_of(call.args[0])
            if owner is not None:
                self._read_table_use(call, owner)
            else:
                self._read_outer_table(call, call.args[0])
            return
        target, name, value = named_store(call)
        if target is None or name is None:
            return
        method = self.self_of(target)
        if method is not None:
            self._store_named(method, call, name, value)
        else:
            self._store_outside(target, name, self.tree.scope_of[call])

    def _store_named(self, method: Method, node: ast.AST, name: ast.expr, value: ast.expr | None) -> None:
        facts = self.facts[method.info]
        for text, exact in string_values(name, self.tree.scope_of[node]):
            if exact:
                facts.stores.setdefault(text, []).append(Store(text, node, method, value))
            elif text:
                facts.prefixes.add(text)
            else:
                facts.stores_unknown_names = True
