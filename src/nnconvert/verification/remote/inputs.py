"""Guess what to feed a built model, from what it holds and from the names of forward's parameters."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from .others import MOST_DIMENSIONS, SAME, bunched, choices, combinations, names_a_tensor
from .reading import Read, parameters_of, read_forward
from .shapes import FLOATS, Shape, first_tensors
from .written import varied

LIKELIEST = 16
"""Candidates before optional arguments are given, too, and how many with these."""
EDGES = r"edge_index|adj_t"
"""Names of arguments that say how nodes are connected."""


@dataclass(frozen=True)
class Feed:
    """Text of forward's arguments for one shape of the first tensor."""

    shape: Shape
    first: str
    """How the first tensor is made: ``torch.randn({shape})`` with the shape left open."""
    others: tuple[str, ...] = ()
    """The other arguments; ``{shape}``, ``{batch}``, ``{rest}``, ``{last}`` stand for parts of the shape,
    ``{first}`` for the whole first argument."""
    written: str = ""
    """The whole text, where no part of it is left open."""

    def text(self) -> str:
        shape = self.shape
        if self.written:
            return self.written
        if not shape:
            return ""
        parts = {
            "shape": ", ".join(map(str, shape)),
            "batch": shape[0],
            "channels": shape[1] if len(shape) > 1 else 2,
            "rest": "".join(f", {size}" for size in shape[2:]),
            "lead": "".join(f"{size}, " for size in shape[:-1]),
            "last": shape[-1],
            "length": shape[1] if len(shape) > 2 else shape[0],
            "side": max(int((shape[1] if len(shape) == 3 else shape[-1]) ** 0.5), 1),
            "height": shape[-2] if len(shape) > 1 else 1,
            "half": ", ".join(map(str, [*shape[:2], *(max(size // 2, 1) for size in shape[2:])])),
            "quarter": ", ".join(map(str, [*shape[:2], *(max(size // 4, 1) for size in shape[2:])])),
            **{f"dims{n}": ", ".join(map(str, _with_dimensions(shape, n))) for n in range(1, MOST_DIMENSIONS + 1)},
        }
        parts["first"] = self.first.format(**parts)
        return ", ".join(argument.format(**parts) for argument in ("{first}", *self.others))

    def variations(self) -> Iterator[Feed]:
        """Another batch size, size and range of values, the boldest first; for a second call."""
        if not self.shape:
            yield from (replace(self, written=text) for text in varied(self.written))
            return
        wide = self.first.replace("torch.randn(", "wide(")
        batch = (self.shape[0] + 1, *self.shape[1:])
        if len(self.shape) > 3:
            grown = (*batch[:2], *(size + 8 for size in batch[2:]))
            yield replace(self, shape=grown, first=wide)
        if len(self.shape) == 3:
            yield replace(self, shape=(batch[0], batch[1] + 4, batch[2]), first=wide)
        yield replace(self, shape=batch, first=wide)
        yield replace(self, shape=batch)
        yield replace(self, first=wide)


def feeds(model: nn.Module) -> Iterator[Feed]:
    """Candidates for forward's arguments, the most likely first."""
    parameters = parameters_of(model)
    usable = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p for p in usable if p.default is p.empty]
    if not parameters:
        yield Feed((), "")
        return
    pending = _required_feeds(model, required or usable[:1])
    yield from itertools.islice(pending, LIKELIEST)
    for more in _optional(model):
        with_more = _required_feeds(model, [*(required or usable[:1]), *more])
        yield from itertools.islice(with_more, LIKELIEST)
    yield from pending


def extended(model: nn.Module, feed: Feed) -> Iterator[Feed]:
    """The feed with optional tensors, too: for what forward does only with them."""
    reads = read_forward(model)
    for more in _optional(model):
        for others in itertools.islice(combinations([choices(p, reads.get(p.name, Read())) for p in more]), 3):
            yield replace(feed, others=(*feed.others, *others))


def _optional(model: nn.Module) -> list[list[inspect.Parameter]]:
    """Optional arguments that are known by name or annotation to be tensors: all, and the first alone."""
    parameters = parameters_of(model)
    usable = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p for p in usable if p.default is p.empty] or usable[:1]
    found = [p.replace(kind=p.KEYWORD_ONLY) for p in usable if p not in needed and names_a_tensor(p)]
    return [found, found[:1]] if len(found) > 1 else [found] if found else []


def _required_feeds(model: nn.Module, parameters: list[inspect.Parameter]) -> Iterator[Feed]:
    """Candidates in which each of these parameters gets an argument."""
    names = [p.name for p in parameters]
    reads = read_forward(model)
    options = [choices(p, reads.get(p.name, Read())) for p in parameters[1:]]
    read = reads.get(names[0], Read()) if names else Read()
    if names and re.fullmatch(EDGES, names[0]):
        yield from _graph_feeds(model, choices(parameters[0], Read())[0], options)
    if any(re.fullmatch(EDGES, name) for name in [*names[1:], *read.attributes]):
        yield from _graph_feeds(model, bunched(read.attributes, FLOATS) if read.attributes else FLOATS, options)
    loss = bool(re.search(r"Loss|Criterion|Dice|IoU|Metric", type(model).__name__)) and len(parameters) > 1
    annotation = str(parameters[0].annotation) if parameters else ""
    for shape, first in first_tensors(model, names[0] if names else "x", annotation, read, loss):
        alike = [_alike(texts) for texts in options] if first.startswith("torch.randint") else options
        first = bunched(read.attributes, first) if read.attributes else first
        for others in combinations(alike):
            yield Feed(shape, first, others)


def _alike(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Where the first argument is whole numbers, what would have its shape is likely to be such numbers, too."""
    pairs = ((text.replace(SAME, "{first}"), text) if SAME in text else (text,) for text in texts)
    return tuple(itertools.chain.from_iterable(pairs))


def _graph_feeds(model: nn.Module, first: str, options: list[tuple[str, ...]]) -> Iterator[Feed]:
    """Eight nodes with as many features as the model or one of its tensors has."""
    sizes = [getattr(model, name, None) for name in ("in_channels", "in_feats", "in_features", "channels")]
    sizes += [size for tensor in model.parameters() for size in tensor.shape[::-1]][:6]
    for size in dict.fromkeys(size for size in [*sizes, 16] if isinstance(size, int) and size > 0):
        for others in combinations(options):
            yield Feed((8, size), first, others)


GUIDES = (
    r"to have (\d+) channels, but got (\d+) channels",
    r"expected input with (\d+) channels(?:, but got (\d+))?",
    r"got (?:input of size )?\[.*\] .* (\d+) channels()",
)
DIMENSIONS = re.compile(r"(?:[Ee]xpect\w*|must be|should be|requires?)\b[^.]*?\b([3-5])-?[dD](?![a-hj-z])")
"""``Expected a 5D tensor``, ``must be 4-dimensional``."""


def guided(feed: Feed, message: str) -> Feed | None:
    """The feed that an error message asks for, if it says so: ``expected ... to have 64 channels``."""
    if not feed.shape:
        return None
    for pattern in GUIDES:
        if (found := re.search(pattern, message)) and len(feed.shape) > 1:
            want, have, now = int(found[1]), int(found[2] or 0), feed.shape[1]
            # What is concatenated from several inputs has a multiple of their channels.
            scaled = now * want // have if have and now * want % have == 0 else want
            return _with_size(feed, 1, scaled or want)
    if (found := DIMENSIONS.search(message)) and len(feed.shape) > 2 and int(found[1]) != len(feed.shape):
        sizes = (*feed.shape[:2], *[min(feed.shape[-1], 16)] * 3)
        return replace(feed, shape=sizes[: int(found[1])])
    if found := re.search(r"shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)", message):
        have, want = int(found[1]), int(found[2])
        places = [place for place, size in enumerate(feed.shape) if place and size == have]
        return _with_size(feed, places[-1], want) if places else None
    if found := re.search(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)", message):
        for have, want in ((int(found[1]), int(found[2])), (int(found[2]), int(found[1]))):
            places = [place for place, size in enumerate(feed.shape) if place and size == have]
            if places and want < 5000:
                return _with_size(feed, places[-1], want)
    return None


def _with_size(feed: Feed, place: int, size: int) -> Feed:
    return replace(feed, shape=(*feed.shape[:place], size, *feed.shape[place + 1 :]))


def _with_dimensions(shape: Shape, count: int) -> Shape:
    """The shape with more dimensions at its end, or without some in the middle."""
    if len(shape) <= count:
        return (*shape, *[shape[-1]] * (count - len(shape)))
    return (*shape[: count - 1], shape[-1]) if count > 1 else shape[:1]
