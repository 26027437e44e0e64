"""How a file names torch.nn, torch.nn.functional and what is in them, and which names it still needs."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.import_edits import ImportEdits, is_about_torch
from nnconvert.plan import ImportEdit
from nnconvert.source.construction import Construction
from nnconvert.source.names import root_name
from nnconvert.source.project import Neighbours
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding, Scope

_NN: Final = "torch.nn"
_FUNCTIONAL: Final = "torch.nn.functional"
_FREE: Final = {
    _NN: ("nn",),
    _FUNCTIONAL: ("F", "functional", "nn_functional", "torch_functional"),
    "torch": ("torch",),
}
"""What a new import may be called, in the order of preference."""


class Importer:
    """Names for generated calls, and the imports that they need."""

    def __init__(self, reader: Reader, neighbours: Neighbours) -> None:
        self.reader = reader
        self._neighbours = neighbours
        self._added: dict[str, str] = {}
        self._imported: dict[Scope, list[str]] = {}
        """What may have to be imported -> the name it gets."""

    def module(self, module: str, construction: Construction) -> str:
        """How ``__init__`` of the class writes ``nn.ReLU``; raises LeaveError where the name is hidden."""
        self._refuse_replaced(f"{_NN}.{module}")
        scope = self._init_scope(construction)
        for wanted, suffix in ((_NN, f".{module}"), (f"{_NN}.{module}", ""), ("torch", f".nn.{module}")):
            for name in self._bound_to(wanted, scope, construction.info.node):
                return f"{name}{suffix}"
        if self.reader.names.qualname(ast.Name(module, ast.Load()), scope) == f"{_NN}.{module}":
            return module  # from torch.nn import *
        if name := self._new(_NN):
            return f"{name}.{module}"
        raise LeaveError("NNC212", "torch.nn has no name that __init__ could use")

    def function(self, qualname: str, call: ast.Call) -> str:
        """How a call in the place of this one writes ``F.relu`` or ``torch.flatten``; raises LeaveError."""
        self._refuse_replaced(qualname)
        scope = self.reader.tree.scope_of[call]
        text = next(self._functions(qualname, scope, call), "")
        if not text:
            raise LeaveError("NNC212", f"{qualname} has no name that the call could use")
        return text

    def _functions(self, qualname: str, scope: Scope, call: ast.Call) -> Iterator[str]:
        owner, _, short = qualname.rpartition(".")
        yield from (f"{name}.{short}" for name in self._bound_to(owner, scope, call))
        yield from self._bound_to(qualname, scope, call)
        spelled = [f"{name}.functional.{short}" for name in self._bound_to(_NN, scope, call)]
        spelled += [f"{name}.nn.functional.{short}" for name in self._bound_to("torch", scope, call)]
        through_nn = owner == _FUNCTIONAL
        if through_nn and spelled and self._spells_functional():
            yield spelled[0]
        name = self._new(owner) if self._needs_torch() else ""
        if name:
            yield f"{name}.{short}"
        if through_nn:
            yield from spelled

    def _spells_functional(self) -> bool:
        """Whether the file writes ``nn.functional.relu`` itself."""
        tree = self.reader.tree
        nodes = tree.attributes_named(["functional"])
        return any(self.reader.names.qualname(node, tree.scope_of[node]) == _FUNCTIONAL for node in nodes)

    def _needs_torch(self) -> bool:
        """Whether the file imports torch under no condition; a new import would break one that does without it."""
        body = self.reader.source.tree.body
        return any(isinstance(s, ast.Import | ast.ImportFrom) and is_about_torch(s) for s in body)

    def _refuse_replaced(self, qualname: str) -> None:
        if qualname in self.reader.names.replaced:
            raise LeaveError("NNC101", f"the file gives {qualname} another meaning")

    def _init_scope(self, construction: Construction) -> Scope:
        if construction.init is not None:
            return construction.init.scope
        parent = construction.info.scope.parent
        assert parent is not None
        return parent

    # -- names that are there --------------------------------------------------------------------------------

    def _bound_to(self, wanted: str, scope: Scope, node: ast.ClassDef | ast.Call) -> Iterator[str]:
        """Names, as seen from a scope, that certainly stand for the wanted thing; the shortest first."""
        seen: Scope | None = scope
        names: list[str] = []
        while seen is not None:
            if seen.kind != "class":
                names += self._imported_in(seen)
            seen = seen.parent
        for name in sorted(set(names), key=lambda n: (len(n), n)):
            found = scope.lookup(name)
            if found is not None and found[0] is scope and getattr(scope.node, "name", "") == "__init__":
                continue  # imported in __init__ itself, perhaps behind the place where it would be used
            if self.reader.names.qualname(ast.Name(name, ast.Load()), scope) != wanted:
                continue
            if self._is_sure(name, scope, node):
                yield name

    def _imported_in(self, scope: Scope) -> list[str]:
        if scope not in self._imported:
            found = [n for n, bindings in scope.bindings.items() if any(_is_imported(b) for b in bindings)]
            self._imported[scope] = found
        return self._imported[scope]

    def _is_sure(self, name: str, scope: Scope, node: ast.ClassDef | ast.Call) -> bool:
        """Whether the name is bound when the class or call runs: before it, on every path, or used by the class."""
        found = scope.lookup(name)
        tree = self.reader.tree
        owner = next((n for n in (node, *tree.ancestors(node)) if isinstance(n, ast.ClassDef)), None)
        roots = (root_name(base) for base in (owner.bases if owner is not None else ()))
        if any(root is not None and root.id == name and tree.scope_of[root].lookup(name) == found for root in roots):
            return True
        return found is not None and any(
            getattr(b.node, "lineno", node.lineno) < node.lineno and self._is_unconditional(b.node) for b in found[1]
        )

    def _is_unconditional(self, node: ast.AST) -> bool:
        """Whether every path through the module or function passes the statement that binds a name."""
        parents = self.reader.tree.parents
        if isinstance(node, ast.Name):  # nn = torch.nn
            node = parents[node]
        parent = parents.get(node)
        if isinstance(parent, ast.Try) and node in parent.body:
            before = parent.body[: parent.body.index(node)]
            return all(isinstance(s, ast.Import | ast.ImportFrom) and is_about_torch(s) for s in before)
        return isinstance(parent, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef)

    # -- names that are not there yet ------------------------------------------------------------------------

    def _new(self, wanted: str) -> str:
        """The name under which it will be imported; empty where none is free."""
        if wanted not in self._added:
            name = next((name for name in _FREE.get(wanted, ()) if self._is_free(name)), "")
            if not name:
                return ""
            self._added[wanted] = name
        return self._added[wanted]

    def _is_free(self, name: str) -> bool:
        tree = self.reader.tree
        if self.reader.names.is_star_candidate(ast.Name(name, ast.Load()), tree.module):
            return False
        declared = any(name in scope.declared_global for scope in tree.inner.values())
        return not declared and not any(name in scope.bindings for scope in tree.inner.values())

    # -- edits -----------------------------------------------------------------------------------------------

    def edits(self, gone: Iterable[ast.Name], removable: str, written: Iterable[str]) -> tuple[ImportEdit, ...]:
        """What changes in the imports once these uses of names are gone and these calls are written.

        Only imports of what begins with ``removable`` are removed.
        """
        needed = {text.partition("(")[0].partition(".")[0] for text in written}
        added = {wanted: name for wanted, name in self._added.items() if name in needed}
        used = [name for name in gone if name.id not in needed]
        return ImportEdits(self.reader, self._neighbours).edits(used, removable, added)


def _is_imported(binding: Binding) -> bool:
    return binding.kind == "import" or (binding.kind == "assign" and isinstance(binding.value, ast.Attribute))
