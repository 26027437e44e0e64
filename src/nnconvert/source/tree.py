"""The scopes of one file as a tree, and for every node where it stands."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from nnconvert.source.nodes import NodeTable, children
from nnconvert.source.scopes import BINDING, Binding, Comprehension, FunctionNode, Scope, ScopeKind, bound_name

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader

_OPENING: Final = frozenset(
    {
        ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef,
        ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
    }
)  # fmt: skip


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
        self._calls: list[ast.Call] = []
        self._attributes: list[ast.Attribute] = []
        self._classes: list[ast.ClassDef] = []
        self._names: list[ast.Name] = []
        self._strings: list[ast.Constant] = []
        self.by_attribute: dict[str, list[ast.Attribute]] = {}
        """The same attributes under their names."""
        self.stored: list[ast.Attribute] = []
        """Those that are assigned or deleted."""
        self.inner: dict[ast.AST, Scope] = _Inner({tree: self.module})
        """For functions, lambdas, classes and comprehensions: the scope they open."""
        self._walk(tree)

    def calls(self) -> list[ast.Call]:
        return self._calls

    def attributes(self) -> list[ast.Attribute]:
        return self._attributes

    def attributes_named(self, names: Iterable[str]) -> list[ast.Attribute]:
        """Those with one of these names, in the order of all."""
        found = [self.by_attribute[name] for name in names if name in self.by_attribute]
        if len(found) < 2:
            return found[0] if found else []
        wanted = {node for nodes in found for node in nodes}
        return [node for node in self._attributes if node in wanted]

    def classes(self) -> list[ast.ClassDef]:
        return self._classes

    def names(self) -> list[ast.Name]:
        return self._names

    def strings(self) -> list[ast.Constant]:
        return self._strings

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Parents from the nearest to the module."""
        parent = self.parents.get(node)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def take_apart(self) -> None:
        """Nothing asks for the tree any more: its nodes, which lead in circles, let go of each other."""
        nodes: list[ast.AST] = [self.module.node]
        for node in nodes:
            nodes += children(node)
            node.__dict__.clear()
        self.__dict__.clear()

    def _walk(self, tree: ast.Module) -> None:
        """Visit every node, once and in the order of the source; on the stack, a scope says what follows runs in it."""
        # Declarations are read first: `global` may follow a nested function that was visited already.
        pending: list[tuple[Scope, str, Binding]] = []
        scope = self.module
        stack: list[Any] = tree.body[::-1]
        for statement in tree.body:
            statement.parent_node = tree  # type: ignore[attr-defined]
        while stack:
            node = stack.pop()
            kind = type(node)
            if kind is ast.Name:
                node.scope_around = scope
                self._names.append(node)
                if type(node.ctx) is not ast.Load:
                    pending.append(bound_name(node, scope))
            elif kind is ast.Attribute:
                node.scope_around = scope
                self._keep_attribute(node)
                child = node.value
                child.parent_node = node
                stack.append(child)
            elif kind is ast.Constant:
                if type(node.value) is str:
                    node.scope_around = scope
                    self._strings.append(node)
            elif kind is Scope:
                scope = node
            else:
                if kind is ast.Call:
                    node.scope_around = scope
                    self._calls.append(node)
                elif kind in BINDING:
                    pending.extend(BINDING[kind](node, scope))
                if kind in _OPENING:
                    self._enter(node, scope, stack)
                else:
                    _push_children(node, stack)
        self._bind(pending)

    def _bind(self, pending: list[tuple[Scope, str, Binding]]) -> None:
        if any(scope.declared_nonlocal for scope in self.inner.values()):
            # `nonlocal` looks for the scope that binds the name otherwise.
            pending.sort(key=lambda item: item[1] in item[0].declared_nonlocal)
        for scope, name, binding in pending:
            scope.bind(name, binding)

    def _keep_attribute(self, node: ast.Attribute) -> None:
        self._attributes.append(node)
        self.by_attribute.setdefault(node.attr, []).append(node)
        if type(node.ctx) is not ast.Load:
            self.stored.append(node)

    def _open(self, kind: ScopeKind, node: ast.AST, parent: Scope, name: str) -> Scope:
        scope = Scope(kind, node, parent, name, self)
        self.inner[node] = scope
        node.opened_scope = scope  # type: ignore[attr-defined]
        return scope

    def _enter(self, node: ast.AST, scope: Scope, stack: list[Any]) -> None:
        """Open the scope of a node; what is in it goes on the stack, the last one first, and what comes behind it."""
        if isinstance(node, ast.ClassDef):
            node.scope_around = scope  # type: ignore[attr-defined]
            self._classes.append(node)
            inner = self._open("class", node, scope, node.name)
            self._push(node, (scope, inner), node.body, [*node.decorator_list, *node.bases, *node.keywords], stack)
        elif isinstance(node, Comprehension):
            self._enter_comprehension(node, scope, stack)
        else:
            assert isinstance(node, FunctionNode | ast.Lambda)
            self._enter_function(node, scope, stack)

    def _push(
        self,
        node: ast.AST,
        scopes: tuple[Scope, Scope],
        body: Sequence[ast.AST],
        outside: Sequence[ast.AST],
        stack: list[Any],
    ) -> None:
        """First what runs outside, then the body, each with its scope."""
        scope, inner = scopes
        for child in (*body, *outside):
            child.parent_node = node  # type: ignore[attr-defined]
        stack.append(scope)
        stack.extend(reversed(body))
        stack.append(inner)
        stack.extend(reversed(outside))

    def _enter_comprehension(self, node: Comprehension, scope: Scope, stack: list[Any]) -> None:
        inner = self._open("comprehension", node, scope, f"<{type(node).__name__}>")
        first = node.generators[0]
        for child in ast.iter_child_nodes(node):
            child.parent_node = node  # type: ignore[attr-defined]
        for child in ast.iter_child_nodes(first):
            child.parent_node = first  # type: ignore[attr-defined]
        stack.append(scope)
        stack.extend(child for child in ast.iter_child_nodes(node) if child is not first)
        stack += [first.target, *first.ifs, inner, first.iter]

    def _enter_function(self, node: FunctionNode | ast.Lambda, scope: Scope, stack: list[Any]) -> None:
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
            self._push(node, (scope, inner), [node.body], outside, stack)
            return
        node.scope_around = scope  # type: ignore[union-attr]
        outside = [*node.decorator_list, *outside]
        if node.returns is not None:
            outside.append(node.returns)
        self._push(node, (scope, inner), node.body, outside, stack)


def _push_children(node: ast.AST, stack: list[Any]) -> None:
    """What is in a node that opens no scope goes on the stack, the last one first."""
    inside = children(node)
    for child in inside:
        child.parent_node = node  # type: ignore[attr-defined]
    stack += reversed(inside)
