"""Pairs of torch/nn/modules/loss.py with an input and a target; the others are in embedding_loss.py.

A weight would become a buffer of the module class, and so a new state_dict key: it is ``state``.
"""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling, Weights

_TWO = ("input", "target")
_LEGACY = "size_average=None, reduce=None, reduction='mean'"

PAIRS = (
    Pair(
        module="L1Loss",
        constructor=_LEGACY,
        family="loss",
        spellings=(Spelling("torch.nn.functional.l1_loss", f"input, target, {_LEGACY}, weight=None"),),
        inputs=_TWO,
        state=("weight",),
        doc="nn.L1Loss has no weight: a call that gives one is left.",
        example="F.l1_loss(x, y)",
    ),
    Pair(
        module="MSELoss",
        constructor=_LEGACY,
        family="loss",
        spellings=(Spelling("torch.nn.functional.mse_loss", f"input, target, {_LEGACY}, weight=None"),),
        inputs=_TWO,
        state=("weight",),
        doc="nn.MSELoss has no weight: a call that gives one is left.",
        example="F.mse_loss(x, y, reduction='sum')",
    ),
    Pair(
        module="SmoothL1Loss",
        constructor=f"{_LEGACY}, beta=1.0",
        family="loss",
        spellings=(Spelling("torch.nn.functional.smooth_l1_loss", f"input, target, {_LEGACY}, beta=1.0"),),
        inputs=_TWO,
        doc="reduction and beta move to the constructor.",
        example="F.smooth_l1_loss(x, y, beta=0.5)",
    ),
    Pair(
        module="HuberLoss",
        constructor="reduction='mean', delta=1.0",
        family="loss",
        spellings=(
            Spelling("torch.nn.functional.huber_loss", "input, target, reduction='mean', delta=1.0, weight=None"),
        ),
        inputs=_TWO,
        state=("weight",),
        checks={"delta": "number"},
        doc="nn.HuberLoss has no weight: a call that gives one is left.",
        example="F.huber_loss(x, y, delta=0.5)",
    ),
    Pair(
        module="NLLLoss",
        constructor="weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean'",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.nll_loss",
                "input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean'",
            ),
        ),
        inputs=_TWO,
        state=("weight",),
        weights=Weights(buffers=("weight",)),
        doc="Class weights, which nn.NLLLoss keeps as a buffer, move with --parameters only.",
        example="F.nll_loss(x, y, ignore_index=-1)",
    ),
    Pair(
        module="CrossEntropyLoss",
        constructor=(
            "weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean', label_smoothing=0.0"
        ),
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.cross_entropy",
                "input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, "
                "reduction='mean', label_smoothing=0.0",
            ),
        ),
        inputs=_TWO,
        state=("weight",),
        weights=Weights(buffers=("weight",)),
        doc="Class weights, which nn.CrossEntropyLoss keeps as a buffer, move with --parameters only.",
        example="F.cross_entropy(x, y, label_smoothing=0.1)",
    ),
    Pair(
        module="BCELoss",
        constructor=f"weight=None, {_LEGACY}",
        family="loss",
        spellings=(Spelling("torch.nn.functional.binary_cross_entropy", f"input, target, weight=None, {_LEGACY}"),),
        inputs=_TWO,
        state=("weight",),
        weights=Weights(buffers=("weight",)),
        doc="A weight, which nn.BCELoss keeps as a buffer, moves with --parameters only.",
        example="F.binary_cross_entropy(x, y)",
    ),
    Pair(
        module="BCEWithLogitsLoss",
        constructor=f"weight=None, {_LEGACY}, pos_weight=None",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.binary_cross_entropy_with_logits",
                f"input, target, weight=None, {_LEGACY}, pos_weight=None",
            ),
        ),
        inputs=_TWO,
        state=("weight", "pos_weight"),
        weights=Weights(buffers=("weight", "pos_weight")),
        doc="weight and pos_weight, which nn.BCEWithLogitsLoss keeps as buffers, move with --parameters only.",
        example="F.binary_cross_entropy_with_logits(x, y)",
    ),
    Pair(
        module="KLDivLoss",
        constructor=f"{_LEGACY}, log_target=False",
        family="loss",
        spellings=(Spelling("torch.nn.functional.kl_div", f"input, target, {_LEGACY}, log_target=False"),),
        inputs=_TWO,
        # Beside reduction='batchmean' the functional still divides by the batch size, the module does not.
        not_carried=("size_average", "reduce"),
        doc="A call that gives the legacy size_average or reduce is left: nn.KLDivLoss takes them otherwise.",
        example="F.kl_div(x, y, reduction='batchmean')",
    ),
    Pair(
        module="PoissonNLLLoss",
        constructor=("log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, reduction='mean'"),
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.poisson_nll_loss",
                "input, target, log_input=True, full=False, size_average=None, eps=1e-08, reduce=None, "
                "reduction='mean'",
            ),
        ),
        inputs=_TWO,
        forward=("log_input", "target"),
        doc="The module's forward calls its first tensor log_input, the name of a setting of the functional.",
        example="F.poisson_nll_loss(x, y, full=True)",
    ),
    Pair(
        module="GaussianNLLLoss",
        constructor="*, full=False, eps=1e-06, reduction='mean'",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.gaussian_nll_loss",
                "input, target, var, full=False, eps=1e-06, reduction='mean'",
            ),
        ),
        inputs=("input", "target", "var"),
        doc="var stays at the call; the constructor takes its settings by keyword only.",
        example="F.gaussian_nll_loss(x, y, var, full=True)",
    ),
    Pair(
        module="CTCLoss",
        constructor="blank=0, reduction='mean', zero_infinity=False",
        family="loss",
        spellings=(
            Spelling(
                "torch.nn.functional.ctc_loss",
                "log_probs, targets, input_lengths, target_lengths, blank=0, reduction='mean', zero_infinity=False",
            ),
        ),
        inputs=("log_probs", "targets", "input_lengths", "target_lengths"),
        doc="All four tensors stay at the call.",
        example="F.ctc_loss(x, y, input_lengths, target_lengths, zero_infinity=True)",
    ),
)
