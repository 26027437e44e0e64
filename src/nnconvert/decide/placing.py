"""Where in a class the registrations go."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from nnconvert.decide.draft import Draft
from nnconvert.plan import Anchor, Leave
from nnconvert.source.classes import ClassInfo
from nnconvert.source.construction import Construction, Window, reaching_methods
from nnconvert.source.new_init import new_init
from nnconvert.source.reader import Reader

_TORCH_INIT_CALLS: Final = frozenset({"reset_parameters", "_reset_parameters", "reset_running_stats", "extra_repr"})


@dataclass(eq=False)
class Placed:
    """The place for the drafts of one class, and those for which there is none."""

    anchor: Anchor | None = None
    left: dict[Draft, Leave] = field(default_factory=dict)
    own_anchors: dict[Draft, Anchor] = field(default_factory=dict)

    def anchor_of(self, draft: Draft) -> Anchor:
        anchor = self.own_anchors.get(draft, self.anchor)
        assert anchor is not None
        return anchor


class Placer:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def place(self, info: ClassInfo, drafts: Sequence[Draft]) -> Placed:
        construction = self.reader.construction(info)
        placed = Placed()
        windows: dict[Draft, Window] = {}
        for draft in drafts:
            if draft.weighed is not None:
                found = self._window(draft, construction)
                if isinstance(found, Leave):
                    placed.left[draft] = found
                elif not found.first <= draft.weighed.before <= found.last:
                    words = "the parameter is registered where a submodule cannot be"
                    placed.left[draft] = Leave("NNC304", words)
                else:
                    placed.own_anchors[draft] = self._in_front_of(construction, draft.weighed.before)
                continue
            if draft.behind is not None:
                placed.own_anchors[draft] = self._behind(draft.behind, construction)
                continue
            found = self._window(draft, construction)
            if isinstance(found, Leave):
                placed.left[draft] = found
            elif draft.registers:
                windows[draft] = found
        if not windows:
            return placed
        if construction.init is None:
            placed.anchor = self._new_init(info)
            return placed
        self._in_init(construction, windows, placed)
        return placed

    def _window(self, draft: Draft, construction: Construction) -> Window | Leave:
        info = construction.info
        reaching = reaching_methods(info, {draft.method.node.name}, self.reader.attributes)
        if construction.base_touches(reaching):
            return Leave("NNC305", "the __init__ of a base may run it before the submodule exists")
        if reaching & _TORCH_INIT_CALLS and any(b != "torch.nn.Module" for b in info.all_outer_bases()):
            return Leave("NNC305", "the __init__ of a base from torch.nn may run it")
        if construction.inherits_init:
            return Window(0, 0)
        if not construction.inits:
            return Leave("NNC304", "the class inherits an __init__ that does not reach that of nn.Module")
        if construction.init is None:
            return Leave("NNC304", "__init__ is defined more than once, under a condition, or without a name for self")
        if construction.base_call is None:
            return Leave("NNC304", "__init__ does not call the __init__ of its base on every path")
        if not draft.registers:  # the assignment itself stands in __init__ already
            if draft.after <= construction.base_call:
                return Leave("NNC304", "assigned before super().__init__()")
            return Window(0, 0)
        window = construction.window(reaching)
        return window or Leave("NNC304", "__init__ may return or run it before a submodule can be registered")

    def _in_init(self, construction: Construction, windows: dict[Draft, Window], placed: Placed) -> None:
        last = min(window.last for window in windows.values())
        for draft in list(windows):
            if draft.after > last:
                words = "a setting gets its value after the call is first needed"
                placed.left[draft] = Leave("NNC209", words)
                del windows[draft]
        if not windows:
            return
        needed = max(*(d.after for d in windows), *(w.first for w in windows.values()))
        index = self._line_boundary(construction, needed, last, construction.after_submodules())
        if index is None:
            words = "the statements of __init__ share a line"
            placed.left.update((draft, Leave("NNC304", words)) for draft in windows)
            return
        placed.anchor = self._before(index, construction)

    def _line_boundary(self, construction: Construction, needed: int, last: int, wanted: int) -> int | None:
        """The index nearest to the wanted one, between ``needed`` and ``last``, that begins a line."""
        body = construction.body
        wanted = min(last, max(wanted, needed))
        candidates = sorted(range(needed, last + 1), key=lambda i: (abs(i - wanted), -i))
        for index in candidates:
            if index == len(body) or body[index].lineno > (body[index - 1].end_lineno or 0):
                return index
        return None

    def _before(self, index: int, construction: Construction) -> Anchor:
        """Behind the line on which the statement before ``index`` ends."""
        assert construction.init is not None
        source = self.reader.source
        previous = construction.body[index - 1]
        line = previous.end_lineno or previous.lineno
        starts = source.line_starts
        offset = starts[line] if line < len(starts) else len(source.text)
        receiver = construction.init.receiver or "self"
        first = construction.body[0]
        indent = source.indent(first.lineno)
        break_at = source.span(first).start
        if source.text[starts[first.lineno - 1] : break_at].strip():  # the body stands on the def line
            outer = source.indent(construction.init.node.lineno)
            return Anchor(offset, outer + self.reader.unit, receiver, break_at=break_at)
        return Anchor(offset, indent, receiver)

    def _in_front_of(self, construction: Construction, index: int) -> Anchor:
        statement, source = construction.body[index], self.reader.source
        if index == 0 or construction.init is None:
            raise AssertionError("a parameter is registered behind the call of the base's __init__")
        return Anchor(
            source.line_starts[statement.lineno - 1],
            source.indent(statement.lineno),
            construction.init.receiver or "self",
        )

    def _behind(self, statement: ast.stmt, construction: Construction) -> Anchor:
        index = construction.body.index(statement) + 1
        return self._before(index, construction)

    def _new_init(self, info: ClassInfo) -> Anchor:
        """In front of the first method, behind the docstring and the class attributes."""
        source = self.reader.source
        first = next(s for s in info.node.body if _holds_function(s))
        line = first.lineno
        if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) and first.decorator_list:
            line = min(d.lineno for d in first.decorator_list)
        indent = source.indent(line)
        while line > info.node.lineno + 1 and source.line(line - 1).strip().startswith("#"):
            if source.indent(line - 1) != indent:
                break
            line -= 1
        new = new_init(info, self.reader)
        lines = (new.header, new.base_call)
        return Anchor(source.line_starts[line - 1], indent, "self", lines, self.reader.unit)


def _holds_function(statement: ast.stmt) -> bool:
    return any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(statement))
