"""Pairs of torch/nn/modules/loss.py that compare margins, rankings and embeddings."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling, Weights

_TWO = ("input", "target")
_COMPARED = ("input1", "input2", "target")
_TRIPLET = ("anchor", "positive", "negative")
_LEGACY = "size_average=None, reduce=None, reduction='mean'"

PAIRS = (
    Pair(
        module="HingeEmbeddingLoss",
        constructor=f"margin=1.0, {_LEGACY}",
        family="loss",
        spellings=(Spelling("torch.nn.functional.hinge_embedding_loss", f"input, target, margin=1.0, {_LEGACY}"),),
        inputs=_TWO,
        doc="margin and reduction move to the constructor.",
        example="F.hinge_embedding_loss(x, y, margin=0.5)",
    ),
    Pair(
        module="SoftMarginLoss",
        constructor=_LEGACY,
        family="loss",
        spellings=(Spelling("torch.nn.functional.soft_margin_loss", f"input, target, {_LEGACY}"),),
        inputs=_TWO,
        doc="reduction moves to the constructor.",
        example="F.soft_margin_loss(x, y)",
    ),
    Pair(
        module="MultiMarginLoss",
        constructor=f"p=1, margin=1.0, weight=None, {_LEGACY}",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.multi_margin_loss",
                f"input, target, p=1, margin=1.0, weight=None, {_LEGACY}",
            ),
        ),
        inputs=_TWO,
        state=("weight",),
        checks={"p": "one_or_two"},
        weights=Weights(buffers=("weight",)),
        doc="Class weights, which nn.MultiMarginLoss keeps as a buffer, move with --parameters only.",
        example="F.multi_margin_loss(x, y, margin=0.5)",
    ),
    Pair(
        module="MultiLabelMarginLoss",
        constructor=_LEGACY,
        family="loss",
        spellings=(Spelling("torch.nn.functional.multilabel_margin_loss", f"input, target, {_LEGACY}"),),
        inputs=_TWO,
        doc="reduction moves to the constructor.",
        example="F.multilabel_margin_loss(x, y)",
    ),
    Pair(
        module="MultiLabelSoftMarginLoss",
        constructor=f"weight=None, {_LEGACY}",
        family="loss",
        spellings=(
            Spelling("torch.nn.functional.multilabel_soft_margin_loss", f"input, target, weight=None, {_LEGACY}"),
        ),
        inputs=_TWO,
        state=("weight",),
        weights=Weights(buffers=("weight",)),
        doc="Class weights, which nn.MultiLabelSoftMarginLoss keeps as a buffer, move with --parameters only.",
        example="F.multilabel_soft_margin_loss(x, y)",
    ),
    Pair(
        module="CosineEmbeddingLoss",
        constructor=f"margin=0.0, {_LEGACY}",
        family="loss",
        spellings=(
            Spelling("torch.nn.functional.cosine_embedding_loss", f"input1, input2, target, margin=0.0, {_LEGACY}"),
        ),
        inputs=_COMPARED,
        doc="The three tensors stay at the call.",
        example="F.cosine_embedding_loss(x, y, target, margin=0.2)",
    ),
    Pair(
        module="MarginRankingLoss",
        constructor=f"margin=0.0, {_LEGACY}",
        family="loss",
        spellings=(
            Spelling("torch.nn.functional.margin_ranking_loss", f"input1, input2, target, margin=0.0, {_LEGACY}"),
        ),
        inputs=_COMPARED,
        doc="The three tensors stay at the call.",
        example="F.margin_ranking_loss(x, y, target, margin=0.2)",
    ),
    Pair(
        module="TripletMarginLoss",
        constructor=f"margin=1.0, p=2.0, eps=1e-06, swap=False, {_LEGACY}",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.triplet_margin_loss",
                f"anchor, positive, negative, margin=1.0, p=2.0, eps=1e-06, swap=False, {_LEGACY}",
            ),
        ),
        inputs=_TRIPLET,
        checks={"margin": "positive"},
        doc="The constructor wants a margin above 0.",
        example="F.triplet_margin_loss(x, y, z, margin=0.5)",
    ),
    Pair(
        module="TripletMarginWithDistanceLoss",
        constructor="*, distance_function=None, margin=1.0, swap=False, reduction='mean'",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.triplet_margin_with_distance_loss",
                "anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction='mean'",
            ),
        ),
        inputs=_TRIPLET,
        # A distance function that is a module would be registered below the loss, with its parameters.
        state=("distance_function",),
        checks={"margin": "positive"},
        doc="Only with the default distance: another one would be registered in the loss if it is a module.",
        example="F.triplet_margin_with_distance_loss(x, y, z, margin=0.5)",
    ),
)
