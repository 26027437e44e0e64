"""Pairs of torch/nn/modules/distance.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

PAIRS = (
    Pair(
        module="CosineSimilarity",
        constructor="dim=1, eps=1e-08",
        family="distance",
        spellings=(
            Spelling("torch.nn.functional.cosine_similarity", "x1, x2, dim=1, eps=1e-08"),
            Spelling("torch.cosine_similarity", "x1, x2, dim=1, eps=1e-08"),
        ),
        inputs=("x1", "x2"),
        doc="Both tensors stay at the call.",
        example="F.cosine_similarity(x, y, dim=-1)",
    ),
    Pair(
        module="PairwiseDistance",
        constructor="p=2.0, eps=1e-06, keepdim=False",
        family="distance",
        spellings=(
            Spelling("torch.nn.functional.pairwise_distance", "x1, x2, p=2.0, eps=1e-06, keepdim=False"),
            Spelling("torch.pairwise_distance", "x1, x2, p=2.0, eps=1e-06, keepdim=False"),
        ),
        inputs=("x1", "x2"),
        doc="Both tensors stay at the call.",
        example="F.pairwise_distance(x, y, keepdim=True)",
    ),
)
