"""Pairs of the average- and power-pooling classes in torch/nn/modules/pooling.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

_AVG_POOL = (
    Pair(
        module="AvgPool1d",
        constructor="kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True",
        family="pooling",
        spellings=tuple(
            Spelling(
                f"{where}.avg_pool1d",
                "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True",
            )
            for where in ("torch.nn.functional", "torch")
        ),
        doc="A stride that is left out is kernel_size on both sides.",
        example="F.avg_pool1d(x, 2)",
    ),
    *(
        Pair(
            module=f"AvgPool{n}d",
            constructor=(
                "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None"
            ),
            family="pooling",
            spellings=(
                Spelling(
                    f"torch.nn.functional.avg_pool{n}d",
                    "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, "
                    "divisor_override=None, *, out=None",
                ),
            ),
            doc="A stride that is left out is kernel_size on both sides.",
            example=f"F.avg_pool{n}d(x, 3, stride=2, padding=1)",
        )
        for n in (2, 3)
    ),
)

_ADAPTIVE_AVG_POOL = tuple(
    Pair(
        module=f"AdaptiveAvgPool{n}d",
        constructor="output_size",
        family="pooling",
        spellings=(
            Spelling(f"torch.nn.functional.adaptive_avg_pool{n}d", "input, output_size"),
            *((Spelling("torch.adaptive_avg_pool1d", "input, output_size"),) if n == 1 else ()),
        ),
        doc="output_size moves to the constructor; one that reads the input's shape cannot.",
        example=f"F.adaptive_avg_pool{n}d(x, 1)",
    )
    for n in (1, 2, 3)
)

_LP_POOL = tuple(
    Pair(
        module=f"LPPool{n}d",
        constructor="norm_type, kernel_size, stride=None, ceil_mode=False",
        family="pooling",
        spellings=(
            Spelling(
                f"torch.nn.functional.lp_pool{n}d",
                "input, norm_type, kernel_size, stride=None, ceil_mode=False",
            ),
        ),
        floats=("norm_type",),
        since="2.3" if n == 3 else "2.2",
        doc="The module class turns norm_type into a float, which changes nothing on floating-point tensors.",
        example=f"F.lp_pool{n}d(x, 2, 3, stride=2)",
    )
    for n in (1, 2, 3)
)

PAIRS = (*_AVG_POOL, *_ADAPTIVE_AVG_POOL, *_LP_POOL)
