"""Edits of a text: replacements of spans that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nnconvert.errors import CheckError


@dataclass(frozen=True, slots=True)
class Edit:
    start: int
    end: int
    text: str


def splice(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made; CheckError when two of them overlap.

    Of several insertions at one place the first given comes first.
    """
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise CheckError("two edits overlap")
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    pieces.append(text[position:])
    return "".join(pieces)


def newline_at(text: str, offset: int) -> str:
    """The newline that a file uses around an offset: of the line before it, the first, or ``\\n``."""
    for end in (offset, text.find("\n") + 1, text.find("\r") + 1):
        if text[max(0, end - 2) : end] == "\r\n":
            return "\r\n"
        if end and text[end - 1] in "\r\n":
            return text[end - 1]
    return "\n"
