"""Suppression comments: ``# nnconvert: skip`` on a line, a def or a class; ``# nnconvert: skip-file``."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import Final

from nnconvert.source.text import Source

_COMMENT: Final = re.compile(r"#\s*nnconvert:\s*(skip-file|skip)\b(?!-)")


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
