"""Guess what to feed a built model, from what it holds and from the names of forward's parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

Shape = tuple[int, ...]
IMAGE_SIZES = (32, 64, 224, 16, 28, 8, 84, 96, 128, 299, 256, 4)
WIDE_IMAGE_SIZES = (8, 16, 32, 4, 7, 64, 224)
"""For many channels: inner blocks, which see small maps."""
WITHOUT_PARAMETERS: tuple[Shape, ...] = (
    (2, 16, 8, 8), (2, 8, 16), (2, 16), (2, 3, 32, 32), (2, 4, 4, 8, 8), (2, 4, 8, 16), (16,),
    (2, 1, 16, 16), (4, 4, 4),
)  # fmt: skip


@dataclass(frozen=True)
class Feed:
    """Text of forward's arguments for one shape of the first tensor."""

    shape: Shape
    first: str
    """How the first tensor is made: ``torch.randn({shape})`` with the shape left open."""
    others: tuple[str, ...] = ()
    """The other arguments; ``{shape}``, ``{batch}``, ``{rest}``, ``{last}`` stand for parts of the shape."""

    def text(self) -> str:
        shape = self.shape
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
        }
        return ", ".join(argument.format(**parts) for argument in (self.first, *self.others))

    def variations(self) -> Iterator[Feed]:
        """Another batch size, size and range of values, the boldest first; for a second call."""
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


FLOATS = "torch.randn({shape})"
SAME = "torch.randn({shape})"
ALTERNATIVES = (
    (r"edge_index|adj_t", ("torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])",)),
    (r"edge_(weight|attr)", ("torch.rand(6)", "torch.randn(6, {last})")),
    (r"batch(_index)?|batch_idx", ("torch.zeros({batch}, dtype=torch.long)",)),
    (r".*adj.*", ("torch.rand({length}, {length})", "torch.rand({batch}, {length}, {length})")),
    (
        r".*mask.*",
        (
            "torch.ones({batch}, {length}, dtype=torch.bool)",
            "None",
            SAME,
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
    names = [p.name for p in required or usable[:1]]
    choices = [_choices(p) for p in (required or usable[:1])[1:]]
    if any(re.fullmatch(r"edge_index|adj_t", name) for name in names[1:]):
        yield from _graph_feeds(model, choices)
    loss = bool(re.search(r"Loss|Criterion|Dice|IoU|Metric", type(model).__name__)) and len(required) > 1
    for shape, first in _first(model, names[0] if names else "x", loss):
        for others in _combinations(choices):
            yield Feed(shape, first, others)


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
        prefix + text
        for text in (SAME, "torch.randn({batch}, {channels})", "torch.randint(0, 2, ({shape},))")
    )


def _combinations(choices: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Every first choice; then one argument at a time takes its others."""
    firsts = tuple(options[0] for options in choices)
    yield firsts
    for place, options in enumerate(choices):
        for option in options[1:]:
            yield (*firsts[:place], option, *firsts[place + 1 :])


def _first(model: nn.Module, name: str, loss: bool) -> Iterator[tuple[Shape, str]]:
    if loss:
        yield from [((2, 4, 8, 8), "torch.rand({shape})"), ((4, 5), FLOATS), ((2, 4, 8, 8), FLOATS)]
        yield from [((4, 5), "torch.rand({shape})"), ((8,), "torch.rand({shape})"), ((2, 8, 5), FLOATS)]
    seen = set()
    for kind, shape in [*_from_sizes(model), *_from_modules(model, name)]:
        if (kind, shape) not in seen:
            seen.add((kind, shape))
            yield shape, kind
    for shape in WITHOUT_PARAMETERS:
        if re.fullmatch(r"features|feats|inputs|xs|x_list|.*_list|tensors", name):
            yield shape, "[torch.randn({shape}), torch.randn({shape})]"
        yield shape, FLOATS


def _from_sizes(model: nn.Module) -> Iterator[tuple[str, Shape]]:
    """Models that know their image size."""
    channels = next((m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d)), 3)
    for name in ("img_size", "image_size", "input_size", "image_height", "resolution"):
        size = getattr(model, name, None)
        if isinstance(size, int):
            yield FLOATS, (2, channels, size, size)
        elif isinstance(size, (tuple, list)) and all(isinstance(part, int) for part in size):
            if len(size) == 3:
                yield FLOATS, (2, *size)
            elif len(size) == 2:
                yield FLOATS, (2, channels, *size)


def _from_modules(model: nn.Module, name: str) -> Iterator[tuple[str, Shape]]:
    """Shapes that the first submodules with state accept; the first of each kind counts."""
    kinds: dict[str, nn.Module] = {}
    for module in model.modules():
        if module._parameters or module._buffers:
            kinds.setdefault(type(module).__name__, module)
    groups = [list(_accepted(module, name)) for module in list(kinds.values())[:6]]
    # The likeliest shape of every kind comes before the third shape of the first.
    yield from (option for group in groups for option in group[:2])
    yield from (option for group in groups for option in group[2:])


def _accepted(module: Any, name: str) -> Iterator[tuple[str, Shape]]:
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        ids = f"torch.randint(0, {module.num_embeddings}, ({{shape}},))"
        yield from [(ids, (2, 8)), (ids, (2, 16)), (ids, (8,)), (FLOATS, (2, 8, module.embedding_dim))]
    elif isinstance(module, nn.modules.conv._ConvNd):
        dimensions = int(re.sub(r"\D", "", type(module).__name__) or len(module.kernel_size))
        yield from ((FLOATS, shape) for shape in _maps(module.in_channels or 16, dimensions))
    elif isinstance(module, nn.Linear):
        size = module.in_features or 16  # a lazy layer takes any number
        graph = name in ("x", "features", "h") and "conv" in type(module).__module__
        yield from ((FLOATS, shape) for shape in [(2, size), (2, 16, size), (2, 4, 4, size), (2, size, 8, 8)])
        if graph:
            yield FLOATS, (8, size)
    elif isinstance(module, (nn.BatchNorm2d, nn.InstanceNorm2d, nn.BatchNorm3d, nn.BatchNorm1d)):
        dimensions = int(re.sub(r"\D", "", type(module).__name__)[-1])
        if dimensions == 1:
            yield FLOATS, (4, module.num_features)
        yield from ((FLOATS, shape) for shape in _maps(module.num_features, dimensions))
    elif isinstance(module, nn.GroupNorm):
        yield from ((FLOATS, shape) for shape in _maps(module.num_channels, 2))
    elif isinstance(module, nn.LayerNorm):
        tail = tuple(module.normalized_shape)
        yield from ((FLOATS, shape) for shape in [(2, 16, *tail), (2, *tail), (2, 4, 4, *tail)])
    elif isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        yield from ((FLOATS, shape) for shape in [(2, 8, module.input_size), (2, module.input_size)])
    elif isinstance(module, nn.MultiheadAttention):
        yield FLOATS, (2, 8, module.embed_dim)
    else:
        yield from _from_tensors(module)


def _maps(channels: int, dimensions: int) -> Iterator[Shape]:
    if dimensions == 2:
        for size in IMAGE_SIZES if channels <= 32 else WIDE_IMAGE_SIZES:
            yield (2, channels, size, size)
    elif dimensions == 1:
        yield from ((2, channels, size) for size in (64, 16, 128, 1024, 4096))
    else:
        yield from ((2, channels, size, size, size) for size in (8, 16, 32, 64))


def _from_tensors(module: nn.Module) -> Iterator[tuple[str, Shape]]:
    """A module with parameters of its own: one of their sizes is its number of features."""
    tensors = [*module._parameters.values(), *module._buffers.values()]
    sizes = dict.fromkeys(size for t in tensors if t is not None for size in t.shape if 1 < size <= 4096)
    for size in list(sizes)[:4]:
        yield from ((FLOATS, shape) for shape in [(2, size, 8, 8), (2, 16, size), (8, size)])


GUIDES = (
    (r"to have (\d+) channels", 1),
    (r"expected input with (\d+) channels", 1),
    (r"got (?:input of size )?\[.*\] .* (\d+) channels", 1),
)


def guided(feed: Feed, message: str) -> Feed | None:
    """The feed that an error message asks for, if it says so: ``expected ... to have 64 channels``."""
    if not feed.shape:
        return None
    for pattern, place in GUIDES:
        if (found := re.search(pattern, message)) and len(feed.shape) > place:
            return _with_size(feed, place, int(found[1]))
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
