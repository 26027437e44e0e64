"""The edits of one call: what stands before its arguments, the arguments that leave. Comments stay."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from nnconvert.apply.edits import Edit, newline_at
from nnconvert.apply.tokens import Slot, Token, call_tokens, slots_of
from nnconvert.plan import Conversion, Decision, Span


def call_edits(text: str, decision: Decision, line_length: int) -> Iterator[Edit]:
    """All edits of one converted call site."""
    conversion = decision.outcome
    assert isinstance(conversion, Conversion)
    call, replaced = decision.site.span, conversion.replaced
    if conversion.kind == "reference":
        yield Edit(replaced.start, replaced.end, conversion.callee)
        return
    tokens = call_tokens(text, call.start, call.end)
    if conversion.kind in ("submodule", "identity"):
        opening = next(t for t in tokens if t.start >= replaced.end and t.is_operator("("))
        slots = slots_of([t for t in tokens if t.start >= opening.end], opening.end)
        if conversion.kind == "submodule":
            yield Edit(replaced.start, replaced.end, conversion.callee)
            yield from _comments_behind(text, tokens, replaced, opening)
            yield from _joining(text, slots, conversion)
        else:
            yield from _argument_alone(text, tokens, slots[0], decision)
        return
    comments = [token for token in tokens if token.is_comment]
    opening = next(t for t in tokens if t.start >= replaced.end and t.is_operator("("))
    if conversion.kind == "method":
        dot = next(t for t in tokens if t.start >= replaced.end and t.is_operator("."))
        opening = next(t for t in tokens if t.start > dot.start and t.is_operator("("))
        yield Edit(call.start, call.start, f"{conversion.callee}(")
        yield _without(text, dot.start, opening.end, comments)
    else:
        inside = [token for token in comments if token.start < opening.end]
        space = " " if _would_glue(text, call.start, conversion.callee) else ""
        if inside:
            kept, end = _lines_of(text, opening.end, inside, _indent_of_line(text, call.start) + "    ")
            yield Edit(call.start, end, f"{space}{conversion.callee}(  {kept}")
        else:
            yield Edit(call.start, opening.end, f"{space}{conversion.callee}(")
    if conversion.inputs is None:
        return
    slots = slots_of([t for t in tokens if t.start >= opening.end], opening.end)
    before = call.start - (text.rfind("\n", 0, call.start) + 1) + len(conversion.callee) + 1
    yield from _argument_edits(text, slots, conversion.inputs, line_length - before, call.end - 1)


def _comments_behind(text: str, tokens: Sequence[Token], replaced: Span, opening: Token) -> Iterator[Edit]:
    """Comments of what is replaced go behind the parenthesis."""
    inside = [token for token in tokens if token.is_comment and replaced.start <= token.start < replaced.end]
    if inside:
        kept, end = _lines_of(text, opening.end, inside, _indent_of_line(text, opening.start) + "    ")
        yield Edit(opening.end, end, f"  {kept}")


def _joining(text: str, slots: Sequence[Slot], conversion: Conversion) -> Iterator[Edit]:
    """Arguments that get a name, and those that join behind the last one."""
    for place, name in conversion.named:
        slot = slots[place]
        yield _without(text, slot.start, slot.value_start, slot.comments)
        yield Edit(slot.start, slot.start, f"{name}=")
    if conversion.wrap is not None:
        slot = slots[conversion.wrap.place]
        yield Edit(slot.value_start, slot.value_start, f"{conversion.wrap.callee}(")
        yield Edit(slot.value_end, slot.value_end, f", {', '.join(conversion.wrap.settings)})")
    if not conversion.settings:
        return
    last = slots[-1]
    joined = ", ".join(conversion.settings)
    if last.comma is not None:
        space = _line_break(text, last)
        lines = "".join(f"{space}{setting}," for setting in conversion.settings)
        yield Edit(last.comma.end, last.comma.end, lines)
    else:
        yield Edit(last.value_end, last.value_end, f", {joined}")


def _line_break(text: str, last: Slot) -> str:
    """What goes in front of an argument behind the last one: a line of its own where that one has one."""
    assert last.comma is not None
    indent = _indent_of_line(text, last.start)
    start = max(text.rfind("\n", 0, last.start), text.rfind("\r", 0, last.start)) + 1
    rest = text[last.comma.end :].lstrip(" \t")
    own_line = text[start : last.start] == indent and rest[:1] in ("\n", "\r")
    return newline_at(text, start) + indent if own_line else " "


_SINGLE: Final = (ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.List, ast.Tuple)


def _stands_alone(value: str) -> bool:
    """Whether an expression needs no parentheses anywhere, or has them; a number does in front of a dot."""
    node = ast.parse(f"({value}\n)", mode="eval").body
    return isinstance(node, _SINGLE) or (value[0] == "(" and node.col_offset > 1)


def _would_glue(text: str, offset: int, word: str) -> bool:
    """Whether a word put there would become one with what stands before it: ``return(F.relu)(x)``."""
    return all(c.isalnum() or c == "_" for c in (text[max(offset - 1, 0) : offset], word[:1]))


def _argument_alone(text: str, tokens: Sequence[Token], slot: Slot, decision: Decision) -> Iterator[Edit]:
    """The argument in the place of the call: without parentheses where Python needs none."""
    conversion, call = decision.outcome, decision.site.span
    assert isinstance(conversion, Conversion)
    value = text[slot.value_start : slot.value_end]
    broken = (
        any(t.is_comment for t in tokens) or "\n" in text[call.start : call.end] or "\r" in text[call.start : call.end]
    )
    if not broken and _stands_alone(value):
        before = " " if _would_glue(text, call.start, value) else ""
        after = " " if _would_glue(value, len(value), text[call.end : call.end + 1]) else ""
        yield Edit(call.start, slot.value_start, before)
        yield Edit(slot.value_end, call.end, after)
        return
    opening = next(t for t in tokens if t.start >= conversion.replaced.end and t.is_operator("("))
    yield Edit(call.start, opening.start, "")
    yield from _comments_behind(text, tokens, Span(call.start, opening.start), opening)
    if slot.value_start > slot.start:
        yield _without(text, slot.start, slot.value_start, slot.comments)
    if slot.comma is not None:
        yield Edit(slot.comma.start, slot.comma.end, "")


def _without(text: str, start: int, end: int, comments: Sequence[Token]) -> Edit:
    """Take a piece of text out, but for the comments in it, which end their lines."""
    inside = [token for token in comments if start <= token.start < end]
    if not inside:
        return Edit(start, end, "")
    begin = start
    while text[begin - 1] in " \t":
        begin -= 1
    if text[begin - 1] in "\r\n":
        kept, end = _lines_of(text, end, inside, text[begin:start])
        return Edit(start, end, kept)
    kept, end = _lines_of(text, end, inside, _indent_of_line(text, start) + "    ")
    return Edit(begin, end, f"  {kept}")


def _lines_of(text: str, end: int, comments: Sequence[Token], indent: str) -> tuple[str, int]:
    """Comments, each on a line, ready to be put before what follows ``end``, and where that starts."""
    newline = newline_at(text, end)
    while text[end] in " \t":
        end += 1
    ending = "" if text[end] in "\r\n" else newline + indent
    return (newline + indent).join(token.text for token in comments) + ending, end


def _indent_of_line(text: str, offset: int) -> str:
    line = text[max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _argument_edits(text: str, slots: list[Slot], inputs: Sequence[int], room: int, closing: int) -> Iterator[Edit]:
    kept = sorted(inputs)
    if kept == list(inputs) and _fits_one_line(text, slots, kept, room, closing):
        first, last = slots[kept[0]], slots[kept[-1]]
        yield Edit(slots[0].separator, first.value_start, "")
        yield from (Edit(slots[i].start, slots[i].value_start, "") for i in kept[1:])
        yield Edit(last.value_end, closing, "")
        return
    for place, index in zip(kept, inputs, strict=True):
        slot, wanted = slots[place], slots[index]
        if place == index:
            if slot.value_start != slot.start:
                yield _without(text, slot.start, slot.value_start, slot.comments)
        else:
            before = [token for token in slot.comments if slot.start < token.start < slot.value_start]
            comments = _lines_of(text, slot.value_start, before, _indent_of_line(text, slot.start))[0]
            value = text[wanted.value_start : wanted.value_end]
            yield Edit(slot.start, slot.value_end, f"{comments}{value}" if before else value)
    for index, slot in enumerate(slots):
        if index not in inputs:
            leading = all(earlier not in inputs for earlier in range(index))
            yield _removal(text, slot, leading)
    if kept and len(kept) < len(slots):
        last = slots[kept[-1]]
        if last.comma is not None and not _stays(text, slots[kept[-1] + 1 :], last.comma.end, closing):
            yield Edit(last.comma.start, last.comma.end, "")


def _fits_one_line(text: str, slots: Sequence[Slot], kept: Sequence[int], room: int, closing: int) -> bool:
    """Whether what is left of a call over several lines stood on one line, and fits behind the parenthesis.

    ``room``: how many characters the line has left there.
    """
    if not kept or len(kept) == len(slots) or kept[-1] - kept[0] + 1 != len(kept) or slots[-1].comma is not None:
        return False
    inner = text[slots[kept[0]].value_start : slots[kept[-1]].value_end]
    broken = text[slots[0].separator : slots[0].start]
    if any(slot.comments for slot in slots) or "\n" in inner or "\r" in broken or broken.strip() or "\n" not in broken:
        return False
    return len(inner) + len(text[closing:].partition("\n")[0]) <= room


def _stays(text: str, dropped: Sequence[Slot], start: int, closing: int) -> bool:
    """Whether the comma of the last argument kept still ends a line when the others are gone."""
    if any(slot.comments for slot in dropped):
        return True
    end_of_dropped = dropped[-1].end if dropped else start
    rest = text[end_of_dropped:closing]
    return "\n" in rest or "\r" in rest


def _removal(text: str, slot: Slot, leading: bool) -> Edit:
    """Take an argument and its comma out; comments stay, where they are if they can."""
    start, end = slot.start, slot.end
    if any(start <= token.start < end for token in slot.comments):
        return _without(text, start, end, slot.comments)
    if not slot.comments:
        while leading and text[end] in " \t":
            end += 1
        behind_parenthesis = leading and text[end] == "#" and start == slot.separator
        return Edit(start if leading else slot.separator, end, "  " if behind_parenthesis else "")
    begin = start
    while text[begin - 1] in " \t":
        begin -= 1
    finish = end
    while text[finish] in " \t":
        finish += 1
    alone_before = text[begin - 1] in "\r\n"
    if alone_before and text[finish] in "\r\n":
        # The line would be blank: it goes whole, with the newline before it.
        begin -= 2 if text[begin - 2 : begin] == "\r\n" else 1
        return Edit(begin, end, "")
    if alone_before and text[finish] == "#":
        return Edit(start, finish, "")
    return Edit(begin, end, "")
