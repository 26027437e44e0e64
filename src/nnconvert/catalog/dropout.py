"""Pairs of torch/nn/modules/dropout.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

PAIRS = (
    Pair(
        module="Dropout",
        constructor="p=0.5, inplace=False",
        family="dropout",
        spellings=(
            Spelling("torch.nn.functional.dropout", "input, p=0.5, training=True, inplace=False"),
            Spelling("torch.dropout", "input, p, train"),
            Spelling("torch.dropout_", "input, p, train", fixed={"inplace": "True"}),
        ),
        training="training",
        checks={"p": "probability"},
        doc=(
            "Converts exactly where training=self.training. Without it the functional stays on in eval mode, "
            "while the module follows its mode."
        ),
        example="F.dropout(x, 0.2, training=self.training)",
    ),
    *(
        Pair(
            module=f"Dropout{n}d",
            constructor="p=0.5, inplace=False",
            family="dropout",
            spellings=(Spelling(f"torch.nn.functional.dropout{n}d", "input, p=0.5, training=True, inplace=False"),),
            training="training",
            checks={"p": "probability"},
            doc=(
                "Drops whole channels. Converts exactly where training=self.training; without it the "
                "functional stays on in eval mode."
            ),
            example=f"F.dropout{n}d(x, 0.2, training=self.training)",
        )
        for n in (1, 2, 3)
    ),
    Pair(
        module="AlphaDropout",
        constructor="p=0.5, inplace=False",
        family="dropout",
        spellings=(
            Spelling("torch.nn.functional.alpha_dropout", "input, p=0.5, training=False, inplace=False"),
            Spelling("torch.alpha_dropout", "input, p, train"),
        ),
        training="training",
        not_carried=("inplace",),
        ignored=("inplace",),
        checks={"p": "probability"},
        doc="nn.AlphaDropout takes inplace and ignores it; the functional is off by default.",
        example="F.alpha_dropout(x, 0.2, training=self.training)",
    ),
    Pair(
        module="FeatureAlphaDropout",
        constructor="p=0.5, inplace=False",
        family="dropout",
        spellings=(
            Spelling("torch.nn.functional.feature_alpha_dropout", "input, p=0.5, training=False, inplace=False"),
            Spelling("torch.feature_alpha_dropout", "input, p, train"),
        ),
        training="training",
        not_carried=("inplace",),
        ignored=("inplace",),
        checks={"p": "probability"},
        doc="nn.FeatureAlphaDropout takes inplace and ignores it; the functional is off by default.",
        example="F.feature_alpha_dropout(x, 0.2, training=self.training)",
    ),
)
