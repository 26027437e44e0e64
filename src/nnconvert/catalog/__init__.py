"""Every functional of torch.nn.functional and the module class that does the same, as data.

The rows are read at the first question, so importing this package costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from nnconvert.catalog.model import Pair, Parameter, Signature, Size, Spelling, Weights, WithoutPair

__all__ = [
    "Pair",
    "Parameter",
    "Signature",
    "Size",
    "Spelling",
    "Weights",
    "WithoutPair",
    "by_functional",
    "by_module",
    "by_spelling",
    "every_pair",
    "families",
    "pairs",
    "weighted_by_module",
    "weighted_by_spelling",
    "weighted_pairs",
    "without_pair",
]


@cache
def pairs() -> tuple[Pair, ...]:
    """All pairs that need no parameters, family by family."""
    from nnconvert.catalog import (
        activation,
        channelshuffle,
        distance,
        dropout,
        embedding_loss,
        flatten,
        fold,
        loss,
        maxpooling,
        normalization,
        padding,
        pixelshuffle,
        pooling,
        softmax,
        upsampling,
    )

    files = (
        *(activation, softmax, dropout, maxpooling, pooling, padding, normalization, fold, flatten),
        *(pixelshuffle, channelshuffle, upsampling, distance, loss, embedding_loss),
    )
    return tuple(pair for file in files for pair in file.PAIRS)


@cache
def weighted_pairs() -> tuple[Pair, ...]:
    """All pairs whose module class always keeps parameters: they convert with ``--parameters`` only."""
    from nnconvert.catalog import batchnorm, conv, linear, sparse

    return tuple(pair for file in (linear, conv, batchnorm, sparse) for pair in file.PAIRS)


def every_pair() -> tuple[Pair, ...]:
    return (*pairs(), *weighted_pairs())


@cache
def by_spelling() -> Mapping[str, tuple[tuple[Pair, Spelling], ...]]:
    """Qualified name (``torch.relu``) -> the pairs it may mean; ``torch.nn.functional.pad`` means several."""
    return _by_spelling(pairs())


@cache
def weighted_by_spelling() -> Mapping[str, tuple[tuple[Pair, Spelling], ...]]:
    """The same for operations with parameters; ``torch.nn.functional.batch_norm`` means one class for each rank."""
    return _by_spelling(weighted_pairs())


def _by_spelling(rows: tuple[Pair, ...]) -> dict[str, tuple[tuple[Pair, Spelling], ...]]:
    found: dict[str, tuple[tuple[Pair, Spelling], ...]] = {}
    for pair in rows:
        for spelling in () if pair.back_only else pair.spellings:
            found[spelling.name] = (*found.get(spelling.name, ()), (pair, spelling))
    return found


def by_functional(name: str) -> tuple[Pair, ...]:
    """The pairs with a spelling of this name, short (``relu_``) or qualified; empty if there is none."""
    return tuple(pair for pair in every_pair() if any(name in (s.name, s.short) for s in pair.spellings))


def by_module(name: str) -> Pair | None:
    """The pair of a class of torch.nn (``ReLU`` or ``torch.nn.ReLU``) that needs no parameters, or None."""
    return _by_module().get(name.removeprefix("torch.nn."))


@cache
def _by_module() -> Mapping[str, Pair]:
    return {pair.module: pair for pair in pairs()}


@cache
def weighted_by_module() -> Mapping[str, Pair]:
    """Class of torch.nn (``Linear``) -> its pair, for every class that keeps parameters, always or if asked to."""
    return {pair.module: pair for pair in every_pair() if pair.weights is not None}


@cache
def families() -> tuple[str, ...]:
    """Names of the families, in the catalog's order."""
    return tuple(dict.fromkeys(pair.family for pair in every_pair()))


@cache
def without_pair() -> Mapping[str, WithoutPair]:
    """Qualified name (``torch.nn.functional.normalize``, ``torch.nn.Conv2d``) -> why it has no pair."""
    from nnconvert.catalog.without import WITHOUT_PAIR

    return {row.name: row for row in WITHOUT_PAIR}
