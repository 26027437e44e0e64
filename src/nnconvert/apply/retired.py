"""The edits of submodules that go: their assignments, comments that move, an ``__init__`` left without a purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nnconvert.apply.edits import Edit, newline_at
from nnconvert.apply.statements import formatted
from nnconvert.options import Options
from nnconvert.plan import Plan, Retirement, Span

_NEWLINE = re.compile(r"\r\n|\r|\n")


def retired_edits(text: str, plan: Plan, options: Options) -> Iterator[Edit]:
    """All edits of the statements of ``__init__`` and of comments."""
    lines = [*_methods(text, plan.blank_inits), *(_whole_lines(text, span) for span in plan.idle)]
    for retired in plan.retired:
        yield from _comments(text, retired)
        if any(init.start <= retired.assignment.start < init.end for init in plan.blank_inits):
            continue
        if retired.kept:
            yield _replacement(text, retired, options)
        elif (edit := _beside_others(text, retired.assignment)) is not None:
            yield edit
        else:
            lines.append(_whole_lines(text, retired.assignment))
    for span in _merged(lines):
        yield _without_double_blank(text, span)


def _comments(text: str, retired: Retirement) -> Iterator[Edit]:
    if retired.comments:
        start = _line_start(text, retired.above)
        newline, indent = newline_at(text, start), text[start : retired.above]
        lines = "".join(f"{indent}{comment}{newline}" for comment in retired.comments)
        yield Edit(start, start, lines)


def _replacement(text: str, retired: Retirement, options: Options) -> Edit:
    span = retired.assignment
    indent = text[_line_start(text, span.start) : span.start]
    if indent.strip() or text[span.end : _line_end(text, span.end)].lstrip(" \t").startswith(";"):
        return Edit(span.start, span.end, "; ".join(retired.kept))
    lines = [line for statement in retired.kept for line in formatted(statement, indent, options.line_length)]
    return Edit(span.start, span.end, newline_at(text, span.start).join(lines).removeprefix(indent))


def _beside_others(text: str, span: Span) -> Edit | None:
    """The edit for a statement that shares its line with others; None for one alone."""
    before = text[_line_start(text, span.start) : span.start]
    after = text[span.end : _line_end(text, span.end)]
    following = after.lstrip(" \t").removeprefix(";").strip()
    if after.lstrip(" \t").startswith(";") and following and not following.startswith("#"):
        end = span.end + after.index(";") + 1
        while text[end] in " \t":
            end += 1
        return Edit(span.start, end, "")
    if not before.strip():
        return None
    return Edit(_line_start(text, span.start) + len(before.rstrip(" \t").removesuffix(";").rstrip(" \t")), span.end, "")


# -- whole lines -------------------------------------------------------------------------------------------


def _methods(text: str, inits: Sequence[Span]) -> Iterator[Span]:
    """The lines of methods, and the blank ones behind them."""
    for span in inits:
        lines = _whole_lines(text, span)
        end = lines.end
        while end < len(text) and not text[end : _line_end(text, end)].strip():
            end = _line_end(text, end)
        following = text[end : _line_end(text, end)]
        indent = text[lines.start : span.start]
        last_of_class = not following.startswith(indent)
        yield lines if last_of_class else Span(lines.start, end)


def _whole_lines(text: str, span: Span) -> Span:
    return Span(_line_start(text, span.start), _line_end(text, span.end))


def _merged(lines: Sequence[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in sorted(lines):
        if current is not None and span.start <= current.end:
            current = Span(current.start, max(current.end, span.end))
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def _without_double_blank(text: str, span: Span) -> Edit:
    """Of the blank lines on both sides of what goes, one side goes, too."""
    before = text[_line_before(text, span.start) : span.start]
    end = span.end
    blank_after = end < len(text) and not text[end : _line_end(text, end)].strip()
    if blank_after and not before.strip():
        end = _line_end(text, end)
    start = span.start
    while end == len(text) and start > 0 and not text[_line_before(text, start) : start].strip():
        start = _line_before(text, start)
    return Edit(start, end, "")


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _line_before(text: str, start: int) -> int:
    """Start of the line in front of the one that starts there."""
    return _line_start(text, max(start - (2 if text[start - 2 : start] == "\r\n" else 1), 0))


def _line_end(text: str, offset: int) -> int:
    """Behind the newline of the line."""
    match = _NEWLINE.search(text, offset)
    return match.end() if match is not None else len(text)
