"""Pairs of torch/nn/modules/upsampling.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

_INTERPOLATE = Spelling(
    "torch.nn.functional.interpolate",
    "input, size=None, scale_factor=None, mode='nearest', align_corners=None, "
    "recompute_scale_factor=None, antialias=False",
)

PAIRS = (
    Pair(
        module="Upsample",
        constructor=("size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None"),
        family="upsampling",
        spellings=(
            _INTERPOLATE,
            Spelling(
                "torch.nn.functional.upsample",
                "input, size=None, scale_factor=None, mode='nearest', align_corners=None",
            ),
        ),
        checks={"scale_factor": "number_or_tuple"},
        floats=("scale_factor",),
        doc=(
            "nn.Upsample turns scale factors into floats, which changes no result, and refuses a list of "
            "them. It has no antialias."
        ),
        example="F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)",
    ),
    Pair(
        module="UpsamplingNearest2d",
        constructor="size=None, scale_factor=None",
        family="upsampling",
        spellings=(Spelling("torch.nn.functional.upsample_nearest", "input, size=None, scale_factor=None"),),
        checks={"scale_factor": "number_or_tuple"},
        floats=("scale_factor",),
        back=_INTERPOLATE,
        back_given={"mode": "'nearest'"},
        doc=(
            "F.upsample_nearest is deprecated and warns; the module class does the same and does not warn. "
            "The way back is F.interpolate."
        ),
        example="F.upsample_nearest(x, scale_factor=2)",
    ),
    Pair(
        module="UpsamplingBilinear2d",
        constructor="size=None, scale_factor=None",
        family="upsampling",
        spellings=(Spelling("torch.nn.functional.upsample_bilinear", "input, size=None, scale_factor=None"),),
        checks={"scale_factor": "number_or_tuple"},
        floats=("scale_factor",),
        back=_INTERPOLATE,
        back_given={"mode": "'bilinear'", "align_corners": "True"},
        doc=(
            "F.upsample_bilinear is deprecated and warns; the module class does the same and does not warn. "
            "The way back is F.interpolate."
        ),
        example="F.upsample_bilinear(x, scale_factor=2)",
    ),
)
