"""Cases of padding, normalization, folding, flattening, shuffling, upsampling and distances."""

from __future__ import annotations

from .case import Case, calls

_F = "torch.nn.functional"
_LINE, _IMAGE, _VOLUME = "torch.randn(2, 3, 6)", "torch.randn(2, 4, 6, 5)", "torch.randn(2, 3, 4, 5, 6)"

PADDING: tuple[Case, ...] = (
    *calls(
        f"{_F}.pad",
        _LINE,
        "x, (1, 2)",
        "x, [1, 2], value=2",
        "x, (2, 0), value=None",
        "x, (1, -1), 'constant', 0.5",
    ),
    *calls(f"{_F}.pad", _IMAGE, "x, (1, 2, 0, 3)", "x, pad=(1, 0, 2, 1), mode='constant', value=-1.5"),
    *calls(f"{_F}.pad", _VOLUME, "x, (1, 2, 0, 3, 1, 1)", "x, [1, 2, 0, 3, 1, 1], 'constant', 0"),
    *calls(f"{_F}.pad", "torch.arange(12).reshape(3, 4)", "x, (1, 2)", "x, (1, 2, 1, 0), value=7"),
    *(
        case
        for mode in ("reflect", "replicate", "circular")
        for case in (
            *calls(f"{_F}.pad", _LINE, f"x, (1, 2), '{mode}'", f"x, [2, 1], mode='{mode}'"),
            *calls(f"{_F}.pad", _IMAGE, f"x, (1, 2, 0, 3), mode='{mode}'", f"x, pad=[2, 1, 1, 0], mode='{mode}'"),
            *calls(f"{_F}.pad", _VOLUME, f"x, (1, 2, 0, 3, 1, 1), '{mode}'"),
        )
    ),
)

NORMALIZATION: tuple[Case, ...] = (
    *calls(
        f"{_F}.local_response_norm",
        _IMAGE,
        "x, 2",
        "x, size=3, k=2.0",
        "x, 3, 0.5, 0.6, 2",
        "x, 3, alpha=0.5, beta=0.6, k=2",
    ),
    *(
        case
        for name in (f"{_F}.layer_norm", "torch.layer_norm")
        for case in calls(
            name, _IMAGE, "x, (5,)", "x, normalized_shape=[6, 5], weight=None", "x, (5,), None, None, 0.5"
        )
    ),
    *(
        case
        for name in (f"{_F}.rms_norm", "torch.rms_norm")
        for case in calls(name, _IMAGE, "x, (5,)", "x, [6, 5], eps=0.5", "x, (5,), None, 0.5")
    ),
)

FOLDING: tuple[Case, ...] = (
    *calls(
        f"{_F}.fold",
        "torch.randn(2, 12, 12)",
        "x, (4, 5), 2",
        "x, (4, 5), kernel_size=(2, 2), stride=1",
        "x, (6, 8), 2, 1, 0, 2",
        "x, output_size=(3, 7), kernel_size=2, dilation=3, padding=(1, 1)",
        "x, (9, 4), 2, 3, 1, (2, 1)",
    ),
    *calls(
        f"{_F}.unfold",
        _IMAGE,
        "x, 2",
        "x, kernel_size=(2, 3), stride=2",
        "x, 2, 2, 1, 2",
        "x, 2, dilation=2, padding=1, stride=2",
    ),
    *calls("torch.flatten", _IMAGE, "x", "x, 1", "x, start_dim=2", "x, end_dim=1", "x, 1, 2"),
    *calls("torch.Tensor.flatten", _IMAGE, "", "1", "end_dim=-2", "start_dim=1, end_dim=2", "1, 2"),
    *calls("torch.unflatten", _IMAGE, "x, 1, (2, 2)", "x, dim=2, sizes=[3, -1]", "x, -2, (2, 3)"),
    *calls("torch.Tensor.unflatten", _IMAGE, "1, (2, 2)", "dim=2, sizes=[3, -1]", "-2, (2, 3)"),
    *(
        case
        for where in (_F, "torch")
        for case in (
            *calls(f"{where}.pixel_shuffle", _IMAGE, "x, upscale_factor=2", "x, 2"),
            *calls(f"{where}.pixel_unshuffle", "torch.randn(2, 3, 4, 6)", "x, downscale_factor=2", "x, 2"),
            *calls(f"{where}.channel_shuffle", _IMAGE, "x, groups=2", "x, 2"),
        )
    ),
)

UPSAMPLING: tuple[Case, ...] = (
    *calls(
        f"{_F}.interpolate",
        _IMAGE,
        "x, 9",
        "x, (9, 7)",
        "x, scale_factor=2",
        "x, scale_factor=(1.5, 2), mode='nearest-exact'",
        "x, scale_factor=1.7, mode='bilinear', align_corners=False, recompute_scale_factor=True",
        "x, (9, 7), None, 'bicubic', True, None, False",
        "x, size=[3, 4], mode='area', antialias=False",
        "x, None, 1.7, 'bilinear', True",
    ),
    *calls(
        f"{_F}.interpolate",
        _LINE,
        "x, scale_factor=3, mode='linear'",
        "x, 11, mode='linear', align_corners=True",
    ),
    *calls(f"{_F}.interpolate", _VOLUME, "x, scale_factor=0.5", "x, (3, 4, 5), mode='trilinear'"),
    *calls(
        f"{_F}.upsample",
        _IMAGE,
        "x, scale_factor=2",
        "x, (9, 7), mode='bilinear'",
        "x, 9, None, 'bilinear', True",
    ),
    *(
        case
        for name in ("upsample_nearest", "upsample_bilinear")
        for case in calls(f"{_F}.{name}", _IMAGE, "x, 9", "x, scale_factor=2", "x, None, (1.5, 2)")
    ),
)

_TWO = {"x": "torch.randn(4, 5, 3)", "y": "torch.randn(4, 5, 3)"}

DISTANCES: tuple[Case, ...] = tuple(
    case
    for where in (_F, "torch")
    for case in (
        *calls(
            f"{where}.cosine_similarity",
            _TWO,
            "x, y",
            "x, x2=y, dim=-1",
            "x, y, dim=0, eps=9.5",
            "x, y, 2, 9",
        ),
        *calls(
            f"{where}.pairwise_distance",
            _TWO,
            "x, y",
            "x, y, p=1",
            "x, y, keepdim=True",
            "x, y, 3, 0.5, True",
        ),
    )
)

CASES = (*PADDING, *NORMALIZATION, *FOLDING, *UPSAMPLING, *DISTANCES)
