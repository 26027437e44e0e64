"""The tokens of one call, and its arguments as runs of them."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_TRIVIA: Final = frozenset(
    {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.COMMENT}
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: int
    text: str
    start: int
    """Character offset into the whole text."""
    end: int

    @property
    def is_comment(self) -> bool:
        return self.kind == tokenize.COMMENT

    def is_operator(self, text: str) -> bool:
        # By kind, too: since Python 3.12 the pieces of an f-string are tokens, which may be such a character.
        return self.kind == tokenize.OP and self.text == text


@dataclass(slots=True)
class Slot:
    """One argument with what surrounds it, from the separator before it."""

    separator: int
    """Behind the comma, or the parenthesis, before it."""
    tokens: list[Token] = field(default_factory=list)
    comments: list[Token] = field(default_factory=list)
    comma: Token | None = None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def value_start(self) -> int:
        """Behind ``name=`` of a keyword argument."""
        if len(self.tokens) > 2 and self.tokens[0].kind == tokenize.NAME and self.tokens[1].is_operator("="):
            return self.tokens[2].start
        return self.start

    @property
    def value_end(self) -> int:
        return self.tokens[-1].end

    @property
    def end(self) -> int:
        """Of the comma, or of the last token where there is none."""
        return self.comma.end if self.comma is not None else self.value_end


def call_tokens(text: str, start: int, end: int) -> list[Token]:
    """The tokens of the text between two offsets, comments included."""
    # Wrapped in parentheses, so that line breaks are inside of them; tokenize knows no lone carriage return.
    wrapped = "(" + _NEWLINE.sub("\n", text[start:end]) + ")"
    lines = [start - 1, *(start + match.end() for match in _NEWLINE.finditer(text[start:end]))]
    found: list[Token] = []
    for token in tokenize.generate_tokens(io.StringIO(wrapped).readline):
        if token.start[0] > len(lines) or token.end[0] > len(lines):
            continue  # the end of the wrapped text
        begin, finish = (lines[row - 1] + column for row, column in (token.start, token.end))
        if start <= begin and finish <= end:
            found.append(Token(token.type, token.string, begin, finish))
    return found


def slots_of(tokens: Sequence[Token], start: int) -> list[Slot]:
    """The arguments between the parentheses, the closing one left out; ``start``: behind the opening one."""
    closing = max(i for i, token in enumerate(tokens) if token.is_operator(")"))
    slots = [Slot(start)]
    depth = lambdas = 0
    for token in tokens[:closing]:
        slot = slots[-1]
        if token.is_comment:
            slot.comments.append(token)
        if token.kind in _TRIVIA:
            continue
        if token.kind == tokenize.OP and token.text in "([{":
            depth += 1
        elif token.kind == tokenize.OP and token.text in ")]}":
            depth -= 1
        elif depth == 0 and token.kind == tokenize.NAME and token.text == "lambda":
            lambdas += 1
        elif depth == 0 and lambdas and token.is_operator(":"):
            lambdas -= 1
        elif depth == 0 and not lambdas and token.is_operator(","):
            slot.comma = token
            slots.append(Slot(token.end))
            continue
        slot.tokens.append(token)
    return [slot for slot in slots if slot.tokens]
