"""Cases of the way back for padding, normalization, folding, flattening, shuffling, upsampling and distances."""

from __future__ import annotations

from .back_case import NO_SITE, BackCase, modules

_LINE, _IMAGE, _VOLUME = "torch.randn(2, 3, 6)", "torch.randn(2, 4, 6, 5)", "torch.randn(2, 3, 4, 5, 6)"

_DIMENSIONS = {
    1: (_LINE, "(1, 2)", "[2, 1]"),
    2: (_IMAGE, "(1, 2, 0, 3)", "[2, 1, 1, 0]"),
    3: (_VOLUME, "(1, 2, 0, 3, 1, 1)", "[2, 1, 1, 0, 1, 2]"),
}

PADDING: tuple[BackCase, ...] = tuple(
    case
    for n, (x, pairs, numbers) in _DIMENSIONS.items()
    for case in (
        *(
            case
            for prefix in ("Zero", "Reflection", "Replication", "Circular")
            for settings in (("1", numbers, f"padding={pairs}"), (pairs, "padding=1"))
            for case in modules(f"{prefix}Pad{n}d", x, *settings)
        ),
        *modules(f"ConstantPad{n}d", x, "1, 0", f"{numbers}, 2", "padding=2, value=-1.5", f"{pairs}, 0.5"),
        *modules(f"ConstantPad{n}d", x, f"{pairs}, value=3", "2, 3"),
    )
)

NORMALIZATION: tuple[BackCase, ...] = (
    *modules("LocalResponseNorm", _IMAGE, "2", "size=3, k=2.0", "3, alpha=0.5", "3, beta=0.6", "3, 0.5, 0.6, 2"),
    *modules(
        "LayerNorm",
        _IMAGE,
        "5, elementwise_affine=False",
        "[6, 5], 0.5, False",
        "normalized_shape=(5,), elementwise_affine=False",
        "5, elementwise_affine=False, bias=False",
        "(6, 5), 0.5, False, True",
    ),
    BackCase("LayerNorm", "5, elementwise_affine=False", "x", {"x": _IMAGE}, NO_SITE, ("elementwise_affine",)),
    BackCase("LayerNorm", "5, elementwise_affine=False, bias=True", "x", {"x": _IMAGE}, from_init=("bias",)),
    *modules("LayerNorm", _IMAGE, "torch.Size([6, 5]), elementwise_affine=False", left="NNC207"),
    *modules("LayerNorm", _IMAGE, "5, 0.5, False"),
    *modules("LayerNorm", _IMAGE, "5", "[6, 5], 0.5", "5, bias=False", "(5,), 0.5, True", left=NO_SITE),
    *modules(
        "RMSNorm",
        _IMAGE,
        "5, elementwise_affine=False",
        "[6, 5], None, False",
        "normalized_shape=(5,), elementwise_affine=False",
        "(6, 5), 0.5, False",
    ),
    *modules("RMSNorm", _IMAGE, "5, 0.5, False"),
    *modules("RMSNorm", _IMAGE, "5", "[6, 5], 0.5", "(5,), 0.5, True", left=NO_SITE),
)

FOLDING: tuple[BackCase, ...] = (
    *modules(
        "Fold",
        "torch.randn(2, 12, 12)",
        "(4, 5), 2",
        "(4, 5), kernel_size=(2, 2), stride=1",
        "output_size=(3, 7), kernel_size=2, dilation=3, padding=(1, 1)",
        "(6, 8), 2, 1, 0, 2",
        "(9, 4), 2, 3, 1, (2, 1)",
    ),
    *modules("Fold", "torch.randn(2, 12, 9)", "4, 2"),
    *modules(
        "Unfold",
        _IMAGE,
        "2",
        "kernel_size=(2, 3), stride=2",
        "2, dilation=2",
        "2, 1, padding=1",
        "2, 2, 1, 2",
    ),
    *modules("Flatten", _IMAGE, "", "0", "start_dim=2", "end_dim=2", "1, -2", "2, 3"),
    *modules("Unflatten", _IMAGE, "1, (2, 2)", "dim=2, unflattened_size=[3, -1]", "-2, (2, 3)"),
    *modules("PixelShuffle", _IMAGE, "upscale_factor=2", "2"),
    *modules("PixelUnshuffle", "torch.randn(2, 3, 4, 6)", "downscale_factor=2", "2"),
    *modules("ChannelShuffle", _IMAGE, "groups=2", "2"),
)

UPSAMPLING: tuple[BackCase, ...] = (
    *modules(
        "Upsample",
        _IMAGE,
        "9",
        "(9, 7)",
        "scale_factor=2",
        "scale_factor=(1.5, 2), mode='nearest-exact'",
        "[3, 4], mode='area'",
        "(9, 7), None, 'bicubic', True",
        "None, 1.7, 'bilinear', align_corners=False",
        "scale_factor=1.7, mode='bilinear', align_corners=False, recompute_scale_factor=True",
        "None, 1.7, 'bilinear', True, True",
    ),
    *modules("Upsample", _IMAGE, "size=(9, 7), mode='bilinear'"),
    *modules("Upsample", _LINE, "scale_factor=3, mode='linear'", "11, mode='linear', align_corners=True"),
    *modules("Upsample", _LINE, "scale_factor=3, recompute_scale_factor=True"),
    *modules("Upsample", _VOLUME, "scale_factor=0.5", "(3, 4, 5), mode='trilinear'"),
    *(
        case
        for module in ("UpsamplingNearest2d", "UpsamplingBilinear2d")
        for settings in (("9", "size=(9, 7)"), ("scale_factor=2", "None, 1.5", "None, (1.5, 2)"))
        for case in modules(module, _IMAGE, *settings)
    ),
)

_TWO = {"x": "torch.randn(4, 5, 3)", "y": "torch.randn(4, 5, 3)"}

DISTANCES: tuple[BackCase, ...] = (
    *modules("CosineSimilarity", _TWO, "", "-1", "dim=0, eps=9.5", "2, 9"),
    *modules("PairwiseDistance", _TWO, "", "p=1", "keepdim=True", "1, eps=0.5", "3, 0.5, True"),
    BackCase("CosineSimilarity", "dim=-1", "x, x2=y", _TWO),
)

CASES = (*PADDING, *NORMALIZATION, *FOLDING, *UPSAMPLING, *DISTANCES)
