"""Cases of the way back for the activation and dropout families."""

from __future__ import annotations

from .back_case import BackCase, modules

_X = "torch.randn(2, 4, 6) * 3"
_WIDE = "torch.randn(2, 4, 6) * 30"

RECTIFIERS: tuple[BackCase, ...] = (
    *(
        case
        for module in ("ReLU", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid")
        for case in modules(module, _X, "", "inplace=False", "True", "inplace=True")
    ),
    *modules("ReLU6", _WIDE, "", "True", "inplace=True"),
    *modules("RReLU", _X, "", "0.1", "lower=0.1, inplace=True", "0.1, upper=0.7, inplace=True", "0.1, 0.7, True"),
    *modules("Hardtanh", _X, "", "-2, 2.5", "min_val=-0.5", "-0.5, max_val=0.25, inplace=True", "-0.5, 0.25, True"),
    *modules("Hardtanh", _X, "min_value=-0.5", "-1, 1, False, None, 0.5", left="NNC202"),
    BackCase("Hardtanh", "min_value=None", "x", {"x": _X}, "NNC202", ("min_value",)),
    *modules("Hardtanh", _X, "-0.5, 0.25, True, None, None"),
    *modules("Threshold", _X, "0.1, 20", "threshold=0.5, value=-1.5", "0.5, -1.5, True"),
    *modules("LeakyReLU", _X, "", "0.2", "negative_slope=0.2", "0.2, inplace=True", "0.2, True"),
)

LINEAR_UNITS: tuple[BackCase, ...] = (
    *(
        case
        for module in ("ELU", "CELU")
        for case in modules(module, _X, "", "0.5", "alpha=2", "inplace=True", "alpha=2, inplace=True", "0.5, True")
    ),
    *modules("GLU", _X, "", "1", "dim=0"),
    *modules("GELU", _X, "", "'none'", "'tanh'", "approximate='tanh'"),
)

SIGMOIDS: tuple[BackCase, ...] = (
    *(
        case
        for module in ("Sigmoid", "Tanh", "LogSigmoid", "Softsign", "Tanhshrink")
        for case in modules(module, _X, "")
    ),
    *modules("Softplus", _X, "", "2", "beta=0.5, threshold=0.75", "2, threshold=1.5", "2, 1.5"),
    *(
        case
        for module in ("Softshrink", "Hardshrink")
        for case in modules(module, _X, "", "0.3", "lambd=1", "lambd=0.3")
    ),
)

SOFTMAXES: tuple[BackCase, ...] = (
    *(
        case
        for module in ("Softmax", "LogSoftmax", "Softmin")
        for case in modules(module, _X, "", "None", "1", "-1", "dim=0")
    ),
    *modules("Softmax2d", "torch.randn(2, 4, 3, 3)", ""),
    *modules("Softmax2d", "torch.randn(4, 3, 3)", ""),
)

DROPOUTS: tuple[BackCase, ...] = (
    *(
        case
        for module, x in {
            "Dropout": _X,
            "Dropout1d": "torch.randn(4, 6, 3)",
            "Dropout2d": "torch.randn(4, 6, 3, 3)",
            "Dropout3d": "torch.randn(4, 6, 2, 3, 3)",
        }.items()
        for case in modules(module, x, "", "0.2", "p=0.7", "inplace=True", "0", "0.7, inplace=False", "0.7, True")
    ),
    *(
        case
        for module in ("AlphaDropout", "FeatureAlphaDropout")
        for case in modules(module, "torch.randn(4, 6, 3)", "", "0.2", "p=0.7", "inplace=True", "0.7, True")
    ),
)

CASES = (*RECTIFIERS, *LINEAR_UNITS, *SIGMOIDS, *SOFTMAXES, *DROPOUTS)
