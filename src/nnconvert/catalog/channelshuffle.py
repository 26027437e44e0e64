"""Pairs of torch/nn/modules/channelshuffle.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

PAIRS = (
    Pair(
        module="ChannelShuffle",
        constructor="groups",
        family="channelshuffle",
        spellings=(
            Spelling("torch.nn.functional.channel_shuffle", "input, groups"),
            Spelling("torch.channel_shuffle", "input, groups"),
        ),
        doc="groups moves to the constructor.",
        example="F.channel_shuffle(x, 2)",
    ),
)
