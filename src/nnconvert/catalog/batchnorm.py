"""Pairs of torch/nn/modules/batchnorm.py and instancenorm.py, and nn.GroupNorm."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Size, Spelling, Weights

_AFFINE = ("weight", "bias")
_STATISTICS = ("running_mean", "running_var")
_INITIAL = {"weight": "ones", "bias": "zeros"}
_RANKS = {1: (2, 3), 2: (4,), 3: (5,)}
_INSTANCE_RANKS = {1: (3,), 2: (4,), 3: (5,)}


def _normalising(rank: tuple[int, ...]) -> Weights:
    return Weights(
        parameters=_AFFINE,
        buffers=_STATISTICS,
        sizes={"num_features": Size(0)},
        shaped_by=("weight", "running_mean"),
        flags={"weight": "affine", "running_mean": "track_running_stats"},
        together=(_AFFINE, _STATISTICS),
        initial={**_INITIAL, "running_mean": "zeros", "running_var": "ones"},
        counter="num_batches_tracked",
        rank=rank,
    )


_BATCH_NORMS = tuple(
    Pair(
        module=f"BatchNorm{n}d",
        constructor="num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True",
        family="batchnorm",
        spellings=(
            Spelling(
                "torch.nn.functional.batch_norm",
                "input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05",
            ),
        ),
        training="training",
        state=(*_STATISTICS, *_AFFINE),
        weights=_normalising(rank),
        doc=(
            "Parameters and running statistics move into the module, which also counts its batches: "
            "num_batches_tracked is a new key. How many dimensions the input has tells which class it is."
        ),
        example="F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training)",
    )
    for n, rank in _RANKS.items()
)

_INSTANCE_NORMS = tuple(
    Pair(
        module=f"InstanceNorm{n}d",
        constructor="num_features, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False",
        family="batchnorm",
        spellings=(
            Spelling(
                "torch.nn.functional.instance_norm",
                "input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, "
                "momentum=0.1, eps=1e-05",
            ),
        ),
        training="use_input_stats",
        state=(*_STATISTICS, *_AFFINE),
        weights=_normalising(rank),
        doc=(
            "Parameters and running statistics move into the module; the counter of its batches is a new key where "
            "there are statistics. How many dimensions the input has tells which class it is."
        ),
        example="F.instance_norm(x, weight=self.weight, bias=self.bias)",
    )
    for n, rank in _INSTANCE_RANKS.items()
)

PAIRS = (
    *_BATCH_NORMS,
    *_INSTANCE_NORMS,
    Pair(
        module="GroupNorm",
        constructor="num_groups, num_channels, eps=1e-05, affine=True",
        family="normalization",
        spellings=(
            Spelling("torch.nn.functional.group_norm", "input, num_groups, weight=None, bias=None, eps=1e-05"),
            Spelling("torch.group_norm", "input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True"),
        ),
        state=_AFFINE,
        weights=Weights(
            parameters=_AFFINE,
            sizes={"num_channels": Size(0)},
            flags={"weight": "affine"},
            together=(_AFFINE,),
            initial=_INITIAL,
        ),
        doc="The parameters move into the module; the number of channels is read from the shape of the weight.",
        example="F.group_norm(x, 8, self.weight, self.bias)",
    ),
)
