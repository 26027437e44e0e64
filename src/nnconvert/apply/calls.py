"""The edits of one call: what stands before its arguments, and the arguments that leave."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from nnconvert.apply.edits import Edit
from nnconvert.plan import Conversion, Decision

_TRIVIA: Final = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.COMMENT}
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: int
    text: str
    start: int
    end: int


@dataclass(slots=True)
class Slot:
    """One argument with what surrounds it, from the separator before it."""

    start: int
    tokens: list[Token] = field(default_factory=list)
    comments: list[Token] = field(default_factory=list)
    comma: Token | None = None

    @property
    def value_start(self) -> int:
        """Behind ``name=`` of a keyword argument."""
        if len(self.tokens) > 2 and self.tokens[1].text == "=" and self.tokens[0].kind == tokenize.NAME:
            return self.tokens[2].start
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Of the comma, or of the last token where there is none."""
        return self.comma.end if self.comma is not None else self.tokens[-1].end


def call_edits(text: str, decision: Decision) -> Iterator[Edit]:
    """All edits of one converted call site."""
    conversion = decision.outcome
    assert isinstance(conversion, Conversion)
    call, replaced = decision.site.span, conversion.replaced
    if conversion.kind == "reference":
        yield Edit(replaced.start, replaced.end, conversion.callee)
        return
    tokens = list(_tokens(text, call.start, call.end))
    opening = next(t for t in tokens if t.start >= replaced.end and t.text == "(")
    if conversion.kind == "method":
        dot = next(t for t in tokens if t.start >= replaced.end and t.text == ".")
        opening = next(t for t in tokens if t.start > dot.start and t.text == "(")
        yield Edit(call.start, call.start, f"{conversion.callee}(")
        yield Edit(dot.start, opening.end, "")
    else:
        yield Edit(call.start, opening.start, conversion.callee)
    if conversion.inputs is None:
        return
    slots = _slots([t for t in tokens if t.start >= opening.end], opening.end)
    yield from _argument_edits(text, slots, conversion.inputs, call.end - 1)


def _tokens(text: str, start: int, end: int) -> Iterator[Token]:
    # Wrapped in parentheses, so that line breaks are inside of them; newlines keep their lengths.
    wrapped = "(" + text[start:end].replace("\r\n", " \n").replace("\r", "\n") + ")"
    lines = [0]
    for index, character in enumerate(wrapped):
        if character == "\n":
            lines.append(index + 1)
    shift = start - 1
    for token in tokenize.generate_tokens(io.StringIO(wrapped).readline):
        begin = lines[token.start[0] - 1] + token.start[1] + shift if token.start[0] <= len(lines) else end
        finish = lines[token.end[0] - 1] + token.end[1] + shift if token.end[0] <= len(lines) else end
        if start <= begin and finish <= end:
            yield Token(token.type, token.string, begin, finish)


def _slots(tokens: Sequence[Token], start: int) -> list[Slot]:
    """The arguments between the parentheses, the closing one left out."""
    slots = [Slot(start)]
    depth = 0
    for token in tokens[: _closing(tokens)]:
        slot = slots[-1]
        if token.kind == tokenize.COMMENT:
            slot.comments.append(token)
        if token.kind in _TRIVIA:
            continue
        if token.kind == tokenize.OP and token.text in "([{":
            depth += 1
        elif token.kind == tokenize.OP and token.text in ")]}":
            depth -= 1
        elif token.text == "," and depth == 0:
            slot.comma = token
            slots.append(Slot(token.end))
            continue
        slot.tokens.append(token)
    return [slot for slot in slots if slot.tokens]


def _closing(tokens: Sequence[Token]) -> int:
    return max(i for i, token in enumerate(tokens) if token.text == ")")


def _argument_edits(text: str, slots: list[Slot], inputs: Sequence[int], closing: int) -> Iterator[Edit]:
    kept = sorted(inputs)
    for place, index in zip(kept, inputs, strict=True):
        slot, wanted = slots[place], slots[index]
        if place == index:
            if slot.value_start != slot.tokens[0].start:
                yield Edit(slot.tokens[0].start, slot.value_start, "")
        else:
            value = text[wanted.value_start : wanted.tokens[-1].end]
            yield Edit(slot.tokens[0].start, slot.tokens[-1].end, value)
    for index, slot in enumerate(slots):
        if index not in inputs:
            leading = all(earlier not in inputs for earlier in range(index))
            yield _removal(text, slot, leading)
    if kept and len(kept) < len(slots):
        last = slots[kept[-1]]
        if last.comma is not None and not _stays(text, slots[kept[-1] + 1 :], last.comma.end, closing):
            yield Edit(last.comma.start, last.comma.end, "")


def _stays(text: str, dropped: Sequence[Slot], start: int, closing: int) -> bool:
    """Whether the comma of the last argument kept still ends a line when the others are gone."""
    if any(slot.comments for slot in dropped):
        return True
    end_of_dropped = dropped[-1].end if dropped else start
    rest = text[end_of_dropped:closing]
    return "\n" in rest or "\r" in rest


def _removal(text: str, slot: Slot, leading: bool) -> Edit:
    """Take an argument and its comma out; comments stay where they are."""
    if not slot.comments:
        end = slot.end
        if leading:
            while text[end] in " \t":
                end += 1
        start = slot.start if not leading else slot.tokens[0].start
        return Edit(start, end, "")
    start, end = slot.tokens[0].start, slot.end
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
