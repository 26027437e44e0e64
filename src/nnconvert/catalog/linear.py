"""Pairs of torch/nn/modules/linear.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Size, Spelling, Weights

_BIAS = {"bias": "bias"}

PAIRS = (
    Pair(
        module="Linear",
        constructor="in_features, out_features, bias=True",
        family="linear",
        spellings=(Spelling("torch.nn.functional.linear", "input, weight, bias=None"),),
        state=("weight", "bias"),
        weights=Weights(
            parameters=("weight", "bias"),
            required=("weight",),
            sizes={"in_features": Size(1), "out_features": Size(0)},
            flags=_BIAS,
            draws=True,
        ),
        doc="The parameters move into the module, which reads its sizes from the shape of the weight.",
        example="F.linear(x, self.weight, self.bias)",
    ),
    Pair(
        module="Bilinear",
        constructor="in1_features, in2_features, out_features, bias=True",
        family="linear",
        spellings=tuple(
            Spelling(f"{owner}.bilinear", "input1, input2, weight, bias=None")
            for owner in ("torch.nn.functional", "torch")
        ),
        inputs=("input1", "input2"),
        state=("weight", "bias"),
        weights=Weights(
            parameters=("weight", "bias"),
            required=("weight",),
            sizes={"in1_features": Size(1), "in2_features": Size(2), "out_features": Size(0)},
            flags=_BIAS,
            draws=True,
        ),
        doc="The parameters move into the module, which reads its sizes from the shape of the weight.",
        example="F.bilinear(x, y, self.weight, self.bias)",
    ),
)
