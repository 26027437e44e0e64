"""Pairs of torch/nn/modules/fold.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

PAIRS = (
    Pair(
        module="Fold",
        constructor="output_size, kernel_size, dilation=1, padding=0, stride=1",
        family="fold",
        spellings=(
            Spelling(
                "torch.nn.functional.fold",
                "input, output_size, kernel_size, dilation=1, padding=0, stride=1",
            ),
        ),
        doc="All settings move to the constructor.",
        example="F.fold(x, (8, 8), kernel_size=2, stride=2)",
    ),
    Pair(
        module="Unfold",
        constructor="kernel_size, dilation=1, padding=0, stride=1",
        family="fold",
        spellings=(Spelling("torch.nn.functional.unfold", "input, kernel_size, dilation=1, padding=0, stride=1"),),
        doc="Not the same as the method Tensor.unfold, which has no module class.",
        example="F.unfold(x, kernel_size=3, padding=1)",
    ),
)
