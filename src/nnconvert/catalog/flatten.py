"""Pairs of torch/nn/modules/flatten.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

PAIRS = (
    Pair(
        module="Flatten",
        constructor="start_dim=1, end_dim=-1",
        family="flatten",
        spellings=(
            Spelling("torch.flatten", "input, start_dim=0, end_dim=-1"),
            Spelling("torch.Tensor.flatten", "start_dim=0, end_dim=-1"),
        ),
        doc="torch.flatten starts at dimension 0 by default, nn.Flatten at 1: the start is written out.",
        example="torch.flatten(x, 1)",
    ),
    Pair(
        module="Unflatten",
        constructor="dim, unflattened_size",
        family="flatten",
        spellings=(
            Spelling("torch.unflatten", "input, dim, sizes"),
            Spelling("torch.Tensor.unflatten", "dim, sizes"),
        ),
        renames={"sizes": "unflattened_size"},
        checks={"unflattened_size": "tuple_of_ints"},
        doc="nn.Unflatten takes a tuple or list of ints and checks it when it is built.",
        example="torch.unflatten(x, 1, (2, 4))",
    ),
)
