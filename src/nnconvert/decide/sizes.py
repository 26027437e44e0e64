"""The sizes that a constructor is given, written from the shape of a weight."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence

from nnconvert.catalog import Size
from nnconvert.decide.arguments import literal
from nnconvert.decide.constructor import Written
from nnconvert.decide.submodules import one_line
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader
from nnconvert.source.tensors import Shape

Same = Callable[[ast.expr, ast.expr], bool]
"""Whether two expressions of ``__init__`` certainly have one value."""


def size_text(size: Size, shape: Shape, settings: Mapping[str, Written], reader: Reader, same: Same) -> str:
    """The text of one size; a kernel of equal numbers is one number."""
    if size.to_end:
        kernel = shape[size.dimension :]
        equal = all(same(dimension, kernel[0]) for dimension in kernel)
        return dimension_text(kernel[0], reader) if equal else tuple_text(kernel, reader)
    dimension, factor = shape[size.dimension], settings.get(size.times)
    if factor is None:
        return dimension_text(dimension, reader)
    return unparse(_product(dimension, ast.parse(factor.text, mode="eval").body, same), reader.source)


def dimension_text(node: ast.expr, reader: Reader) -> str:
    return one_line(node, reader) if hasattr(node, "lineno") else ast.unparse(node)


def tuple_text(shape: Sequence[ast.expr], reader: Reader) -> str:
    """``(3, 5)``; a single one may be a shape itself, and stays alone."""
    texts = [dimension_text(node, reader) for node in shape]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _product(dimension: ast.expr, factor: ast.expr, same: Same) -> ast.expr:
    """The size times the groups: ``cin`` for ``cin // groups`` and ``groups``, ``8`` for ``4`` and ``2``."""
    first, second = literal(dimension), literal(factor)
    if isinstance(first, int) and isinstance(second, int):
        return ast.Constant(first * second)
    if first == 1 or second == 1:
        return factor if first == 1 else dimension
    quotient = dimension
    if isinstance(dimension, ast.Call) and ast.unparse(dimension.func) == "int" and len(dimension.args) == 1:
        quotient = dimension.args[0]
    # A product that is not the dividend makes groups that do not divide the channels, which no call accepts.
    divided = isinstance(quotient, ast.BinOp) and isinstance(quotient.op, ast.Div | ast.FloorDiv)
    if isinstance(quotient, ast.BinOp) and divided and same(quotient.right, factor):
        return quotient.left
    return ast.BinOp(dimension, ast.Mult(), factor)
