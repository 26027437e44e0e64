"""Shapes that the first tensor of forward may have, from the submodules that a built model holds."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from torch import nn

from .reading import Read, fits

Shape = tuple[int, ...]
FLOATS = "torch.randn({shape})"
LISTS = (
    "[torch.randn({shape}), torch.randn({shape})]",
    "[torch.randn({shape}), torch.randn({half}), torch.randn({quarter})]",
)
"""Several tensors of one shape, or the maps of a pyramid."""
IMAGE_SIZES = (32, 64, 224, 16, 28, 8, 84, 96, 128, 299, 256, 4)
WIDE_IMAGE_SIZES = (8, 16, 32, 4, 7, 64, 224)
"""For many channels: inner blocks, which see small maps."""
LARGEST = 1 << 23
"""Numbers of a map: one that is larger takes the time of many others."""
SEVERAL_ANNOTATED = r"\b([lL]ist|[sS]equence|[tT]uple)\["
SEVERAL = r"features|feats|inputs|xs|x_list|.*_list|tensors|feature_maps|fmaps|.*_feats|.*_features"
"""Names of a first argument that may be several tensors."""
WITHOUT_PARAMETERS: tuple[Shape, ...] = (
    (2, 16, 8, 8), (2, 8, 16), (2, 16), (2, 3, 32, 32), (2, 4, 4, 8, 8), (2, 4, 8, 16), (16,),
    (2, 1, 16, 16), (4, 4, 4), (2, 4, 8, 8),
)  # fmt: skip
_SIZE = re.compile(r"(in|inp|input|im|img|image)_?(size|shape|height|resolution)|resolution")


def first_tensors(model: nn.Module, name: str, annotation: str, read: Read, loss: bool) -> Iterator[tuple[Shape, str]]:
    """Shape of the first argument and how it is made, the most likely first."""
    if loss:
        yield from [((2, 4, 8, 8), "torch.rand({shape})"), ((4, 5), FLOATS), ((2, 4, 8, 8), FLOATS)]
        yield from [((4, 5), "torch.rand({shape})"), ((8,), "torch.rand({shape})"), ((2, 8, 5), FLOATS)]
    seen = set()
    several = re.search(SEVERAL_ANNOTATED, annotation) or re.fullmatch(SEVERAL, name)
    likely = [*_from_sizes(model), *_from_modules(model, name), *((FLOATS, shape) for shape in WITHOUT_PARAMETERS)]
    likely = _fitting_first(likely, read)
    if read.into is not None:
        likely[:0] = itertools.islice(accepted(read.into), 3)
    for kind, shape in likely:
        if (kind, shape) not in seen:
            seen.add((kind, shape))
            yield from ((shape, how) for how in _as_read(read, kind))
            if several:
                yield from ((shape, how) for how in LISTS[: max(len(shape) - 2, 1)])
            yield shape, kind


def _fitting_first(likely: list[tuple[str, Shape]], read: Read) -> list[tuple[str, Shape]]:
    """Two that have as many dimensions as forward's text says, then one other: the text may say it of one branch."""
    fitting = [made for made in likely if fits(read, made[1])]
    others = [made for made in likely if not fits(read, made[1])]
    order = [
        *((number, 0) for number in range(len(fitting))),
        *((2 * number + 1.5, 1) for number in range(len(others))),
    ]
    merged = sorted(zip(order, [*fitting, *others]))  # noqa: B905 (Python 3.9)
    return [made for _, made in merged]


def _as_read(read: Read, kind: str) -> Iterator[str]:
    """How the tensor is made where more is said of it than its dimensions."""
    if read.keys or read.mapping:
        yield "{{" + ", ".join(f"{key!r}: {kind}" for key in read.keys) + "}}"
    if read.parts:
        yield f"({', '.join([kind] * read.parts)})"
    if read.flags and kind == FLOATS:
        yield "torch.ones({shape}, dtype=torch.bool)"
    if read.ids and kind == FLOATS:
        yield "torch.randint(0, 2, ({shape},))"


def _from_sizes(model: nn.Module) -> Iterator[tuple[str, Shape]]:
    """Models that know their image size."""
    channels = next((m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d)), 3)
    for name, size in vars(model).items():
        if not _SIZE.fullmatch(name):
            continue
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


def accepted(module: nn.Module) -> Iterator[tuple[str, Shape]]:
    """What the first submodule with state accepts, and how it is made."""
    for part in module.modules():
        if part._parameters or part._buffers:
            yield from _accepted(part, "")
            return


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
    sizes = {1: (64, 16, 128, 1024, 4096), 2: IMAGE_SIZES if channels <= 32 else WIDE_IMAGE_SIZES}
    shapes = ((2, channels, *[size] * dimensions) for size in sizes.get(dimensions, (8, 16, 32, 64)))
    yield from (shape for shape in shapes if math.prod(shape) <= LARGEST)


def _from_tensors(module: nn.Module) -> Iterator[tuple[str, Shape]]:
    """A module with parameters of its own: one of their sizes is its number of features."""
    tensors = [*module._parameters.values(), *module._buffers.values()]
    sizes = dict.fromkeys(size for t in tensors if t is not None for size in t.shape if 1 < size <= 4096)
    for size in list(sizes)[:4]:
        yield from ((FLOATS, shape) for shape in [(2, size, 8, 8), (2, 16, size), (8, size)])
