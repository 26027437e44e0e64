"""Cases of the losses."""

from __future__ import annotations

from collections.abc import Mapping

from .case import Case, calls

_F = "torch.nn.functional"
_REAL = {"x": "torch.randn(4, 3)", "y": "torch.randn(4, 3)"}
_COUNTS = {"x": "torch.randn(4, 3)", "y": "torch.arange(12.0).reshape(4, 3)"}
_PROBABILITIES = {"x": "torch.rand(4, 3)", "y": "torch.rand(4, 3)"}
_LOGS = {"x": "torch.randn(4, 3).log_softmax(1)", "y": "torch.rand(4, 3)"}
_CLASSES = {"x": "torch.randn(4, 3).log_softmax(1)", "target": "torch.tensor([0, 2, 1, 2])"}
_SIGNS = "torch.tensor([1.0, -1.0, -1.0, 1.0])"
_SIGNED = {"x": "torch.randn(4, 3)", "target": "torch.randn(4, 3).sign()"}
_LABELS = {"x": "torch.randn(2, 4)", "target": "torch.tensor([[3, 0, -1, 1], [1, -1, 0, 2]])"}
_PAIR = {"x": "torch.randn(4, 3)", "y": "torch.randn(4, 3)", "target": _SIGNS}
_RANKED = {"x": "torch.randn(4)", "y": "torch.randn(4)", "target": _SIGNS}
_TRIPLET = dict.fromkeys("xyz", "torch.randn(4, 3)")
_CTC = {
    "x": "torch.randn(10, 2, 5).log_softmax(2)",
    "target": "torch.randint(1, 5, (2, 4))",
    "lengths": "torch.tensor([10, 8])",
    "target_lengths": "torch.tensor([4, 3])",
}


def _loss(name: str, inputs: Mapping[str, str], start: str, *arguments: str) -> tuple[Case, ...]:
    """Cases with each reduction, the legacy flags and further settings; ``start`` holds the inputs."""
    settings = ("", "reduction='sum'", "reduction='none'", *arguments)
    return tuple(calls(f"{_F}.{name}", inputs, *(f"{start}, {s}" if s else start for s in settings)))


_LEGACY = ("size_average=False", "reduce=False", "size_average=None, reduce=None, reduction='mean'")

CASES: tuple[Case, ...] = (
    *_loss("l1_loss", _REAL, "x, y", *_LEGACY, "None, None, 'sum'"),
    *_loss("mse_loss", _REAL, "x, y", *_LEGACY, "None, None, 'sum'"),
    *_loss("smooth_l1_loss", _REAL, "x, y", *_LEGACY, "beta=0.3", "beta=0.0", "None, None, 'sum', 0.3"),
    *_loss("huber_loss", _REAL, "x, y", "delta=0.3", "delta=2", "'none', 0.3"),
    *_loss("nll_loss", _CLASSES, "x, target", *_LEGACY, "ignore_index=2", "None, None, 2, None, 'sum'"),
    *_loss(
        "cross_entropy",
        _CLASSES,
        "x, target",
        *_LEGACY,
        "ignore_index=2, label_smoothing=0.2",
        "None, None, 2, None, 'sum', 0.2",
    ),
    *_loss("binary_cross_entropy", _PROBABILITIES, "x, y", *_LEGACY, "None, None, None, 'sum'"),
    *_loss(
        "binary_cross_entropy_with_logits",
        {"x": "torch.randn(4, 3)", "y": "torch.rand(4, 3)"},
        "x, y",
        *_LEGACY,
        "pos_weight=None",
        "None, None, None, 'sum'",
    ),
    *_loss("kl_div", _LOGS, "x, y", "reduction='batchmean'", "log_target=True", "None, None, 'batchmean', True"),
    *_loss(
        "poisson_nll_loss",
        _COUNTS,
        "x, y",
        *_LEGACY,
        "log_input=False, eps=20.5",
        "full=True",
        "True, True, None, 1e-6, None, 'sum'",
    ),
    *_loss(
        "gaussian_nll_loss",
        {"x": "torch.randn(4, 3)", "y": "torch.randn(4, 3)", "var": "torch.rand(4, 3)"},
        "x, y, var",
        "full=True",
        "eps=0.5",
        "True, 0.5, 'sum'",
    ),
    *_loss(
        "ctc_loss",
        _CTC,
        "x, target, lengths, target_lengths",
        "blank=4, zero_infinity=True",
        "0, 'sum', False",
        "2, 'sum', True",
    ),
    *calls(
        f"{_F}.ctc_loss",
        {**_CTC, "target_lengths": "torch.tensor([4, 3])", "lengths": "torch.tensor([2, 8])"},
        "x, target, lengths, target_lengths",
        "x, target, lengths, target_lengths, zero_infinity=True",
    ),
    *_loss("hinge_embedding_loss", _SIGNED, "x, target", *_LEGACY, "margin=0.3", "0.3, None, None, 'sum'"),
    *_loss("soft_margin_loss", _SIGNED, "x, target", *_LEGACY, "None, None, 'sum'"),
    *_loss(
        "multi_margin_loss",
        _CLASSES,
        "x, target",
        *_LEGACY,
        "p=2, margin=0.3",
        "2, 0.3, None, None, None, 'sum'",
    ),
    *_loss("multilabel_margin_loss", _LABELS, "x, target", *_LEGACY, "None, None, 'sum'"),
    *_loss(
        "multilabel_soft_margin_loss",
        _PROBABILITIES,
        "x, y",
        *_LEGACY,
        "weight=None",
        "None, None, None, 'sum'",
    ),
    *_loss("cosine_embedding_loss", _PAIR, "x, y, target", *_LEGACY, "margin=-0.9", "-0.9, None, None, 'sum'"),
    *_loss("margin_ranking_loss", _RANKED, "x, y, target", *_LEGACY, "margin=0.4", "0.4, None, None, 'sum'"),
    *_loss(
        "triplet_margin_loss",
        _TRIPLET,
        "x, y, z",
        *_LEGACY,
        "margin=3, swap=True",
        "margin=5, p=1, eps=0.1",
        "5.0, 3, 0.1, True, None, None, 'sum'",
    ),
    *_loss(
        "triplet_margin_with_distance_loss",
        _TRIPLET,
        "x, y, z",
        "margin=5, swap=True",
        "distance_function=None",
    ),
)
