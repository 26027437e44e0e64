"""Pairs of torch/nn/modules/conv.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Size, Spelling, Weights

_OWNERS = ("torch.nn.functional", "torch")
_CONV = "stride=1, padding=0, dilation=1, groups=1"
_TRANSPOSED = "stride=1, padding=0, output_padding=0, groups=1"

_CONVS = tuple(
    Pair(
        module=f"Conv{n}d",
        constructor=f"in_channels, out_channels, kernel_size, {_CONV}, bias=True, padding_mode='zeros'",
        family="conv",
        spellings=tuple(Spelling(f"{owner}.conv{n}d", f"input, weight, bias=None, {_CONV}") for owner in _OWNERS),
        state=("weight", "bias"),
        weights=Weights(
            parameters=("weight", "bias"),
            required=("weight",),
            sizes={
                "in_channels": Size(1, times="groups"),
                "out_channels": Size(0),
                "kernel_size": Size(2, to_end=True),
            },
            flags={"bias": "bias"},
            draws=True,
        ),
        doc="The parameters move into the module; channels and kernel are read from the shape of the weight.",
        example=f"F.conv{n}d(x, self.weight, self.bias, padding=1)",
    )
    for n in (1, 2, 3)
)

_TRANSPOSED_CONVS = tuple(
    Pair(
        module=f"ConvTranspose{n}d",
        constructor=(
            f"in_channels, out_channels, kernel_size, {_TRANSPOSED}, bias=True, dilation=1, padding_mode='zeros'"
        ),
        family="conv",
        spellings=tuple(
            Spelling(f"{owner}.conv_transpose{n}d", f"input, weight, bias=None, {_TRANSPOSED}, dilation=1")
            for owner in _OWNERS
        ),
        forward=("input", "output_size"),
        state=("weight", "bias"),
        weights=Weights(
            parameters=("weight", "bias"),
            required=("weight",),
            sizes={
                "in_channels": Size(0),
                "out_channels": Size(1, times="groups"),
                "kernel_size": Size(2, to_end=True),
            },
            flags={"bias": "bias"},
            draws=True,
        ),
        doc="The parameters move into the module; the weight's first dimension is that of the input's channels.",
        example=f"F.conv_transpose{n}d(x, self.weight, self.bias, stride=2)",
    )
    for n in (1, 2, 3)
)

PAIRS = (*_CONVS, *_TRANSPOSED_CONVS)
