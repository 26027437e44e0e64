"""Finding the call sites of one file: every call that a pair of the catalog speaks of."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from nnconvert.catalog import (
    Pair,
    Spelling,
    by_module,
    by_spelling,
    every_pair,
    weighted_by_spelling,
    without_pair,
)
from nnconvert.decide.loops import Loop
from nnconvert.plan import CallSite, Kind
from nnconvert.source.classes import torch_attribute_names, torch_class
from nnconvert.source.facts import Method
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import FunctionNode, Scope

STATELESS_WITHOUT_FUNCTIONAL: Final = frozenset({"Identity", "CrossMapLRN2d"})
_LEAVING_TORCH: Final = frozenset({"numpy", "tolist", "item"})
_OTHER_ARRAYS: Final = frozenset({"numpy", "jax", "tensorflow", "pandas", "scipy", "cupy"})
_DEPTH: Final = 6


@dataclass(frozen=True, eq=False)
class Site:
    """A call site with what reading knows of it."""

    kind: Kind
    node: ast.expr
    """The call; for a reference the name itself."""
    callee: ast.expr
    """What is replaced: the function's name, the inline constructor call, or a method call's receiver."""
    scope: Scope
    functional: str
    pairs: tuple[tuple[Pair, Spelling], ...]
    """The pairs it may be; several for F.pad; none where the name is only suspected."""
    suspicion: str = ""
    """The reason code, where it is not certain that the name stands for torch, or where no pair can be."""
    module: str = ""
    """For inline construction: the class."""
    loop: Loop | None = None
    """For a shared submodule: the literal loop that repeats the call."""


class Finder:
    def __init__(self, reader: Reader, methods: bool) -> None:
        self.reader = reader
        self.methods = methods
        self._tensor_methods = {
            spelling.short: (pair, spelling)
            for rows in by_spelling().values()
            for pair, spelling in rows
            if spelling.is_method
        }
        self._shorts = _shorts()

    @cached_property
    def _imported(self) -> frozenset[str]:
        """Names that somewhere in the file are bound to a functional itself."""
        return frozenset(
            name
            for scope in self.reader.tree.inner.values()
            for name, bindings in scope.bindings.items()
            if any(binding.qualname in by_spelling() for binding in bindings)
        )

    def find(self) -> Iterator[Site]:
        called: set[ast.expr] = set()
        for call in self.reader.tree.calls():
            called.add(call.func)
            site = self._call(call, self.reader.tree.scope_of[call])
            if site is not None:
                yield site
        names = [node for node in self.reader.tree.names() if node.id in self._imported] if self._imported else []
        loads: list[ast.Attribute | ast.Name] = [*self.reader.tree.attributes_named(self._shorts), *names]
        for node in loads:
            if node not in called and isinstance(node.ctx, ast.Load):
                site = self._reference(node, self.reader.tree.scope_of[node])
                if site is not None:
                    yield site

    def _call(self, call: ast.Call, scope: Scope) -> Site | None:
        function = call.func
        if isinstance(function, ast.Call):
            return self._inline(call, function, scope)
        if not isinstance(function, ast.Name | ast.Attribute):
            return None
        if isinstance(function, ast.Attribute) and not self._may_be_called(function.attr):
            return None
        qualname = self.reader.names.qualname(function, scope)
        if qualname is None:
            return self._suspected(call, function, scope) or self._method(call, function, scope)
        rows = by_spelling().get(qualname)
        if rows is not None and not rows[0][1].is_method:
            return Site("call", call, function, scope, rows[0][0].functional, rows)
        weighted = weighted_by_spelling().get(qualname)
        if weighted is not None:
            return Site("call", call, function, scope, weighted[0][0].functional, weighted)
        known = without_pair().get(qualname)
        if known is not None and known.takes_weights and torch_class(qualname) is None:
            return Site("call", call, function, scope, qualname.rpartition(".")[2], (), "NNC406")
        return None

    def _may_be_called(self, name: str) -> bool:
        """Whether a call of an attribute of this name may be a site."""
        return name in _every_short() or name in self._imported or (self.methods and name in self._tensor_methods)

    def _suspected(self, call: ast.Call, function: ast.Name | ast.Attribute, scope: Scope) -> Site | None:
        """A call whose name is not certain, where it may be a functional's."""
        names = self.reader.names
        short = function.attr if isinstance(function, ast.Attribute) else function.id
        if short not in self._shorts and short not in self._imported:
            return None
        if names.is_star_candidate(function, scope) and (isinstance(function, ast.Name) or _looks_like_torch(function)):
            return Site("call", call, function, scope, short, (), "NNC102")
        for qualname in sorted(names.possible(function)):
            rows = by_spelling().get(qualname)
            if rows is not None and not rows[0][1].is_method:
                return Site("call", call, function, scope, rows[0][0].functional, (), "NNC101")
        return None

    def _method(self, call: ast.Call, function: ast.expr, scope: Scope) -> Site | None:
        if not (self.methods and isinstance(function, ast.Attribute) and function.attr in self._tensor_methods):
            return None
        if not self._may_be_tensor(function.value, scope):
            return None
        pair, spelling = self._tensor_methods[function.attr]
        return Site("method", call, function.value, scope, pair.functional, ((pair, spelling),))

    def _may_be_tensor(self, node: ast.expr, scope: Scope, depth: int = 0) -> bool:
        """Whether a method's receiver can be a tensor: not self, a class, an import, an attribute of self."""
        if isinstance(node, ast.Name):
            found = scope.lookup(node.id)
            if found is None or found[0].kind in ("module", "class") or depth > _DEPTH:
                return False
            values = [b.value for b in found[1] if b.value is not None]
            inner = all(self._may_be_tensor(value, found[0], depth + 1) for value in values if _is_call(value))
            return inner and self.reader.attributes.self_of(node) is None
        if isinstance(node, ast.Call):
            return self._may_return_tensor(node.func, scope)
        if isinstance(node, ast.Attribute):
            return False
        return isinstance(node, ast.BinOp | ast.UnaryOp | ast.Subscript)

    def _may_return_tensor(self, function: ast.expr, scope: Scope) -> bool:
        if isinstance(function, ast.Attribute) and function.attr in _LEAVING_TORCH:
            return False
        qualname = self.reader.names.qualname(function, scope)
        if qualname is not None and qualname.partition(".")[0] in _OTHER_ARRAYS:
            return False
        return not (isinstance(function, ast.Name) and function.id == "super")

    def _inline(self, call: ast.Call, built: ast.Call, scope: Scope) -> Site | None:
        qualname = self.reader.names.qualname(built.func, scope)
        module = torch_class(qualname) if qualname is not None else None
        if module is None or module not in torch_attribute_names():
            return None
        pair = by_module(module)
        if pair is not None:
            return Site("inline", call, built, scope, pair.functional, ((pair, pair.spellings[0]),), "", module)
        suspicion = "" if module in STATELESS_WITHOUT_FUNCTIONAL else "NNC407"
        return Site("inline", call, built, scope, module.lower(), (), suspicion, module)

    def _reference(self, node: ast.Attribute | ast.Name, scope: Scope) -> Site | None:
        parent = self.reader.tree.parents.get(node)
        if isinstance(parent, ast.Attribute) and parent.value is node:
            return None
        qualname = self.reader.names.qualname(node, scope)
        rows = by_spelling().get(qualname) if qualname is not None else None
        if rows is None or self.reader.attributes.method_of(scope) is None:
            return None
        return Site("reference", node, node, scope, rows[0][0].functional, rows)


@cache
def _shorts() -> frozenset[str]:
    """Last names of what needs no parameters: ``relu``."""
    return frozenset(name.rpartition(".")[2] for name in by_spelling() if not name.startswith("torch.Tensor."))


@cache
def _every_short() -> frozenset[str]:
    """Last names of all that a call may be a site of."""
    return _shorts().union(name.rpartition(".")[2] for name in (*weighted_by_spelling(), *without_pair()))


def _is_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call)


def _looks_like_torch(node: ast.Attribute) -> bool:
    text = ast.unparse(node.value)
    return text in ("F", "nn.functional", "torch.nn.functional", "torch", "functional")


def describe(site: Site, reader: Reader) -> CallSite:
    """The site as the plan names it."""
    return describe_node(site.node, site.functional, reader)


def describe_node(node: ast.expr, functional: str, reader: Reader) -> CallSite:
    source = reader.source
    span = source.span(node)
    shown = node.func if isinstance(node, ast.Call) else node
    text = " ".join(source.segment(shown).split())
    class_name, method = _place(reader.tree.scope_of[node], reader)
    return CallSite(span, source.position(span.start), functional, text, class_name, method)


def functional_names() -> frozenset[str]:
    """The names that ``from torch.nn.functional import *`` brings."""
    spellings = (spelling for pair in every_pair() for spelling in pair.spellings)
    return frozenset(s.short for s in spellings if s.name.startswith("torch.nn.functional."))


def _place(scope: Scope, reader: Reader) -> tuple[str | None, str | None]:
    found: Method | None = reader.attributes.method_of(scope)
    if found is not None:
        return found.info.qualname, found.node.name
    current: Scope | None = scope
    name: str | None = None
    while current is not None:
        if isinstance(current.node, FunctionNode):
            name = current.node.name
        if isinstance(current.node, ast.ClassDef):
            return reader.classes.by_node[current.node].qualname, name
        current = current.parent
    return None, name
