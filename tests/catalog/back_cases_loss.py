"""Cases of the way back for the losses. Their inputs are those of the functionals' cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nnconvert.catalog import by_module

from . import cases_loss
from .back_case import BackCase, modules

_LEGACY = ("size_average=False", "reduce=False", "size_average=None, reduce=None, reduction='sum'")


def _inputs(module: str) -> Mapping[str, str]:
    pair = by_module(module)
    assert pair is not None
    return next(case.inputs for case in cases_loss.CASES if case.spelling == pair.way_back.name)


def _loss(module: str, *settings: str) -> Iterator[BackCase]:
    """Cases with each reduction and further settings; the legacy flags once as parameters of ``__init__``."""
    inputs = _inputs(module)
    yield from modules(module, inputs, "", "reduction='sum'", "reduction='none'", "reduction='mean'", *settings)
    if "size_average=False" in settings:
        yield from modules(module, inputs, "reduce=True, size_average=False")


def _weighted(module: str, *names: str) -> Iterator[BackCase]:
    """A weight is a buffer of the module: only None converts."""
    inputs = _inputs(module)
    for name in names or ("weight",):
        yield from modules(module, inputs, f"{name}=None", f"reduction='sum', {name}=None")
        yield from modules(module, inputs, f"reduction='sum', {name}=torch.ones(3)", left="NNC406")
        yield BackCase(module, f"{name}=None", ", ".join(inputs), inputs, "NNC406", (name,))


CASES: tuple[BackCase, ...] = (
    *_loss("L1Loss", *_LEGACY, "None, None, 'sum'"),
    *_loss("MSELoss", *_LEGACY, "None, None, 'sum'"),
    *_loss("SmoothL1Loss", *_LEGACY, "beta=0.3", "beta=0.0", "None, None, 'sum', 0.3"),
    *_loss("HuberLoss", "delta=2", "'none', 0.3"),
    *_loss("NLLLoss", *_LEGACY, "ignore_index=2", "None, None, 2, None, 'sum'"),
    *_weighted("NLLLoss"),
    *_loss(
        "CrossEntropyLoss",
        *_LEGACY,
        "ignore_index=2",
        "ignore_index=2, label_smoothing=0.2",
        "None, None, 2, None, 'sum', 0.2",
    ),
    *_weighted("CrossEntropyLoss"),
    *_loss("BCELoss", *_LEGACY, "None, None, None, 'sum'"),
    *_weighted("BCELoss"),
    *_loss("BCEWithLogitsLoss", *_LEGACY, "None, None, None, 'sum', None"),
    *_weighted("BCEWithLogitsLoss", "weight", "pos_weight"),
    *_loss("KLDivLoss", "reduction='batchmean'", "log_target=True", "None, None, 'batchmean', True"),
    # Beside these flags the functional still looks at the reduction, the module does not.
    *modules("KLDivLoss", _inputs("KLDivLoss"), *_LEGACY[:2], "False, None, 'batchmean'", left="NNC202"),
    BackCase("KLDivLoss", "reduce=None", "x, y", _inputs("KLDivLoss"), "NNC202", ("reduce",)),
    *_loss(
        "PoissonNLLLoss",
        *_LEGACY,
        "log_input=False, eps=20.5",
        "full=True",
        "False, True, None, 1e-6, None, 'sum'",
    ),
    *_loss("GaussianNLLLoss", "full=True", "eps=0.5", "full=True, eps=0.5, reduction='sum'"),
    *_loss("CTCLoss", "blank=4, zero_infinity=True", "0, 'sum', False", "2, 'sum', True"),
    *modules(
        "CTCLoss",
        {**_inputs("CTCLoss"), "lengths": "torch.tensor([2, 8])"},
        "zero_infinity=True",
    ),
    *_loss("HingeEmbeddingLoss", *_LEGACY, "margin=0.3", "0.3, None, None, 'sum'"),
    *_loss("SoftMarginLoss", *_LEGACY, "None, None, 'sum'"),
    *_loss("MultiMarginLoss", *_LEGACY, "p=2, margin=0.3", "2, 0.3, None, None, None, 'sum'"),
    *_weighted("MultiMarginLoss"),
    *_loss("MultiLabelMarginLoss", *_LEGACY, "None, None, 'sum'"),
    *_loss("MultiLabelSoftMarginLoss", *_LEGACY, "None, None, None, 'sum'"),
    *_weighted("MultiLabelSoftMarginLoss"),
    *_loss("CosineEmbeddingLoss", *_LEGACY, "margin=-0.9", "-0.9, None, None, 'sum'"),
    *_loss("MarginRankingLoss", *_LEGACY, "margin=0.4", "0.4, None, None, 'sum'"),
    *_loss(
        "TripletMarginLoss",
        *_LEGACY,
        "margin=3, swap=True",
        "margin=5, p=1, eps=0.1",
        "5.0, 3, 0.1, True, None, None, 'sum'",
    ),
    *_loss(
        "TripletMarginWithDistanceLoss", "distance_function=None", "margin=5, swap=True", "margin=5, reduction='sum'"
    ),
    *modules(
        "TripletMarginWithDistanceLoss",
        _inputs("TripletMarginWithDistanceLoss"),
        "distance_function=nn.PairwiseDistance(2, 0.1)",
        left="NNC406",
    ),
)
