"""The text of one file and its syntax tree, and how positions in one become offsets in the other."""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from bisect import bisect_right
from typing import Protocol

from nnconvert.errors import SourceError
from nnconvert.plan import Position, Span

_NEWLINE = re.compile(r"\r\n|\r|\n")


class Located(Protocol):
    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Source:
    """Decoded text with its tree.

    Raises SourceError, with line and column from 1, when the text is not Python.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)
        self.line_starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
        self._ascii = text.isascii()

    def offset(self, line: int, column: int) -> int:
        """Character offset of an ast position: line from 1, column in UTF-8 bytes."""
        start = self.line_starts[line - 1]
        if self._ascii:
            return start + column
        encoded = self.line(line).encode("utf-8", "surrogatepass")
        return start + len(encoded[:column].decode("utf-8", "surrogatepass"))

    def span(self, node: Located) -> Span:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return Span(self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset))

    def segment(self, node: Located) -> str:
        span = self.span(node)
        return self.text[span.start : span.end]

    def line(self, number: int) -> str:
        """One line with its newline, counted from 1; empty past the end."""
        if number > len(self.line_starts):
            return ""
        return self.text[self.line_starts[number - 1] : self.line_end(number)]

    def line_end(self, number: int) -> int:
        """Offset behind a line and its newline, counted from 1."""
        return self.line_starts[number] if number < len(self.line_starts) else len(self.text)

    def position(self, offset: int) -> Position:
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def indent(self, line: int) -> str:
        """The white space that a line starts with."""
        text = self.line(line)
        return text[: len(text) - len(text.lstrip(" \t\f"))]


def require_python(text: str) -> None:
    """Raise SourceError, as ``parse`` does, where the text does not parse; quicker, since no tree is handed out."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            symtable.symtable(text, "<text>", "exec")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        parse(text)  # of names that are used wrongly the parser says nothing


def parse(text: str) -> ast.Module:
    """The tree of a whole file; SourceError with line and column where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in people's strings are not ours to report
            return ast.parse(text)
    except SyntaxError as error:
        raise SourceError(error.msg, error.lineno, error.offset) from error
    except (RecursionError, MemoryError) as error:
        raise SourceError("nested too deeply to be parsed") from error
    except ValueError as error:
        raise SourceError(str(error)) from error
