"""Pairs of torch/nn/modules/pixelshuffle.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

PAIRS = (
    Pair(
        module="PixelShuffle",
        constructor="upscale_factor",
        family="pixelshuffle",
        spellings=(
            Spelling("torch.nn.functional.pixel_shuffle", "input, upscale_factor"),
            Spelling("torch.pixel_shuffle", "input, upscale_factor"),
        ),
        doc="upscale_factor moves to the constructor.",
        example="F.pixel_shuffle(x, 2)",
    ),
    Pair(
        module="PixelUnshuffle",
        constructor="downscale_factor",
        family="pixelshuffle",
        spellings=(
            Spelling("torch.nn.functional.pixel_unshuffle", "input, downscale_factor"),
            Spelling("torch.pixel_unshuffle", "input, downscale_factor"),
        ),
        doc="downscale_factor moves to the constructor.",
        example="F.pixel_unshuffle(x, 2)",
    ),
)
