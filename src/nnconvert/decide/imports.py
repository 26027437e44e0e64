"""How a file names torch.nn, and what becomes of its imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator

from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.sites import Site
from nnconvert.plan import ImportEdit, Span
from nnconvert.source.construction import Construction
from nnconvert.source.names import root_name
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding, Scope

_FUNCTIONAL = "torch.nn.functional"


class Importer:
    def __init__(self, reader: Reader, imported: Callable[[], frozenset[str]]) -> None:
        self.reader = reader
        self._imported = imported
        self._adds_nn = False

    # -- naming a module class -------------------------------------------------------------------------------

    def callee(self, module: str, construction: Construction) -> str:
        """How ``__init__`` of the class writes ``nn.ReLU``; raises LeaveError where the name is hidden."""
        names = self.reader.names
        if f"{_NN}.{module}" in names.replaced:
            raise LeaveError("NNC101", f"the file gives nn.{module} another meaning")
        scope = self._init_scope(construction)
        for wanted, suffix in ((_NN, f".{module}"), (f"{_NN}.{module}", ""), ("torch", f".nn.{module}")):
            for name in self._bound_to(wanted, scope):
                if self._is_sure(name, scope, construction.info.node):
                    return f"{name}{suffix}"
        if names.qualname(ast.Name(module, ast.Load()), scope) == f"{_NN}.{module}":
            return module  # from torch.nn import *
        if self._free_nn():
            self._adds_nn = True
            return f"nn.{module}"
        raise LeaveError("NNC212", "torch.nn has no name that __init__ could use")

    def _init_scope(self, construction: Construction) -> Scope:
        if construction.init is not None:
            return construction.init.scope
        parent = construction.info.scope.parent
        assert parent is not None
        return parent

    def _bound_to(self, wanted: str, scope: Scope) -> Iterator[str]:
        """Names, as seen from a scope, that certainly stand for the wanted thing; the shortest first."""
        seen: Scope | None = scope
        names: list[str] = []
        while seen is not None:
            if seen.kind != "class":
                names += [n for n, bindings in seen.bindings.items() if any(_is_imported(b) for b in bindings)]
            seen = seen.parent
        for name in sorted(set(names), key=lambda n: (len(n), n)):
            found = scope.lookup(name)
            if found is not None and found[0] is scope and getattr(scope.node, "name", "") == "__init__":
                continue  # imported in __init__ itself, perhaps behind the place where it would be used
            if self.reader.names.qualname(ast.Name(name, ast.Load()), scope) == wanted:
                yield name

    def _is_sure(self, name: str, scope: Scope, node: ast.ClassDef) -> bool:
        """Whether the name is bound when the class is built: before the class, on every path, or used by it."""
        roots = (root_name(base) for base in node.bases)
        if any(root is not None and root.id == name for root in roots):
            return True
        found = scope.lookup(name)
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
            return all(isinstance(s, ast.Import | ast.ImportFrom) and _names_torch(s) for s in before)
        return isinstance(parent, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef)

    def _free_nn(self) -> bool:
        scopes = self.reader.tree.inner.values()
        unknown = self.reader.names.is_star_candidate(ast.Name("nn", ast.Load()), self.reader.tree.module)
        return not unknown and not any("nn" in scope.bindings for scope in scopes)

    # -- edits -----------------------------------------------------------------------------------------------

    def edits(self, converted: Iterable[Site]) -> tuple[ImportEdit, ...]:
        """What changes in the imports once these sites are converted."""
        sites = list(converted)
        used = [root for site in sites if (root := root_name(site.callee)) is not None]
        edits = list(self._removals(used))
        if self._adds_nn and sites:
            edits = self._with_nn(edits)
        return tuple(sorted(edits, key=lambda edit: edit.span))

    def _removals(self, used: list[ast.Name]) -> Iterator[ImportEdit]:
        tree = self.reader.tree
        gone = {id(name) for name in used}
        removed: dict[ast.stmt, list[ast.alias]] = {}
        for name in sorted({name.id for name in used}):
            bindings = tree.module.bindings.get(name, [])
            if len(bindings) != 1 or not self._removable(name, bindings[0]):
                continue
            uses = [
                n
                for n in tree.names()
                if n.id == name and (found := tree.scope_of[n].lookup(name)) and found[0] is tree.module
            ]
            if any(id(use) not in gone for use in uses) or self._is_imported_elsewhere(name):
                continue
            statement = bindings[0].node
            assert isinstance(statement, ast.Import | ast.ImportFrom)
            alias = next(a for a in statement.names if (a.asname or a.name) == name)
            removed.setdefault(statement, []).append(alias)
        for statement, aliases in removed.items():
            assert isinstance(statement, ast.Import | ast.ImportFrom)
            yield self._without(statement, aliases)

    def _is_imported_elsewhere(self, name: str) -> bool:
        imported = self._imported()
        return name in imported or ("*" in imported and "__all__" not in self.reader.tree.module.bindings)

    def _removable(self, name: str, binding: Binding) -> bool:
        """An import of functional, directly in the module, that no string and no comment speaks for."""
        statement = binding.node
        if binding.kind != "import" or statement not in self.reader.source.tree.body:
            return False
        if not (binding.qualname or "").startswith(_FUNCTIONAL):
            return False
        assert isinstance(statement, ast.Import | ast.ImportFrom)
        if isinstance(statement, ast.Import) and any(a.asname is None and a.name == name for a in statement.names):
            return False
        span = self._lines(statement)
        text = self.reader.source.text[span.start : span.end]
        if "#" in text or ";" in text or "\\" in text:
            return False
        mentioned = re.compile(rf"(?<![\w.]){re.escape(name)}(?:\.|$)")
        return not any(mentioned.search(str(node.value)) for node in self.reader.tree.strings())

    def _without(self, statement: ast.Import | ast.ImportFrom, aliases: list[ast.alias]) -> ImportEdit:
        kept = [alias for alias in statement.names if alias not in aliases]
        if not kept:
            return ImportEdit(self._lines(statement), "")
        source = self.reader.source
        span = source.span(statement)
        names = ", ".join(source.segment(alias) for alias in kept)
        if isinstance(statement, ast.Import):
            return ImportEdit(span, f"import {names}")
        first, last = source.span(statement.names[0]), source.span(statement.names[-1])
        if source.text[span.start : span.end].count("\n") == 0:
            return ImportEdit(Span(first.start, last.end), names)
        gone = aliases[0] if len(aliases) == 1 else None
        if gone is None:
            return ImportEdit(Span(first.start, last.end), names)
        index = statement.names.index(gone)
        if index + 1 < len(statement.names):
            return ImportEdit(Span(source.span(gone).start, source.span(statement.names[index + 1]).start), "")
        return ImportEdit(Span(source.span(statement.names[index - 1]).end, last.end), "")

    def _lines(self, statement: ast.stmt) -> Span:
        source = self.reader.source
        last = statement.end_lineno or statement.lineno
        end = source.line_starts[last] if last < len(source.line_starts) else len(source.text)
        return Span(source.line_starts[statement.lineno - 1], end)

    # -- a new import of nn ----------------------------------------------------------------------------------

    def _with_nn(self, edits: list[ImportEdit]) -> list[ImportEdit]:
        """Add ``nn`` where functional is imported, in the style of that line, else behind the last import."""
        body = self.reader.source.tree.body
        imports = [s for s in body if isinstance(s, ast.Import | ast.ImportFrom) and not _is_future(s)]
        about_torch = [s for s in imports if _names_torch(s)]
        functional = [s for s in about_torch if "functional" in ast.unparse(s)]
        text = "from torch import nn\n"
        if functional and isinstance(functional[0], ast.Import):
            text = "import torch.nn as nn\n"
        if functional:
            span = self._lines(functional[0])
            removal = next((edit for edit in edits if edit.span == span), None)
            if removal is not None:
                edits.remove(removal)
                return [*edits, ImportEdit(span, text)]
            return [*edits, ImportEdit(Span(span.start, span.start), text)]
        offset = self._lines((about_torch or imports)[-1]).end if imports else self._top()
        return [*edits, ImportEdit(Span(offset, offset), text)]

    def _top(self) -> int:
        """Behind the docstring and ``from __future__`` imports."""
        offset = 0
        for statement in self.reader.source.tree.body:
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not (docstring or _is_future(statement)):
                break
            offset = self._lines(statement).end
        return offset


_NN = "torch.nn"


def _is_imported(binding: Binding) -> bool:
    return binding.kind == "import" or (binding.kind == "assign" and isinstance(binding.value, ast.Attribute))


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _names_torch(statement: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.level == 0 and (statement.module or "").partition(".")[0] == "torch"
    return any(alias.name.partition(".")[0] == "torch" for alias in statement.names)
