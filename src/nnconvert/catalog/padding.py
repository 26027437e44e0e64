"""Pairs of torch/nn/modules/padding.py: one class for each mode of F.pad and number of padded dimensions."""

from __future__ import annotations

from nnconvert.catalog.model import Pair, Spelling

# None and 0 mean the same for F.pad's value.
_PAD = Spelling("torch.nn.functional.pad", "input, pad, mode='constant', value=0")

_PADDING = {1: "(1, 1)", 2: "(1, 1, 2, 2)", 3: "(1, 1, 2, 2, 3, 3)"}

PAIRS = (
    *(
        Pair(
            module=f"ZeroPad{n}d",
            constructor="padding",
            family="padding",
            spellings=(_PAD,),
            renames={"pad": "padding"},
            pad_mode="constant",
            pad_length=2 * n,
            spread={"padding": 2 * n},
            doc=f"The {2 * n} numbers of pad choose this class where no value is given.",
            example=f"F.pad(x, {_PADDING[n]})",
        )
        for n in (1, 2, 3)
    ),
    *(
        Pair(
            module=f"ConstantPad{n}d",
            constructor="padding, value",
            family="padding",
            spellings=(_PAD,),
            renames={"pad": "padding"},
            pad_mode="constant",
            pad_length=2 * n,
            spread={"padding": 2 * n},
            doc=f"pad with {2 * n} numbers chooses this class; without value it pads with 0, as ZeroPad{n}d.",
            example=f"F.pad(x, {_PADDING[n]})",
        )
        for n in (1, 2, 3)
    ),
    *(
        Pair(
            module=f"{prefix}Pad{n}d",
            constructor="padding",
            family="padding",
            spellings=(_PAD,),
            renames={"pad": "padding"},
            pad_mode=mode,
            back_given={"mode": f"'{mode}'"},
            pad_length=2 * n,
            spread={"padding": 2 * n},
            doc=f"pad with {2 * n} numbers and mode='{mode}' choose this class.",
            example=f"F.pad(x, {_PADDING[n]}, mode='{mode}')",
        )
        for mode, prefix in (
            ("reflect", "Reflection"),
            ("replicate", "Replication"),
            ("circular", "Circular"),
        )
        for n in (1, 2, 3)
    ),
)
