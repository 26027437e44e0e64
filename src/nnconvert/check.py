"""The product's own checks of a conversion: what they find wrong is never written."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

from nnconvert.carrying import Added, Planned
from nnconvert.decide import decide
from nnconvert.errors import CheckError, SourceError
from nnconvert.options import Options
from nnconvert.plan import Plan, Span
from nnconvert.source.project import Neighbours
from nnconvert.source.text import Source

_NEWLINE = re.compile(r"\r\n|\r|\n")


def check(old: str, new: str, plan: Plan, options: Options, neighbours: Neighbours | None = None) -> Plan | None:
    """Raise CheckError unless the new text parses, keeps all comments, differs by the plan, and is stable.

    Returns what a second run decides; None where this run has left call sites for reasons of its own.
    """
    try:
        result = Source(new)
    except SourceError as error:
        raise CheckError(f"the result does not parse: line {error.line}: {error.message}") from error
    if lost := _lost_comments(old, new, Counter(text for retired in plan.retired for text in retired.dropped)):
        raise CheckError(f"a comment would be lost: {lost}")
    _check_tree(Source(old), result, plan)
    return _check_stable(old, result, plan, options, neighbours)


def _lost_comments(old: str, new: str, dropped: Counter[str]) -> str:
    """A comment of the old text that the new one does not have; empty where there is none."""
    before, after = Counter(_NEWLINE.split(old)), Counter(_NEWLINE.split(new))
    gone, come = before - after, after - before
    # A line that both have keeps its comment, and so does one whose end, from the first # on, is still the end of one.
    if not _ends(gone) - _ends(come):
        return ""
    return next(iter(_comments(old) - _comments(new) - dropped), "")


def _ends(lines: Counter[str]) -> Counter[str]:
    return Counter(line[line.index("#") :].rstrip() for line in lines.elements() if "#" in line)


def _comments(text: str) -> Counter[str]:
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")).readline
    return Counter(t.string for t in tokenize.generate_tokens(lines) if t.type == tokenize.COMMENT)


def _check_stable(old: str, new: Source, plan: Plan, options: Options, neighbours: Neighbours | None) -> Plan | None:
    expected = 0
    given, options = options, replace(options, ranks=(), differing=(), lines=())  # the places have moved
    if given.lines or given.differing:  # what remains of all the others; ranks say more of the old text only
        now = decide(old, replace(given, ranks=()), neighbours) if given.ranks else plan
        expected = len(decide(old, options, neighbours).converted) - len(now.converted)
    again = decide(new, options, neighbours)
    if len(again.converted) != expected or max(len(again.classes), len(again.retired)) > expected:
        first = again.converted[0].site if again.converted else plan.converted[0].site
        raise CheckError(f"a second run would change line {first.position.line} ({first.spelled}) again")
    return again if given == options else None


# -- the same tree, but for the plan ---------------------------------------------------------------------


def _check_tree(old: Source, new: Source, plan: Plan) -> None:
    """Carry the plan out on the old tree, independently of the edits, and compare with the new one."""
    planned, added = Planned(old, plan), Added(old, new.tree, plan)
    same = _Comparison(planned, added, old, new).holds()
    planned.require_all_met()
    if not same:
        raise CheckError("the result differs from the source by more than the plan")


class _Comparison:
    """The planned tree and the new one, side by side; without recursion, for deeply nested sources."""

    def __init__(self, planned: Planned, added: Added, old: Source, new: Source) -> None:
        self.planned = planned
        self.added = added
        self.old = old
        self.new = new
        self._pairs: list[tuple[object, object]] = []

    def holds(self) -> bool:
        """Whether they are the same; all of the planned tree is gone through in any case."""
        old, new = self.old.tree, self.new.tree
        self._pairs = [(_without_imports(old.body), _without_imports(new.body)), (old.type_ignores, new.type_ignores)]
        same = True
        while self._pairs:
            same &= self._matches(*self._pairs.pop())
        return same

    def _matches(self, old: object, new: object) -> bool:
        """Whether two nodes, lists or values are alike, but for the nodes in them, which come next."""
        if isinstance(old, ast.AST):
            old = self.planned.node(old)
            self._pairs.extend((getattr(old, name, None), getattr(new, name, None)) for name in old._fields)
            return type(old) is type(new)
        if not isinstance(old, list):
            return type(old) is type(new) and repr(old) == repr(new)  # a NaN equals itself, -0.0 is not 0.0
        others = new if isinstance(new, list) else []
        if old and isinstance(old[0], ast.stmt):
            old = self.planned.block(old)
        if others and isinstance(others[0], ast.stmt):
            others = self.added.without(others)
        self._pairs.extend(pair for pair in zip_longest(old, others) if not self._is_as_written(*pair))
        return isinstance(new, list) and len(old) == len(others)

    def _is_as_written(self, old: object, new: object) -> bool:
        """Whether the plan has nothing to do with a statement, and the new text has it letter by letter."""
        if not (isinstance(old, ast.stmt) and isinstance(new, ast.stmt) and hasattr(old, "lineno")):
            return False  # what the plan puts in has no place
        span = _whole(old, self.old)
        return not self.planned.concerns(span) and self._texts_agree(span, _whole(new, self.new))

    def _texts_agree(self, old: Span, new: Span) -> bool:
        return self.old.text[old.start : old.end] == self.new.text[new.start : new.end]


def _whole(statement: ast.stmt, source: Source) -> Span:
    """Where a statement stands, from its first decorator on."""
    span = source.span(statement)
    decorators: Sequence[ast.expr] = getattr(statement, "decorator_list", ())
    return Span(source.span(decorators[0]).start, span.end) if decorators else span


def _without_imports(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    return [s for s in body if not isinstance(s, ast.Import | ast.ImportFrom)]
