"""Pairs of torch/nn/modules/sparse.py, and nn.PReLU."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Size, Spelling, Weights

_TABLE = Weights(
    parameters=("weight",),
    required=("weight",),
    sizes={"num_embeddings": Size(0), "embedding_dim": Size(1)},
    draws=True,
    initial={"weight": "randn"},
    not_initial=("padding_idx",),
)

PAIRS = (
    Pair(
        module="Embedding",
        constructor=(
            "num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, "
            "scale_grad_by_freq=False, sparse=False, _weight=None, _freeze=False"
        ),
        family="sparse",
        spellings=(
            Spelling(
                "torch.nn.functional.embedding",
                "input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False",
            ),
        ),
        state=("weight",),
        weights=_TABLE,
        doc="The table moves into the module, which reads its size from the table's shape.",
        example="F.embedding(x, self.weight)",
    ),
    Pair(
        module="EmbeddingBag",
        constructor=(
            "num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode='mean', "
            "sparse=False, _weight=None, include_last_offset=False, padding_idx=None"
        ),
        family="sparse",
        spellings=(
            Spelling(
                "torch.nn.functional.embedding_bag",
                "input, weight, offsets=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode='mean', "
                "sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None",
            ),
        ),
        inputs=("input", "offsets", "per_sample_weights"),
        state=("weight",),
        weights=_TABLE,
        doc="The table moves into the module; offsets and the weights of the samples stay at the call.",
        example="F.embedding_bag(x, self.weight, mode='sum')",
    ),
    Pair(
        module="PReLU",
        constructor="num_parameters=1, init=0.25",
        family="activation",
        spellings=tuple(Spelling(f"{owner}.prelu", "input, weight") for owner in ("torch.nn.functional", "torch")),
        state=("weight",),
        weights=Weights(parameters=("weight",), required=("weight",), sizes={"num_parameters": Size(0)}),
        doc="The weight moves into the module, which reads its length from the weight's shape.",
        example="F.prelu(x, self.weight)",
    ),
)
