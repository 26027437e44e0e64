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

from nnconvert.source.nodes import NodeTable

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader

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


class _Inner(dict[ast.AST, "Scope"]):
    """The scopes that nodes of one file open; those of other files are found, too."""

    def __missing__(self, node: ast.AST) -> Scope:
        found: Scope = node.opened_scope  # type: ignore[attr-defined]
        return found


class ScopeTree:
    """The scopes of a tree, the parent of every node, and the scope that each node of interest runs in.

    What is asked of one tree about a node or a scope of another file's is answered, too.
    """

    home: Reader
    """What else is read of the file."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope("module", tree, None, "<module>", self)
        self.parents: NodeTable[ast.AST] = NodeTable("parent_node")
        self.scope_of: NodeTable[Scope] = NodeTable("scope_around")
        """For calls, names, attributes, classes, functions and strings: the scope they are evaluated in."""
        self.nodes: dict[type[ast.AST], list[ast.AST]] = {kind: [] for kind in _KEPT}
        self.inner: dict[ast.AST, Scope] = _Inner({tree: self.module})
        """For functions, lambdas, classes and comprehensions: the scope they open."""
        self._walk(tree)

    def calls(self) -> list[ast.Call]:
        return self.nodes[ast.Call]  # type: ignore[return-value]

    def attributes(self) -> list[ast.Attribute]:
        return self.nodes[ast.Attribute]  # type: ignore[return-value]

    def classes(self) -> list[ast.ClassDef]:
        return self.nodes[ast.ClassDef]  # type: ignore[return-value]

    def names(self) -> list[ast.Name]:
        return self.nodes[ast.Name]  # type: ignore[return-value]

    def strings(self) -> list[ast.Constant]:
        return self.nodes[ast.Constant]  # type: ignore[return-value]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Parents from the nearest to the module."""
        parent = self.parents.get(node)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def _walk(self, tree: ast.Module) -> None:
        # Declarations are read first: `global` may follow a nested function that was visited already.
        stack: list[tuple[ast.AST, Scope]] = [(child, self.module) for child in reversed(tree.body)]
        for statement in tree.body:
            statement.parent_node = tree  # type: ignore[attr-defined]
        pending: list[tuple[Scope, str, Binding]] = []
        while stack:
            node, scope = stack.pop()
            kind = type(node)
            if kind in _KEPT and not (kind is ast.Constant and not isinstance(node.value, str)):  # type: ignore[attr-defined]
                self.nodes[kind].append(node)
                node.scope_around = scope  # type: ignore[attr-defined]
            handler = _HANDLERS.get(kind)
            if handler is not None:
                pending.extend(handler(node, scope, self))
            if kind in _OPENING:
                for child, where in self._inner_children(node, scope):
                    if not hasattr(child, "parent_node"):
                        child.parent_node = node  # type: ignore[attr-defined]
                    stack.append((child, where))
                continue
            for child in _children(node, kind):
                if not hasattr(child, "parent_node"):
                    child.parent_node = node  # type: ignore[attr-defined]
                stack.append((child, scope))
        # `nonlocal` looks for the scope that binds the name otherwise.
        for scope, name, binding in sorted(pending, key=lambda item: item[1] in item[0].declared_nonlocal):
            scope.bind(name, binding)

    def _open(self, kind: ScopeKind, node: ast.AST, parent: Scope, name: str) -> Scope:
        scope = Scope(kind, node, parent, name, self)
        self.inner[node] = scope
        node.opened_scope = scope  # type: ignore[attr-defined]
        return scope

    def _inner_children(self, node: ast.AST, scope: Scope) -> list[tuple[ast.AST, Scope]]:
        """The children of a node that opens a scope, the last one first, each with the scope that it runs in."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return self._function_children(node, scope)
        if isinstance(node, ast.ClassDef):
            inner = self._open("class", node, scope, node.name)
            outside: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords]
            return [(c, inner) for c in reversed(node.body)] + [(c, scope) for c in reversed(outside)]
        assert isinstance(node, Comprehension)
        inner = self._open("comprehension", node, scope, f"<{type(node).__name__}>")
        found: list[tuple[ast.AST, Scope]] = []
        for child in ast.iter_child_nodes(node):
            if child is not node.generators[0]:
                found.append((child, inner))
        first = node.generators[0]
        first.parent_node = node  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(first):
            child.parent_node = first  # type: ignore[attr-defined]
        found += [(first.target, inner), *((test, inner) for test in first.ifs), (first.iter, scope)]
        return found

    def _function_children(self, node: FunctionNode | ast.Lambda, scope: Scope) -> list[tuple[ast.AST, Scope]]:
        lambda_ = isinstance(node, ast.Lambda)
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        inner = self._open("lambda" if lambda_ else "function", node, scope, name)
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        for argument in every:
            inner.bind(argument.arg, Binding("parameter", argument))
        outside: list[ast.AST] = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
        outside += [a.annotation for a in every if a.annotation is not None]
        if isinstance(node, ast.Lambda):
            return [(node.body, inner)] + [(c, scope) for c in reversed(outside)]
        outside = [*node.decorator_list, *outside]
        if node.returns is not None:
            outside.append(node.returns)
        return [(c, inner) for c in reversed(node.body)] + [(c, scope) for c in reversed(outside)]


def _children(node: ast.AST, kind: type[ast.AST]) -> list[ast.AST]:
    """The children of a node, the last one first."""
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = tuple(f for f in reversed(kind._fields) if f not in _NO_NODES)
        _FIELDS[kind] = fields
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += value[::-1]
        elif isinstance(value, ast.AST):
            found.append(value)
    return [child for child in found if isinstance(child, ast.AST)] if kind in _MIXED else found


_KEPT = (ast.Call, ast.Name, ast.Attribute, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Constant)
_OPENING = frozenset(
    {
        ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
        ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
    }
)  # fmt: skip
_NO_NODES = frozenset({"ctx", "op", "ops", "id", "attr", "arg", "kind", "lineno", "type_ignores", "type_comment"})
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}
_MIXED = frozenset({ast.Dict, ast.Global, ast.Nonlocal, ast.MatchClass})
"""Nodes with lists that hold something else than nodes, too."""


Bound = Iterator[tuple[Scope, str, Binding]]


def _name(node: ast.AST, scope: Scope, tree: ScopeTree) -> Bound:
    assert isinstance(node, ast.Name)
    if isinstance(node.ctx, ast.Load):
        return
    parent = tree.parents.get(node)
    home = scope
    if isinstance(parent, ast.NamedExpr):
        while home.kind == "comprehension" and home.parent is not None:
            home = home.parent
    yield home, node.id, _assignment(node, parent)


def _assignment(node: ast.Name, parent: ast.AST | None) -> Binding:
    if isinstance(parent, ast.Assign) and any(target is node for target in parent.targets):
        return Binding("assign", node, value=parent.value)
    if isinstance(parent, ast.AnnAssign) and parent.value is not None:
        return Binding("assign", node, value=parent.value)
    if isinstance(parent, ast.AnnAssign):
        return Binding("other", parent)
    return Binding("other", node)


def _import(node: ast.AST, scope: Scope, _: ScopeTree) -> Bound:
    assert isinstance(node, ast.Import)
    for alias in node.names:
        if alias.asname is not None:
            yield scope, alias.asname, Binding("import", node, alias.name)
        else:
            top = alias.name.partition(".")[0]
            yield scope, top, Binding("import", node, top)


def _import_from(node: ast.AST, scope: Scope, _: ScopeTree) -> Bound:
    assert isinstance(node, ast.ImportFrom)
    base = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            yield scope, "*", Binding("star", node, base)
        else:
            joined = base + alias.name if base.endswith(".") else f"{base}.{alias.name}"
            yield scope, alias.asname or alias.name, Binding("import", node, joined)


def _definition(node: ast.AST, scope: Scope, _: ScopeTree) -> Bound:
    if isinstance(node, ast.ClassDef):
        yield scope, node.name, Binding("class", node)
    else:
        assert isinstance(node, FunctionNode)
        yield scope, node.name, Binding("function", node)


def _declaration(node: ast.AST, scope: Scope, _: ScopeTree) -> Bound:
    assert isinstance(node, ast.Global | ast.Nonlocal)
    target = scope.declared_global if isinstance(node, ast.Global) else scope.declared_nonlocal
    target.update(node.names)
    return iter(())


def _captured(node: ast.AST, scope: Scope, _: ScopeTree) -> Bound:
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        name = node.name
    else:
        assert isinstance(node, ast.MatchMapping)
        name = node.rest
    if name is not None:
        yield scope, name, Binding("other", node)


_HANDLERS = {
    ast.Name: _name,
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
