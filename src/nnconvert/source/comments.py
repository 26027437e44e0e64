"""Comments; among them ``# nnconvert: skip`` on a line, a def or a class, and ``# nnconvert: skip-file``."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nnconvert.source.text import Source

_COMMENT: Final = re.compile(r"#\s*nnconvert:\s*(skip-file|skip)\b(?!-)")


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    offset: int


def comments_in(source: Source, first: int, last: int) -> Iterator[Comment]:
    """The comments of whole statements that take up these lines (from 1)."""
    starts = source.line_starts
    lines = [source.line(number).rstrip("\r\n") + "\n" for number in range(first, last + 1)]
    if not any("#" in line for line in lines):
        return
    indented = lines[0][:1] in " \t\f"
    if indented:  # a block of its own, for tokenize
        lines.insert(0, "if 1:\n")
    # The last line may begin a statement that goes on behind it.
    with contextlib.suppress(tokenize.TokenError):
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type == tokenize.COMMENT:
                line = first + token.start[0] - (2 if indented else 1)
                yield Comment(token.string, starts[line - 1] + token.start[1])


class Suppressions:
    def __init__(self, source: Source) -> None:
        self._lines: set[int] = set()
        self.whole_file = False
        if not _COMMENT.search(source.text):
            return
        text = source.text.replace("\r\n", "\n").replace("\r", "\n")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            match = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
            if match and match[1] == "skip-file":
                self.whole_file = True
            elif match:
                self._lines.add(token.start[0])

    def covers(self, first: int, last: int) -> bool:
        """Whether one of these lines (from 1) carries a suppression."""
        return self.whole_file or any(first <= line <= last for line in self._lines)

    def covers_header(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Whether the def or class line, or a line of its header, does."""
        return self.covers(node.lineno, max(node.lineno, node.body[0].lineno - 1))
