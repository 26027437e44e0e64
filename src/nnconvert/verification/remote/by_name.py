"""Texts of constructor arguments, by the names that the field uses and by annotations."""

from __future__ import annotations

import inspect
import re
from typing import Any

from torch import nn

from .configs import NAMED as CONFIGURATION

NAMED = (
    (r"(n|num|nb|number_of)?_?(out_)?(class(es)?|labels|nclass)", "10"),
    (r"(n|num)_?(attn_|attention_)?heads?|heads?|nhead", "4"),
    (r"head_(dim|size)|dim_head|d_head", "8"),
    (r"kernel(_size)?|ksize|ks|k|kernel_sizes?", "3"),
    (r"strides?|dilations?|groups?|(n|num)_groups|cardinality", "1"),
    (r"pad(ding)?(_size)?", "1"),
    (r".*(drop|prob).*|p|rate", "0.1"),
    (r"(input_)?(img|image|input|in)_?(size|res|resolution)|resolution|sample_size", "32"),
    (r"(patch|window|block|pool)_?size|ws|window", "4"),
    (r"depths|num_blocks|layers|blocks|num_layers_list", "[2, 2, 2, 2]"),
    (r"(n|num)_(.*_)?(layers?|blocks?|stages?|convs?|repeats?)|(.*_)?depth|nlayers|n_?layers?|n|num", "2"),
    (r"(n_?)?vocab(_size)?|num_(embeddings|tokens)|ntokens?|num_nodes|num_items", "50"),
    (r"(max_)?(seq(uence)?_?)?len(gth)?|max_position_embeddings|context_length|block_size", "16"),
    (r".*(ratio|expansion|expand|mult|multiplier).*", "2"),
    (r"reduction|r|squeeze_factor|reduction_ratio", "4"),
    (r"(up)?scale(_factor)?|factor|upsample|downsample_factor", "2"),
    (r"eps(ilon)?", "1e-5"),
    (r"(.*_)?(alpha|beta|gamma|temperature|tau|margin|lambd?a?|momentum|threshold|slope|sigma|smooth)", "0.5"),
    (r"edge_index", "torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])"),
    (r".*_per_(layer|block|stage|level|depth)", "(16, 8)"),
    (r"(max|min)_(val|value|pixel_val|range)|mean|std|.*weight|scale_.*|.*_scale", "1.0"),
    (r".*bits", "3"),
    (r"layer_(idx|index|id|num)|block_(idx|index)", "0"),
    (r".*_idx?", "1"),
    (r"norm(_layer|_class)?", "nn.BatchNorm2d"),
    (r"act(_layer|_fn|ivation)?|activation.*|nonlinearity|non_linearity", "nn.ReLU"),
    (r"bias|use_.*|with_.*|is_.*|has_.*|affine|inplace", "True"),
    (r"downsample|pretrained|(.*_)?mask", "None"),
    (r"normalized_shape", "16"),
    (r"fn|module|layer|base|backbone|net|model|encoder|decoder", "nn.Identity()"),
    (r"dims?_list|channels_list|(hidden|block)_(dims|sizes)|channels_per_.*", "[16, 32, 64]"),
)
DIMENSIONS = re.compile(r"spatial_(n?dims?|ndim)|ndims?|n_dims?|dimensions?")
"""Names of parameters that say whether images or volumes come."""
ALTERNATIVES = {
    "nn.ReLU": ("nn.ReLU()", "'relu'"),
    "[2, 2, 2, 2]": ("2",),
    "3": ("1",),
    "10": ("3",),
    "2": ("(2, 2)",),
    "nn.Identity()": ("nn.Embedding(50, 16)",),
}
OUT = re.compile(r"^(?!in).*planes$|out|oup|filters$|^c2$|_o$|bottleneck|mid|to_")
SIZED = re.compile(
    r"channel|plane|dim|feature|size|width|hidden|embed|chan|filter|units|nodes|^ch|_ch|_in$|_out$"
    r"|^d_|^n_|^num_|^(c|c1|c2|d|in|inp|oup|out)$|^n(in|out|f|z|c|gf|df)$"
)
"""Names of parameters that count features."""
ANNOTATED = (
    (r"bool", "True"),
    (r"float", "0.5"),
    (r"([tT]uple|[lL]ist|[sS]equence)\[int", "(4, 4)"),
    (r"int", "{size}"),
    (r"(typing\.)?([tT]ype)\[", "nn.Identity"),
    (r"(nn\.)?Module", "nn.Identity()"),
    (r"(typing\.|collections\.abc\.)?Callable", "lambda x, *args, **kwargs: x"),
)


def guess_by_name(
    parameter: inspect.Parameter, inner: int, outer: int, variant: int, module_globals: dict[str, Any]
) -> str | None:
    """The text that a parameter's name and annotation suggest; None where they say nothing."""
    name = parameter.name.lower()
    annotation = "" if parameter.annotation is parameter.empty else _annotation_text(parameter.annotation)
    if CONFIGURATION.fullmatch(name):
        return "guessed_config()"
    if re.fullmatch(r"block|block_type|block_class", name):
        found = [n for n, v in module_globals.items() if _is_block(v)]
        return found[min(variant, len(found) - 1)] if found else None
    if DIMENSIONS.fullmatch(name) and annotation in ("", "int"):
        return by_dimensions(variant)
    for pattern, text in NAMED:
        if re.fullmatch(pattern, name) and _fits(text, annotation):
            if variant and re.fullmatch(r"(?!n_|num_).*s", name) and text.isdigit():
                return f"[{text}, {text}]"
            choices = (text, *ALTERNATIVES.get(text, ()))
            return _as_many(choices[min(variant, len(choices) - 1)], annotation)
    for pattern, text in ANNOTATED:
        if re.match(pattern, annotation):
            return text.format(size=outer if OUT.search(name) else inner)
    if SIZED.search(name):
        return str(outer if OUT.search(name) else inner)
    return "None" if "Optional" in str(parameter.annotation) or "None" in str(parameter.annotation) else None


def by_dimensions(variant: int) -> str:
    return "23"[variant % 2]


def _as_many(text: str, annotation: str) -> str:
    """A number as often as the annotation says: ``(3, 3)`` for ``tuple[int, int]``."""
    several = re.match(r"(?:[tT]uple|[lL]ist|[sS]equence)\[(int.*)", annotation)
    if not several or not text.isdigit():
        return text
    return f"({', '.join([text] * max(several[1].count('int'), 2))})"


def _annotation_text(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return re.sub(r"^typing\.|Optional\[|Union\[|\]$", "", text if "[" not in str(annotation) else str(annotation))


def _fits(text: str, annotation: str) -> bool:
    """A name must not suggest what the annotation excludes (``p: int``)."""
    if annotation == "int":
        return text.lstrip("-").isdigit()
    if annotation == "str":
        return text.startswith("'")
    return not (annotation == "bool" and text not in ("True", "False"))


def _is_block(value: object) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, nn.Module)
        and re.search(r"Block|Bottleneck|Layer", value.__name__) is not None
        and hasattr(value, "forward")
    )
