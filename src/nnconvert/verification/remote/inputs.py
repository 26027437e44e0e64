"""Guess what to feed a built model, from what it holds and from the names of forward's parameters."""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn

from .shapes import FLOATS, Shape, first_tensors
from .written import varied

LIKELIEST = 16
"""Candidates before optional arguments are given, too, and how many with these."""


@dataclass(frozen=True)
class Feed:
    """Text of forward's arguments for one shape of the first tensor."""

    shape: Shape
    first: str
    """How the first tensor is made: ``torch.randn({shape})`` with the shape left open."""
    others: tuple[str, ...] = ()
    """The other arguments; ``{shape}``, ``{batch}``, ``{rest}``, ``{last}`` stand for parts of the shape."""
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
        }
        return ", ".join(argument.format(**parts) for argument in (self.first, *self.others))

    def variations(self) -> Iterator[Feed]:
        """Another batch size, size and range of values, the boldest first; for a second call."""
        if not self.shape:
            yield from (replace(self, written=text) for text in varied(self.written))
            return
        wide = self.first.replace("torch.randn(", "wide(").replace("torch.rand(", "torch.rand(")
        batch = (self.shape[0] + 1, *self.shape[1:])
        if len(self.shape) > 3:
            grown = (*batch[:2], *(size + 8 for size in batch[2:]))
            yield replace(self, shape=grown, first=wide)
        if len(self.shape) == 3:
            yield replace(self, shape=(batch[0], batch[1] + 4, batch[2]), first=wide)
        yield replace(self, shape=batch, first=wide)
        yield replace(self, shape=batch)
        yield replace(self, first=wide)


SAME = "torch.randn({shape})"
ALTERNATIVES = (
    (r"edge_index|adj_t", ("torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])",)),
    (r"edge_(weight|attr)", ("torch.rand(6)", "torch.randn(6, {last})")),
    (r"edge_type(s)?", ("torch.zeros(6, dtype=torch.long)",)),
    (r"(node_)?type(s|_vec|_ids)?|token_type_ids", ("torch.zeros({batch}, dtype=torch.long)",)),
    (r"batch(_index)?|batch_idx", ("torch.zeros({batch}, dtype=torch.long)",)),
    (r".*adj.*", ("torch.rand({length}, {length})", "torch.rand({batch}, {length}, {length})")),
    (
        r".*mask.*",
        (
            "torch.ones({batch}, {length}, dtype=torch.bool)",
            "None",
            SAME,
            "torch.ones({batch}, {height}, dtype=torch.bool)",
            "torch.ones({length}, {length}, dtype=torch.bool)",
            "torch.ones({batch}, 1, {height}, {last})",
            "torch.zeros({batch}, 1, {length}, {length})",
        ),
    ),
    (
        r"target.*|labels?|y(_true)?|gt.*|.*truth|tgt_labels|trg",
        (
            "torch.rand({shape})",
            "torch.randint(0, {channels}, ({batch},))",
            "torch.randint(0, {channels}, ({batch}{rest},))",
            "torch.randint(0, 2, ({shape},))",
            "torch.rand({batch})",
            "torch.randint(0, {channels}, ({batch}, 1{rest}))",
        ),
    ),
    (r"t|time.*|sigma|noise_level|steps?", ("torch.rand({batch})", "torch.randint(0, 10, ({batch},))", SAME)),
    (r"(.*_)?len(gth)?s?", ("torch.full(({batch},), {length})", "{length}")),
    (r"hidden.*|state|hx|h|h_?0|prev.*|memory", (SAME, "None", "torch.randn({batch}, {last})")),
    (r"h|height|w|width", ("{side}", "{height}")),
    (r"size|shape|hw|.*_size", ("({side}, {side})", "({height}, {last})", "{last}")),
    (
        r".*(position_ids|input_ids|tokens?|ids|idx|index|indices)",
        ("torch.randint(0, 8, ({batch}, {length}))",),
    ),
    (r".*position_embeddings", ("(torch.randn(1, {length}, 8), torch.randn(1, {length}, 8))",)),
    (r"training|.*flag|return_.*|is_.*|use_.*", ("False",)),
)
ANNOTATED = ((r"bool", "False"), (r"int", "{height}"), (r"float", "1.0"))


def feeds(model: nn.Module) -> Iterator[Feed]:
    """Candidates for forward's arguments, the most likely first."""
    parameters = list(inspect.signature(model.forward).parameters.values())
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
    for more in _optional(model):
        for others in itertools.islice(_combinations([_choices(p) for p in more]), 3):
            yield replace(feed, others=(*feed.others, *others))


def _optional(model: nn.Module) -> list[list[inspect.Parameter]]:
    """Optional arguments that are known by name or annotation to be tensors: all, and the first alone."""
    parameters = list(inspect.signature(model.forward).parameters.values())
    usable = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p for p in usable if p.default is p.empty] or usable[:1]
    found = [p.replace(kind=p.KEYWORD_ONLY) for p in usable if p not in needed and _names_a_tensor(p)]
    return [found, found[:1]] if len(found) > 1 else [found] if found else []


def _required_feeds(model: nn.Module, parameters: list[inspect.Parameter]) -> Iterator[Feed]:
    """Candidates in which each of these parameters gets an argument."""
    names = [p.name for p in parameters]
    choices = [_choices(p) for p in parameters[1:]]
    if any(re.fullmatch(r"edge_index|adj_t", name) for name in names[1:]):
        yield from _graph_feeds(model, choices)
    loss = bool(re.search(r"Loss|Criterion|Dice|IoU|Metric", type(model).__name__)) and len(parameters) > 1
    annotation = str(parameters[0].annotation) if parameters else ""
    for shape, first in first_tensors(model, names[0] if names else "x", annotation, loss):
        for others in _combinations(choices):
            yield Feed(shape, first, others)


def _names_a_tensor(parameter: inspect.Parameter) -> bool:
    """Whether an optional argument is known by its name or annotation to be a tensor."""
    if parameter.default is not None:
        return False
    known = any(re.fullmatch(pattern, parameter.name.lower()) for pattern, _ in ALTERNATIVES)
    return known or "Tensor" in str(parameter.annotation)


def _graph_feeds(model: nn.Module, choices: list[tuple[str, ...]]) -> Iterator[Feed]:
    """Eight nodes with as many features as the model or one of its tensors has."""
    sizes = [getattr(model, name, None) for name in ("in_channels", "in_feats", "in_features", "channels")]
    sizes += [size for tensor in model.parameters() for size in tensor.shape[::-1]][:6]
    for size in dict.fromkeys(size for size in [*sizes, 16] if isinstance(size, int) and size > 0):
        for others in _combinations(choices):
            yield Feed((8, size), FLOATS, others)


def _choices(parameter: inspect.Parameter) -> tuple[str, ...]:
    annotation = "" if parameter.annotation is parameter.empty else str(parameter.annotation)
    plain = annotation.removeprefix("<class '").removesuffix("'>")
    prefix = f"{parameter.name}=" if parameter.kind is parameter.KEYWORD_ONLY else ""
    for pattern, text in ANNOTATED:
        if re.fullmatch(pattern, plain):
            return (prefix + text,)
    for pattern, texts in ALTERNATIVES:
        if re.fullmatch(pattern, parameter.name.lower()):
            return tuple(prefix + text for text in (*texts, SAME))
    return tuple(
        prefix + text for text in (SAME, "torch.randn({batch}, {channels})", "torch.randint(0, 2, ({shape},))")
    )


def _combinations(choices: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Every first choice; then one argument at a time takes its others."""
    firsts = tuple(options[0] for options in choices)
    yield firsts
    for place, options in enumerate(choices):
        for option in options[1:]:
            yield (*firsts[:place], option, *firsts[place + 1 :])


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
