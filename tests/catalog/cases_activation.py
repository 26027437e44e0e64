"""Cases of the activation and dropout families."""

from __future__ import annotations

from .case import Case, calls

_X = "torch.randn(2, 4, 6) * 3"
_WIDE = "torch.randn(2, 4, 6) * 30"
_D = "torch.float64"

RECTIFIERS: tuple[Case, ...] = (
    *calls("torch.nn.functional.relu", _X, "x", "x, True", "x, inplace=False", "x, inplace=True"),
    *calls("torch.nn.functional.relu_", _X, "x"),
    *calls("torch.relu", _X, "x"),
    *calls("torch.relu_", _X, "x"),
    *calls("torch.Tensor.relu", _X, ""),
    *calls("torch.Tensor.relu_", _X, ""),
    *calls("torch.nn.functional.relu6", _WIDE, "x", "x, inplace=True", "x, True"),
    *calls(
        "torch.nn.functional.rrelu",
        _X,
        "x, training=self.training",
        "x, 0.1, 0.7, self.training, True",
        "x, lower=0.1, upper=0.7, training=self.training, inplace=False",
    ),
    *calls(
        "torch.nn.functional.rrelu_",
        _X,
        "x, training=self.training",
        "x, 0.1, upper=0.7, training=self.training",
    ),
    *calls("torch.rrelu", _X, "x, training=self.training", "x, 0.1, 0.7, self.training"),
    *calls("torch.rrelu_", _X, "x, training=self.training", "x, 0.1, 0.7, self.training"),
    *calls("torch.nn.functional.hardtanh", _X, "x", "x, -2, 2.5", "x, -0.5, max_val=0.25, inplace=True"),
    *calls("torch.nn.functional.hardtanh_", _X, "x", "x, max_val=3", "x, -0.5, 0.25"),
    *calls("torch.nn.functional.threshold", _X, "x, 0.1, 20", "x, 0.5, value=-1.5, inplace=True"),
    *calls("torch.nn.functional.threshold_", _X, "x, 0.1, 20", "x, 0.5, value=-1.5"),
    *calls("torch.threshold", _X, "x, 0.1, 20", "x, 0.5, value=-1.5"),
    *calls("torch.threshold_", _X, "x, 0.1, 20", "x, 0.5, value=-1.5"),
    *calls("torch.nn.functional.leaky_relu", _X, "x", "x, 0.2", "x, negative_slope=0.2, inplace=True"),
    *calls("torch.nn.functional.leaky_relu_", _X, "x", "x, 0.2"),
)

LINEAR_UNITS: tuple[Case, ...] = (
    *calls("torch.nn.functional.elu", _X, "x", "x, 0.5", "x, alpha=2, inplace=True", "x, 0.5, True"),
    *calls("torch.nn.functional.elu_", _X, "x", "x, 0.5, 1, 1", "x, alpha=0.5"),
    *calls("torch.nn.functional.celu", _X, "x", "x, 0.5", "x, alpha=2, inplace=True", "x, 0.5, True"),
    *calls("torch.nn.functional.celu_", _X, "x", "x, 0.5"),
    *calls("torch.celu", _X, "x", "x, alpha=0.5", "x, 0.5"),
    *calls("torch.celu_", _X, "x", "x, 0.5"),
    *calls("torch.nn.functional.selu", _X, "x", "x, inplace=False", "x, True"),
    *calls("torch.nn.functional.selu_", _X, "x"),
    *calls("torch.selu", _X, "x"),
    *calls("torch.selu_", _X, "x"),
    *calls("torch.nn.functional.glu", _X, "x", "x, 1", "x, dim=0"),
    *calls("torch.nn.functional.gelu", _X, "x", "x, approximate='none'", "x, approximate='tanh'"),
    *calls("torch.nn.functional.silu", _X, "x", "x, inplace=False", "x, True"),
    *calls("torch.nn.functional.mish", _X, "x", "x, inplace=False", "x, True"),
    *calls("torch.nn.functional.hardswish", _X, "x", "x, inplace=False", "x, True"),
    *calls("torch.nn.functional.hardsigmoid", _X, "x", "x, inplace=False", "x, True"),
)

SIGMOIDS: tuple[Case, ...] = (
    *calls("torch.nn.functional.sigmoid", _X, "x"),
    *calls("torch.sigmoid", _X, "x", "x, out=None"),
    *calls("torch.Tensor.sigmoid", _X, ""),
    *calls("torch.nn.functional.tanh", _X, "x"),
    *calls("torch.tanh", f"torch.randn(2, 4, 6, dtype={_D})", "x"),
    *calls("torch.Tensor.tanh", _X, ""),
    *calls("torch.nn.functional.logsigmoid", _X, "x"),
    *calls("torch.nn.functional.softplus", _X, "x", "x, 2", "x, beta=0.5, threshold=0.75", "x, 2, 1.5"),
    *calls("torch.nn.functional.softshrink", _X, "x", "x, lambd=0.3", "x, 1"),
    *calls("torch.nn.functional.hardshrink", _X, "x", "x, lambd=0.3", "x, 1"),
    *calls("torch.hardshrink", _X, "x", "x, 1"),
    *calls("torch.Tensor.hardshrink", _X, "", "lambd=0.3", "1"),
    *calls("torch.nn.functional.softsign", _X, "x"),
    *calls("torch.nn.functional.tanhshrink", _X, "x"),
)

SOFTMAXES: tuple[Case, ...] = tuple(
    case
    for name in ("softmax", "log_softmax", "softmin")
    for case in (
        *calls(f"torch.nn.functional.{name}", _X, "x", "x, 1", "x, dim=-1, dtype=None", "x, 0, 3, None"),
        *(
            ()
            if name == "softmin"
            else (
                *calls(f"torch.{name}", _X, "x, -1", "x, dim=1, dtype=None", "x, 0"),
                *calls(f"torch.Tensor.{name}", _X, "-1", "dim=1", "0, None"),
            )
        ),
    )
)

_CHANNELS = {
    "dropout": _X,
    "dropout1d": "torch.randn(4, 6, 3)",
    "dropout2d": "torch.randn(4, 6, 3, 3)",
    "dropout3d": "torch.randn(4, 6, 2, 3, 3)",
}

DROPOUTS: tuple[Case, ...] = (
    *(
        case
        for name, x in _CHANNELS.items()
        for case in calls(
            f"torch.nn.functional.{name}",
            x,
            "x, training=self.training",
            "x, 0.2, self.training",
            "x, p=0.7, training=self.training, inplace=False",
            "x, 0.7, self.training, True",
        )
    ),
    *(
        case
        for name in ("alpha_dropout", "feature_alpha_dropout")
        for case in calls(
            f"torch.nn.functional.{name}",
            "torch.randn(4, 6, 3)",
            "x, training=self.training",
            "x, 0.2, self.training, False",
            "x, 0.7, self.training",
        )
    ),
    *(
        case
        for name in ("dropout", "dropout_", "alpha_dropout", "feature_alpha_dropout")
        for case in calls(
            f"torch.{name}", "torch.randn(4, 6, 3)", "x, 0.2, self.training", "x, p=0.7, train=self.training"
        )
    ),
)

CASES = (*RECTIFIERS, *LINEAR_UNITS, *SIGMOIDS, *SOFTMAXES, *DROPOUTS)
