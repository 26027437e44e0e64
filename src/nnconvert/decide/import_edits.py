"""Edits of a file's imports: names that nothing uses any more, and new ones in the file's own style."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nnconvert.plan import ImportEdit, Span
from nnconvert.source.project import Neighbours
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding

Import = ast.Import | ast.ImportFrom


class ImportEdits:
    """What other files import from this one stays."""

    def __init__(self, reader: Reader, neighbours: Neighbours) -> None:
        self.reader = reader
        self._neighbours = neighbours

    def edits(self, gone: Sequence[ast.Name], removable: str, added: Mapping[str, str]) -> tuple[ImportEdit, ...]:
        """Remove imports below ``removable`` that only these uses needed; add what ``added`` names."""
        edits = list(self._removals(gone, removable))
        for wanted, name in added.items():
            edits = self._with_new(edits, wanted, name)
        return tuple(sorted(edits, key=lambda edit: edit.span))

    # -- removal ---------------------------------------------------------------------------------------------

    def _removals(self, gone: Iterable[ast.Name], removable: str) -> Iterator[ImportEdit]:
        tree = self.reader.tree
        used = {id(name): name.id for name in gone}
        removed: dict[ast.stmt, list[ast.alias]] = {}
        for name in sorted(set(used.values())):
            bindings = tree.module.bindings.get(name, [])
            if len(bindings) != 1 or not self._removable(name, bindings[0], removable):
                continue
            uses = [
                n
                for n in tree.names()
                if n.id == name and (found := tree.scope_of[n].lookup(name)) and found[0] is tree.module
            ]
            if any(id(use) not in used for use in uses) or self._is_imported_elsewhere(name):
                continue
            statement = bindings[0].node
            assert isinstance(statement, Import)
            alias = next(a for a in statement.names if (a.asname or a.name) == name)
            removed.setdefault(statement, []).append(alias)
        for statement, aliases in removed.items():
            assert isinstance(statement, Import)
            yield self._without(statement, aliases)

    def _is_imported_elsewhere(self, name: str) -> bool:
        imported = self._neighbours.imported
        return name in imported or ("*" in imported and "__all__" not in self.reader.tree.module.bindings)

    def _removable(self, name: str, binding: Binding, removable: str) -> bool:
        """An import of it, directly in the module, that no string and no comment speaks for."""
        statement, qualname = binding.node, binding.qualname or ""
        if binding.kind != "import" or statement not in self.reader.source.tree.body:
            return False
        assert isinstance(statement, Import)
        if len(statement.names) > 1:  # else importing that file goes as well, and with it what it does
            qualname = self.reader.names.qualname(ast.Name(name, ast.Load()), self.reader.tree.module) or qualname
        if qualname != removable and not qualname.startswith(f"{removable}."):
            return False
        if isinstance(statement, ast.Import) and any(a.asname is None and a.name == name for a in statement.names):
            return False
        if any(a.asname == a.name == name for a in statement.names):  # `X as X` says that it is for others
            return False
        span = self._lines(statement)
        text = self.reader.source.text[span.start : span.end]
        if "#" in text or ";" in text or "\\" in text:
            return False
        if self.reader.changes_globals:  # globals()[name]
            return False
        mentioned = re.compile(rf"(?<![\w.]){re.escape(name)}(?:[.(]|$)")
        return not any(mentioned.search(str(node.value)) for node in self.reader.tree.strings())

    def _without(self, statement: Import, aliases: list[ast.alias]) -> ImportEdit:
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
        end = source.line_end(statement.end_lineno or statement.lineno)
        return Span(source.line_starts[statement.lineno - 1], end)

    # -- addition --------------------------------------------------------------------------------------------

    def _with_new(self, edits: list[ImportEdit], wanted: str, name: str) -> list[ImportEdit]:
        """Add an import beside its next of kin, in the style of that line, else behind the last import."""
        imports = [s for s in self.reader.source.tree.body if isinstance(s, Import) and not _is_future(s)]
        about_torch = [s for s in imports if is_about_torch(s)]
        if wanted == "torch.nn":
            return self._with_nn(edits, imports, about_torch)
        if wanted == "torch":
            offset = self._lines((about_torch or imports)[0]).start if imports else self._top()
            return [*edits, ImportEdit(Span(offset, offset), "import torch\n")]
        kin = [s for s in about_torch if any(_full_name(s, alias) == "torch.nn" for alias in s.names)]
        if name == "functional":
            text = "from torch.nn import functional\n"
        elif kin and isinstance(kin[0], ast.ImportFrom):
            text = f"from torch.nn import functional as {name}\n"
        else:
            text = f"import torch.nn.functional as {name}\n"
        torch = [s for s in about_torch if isinstance(s, ast.Import) and s.names[0].name == "torch"]
        anchors = kin[:1] or torch[:1] or about_torch[-1:] or imports[-1:]
        return self._behind(edits, anchors, text)

    def _behind(self, edits: list[ImportEdit], anchors: Sequence[Import], text: str) -> list[ImportEdit]:
        """A new line behind the last of these imports, or in its place where it goes."""
        if not anchors:
            offset = self._top()
            return [*edits, ImportEdit(Span(offset, offset), text)]
        span = self._lines(anchors[-1])
        removal = next((edit for edit in edits if edit.span == span), None)
        if removal is not None:
            return [edit for edit in edits if edit is not removal] + [ImportEdit(span, text)]
        newline = "" if self.reader.source.text[span.start : span.end].endswith(("\n", "\r")) else "\n"
        return [*edits, ImportEdit(Span(span.end, span.end), newline + text)]

    def _with_nn(self, edits: list[ImportEdit], imports: list[Import], about_torch: list[Import]) -> list[ImportEdit]:
        """Where functional is imported, in the style of that line, else behind the last import."""
        functional = [s for s in about_torch if "functional" in ast.unparse(s)]
        text = "from torch import nn\n"
        if functional and isinstance(functional[0], ast.Import):
            text = "import torch.nn as nn\n"
        if functional:
            span = self._lines(functional[0])
            removal = next((edit for edit in edits if edit.span == span), None)
            if removal is not None:
                return [edit for edit in edits if edit is not removal] + [ImportEdit(span, text)]
            return [*edits, ImportEdit(Span(span.start, span.start), text)]
        return self._behind(edits, about_torch or imports, text)

    def _top(self) -> int:
        """Behind the docstring and ``from __future__`` imports."""
        offset = 0
        for statement in self.reader.source.tree.body:
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not (docstring or _is_future(statement)):
                break
            offset = self._lines(statement).end
        return offset


def _full_name(statement: Import, alias: ast.alias) -> str:
    """``torch.nn`` for ``import torch.nn as nn`` and ``from torch import nn``; empty for a relative import."""
    if isinstance(statement, ast.Import):
        return alias.name
    return f"{statement.module}.{alias.name}" if not statement.level else ""


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def is_about_torch(statement: Import) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.level == 0 and (statement.module or "").partition(".")[0] == "torch"
    return any(alias.name.partition(".")[0] == "torch" for alias in statement.names)
