"""Scopes and bindings of one file: where each name is bound, and by what.

Python's own rules (Language Reference 4.2): a function's names are local to it unless declared global or
nonlocal, class scopes are skipped by the functions inside them, the first iterable of a comprehension belongs
to the scope around it, and a walrus in a comprehension binds outside of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nnconvert.source.tree import ScopeTree

ScopeKind = Literal["module", "class", "function", "lambda", "comprehension"]
BindingKind = Literal["import", "star", "assign", "parameter", "function", "class", "other"]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(slots=True)
class Binding:
    """One place that gives a name its meaning."""

    kind: BindingKind
    node: ast.AST
    qualname: str | None = None
    """For imports: what the name stands for (``torch.nn.functional``); a relative one starts with dots."""
    value: ast.expr | None = None
    """For a plain assignment ``name = value``: the value."""


@dataclass(slots=True, eq=False)
class Scope:
    kind: ScopeKind
    node: ast.AST
    parent: Scope | None
    name: str
    tree: ScopeTree
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)

    def bind(self, name: str, binding: Binding) -> None:
        scope = self
        if name in self.declared_global:
            while scope.parent is not None:
                scope = scope.parent
        elif name in self.declared_nonlocal:
            scope = self._nonlocal_home(name)
        scope.bindings.setdefault(name, []).append(binding)

    def _nonlocal_home(self, name: str) -> Scope:
        scope = self.parent
        while scope is not None:
            if scope.kind in ("function", "lambda") and name in scope.bindings:
                return scope
            scope = scope.parent
        return self

    def lookup(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """The scope that binds a name seen from here, with its bindings; None for builtins and unknown."""
        if name in self.declared_global:
            scope: Scope | None = self.module
        else:
            scope = self
        first = True
        while scope is not None:
            if (first or scope.kind != "class") and name in scope.bindings:
                return scope, scope.bindings[name]
            first = False
            scope = scope.parent
        return None

    @property
    def module(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


Bound = Iterator[tuple[Scope, str, Binding]]


def bound_name(node: ast.Name, scope: Scope) -> tuple[Scope, str, Binding]:
    """What a name that is not read binds, and where."""
    parent: ast.AST = node.parent_node  # type: ignore[attr-defined]
    home = scope
    if isinstance(parent, ast.NamedExpr):
        while home.kind == "comprehension" and home.parent is not None:
            home = home.parent
    return home, node.id, _assignment(node, parent)


def _assignment(node: ast.Name, parent: ast.AST) -> Binding:
    if isinstance(parent, ast.Assign) and any(target is node for target in parent.targets):
        return Binding("assign", node, value=parent.value)
    if isinstance(parent, ast.AnnAssign) and parent.value is not None:
        return Binding("assign", node, value=parent.value)
    if isinstance(parent, ast.AnnAssign):
        return Binding("other", parent)
    return Binding("other", node)


def _import(node: ast.AST, scope: Scope) -> Bound:
    assert isinstance(node, ast.Import)
    for alias in node.names:
        if alias.asname is not None:
            yield scope, alias.asname, Binding("import", node, alias.name)
        else:
            top = alias.name.partition(".")[0]
            yield scope, top, Binding("import", node, top)


def _import_from(node: ast.AST, scope: Scope) -> Bound:
    assert isinstance(node, ast.ImportFrom)
    base = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            yield scope, "*", Binding("star", node, base)
        else:
            joined = base + alias.name if base.endswith(".") else f"{base}.{alias.name}"
            yield scope, alias.asname or alias.name, Binding("import", node, joined)


def _definition(node: ast.AST, scope: Scope) -> Bound:
    if isinstance(node, ast.ClassDef):
        yield scope, node.name, Binding("class", node)
    else:
        assert isinstance(node, FunctionNode)
        yield scope, node.name, Binding("function", node)


def _declaration(node: ast.AST, scope: Scope) -> Bound:
    assert isinstance(node, ast.Global | ast.Nonlocal)
    target = scope.declared_global if isinstance(node, ast.Global) else scope.declared_nonlocal
    target.update(node.names)
    return iter(())


def _captured(node: ast.AST, scope: Scope) -> Bound:
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        name = node.name
    else:
        assert isinstance(node, ast.MatchMapping)
        name = node.rest
    if name is not None:
        yield scope, name, Binding("other", node)


BINDING = {
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.Global: _declaration,
    ast.Nonlocal: _declaration,
    ast.ExceptHandler: _captured,
    ast.MatchAs: _captured,
    ast.MatchStar: _captured,
    ast.MatchMapping: _captured,
}
"""Statements and patterns that bind names by something else than a name of their own -> what they bind."""
