"""What goes with a submodule: its assignment, comments about that line, an ``__init__`` that only passes through."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from nnconvert.decide.submodules import Submodule
from nnconvert.plan import Conversion, Decision, Retirement, Span
from nnconvert.source.classes import MODULE, ClassInfo
from nnconvert.source.comments import comments_in
from nnconvert.source.construction import Construction
from nnconvert.source.inits import is_super
from nnconvert.source.new_init import new_init
from nnconvert.source.reader import Reader
from nnconvert.source.text import Source

_FOR_TOOLS: Final = re.compile(
    r"#\s*(noqa|type:|pylint:|pyright:|mypy:|ruff:|flake8|fmt:|yapf:|isort:|pragma|nosec)", re.I
)


_MARK: Final = re.compile(r"#\W*$|#\s*(end)?region\b|#.*[-=#*]{4}", re.I)
"""Rulers and regions, which are about more than one statement."""


def retirement(
    submodule: Submodule, construction: Construction, index: int, kept: Sequence[str], reader: Reader
) -> Retirement:
    """The submodule goes, and the ``kept`` statements come in the place of its assignment."""
    source = reader.source
    statement = construction.body[index]
    span = source.span(statement)
    last = statement.end_lineno or statement.lineno
    found = list(comments_in(source, statement.lineno, last))
    alone = not source.text[source.line_starts[statement.lineno - 1] : span.start].strip()
    if kept or not alone or source.text[span.end : source.line_end(last)].lstrip().startswith(";"):
        found = [comment for comment in found if comment.offset < span.end]  # the line stays, and what it ends with
    first = min(submodule.calls, key=lambda call: source.span(call))
    above = _line_of(statement if kept else first, reader)
    return Retirement(
        submodule.info.qualname,
        submodule.name,
        span,
        tuple(kept),
        tuple(c.text for c in found if not _FOR_TOOLS.match(c.text)),
        above,
        tuple(c.text for c in found if _FOR_TOOLS.match(c.text)),
    )


def lending(
    submodule: Submodule, construction: Construction, index: int, local: str, kept: Sequence[str], reader: Reader
) -> Retirement:
    """The submodule becomes a local of ``__init__``, and the ``kept`` statements come behind its assignment."""
    statement = construction.body[index]
    assert isinstance(statement, ast.Assign | ast.AnnAssign)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    span = reader.source.span(statement)
    return Retirement(
        submodule.info.qualname, submodule.name, span, tuple(kept), (), span.start, (),
        local=local, target=reader.source.span(target),
    )  # fmt: skip


def _line_of(node: ast.AST, reader: Reader) -> int:
    """Start of the innermost statement around the node that begins its line, or of one before it on that line."""
    source = reader.source
    for candidate in (node, *reader.tree.ancestors(node)):
        if isinstance(candidate, ast.stmt):
            block = _block_of(candidate, reader)
            for statement in (candidate, *reversed(block[: block.index(candidate)])):
                start = source.span(statement).start
                if not source.text[source.line_starts[statement.lineno - 1] : start].strip():
                    return start
    return 0


def with_headings(retired: Sequence[Retirement], source: Source) -> Iterator[Retirement]:
    """The same, with the comments above that would have nothing left to stand above."""
    gone: set[int] = set()
    for each in retired:
        if not each.kept:
            gone.update(
                range(source.position(each.assignment.start).line, source.position(each.assignment.end).line + 1)
            )
    for each in retired:
        first, last = (source.position(offset).line for offset in (each.assignment.start, each.assignment.end))
        above = list(_comment_lines_above(first, source))
        while last + 1 in gone:
            last += 1
        if each.kept or not above or not _ends_paragraph(last + 1, source.indent(first), source):
            yield each
            continue
        texts = tuple(source.line(number).strip() for number in above)
        span = Span(source.line_starts[above[0] - 1], source.line_starts[first - 1])
        yield replace(each, comments=(*texts, *each.comments), heading=span)


def _comment_lines_above(line: int, source: Source) -> Sequence[int]:
    """The block of comments right above, without rulers and marks for tools."""
    number = line - 1
    while number and source.line(number).strip().startswith("#") and source.indent(number) == source.indent(line):
        number -= 1
    block = range(number + 1, line)
    texts = [source.line(n).strip() for n in block]
    marked = any(_FOR_TOOLS.match(text) or _MARK.match(text) for text in texts)
    alone = not source.text[source.line_starts[line - 1] :].lstrip(" \t").startswith("#")
    return block if texts and alone and not marked else ()


def _ends_paragraph(line: int, indent: str, source: Source) -> bool:
    text = source.line(line)
    return not text.strip() or text.strip().startswith("#") or len(source.indent(line)) < len(indent)


# -- statements that would do nothing ------------------------------------------------------------------------


def idle_statements(reader: Reader, decisions: Iterable[Decision]) -> Iterator[Span]:
    """``x = self.identity(x)`` that would be ``x = x``, where it has lines and a block of its own."""
    identities = {d.site.span for d in decisions if isinstance(d.outcome, Conversion) and d.outcome.kind == "identity"}
    left: dict[int, int] = {}  # how many statements of a block stay
    for call in reader.tree.calls() if identities else ():
        statement = reader.tree.parents.get(call)
        if not isinstance(statement, ast.Assign) or reader.source.span(call) not in identities:
            continue
        same = [ast.unparse(target) for target in statement.targets] == [ast.unparse(n) for n in call.args]
        plain = isinstance(statement.targets[0], ast.Name)
        block = _block_of(statement, reader)
        span = reader.source.span(statement)
        line = reader.source.line(statement.lineno).strip()
        if same and plain and line == reader.source.text[span.start : span.end]:
            left.setdefault(id(block), len(block))
            if left[id(block)] > 1:
                left[id(block)] -= 1
                yield span


def _block_of(statement: ast.stmt, reader: Reader) -> Sequence[ast.stmt]:
    parent = reader.tree.parents[statement]
    blocks = (value for _, value in ast.iter_fields(parent) if isinstance(value, list) and statement in value)
    return next(blocks, ())


# -- an __init__ that is left with nothing to do ------------------------------------------------------------


def blank_inits(reader: Reader, retired: Sequence[Retirement]) -> Iterator[Span]:
    """Spans of the ``__init__`` methods that do what the class would do without them, once these assignments go."""
    gone = {r.assignment: r for r in retired if not r.kept}
    if not gone or _looks_at_inits(reader):
        return
    for info in reader.classes:
        init = reader.construction(info).init
        if init is None or len(info.node.body) < 2 or init.node.decorator_list or _is_named(info, reader):
            continue
        spans = [reader.source.span(statement) for statement in init.node.body]
        rest = [s for s, span in zip(init.node.body, spans, strict=True) if span not in gone]
        mine = [gone[span] for span in spans if span in gone]
        blank = mine and len(rest) == 1 and _passes_through(init.node, rest[0], info, reader)
        if blank and not _has_other_comments(init.node, mine, reader.source):
            yield reader.source.span(init.node)


def _is_named(info: ClassInfo, reader: Reader) -> bool:
    """Whether the file looks at this ``__init__`` other than to call it for a subclass: ``setup = __init__``."""
    tree = reader.tree
    for load in reader.attributes.outer_loads.get("__init__", []):
        call = tree.parents.get(load)
        called = isinstance(call, ast.Call) and call.func is load
        if not called and info in reader.classes.named(load.value, tree.scope_of[load]):
            return True
    return False


def _looks_at_inits(reader: Reader) -> bool:
    """Whether the file looks at methods in ways that name no class: with ``inspect``, or in a class body."""
    bound = (binding for found in reader.tree.module.bindings.values() for binding in found)
    return any(b.qualname == "inspect" for b in bound) or any(n.id == "__init__" for n in reader.tree.names())


def _has_other_comments(
    init: ast.FunctionDef | ast.AsyncFunctionDef, retired: Iterable[Retirement], source: Source
) -> bool:
    known = [text for r in retired for text in (*r.comments, *r.dropped)]
    found = comments_in(source, init.lineno, init.end_lineno or init.lineno)
    return sorted(comment.text for comment in found) != sorted(known)


def _passes_through(
    init: ast.FunctionDef | ast.AsyncFunctionDef, rest: ast.stmt, info: ClassInfo, reader: Reader
) -> bool:
    call = rest.value if isinstance(rest, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    if not (isinstance(function, ast.Attribute) and function.attr == "__init__" and is_super(function.value)):
        return False
    if function.value.args and not _names_class(function.value, info, reader):
        return False
    assert isinstance(call, ast.Call)
    if ast.dump(init.args) == _NO_ARGUMENTS and not call.args and not call.keywords:
        several = any(len(subclass.bases) > 1 for subclass in info.descendants())
        if several or info.bases == [MODULE]:
            return not several
    written = new_init(info, reader)
    header = ast.parse(f"{written.header}\n    {written.base_call}").body[0]
    assert isinstance(header, ast.FunctionDef)
    [passed] = header.body
    assert isinstance(passed, ast.Expr)
    assert isinstance(passed.value, ast.Call)
    same_call = [ast.dump(n) for n in (*call.args, *call.keywords)] == [
        ast.dump(n) for n in (*passed.value.args, *passed.value.keywords)
    ]
    return same_call and ast.dump(init.args) == ast.dump(header.args)


def _names_class(call: ast.Call, info: ClassInfo, reader: Reader) -> bool:
    """``super(Net, self)``"""
    named = reader.classes.named(call.args[0], reader.tree.scope_of[call])
    return named == [info]


_NO_ARGUMENTS: Final = ast.dump(ast.parse("def __init__(self): ...").body[0].args)  # type: ignore[attr-defined]
