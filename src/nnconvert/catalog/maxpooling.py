"""Pairs of the max-pooling and unpooling classes in torch/nn/modules/pooling.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

_INDICES = {"return_indices": "True"}
_POOL = "input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False"

_MAX_POOL = tuple(
    Pair(
        module=f"MaxPool{n}d",
        constructor="kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False",
        family="pooling",
        spellings=(
            Spelling(f"torch.nn.functional.max_pool{n}d", f"{_POOL}, return_indices=False"),
            # Their return_indices is ignored: they always return both.
            Spelling(
                f"torch.nn.functional.max_pool{n}d_with_indices",
                f"{_POOL}, return_indices=False",
                fixed=_INDICES,
            ),
            Spelling(f"torch.max_pool{n}d", _POOL),
            *((Spelling("torch.max_pool1d_with_indices", _POOL, fixed=_INDICES),) if n == 1 else ()),
        ),
        doc=(
            "The constructor has return_indices before ceil_mode, the functional after it. "
            "A stride that is left out is kernel_size on both sides."
        ),
        example=f"F.max_pool{n}d(x, 3, stride=2, padding=1)",
    )
    for n in (1, 2, 3)
)

_MAX_UNPOOL = tuple(
    Pair(
        module=f"MaxUnpool{n}d",
        constructor="kernel_size, stride=None, padding=0",
        family="pooling",
        spellings=(
            Spelling(
                f"torch.nn.functional.max_unpool{n}d",
                "input, indices, kernel_size, stride=None, padding=0, output_size=None",
            ),
        ),
        inputs=("input", "indices", "output_size"),
        doc="indices and output_size stay at the call.",
        example=f"F.max_unpool{n}d(x, indices, 2, output_size=size)",
    )
    for n in (1, 2, 3)
)

_ADAPTIVE_MAX_POOL = tuple(
    Pair(
        module=f"AdaptiveMaxPool{n}d",
        constructor="output_size, return_indices=False",
        family="pooling",
        spellings=(
            Spelling(f"torch.nn.functional.adaptive_max_pool{n}d", "input, output_size, return_indices=False"),
            Spelling(
                f"torch.nn.functional.adaptive_max_pool{n}d_with_indices",
                "input, output_size, return_indices=False",
                fixed=_INDICES,
            ),
            *((Spelling("torch.adaptive_max_pool1d", "input, output_size", fixed=_INDICES),) if n == 1 else ()),
        ),
        doc="torch.adaptive_max_pool1d and the *_with_indices functions always return the indices too.",
        example=f"F.adaptive_max_pool{n}d(x, 4)",
    )
    for n in (1, 2, 3)
)

_FRACTIONAL_MAX_POOL = tuple(
    Pair(
        module=f"FractionalMaxPool{n}d",
        constructor=("kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None"),
        family="pooling",
        spellings=tuple(
            Spelling(
                f"torch.nn.functional.fractional_max_pool{n}d{suffix}",
                "input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None",
                fixed=fixed,
            )
            for suffix, fixed in (("", {}), ("_with_indices", _INDICES))
        ),
        state=("_random_samples",),
        spread={"output_ratio": 2} if n == 2 else {},
        checks={
            "output_size": "one_of_size_and_ratio",
            "output_ratio": "ratio",
            **({"kernel_size": "all_positive"} if n == 3 else {}),
        },
        doc=(
            "Random in both modes. The constructor wants exactly one of output_size and output_ratio, and a "
            "ratio between 0 and 1."
        ),
        example=f"F.fractional_max_pool{n}d(x, 2, output_size=4)",
    )
    for n in (2, 3)
)

PAIRS = (*_MAX_POOL, *_MAX_UNPOOL, *_ADAPTIVE_MAX_POOL, *_FRACTIONAL_MAX_POOL)
