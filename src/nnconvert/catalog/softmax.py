"""Pairs of the softmax classes in torch/nn/modules/activation.py."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

_SOFTMAX = Spelling("torch.nn.functional.softmax", "input, dim=None, _stacklevel=3, dtype=None")

PAIRS = (
    Pair(
        module="Softmax",
        constructor="dim=None",
        family="activation",
        spellings=(
            _SOFTMAX,
            Spelling("torch.softmax", "input, dim, dtype=None, *, out=None"),
            Spelling("torch.Tensor.softmax", "dim, dtype=None"),
        ),
        doc="nn.Softmax has no dtype: a call that gives one is left.",
        example="F.softmax(x, dim=-1)",
    ),
    Pair(
        module="LogSoftmax",
        constructor="dim=None",
        family="activation",
        spellings=(
            Spelling("torch.nn.functional.log_softmax", "input, dim=None, _stacklevel=3, dtype=None"),
            Spelling("torch.log_softmax", "input, dim, dtype=None, *, out=None"),
            Spelling("torch.Tensor.log_softmax", "dim, dtype=None"),
        ),
        doc="nn.LogSoftmax has no dtype: a call that gives one is left.",
        example="F.log_softmax(x, dim=1)",
    ),
    Pair(
        module="Softmin",
        constructor="dim=None",
        family="activation",
        spellings=(Spelling("torch.nn.functional.softmin", "input, dim=None, _stacklevel=3, dtype=None"),),
        doc="nn.Softmin has no dtype: a call that gives one is left.",
        example="F.softmin(x, dim=1)",
    ),
    Pair(
        module="Softmax2d",
        constructor="",
        family="activation",
        spellings=(_SOFTMAX,),
        back_given={"dim": "-3"},
        back_only=True,
        doc="F.softmax(x, dim=-3) itself becomes nn.Softmax(dim=-3), which takes tensors of any rank.",
        example="F.softmax(x, dim=-3)",
    ),
)
