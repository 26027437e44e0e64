"""Pairs of torch/nn/modules/normalization.py that can do without parameters; nn.GroupNorm is in batchnorm.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling, Weights

PAIRS = (
    Pair(
        module="LocalResponseNorm",
        constructor="size, alpha=0.0001, beta=0.75, k=1.0",
        family="normalization",
        spellings=(Spelling("torch.nn.functional.local_response_norm", "input, size, alpha=0.0001, beta=0.75, k=1.0"),),
        doc="All settings move to the constructor.",
        example="F.local_response_norm(x, 5)",
    ),
    Pair(
        module="LayerNorm",
        constructor="normalized_shape, eps=1e-05, elementwise_affine=True, bias=True",
        family="normalization",
        spellings=(
            Spelling(
                "torch.nn.functional.layer_norm",
                "input, normalized_shape, weight=None, bias=None, eps=1e-05",
            ),
            Spelling(
                "torch.layer_norm",
                "input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True",
            ),
        ),
        module_fixed={"elementwise_affine": "False"},
        spread={"normalized_shape": 1},
        checks={"normalized_shape": "shape"},
        state=("weight", "bias"),
        ignored=("bias",),
        weights=Weights(
            parameters=("weight", "bias"),
            flags={"weight": "elementwise_affine", "bias": "bias"},
            initial={"weight": "ones", "bias": "zeros"},
        ),
        doc=(
            "Without weight and bias the module is built with elementwise_affine=False; with --parameters they move "
            "into it."
        ),
        example="F.layer_norm(x, (64,))",
    ),
    Pair(
        module="RMSNorm",
        constructor="normalized_shape, eps=None, elementwise_affine=True",
        family="normalization",
        spellings=(
            Spelling("torch.nn.functional.rms_norm", "input, normalized_shape, weight=None, eps=None"),
            Spelling("torch.rms_norm", "input, normalized_shape, weight=None, eps=None"),
        ),
        module_fixed={"elementwise_affine": "False"},
        spread={"normalized_shape": 1},
        checks={"normalized_shape": "shape"},
        state=("weight",),
        weights=Weights(parameters=("weight",), flags={"weight": "elementwise_affine"}, initial={"weight": "ones"}),
        forward=("x",),
        since="2.4",
        doc="Without weight the module is built with elementwise_affine=False; with --parameters it moves into it.",
        example="F.rms_norm(x, (64,))",
    ),
)
