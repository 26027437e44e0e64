"""What an exception of forward asks for: the feed that raised it, with other sizes, dimensions or kinds of numbers."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Callable, Iterator

from .frames import blamed, compared_at, dimensions_at
from .named import named
from .written import (
    FLAGS,
    FLOATS,
    IDS,
    SHARES,
    Made,
    argument_texts,
    numbers_made,
    tensors_made,
    with_argument,
    with_tensor,
)

ASKED = 16
"""Feeds that one exception may ask for."""
LARGEST = 5000
NUMBERS = 1 << 19
"""In one tensor: larger feeds take the time of many others."""
PAIRS = (
    r"to have (?P<want>\d+) channels, but got (?P<have>\d+) channels",
    r"expected input with (?P<want>\d+) channels, but got (?P<have>\d+)",
    r"expected input with shape \[\*, (?P<want>\d+)\], but got input of size ?\[[\d, ]*?(?P<have>\d+)\]",
    r"shapes cannot be multiplied \(\d+x(?P<have>\d+) and (?P<want>\d+)x\d+\)",
    r"running_mean should contain (?P<have>\d+) elements not (?P<want>\d+)",
    r"[Ee]xpected (?:size )?(?P<want>\d+),? (?:but )?got (?:size )?(?P<have>\d+)",
    r"(?:must|should) (?:have|be) (?:[a-z]+ ){0,3}(?P<want>\d+)\W[^\d]{0,30}\b[Gg]ot (?P<have>\d+)",
    r"embedding dimension of (?P<want>\d+), but got (?P<have>\d+)",
    r"size of tensor a \((?P<have>\d+)\) must match the size of tensor b \((?P<want>\d+)\)",
    r"size of tensor a \((?P<want>\d+)\) must match the size of tensor b \((?P<have>\d+)\)",
)
"""Sizes that the message calls wanted and found."""
DIMENSIONS = (
    r"too many values to unpack \(expected (\d)\)",
    r"not enough values to unpack \(expected (\d)",
    r"(?:[Ee]xpect\w*|must be|should be|requires?)\b[^.]*?\b([1-5])[ -]?([dD](?![a-hj-z])|dims?\b)",
    r"\bor ([1-5])[dD]\b",
    r"number of subscripts in the equation \((\d)\)",
    r"the desired ordering of dimensions.*len\(dims\) = (\d)",
)
WHOLE = r"\b(long|int|index|indices|integer|LongTensor|Int|Long|one_hot|class values)\b"
FLOATING = r"floating|\bfloat\b|Float\b|not implemented for '(Long|Bool|Int)'"
NUMBER = (
    r"'Tensor' object (cannot be interpreted|is not callable)|converted to (Python )?[Ss]calar|can't be cast"
    r"|must be (tuple of ints|int|number)|not Tensor|Boolean value of Tensor"
)
LOGICAL = r"\bbool(ean)?\b|\bBool\b|logical"
LIMITED = r"negative|\bpositive|between 0 and 1|[\[(]0(\.0?)?, ?1(\.0?)?[\])]|probabilit"


def asked_for(text: str, error: BaseException) -> Iterator[str]:
    """Texts to try instead of the one that raised, the plainest first."""
    everything = tensors_made(text)
    message = str(error)
    places = blamed(error)
    # In the order of the blame: what the failing statement reads before what that was made of.
    made = [tensor for place in places for tensor in _of_argument(text, place)] or everything
    found = itertools.chain(
        named(text, places[:2], error),
        _sized(text, everything, [*_pairs(message), *compared_at(error)]),
        _viewed(text, everything, message),
        _dimensioned(text, made, [*_dimensions_said(message), *dimensions_at(error)]),
        _deeper(text, made, message),
        _typed(text, made, message, error),
        _given(text, made, message),
        _shaped(text, made, message),
        _listed(text, made, message),
        _sized(text, everything, _any_pairs(message, everything)),
    )
    seen, largest = {text: None}, numbers_made(text)
    for candidate in found:
        if candidate not in seen and len(seen) <= ASKED and numbers_made(candidate) <= max(NUMBERS, largest):
            seen[candidate] = None
            yield candidate


def _of_argument(text: str, place: int) -> list[Made]:
    """The tensors that one of the arguments makes."""
    before = [len(tensors_made(argument)) for argument in argument_texts(text)]
    first = sum(before[:place])
    return tensors_made(text)[first : first + sum(before[place : place + 1])]


def _pairs(message: str) -> Iterator[tuple[int, int]]:
    """Pairs of a size that is there and the one to put in its place."""
    for pattern in PAIRS:
        yield from ((int(m["have"]), int(m["want"])) for m in re.finditer(pattern, message))


def _any_pairs(message: str, made: list[Made]) -> Iterator[tuple[int, int]]:
    """A size of the feed that the message names, and each other number that it names."""
    numbers = list(
        dict.fromkeys(int(n) for n in re.findall(r"(?<![\w.])\d+(?![\w.])|(?<=\d)x\d+", message) if n.isdigit())
    )
    sizes = {size for tensor in made for size in tensor.sizes}
    for have in (n for n in numbers[:8] if n in sizes):
        yield from ((have, want) for want in numbers[:8] if want != have)


def _sized(text: str, made: list[Made], pairs: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> Iterator[str]:
    for have, want in pairs:
        if have == want or not 0 < have <= LARGEST**2 or not 0 < want <= LARGEST**2:
            continue
        for wanted in (_exchange(have, want), _scale(have, want), _shift(have, want)):
            for tensor in made:
                for place in reversed(range(len(tensor.sizes))):
                    size = wanted(tensor.sizes[place])
                    if size:
                        yield with_tensor(text, tensor.number, _put(tensor.sizes, place, size), tensor.kind)
            everywhere = text
            for tensor in made:
                sizes = [wanted(size) or size for size in tensor.sizes]
                everywhere = with_tensor(everywhere, tensor.number, sizes, tensor.kind)
            yield everywhere


def _exchange(have: int, want: int) -> Callable[[int], int]:
    return lambda size: want if size == have and want <= LARGEST else 0


def _scale(have: int, want: int) -> Callable[[int], int]:
    """What is concatenated, folded or strided has a multiple or a fraction of the size that was fed."""

    def scaled(size: int) -> int:
        result = size * want // have if size > 1 and size * want % have == 0 else 0
        related = have % size == 0 or size % have == 0
        return result if related and size not in (have, result) and 0 < result <= LARGEST else 0

    return scaled


def _shift(have: int, want: int) -> Callable[[int], int]:
    """What comes to the size that was fed (the maps of coordinates, a position) stays as much."""

    def shifted(size: int) -> int:
        added = have - size
        return want - added if 0 < added <= min(size, want - 1) and want - added <= LARGEST else 0

    return shifted


def _put(sizes: tuple[int, ...], place: int, size: int) -> tuple[int, ...]:
    return (*sizes[:place], size, *sizes[place + 1 :])


def _dimensions_said(message: str) -> Iterator[int]:
    for pattern in DIMENSIONS:
        yield from (int(match[1]) for match in re.finditer(pattern, message))


def _dimensioned(text: str, made: list[Made], wanted: list[int]) -> Iterator[str]:
    for want in wanted:
        for tensor in made:
            for sizes in _with_dimensions(tensor.sizes, want):
                yield with_tensor(text, tensor.number, sizes, tensor.kind)
        everywhere = text
        for tensor in made:
            for sizes in itertools.islice(_with_dimensions(tensor.sizes, want), 1):
                everywhere = with_tensor(everywhere, tensor.number, sizes, tensor.kind)
        yield everywhere


def _deeper(text: str, made: list[Made], message: str) -> Iterator[str]:
    """One dimension more for what was indexed by too many."""
    if re.search(r"[Dd]imension out of range|too many indices|index -?\d is out of|tuple index out of range", message):
        for tensor in made:
            for sizes in _with_dimensions(tensor.sizes, len(tensor.sizes) + 1):
                yield with_tensor(text, tensor.number, sizes, tensor.kind)


def _shaped(text: str, made: list[Made], message: str) -> Iterator[str]:
    """``Expected shape: ['B', '1', 'H', 'W']``: letters stand for any size."""
    for match in re.finditer(r"(?:[Ss]hape|[Ee]xpect\w*)\b[^\[(]*[\[(]+([\w', *]+)[\])]", message):
        wanted = [part.strip(" '") for part in match[1].split(",")]
        if len(wanted) < 2 or all(part.isdigit() for part in wanted):
            continue
        for tensor in made:
            fitting = next(_with_dimensions(tensor.sizes, len(wanted)), tensor.sizes)
            if len(fitting) == len(wanted):
                sizes = [int(w) if w.isdigit() else size for w, size in zip(wanted, fitting)]  # noqa: B905
                yield with_tensor(text, tensor.number, sizes, tensor.kind)


def _viewed(text: str, made: list[Made], message: str) -> Iterator[str]:
    """``shape '[8, 4, 8]' is invalid for input of size 8``: that shape for what has so many numbers."""
    for match in re.finditer(r"shape '\[([\d, ]+)\]' is invalid for input of size (\d+)", message):
        sizes = [int(size) for size in match[1].split(",")]
        for tensor in made:
            if math.prod(tensor.sizes) == int(match[2]) and min(sizes) > 0:
                yield with_tensor(text, tensor.number, sizes, tensor.kind)


def _listed(text: str, made: list[Made], message: str) -> Iterator[str]:
    """Where the message speaks of the shape without its first size, someone went through the batch."""
    for tensor in made:
        inner = str(list(tensor.sizes[1:]))
        if len(tensor.sizes) > 2 and (inner in message or f"ot {len(tensor.sizes) - 1}D input" in message):
            for place, argument in enumerate(argument_texts(text)):
                if argument.startswith("torch.") and [m.sizes for m in tensors_made(argument)] == [tensor.sizes]:
                    yield with_argument(text, place, f"[{argument}]")
                    yield with_argument(text, place, f"[{argument}, {argument}]")


def _with_dimensions(sizes: tuple[int, ...], want: int) -> Iterator[tuple[int, ...]]:
    if len(sizes) == want or not sizes or want < 1:
        return
    if len(sizes) > want:
        yield sizes[:want]
        yield (*sizes[: want - 1], sizes[-1])
        return
    missing = want - len(sizes)
    if len(sizes) > 2:
        yield (*sizes[:2], *[min(sizes[-1], 16)] * (want - 2))
    yield (sizes[0], *[4] * missing, *sizes[1:])
    yield (*sizes, *[8] * missing)


def _typed(text: str, made: list[Made], message: str, error: BaseException) -> Iterator[str]:
    kinds = [
        kind
        for kind, pattern in ((SHARES, LIMITED), (IDS, WHOLE), (FLOATS, FLOATING), (FLAGS, LOGICAL))
        if re.search(pattern, message)
    ]
    for kind in kinds:
        for tensor in made:
            if tensor.kind != kind and (tensor.kind, kind) != (SHARES, FLOATS):
                yield with_tensor(text, tensor.number, tensor.sizes, kind)
    if isinstance(error, IndexError) or re.search(r"out of (range|bounds)", message):
        for place, argument in enumerate(argument_texts(text)):
            smaller = re.sub(r"randint\(0, \d+", "randint(0, 2", argument)
            smaller = re.sub(
                r"torch\.tensor\(\[\[0, 1, 2, 3, 4, 5\].*\]\)", "torch.tensor([[0, 1, 1, 0], [1, 0, 1, 0]])", smaller
            )
            if smaller != argument:
                yield with_argument(text, place, smaller)


def _given(text: str, made: list[Made], message: str) -> Iterator[str]:
    """A tensor instead of None or a number, a number instead of a tensor, several instead of one."""
    arguments = argument_texts(text)
    first = made[0] if made else None
    spelled = f"torch.randn({', '.join(map(str, first.sizes))})" if first else "torch.randn(2, 16)"
    if "NoneType" in message:
        for place, argument in enumerate(arguments):
            if argument == "None":
                yield with_argument(text, place, spelled)
    if re.search(r"'(int|float|bool|list|tuple)' object|must be Tensor, not|not (int|list|tuple|bool)", message):
        for place, argument in enumerate(arguments):
            if "torch." not in argument or argument.startswith(("[", "(")):
                yield with_argument(text, place, spelled)
    if re.search(NUMBER, message):
        for place, argument in enumerate(arguments):
            if argument.startswith("torch."):
                yield from (with_argument(text, place, other) for other in ("2", "None"))
    if re.search(r"list index out of range|index \d+ is out of range|not enough values to unpack", message):
        for place, argument in enumerate(arguments):
            several = ast.parse(argument, mode="eval").body
            if isinstance(several, ast.List) and several.elts:
                yield with_argument(text, place, ast.unparse(ast.List([*several.elts, several.elts[-1]])))
    if re.search(
        r"but found (type )?(<class ')?[Tt]ensor|must be tuple|0-d tensor|TensorList|expected a list", message
    ):
        for place, argument in enumerate(arguments):
            if argument.startswith("torch."):
                yield with_argument(text, place, f"[{argument}, {argument}]")
