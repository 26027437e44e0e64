"""The text of a call as data: its tensors, their sizes and how they are made; the text with one of them changed."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FLOATS = "floats"
IDS = "ids"
FLAGS = "flags"
SHARES = "shares"
"""Numbers between 0 and 1."""
LARGE = 1 << 19


@dataclass(frozen=True)
class Made:
    """One tensor that the text makes: ``torch.randn(2, 16)``."""

    number: int
    """Its place among the tensors of the text."""
    sizes: tuple[int, ...]
    kind: str


def tensors_made(text: str) -> list[Made]:
    """Every tensor of the text between a call's parentheses whose sizes are written out, in order."""
    return [Made(number, sizes, kind) for number, (_, sizes, kind) in enumerate(_found(_parsed(text)))]


def numbers_made(text: str) -> int:
    """How many numbers its largest tensor has."""
    return max((math.prod(tensor.sizes) for tensor in tensors_made(text)), default=0)


def is_large(text: str) -> bool:
    """Whether one of its tensors is larger than most images: what does not fit then may be the feed, not the model."""
    return numbers_made(text) > LARGE


def with_tensor(text: str, number: int, sizes: Sequence[int], kind: str) -> str:
    """The text with one tensor made otherwise; the text as it is where it has no such tensor."""
    call = _parsed(text)
    found = _found(call)
    if number >= len(found):
        return text
    node, _, before = found[number]
    spelled = _resized(node, sizes) if kind == before else ast.parse(_spelled(sizes, kind), mode="eval").body
    return _replaced(call, node, spelled)


def with_argument(text: str, place: int, argument: str) -> str:
    """The text with its argument at ``place`` (keywords counted after the others) replaced."""
    call = _parsed(text)
    return _replaced(call, arguments_of(call)[place], ast.parse(argument, mode="eval").body)


def varied(text: str) -> Iterator[str]:
    """The text with one more in each batch, and other numbers; for a second call."""
    made = tensors_made(text)
    batches = {tensor.sizes[0] for tensor in made if tensor.sizes}
    other = text.replace("torch.randn(", "wide(")
    if len(batches) == 1 and made:
        for grown in (other, text):
            for tensor in made:
                sizes = (tensor.sizes[0] + 1, *tensor.sizes[1:]) if tensor.sizes else ()
                grown = with_tensor(grown, tensor.number, sizes, tensor.kind)
            yield grown
    if other != text:
        yield other


def argument_texts(text: str) -> list[str]:
    return [ast.unparse(argument) for argument in arguments_of(_parsed(text))]


def arguments_of(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _parsed(text: str) -> ast.Call:
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    return call


def _found(call: ast.Call) -> list[tuple[ast.Call, tuple[int, ...], str]]:
    found = []
    for node in ast.walk(ast.Tuple(arguments_of(call), ast.Load())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            sizes = _sizes(node, name)
            if sizes is not None:
                found.append((node, sizes, _kind(node, name)))
    return sorted(found, key=lambda item: (item[0].lineno, item[0].col_offset))


def _kind(node: ast.Call, name: str) -> str:
    dtype = next((ast.unparse(k.value) for k in node.keywords if k.arg == "dtype"), "")
    if name == "rand" and not dtype:
        return SHARES
    return FLAGS if "bool" in dtype else IDS if name == "randint" or "long" in dtype else FLOATS


def _sizes(node: ast.Call, name: str) -> tuple[int, ...] | None:
    """Sizes that are whole numbers, with where they are written."""
    if name not in ("randn", "rand", "ones", "zeros", "randint", "full", "wide"):
        return None
    try:
        sizes = tuple(ast.literal_eval(part) for part in _written_sizes(node))
    except ValueError:
        return None
    return sizes if all(type(size) is int for size in sizes) else None


def _written_sizes(node: ast.Call) -> list[ast.expr]:
    packed = next((argument for argument in node.args if isinstance(argument, ast.Tuple)), None)
    return packed.elts if packed is not None else node.args


def _resized(node: ast.Call, sizes: Sequence[int]) -> ast.expr:
    _written_sizes(node)[:] = [ast.Constant(size) for size in sizes]
    return node


def _spelled(sizes: Sequence[int], kind: str) -> str:
    inner = ", ".join(map(str, sizes))
    if kind == IDS:
        return f"torch.randint(0, 2, ({inner}{',' * (len(sizes) == 1)}))"
    if kind == FLAGS:
        return f"torch.ones({inner}, dtype=torch.bool)"
    return f"torch.rand{'' if kind == SHARES else 'n'}({inner})"


def _replaced(call: ast.Call, old: ast.expr, new: ast.expr) -> str:
    class Exchange(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else self.generic_visit(node)

    Exchange().visit(call)
    parts = [ast.unparse(argument) for argument in call.args]
    parts += [f"{k.arg}={ast.unparse(k.value)}" if k.arg else f"**{ast.unparse(k.value)}" for k in call.keywords]
    return ", ".join(parts)
