"""The edits of submodules that go: their assignments, comments that move, an ``__init__`` left without a purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set

from nnconvert.apply.edits import Edit, newline_at
from nnconvert.apply.statements import formatted
from nnconvert.options import Options
from nnconvert.plan import Plan, Retirement, Span

_NEWLINE = re.compile(r"\r\n|\r|\n")


def retired_edits(text: str, plan: Plan, options: Options) -> Iterator[Edit]:
    """All edits of the statements of ``__init__`` and of comments."""
    lines = [*_methods(text, plan.blank_inits), *(_whole_lines(text, span) for span in plan.idle)]
    beside: list[Span] = []
    for retired in plan.retired:
        yield from _comments(text, retired)
        if any(init.start <= retired.assignment.start < init.end for init in plan.blank_inits):
            continue
        if retired.target is not None:
            yield Edit(retired.target.start, retired.target.end, retired.local)
            yield _behind(text, retired, options)
        elif retired.kept:
            yield _replacement(text, retired, options)
        elif _is_alone(text, retired.assignment):
            start = retired.heading.start if retired.heading is not None else retired.assignment.start
            lines.append(_whole_lines(text, Span(start, retired.assignment.end)))
        else:
            beside.append(_with_semicolon(text, retired.assignment))
    for span in _merged(beside):
        if _is_alone(text, span) and not text[span.end : _line_end(text, span.end)].strip():
            lines.append(_whole_lines(text, span))
        else:
            yield _without_semicolon(text, span)
    places = {_line_start(text, retired.above) for retired in plan.retired if retired.comments}
    for span in _merged(lines, places):
        yield _without_double_blank(text, span, places)


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


def _behind(text: str, retired: Retirement, options: Options) -> Edit:
    """The statements behind the assignment, which stays: on lines of their own where it has its lines alone."""
    span = retired.assignment
    start = _line_start(text, span.start)
    if not _is_alone(text, span):
        return Edit(span.end, span.end, "".join(f"; {statement}" for statement in retired.kept))
    indent, newline, end = text[start : span.start], newline_at(text, start), _line_end(text, span.end)
    lines = [line for statement in retired.kept for line in formatted(statement, indent, options.line_length)]
    if text[end - 1] in "\r\n":
        return Edit(end, end, "".join(line + newline for line in lines))
    return Edit(end, end, "".join(newline + line for line in lines))


def before_edits(text: str, plan: Plan) -> Iterator[Edit]:
    """The statements that go before others."""
    for before in plan.before:
        start = _line_start(text, before.statement.start)
        indent, newline = text[start : before.statement.start], newline_at(text, start)
        yield Edit(start, start, "".join(indent + line + newline for line in before.lines))


# -- statements that share their line ------------------------------------------------------------------------


def _is_alone(text: str, span: Span) -> bool:
    """Whether nothing but a comment shares the lines."""
    after = text[span.end : _line_end(text, span.end)].strip()
    return not text[_line_start(text, span.start) : span.start].strip() and after[:1] in ("", "#")


def _with_semicolon(text: str, span: Span) -> Span:
    """The statement, up to the next one on its line."""
    after = text[span.end : _line_end(text, span.end)]
    following = after.lstrip(" \t")
    if not following.startswith(";"):
        return span
    rest = following[1:].lstrip(" \t")
    end = span.end + len(after) - len(rest)
    return Span(span.start, end if rest[:1] not in ("", "#", "\r", "\n") else end - (len(following) - 1 - len(rest)))


def _without_semicolon(text: str, span: Span) -> Edit:
    """Where nothing follows on the line, the semicolon before goes, too; a comment that is left alone moves there."""
    start, end = span.start, span.end
    after = text[end : _line_end(text, end)]
    if after.strip()[:1] in ("", "#"):
        if not text[_line_start(text, start) : start].strip():
            end += len(after) - len(after.lstrip(" \t"))
        while text[start - 1] in " \t;" and text[_line_start(text, start) : start].strip():
            start -= 1
    return Edit(start, end, "")


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


def _merged(lines: Sequence[Span], places: Set[int] = frozenset()) -> Iterator[Span]:
    """Spans that touch become one, but where something is put between them."""
    current: Span | None = None
    for span in sorted(lines):
        if current is not None and span.start <= current.end and span.start not in places:
            current = Span(current.start, max(current.end, span.end))
            continue
        if current is not None:
            yield current
        current = span
    if current is not None:
        yield current


def _without_double_blank(text: str, span: Span, places: Set[int]) -> Edit:
    """Of the blank lines on both sides of what goes, one side goes, too; ``places``: where comments come instead."""
    before = text[_line_before(text, span.start) : span.start]
    end = span.end
    blank_after = end < len(text) and not text[end : _line_end(text, end)].strip()
    if blank_after and not before.strip():
        end = _line_end(text, end)
    start = span.start
    while end == len(text) and start > 0 and start not in places:
        above = _line_before(text, start)
        if text[above:start].strip():
            break
        start = above
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
