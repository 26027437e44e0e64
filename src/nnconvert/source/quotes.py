"""The quotes that a file mostly has, for text that is generated for it."""

from __future__ import annotations

import ast
import io
import tokenize
from functools import lru_cache
from typing import Literal

from nnconvert.source.text import Source

Quote = Literal['"', "'"]


@lru_cache(maxsize=1)
def prevailing_quote(source: Source) -> Quote:
    """The quote that more of the file's short strings have; docstrings do not count."""
    counts = {'"': 0, "'": 0}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.end_lineno == node.lineno:
            text = source.segment(node)
            if text[:1] in counts and text[:3] != text[:1] * 3:
                counts[text[0]] += 1
    return "'" if counts["'"] > counts['"'] else '"'


def unparse(node: ast.expr, source: Source) -> str:
    """The text of an expression in one line, its strings in the file's own quotes."""
    text = ast.unparse(node)
    if prevailing_quote(source) == "'" or "'" not in text:
        return text
    pieces: list[str] = []
    end = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and token.string.endswith("'") and not set(token.string) & {'"', "\\"}:
            pieces += [text[end : token.start[1]], token.string.replace("'", '"')]
            end = token.end[1]
    return "".join([*pieces, text[end:]])
