"""Guess constructor arguments from defaults, annotations and the names that the field uses."""

from __future__ import annotations

import enum
import inspect
import itertools
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from .meant import class_meant, literals_meant, qualified, spelled
from .wanted import classes_wanted

PLAIN = 3
"""Candidates before other choices are tried, and how many of these there are."""
CHOICES = 8
NESTED = 2
"""How deep arguments are built that are models themselves."""
SIZES = ((16, 16), (16, 32), (64, 64), (3, 16), (4, 4), (1, 1), (256, 256))
"""What "in" and "out" sizes are tried with, in turn."""

NAMED = (
    (r"(n|num|nb|number_of)?_?(out_)?(class(es)?|labels|nclass)", "10"),
    (r"(n|num)_?(attn_|attention_)?heads?|heads?|nhead", "4"),
    (r"head_(dim|size)|dim_head|d_head", "8"),
    (r"kernel(_size)?|ksize|ks|k|kernel_sizes?", "3"),
    (r"strides?|dilations?|groups?|(n|num)_groups|cardinality", "1"),
    (r"pad(ding)?(_size)?", "1"),
    (r".*(drop|prob).*|p|rate", "0.1"),
    (r"(img|image|input|in)_?(size|res|resolution)|resolution|sample_size", "32"),
    (r"(patch|window|block|pool)_?size|ws|window", "4"),
    (r"spatial_(n?dims?|ndim)|ndims?|n_dims?|dimensions?", "2"),
    (r"depths|num_blocks|layers|blocks|num_layers_list", "[2, 2, 2, 2]"),
    (r"(n|num)_(.*_)?(layers?|blocks?|stages?|convs?|repeats?)|(.*_)?depth|nlayers|n_?layers?|n|num", "2"),
    (r"(n_?)?vocab(_size)?|num_(embeddings|tokens)|ntokens?|num_nodes|num_items", "50"),
    (r"(max_)?(seq(uence)?_?)?len(gth)?|max_position_embeddings|context_length|block_size", "16"),
    (r".*(ratio|expansion|expand|mult|multiplier).*", "2"),
    (r"reduction|r|squeeze_factor|reduction_ratio", "4"),
    (r"(up)?scale(_factor)?|factor|upsample|downsample_factor", "2"),
    (r"eps(ilon)?", "1e-5"),
    (r"alpha|beta|gamma|temperature|tau|margin|lambd?a?|momentum|threshold|slope|sigma|smooth", "0.5"),
    (r"edge_index", "torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])"),
    (r".*_per_(layer|block|stage|level|depth)", "(16, 8)"),
    (r"(max|min)_(val|value|pixel_val|range)|mean|std|.*weight|scale_.*|.*_scale", "1.0"),
    (r".*bits", "3"),
    (r"layer_(idx|index|id|num)|block_(idx|index)", "0"),
    (r".*_idx?", "1"),
    (r"norm(_layer|_class)?", "nn.BatchNorm2d"),
    (r"act(_layer|_fn|ivation)?|activation.*|nonlinearity|non_linearity", "nn.ReLU"),
    (r"bias|use_.*|with_.*|is_.*|has_.*|affine|inplace", "True"),
    (r"downsample|pretrained|mask", "None"),
    (r"fn|module|layer|base|backbone|net|model|encoder|decoder", "nn.Identity()"),
    (r"dims?_list|channels_list|(hidden|block)_(dims|sizes)|channels_per_.*", "[16, 32, 64]"),
)
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
CONFIGURED = r".*config|cfg|args|opts?|hparams|params"
ANNOTATED = (
    (r"bool", "True"),
    (r"float", "0.5"),
    (r"([tT]uple|[lL]ist|[sS]equence)\[int", "(4, 4)"),
    (r"int", "{size}"),
    (r"(nn\.)?Module", "nn.Identity()"),
)
TINY = (
    "hidden_size=32, intermediate_size=64, num_attention_heads=4, num_key_value_heads=4, num_hidden_layers=2"
    ", vocab_size=99, max_position_embeddings=64"
)


def constructor_arguments(cls: type, module_globals: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where the arguments came from, and their text, candidate by candidate: ``("names", "dim=16")``."""
    if not required_parameters(cls):
        yield "defaults", ""
        for changed in _other_choices(cls, module_globals):
            texts = ", ".join(f"{name}={text}" for name, text in changed.items())
            yield "names of the constructor's parameters", texts
        return
    expansion = getattr(cls, "expansion", 1)
    seen: set[str] = set()
    for variant in range(3):
        for inner, outer in SIZES:
            if isinstance(expansion, int) and expansion > 1:
                inner = outer * expansion
            arguments = _arguments(cls, inner, outer, variant, module_globals)
            if arguments is None:
                return
            if arguments not in seen:
                seen.add(arguments)
                yield "names of the constructor's parameters", arguments
            if len(seen) == 1:
                for other in (1, 2):
                    arguments = _arguments(cls, inner, outer, other, module_globals)
                    yield "names of the constructor's parameters", arguments or ""
            if len(seen) == PLAIN:
                seen.add("")
                for changed in _other_choices(cls, module_globals):
                    arguments = _arguments(cls, inner, outer, 0, module_globals, changed=changed)
                    yield "names of the constructor's parameters", arguments or ""


def _other_choices(cls: type, module_globals: dict[str, Any]) -> Iterator[dict[str, str]]:
    """One parameter at a time: a flag the other way, another known string, numbers instead of None."""
    yield from itertools.islice(_each_choice(cls, module_globals), CHOICES)


def _each_choice(cls: type, module_globals: dict[str, Any]) -> Iterator[dict[str, str]]:
    numbers: dict[str, str] = {}
    for parameter in _parameters(cls):
        if parameter.default is None and "int" in str(parameter.annotation):
            guess = _guess(parameter, 16, 16, 0, module_globals)
            numbers.update({parameter.name: guess} if guess not in (None, "None") else {})
    if numbers:
        yield numbers
    for parameter in _parameters(cls):
        name, default = parameter.name, parameter.default
        literals = literals_meant(cls, name, parameter.annotation)
        if isinstance(default, bool):
            yield {name: str(not default)}
        elif default is parameter.empty and _guess(parameter, 16, 16, 0, module_globals) == "True":
            yield {name: "False"}
        else:
            yield from ({name: text, **numbers} for text in literals[:4] if text != repr(default))


def _arguments(
    cls: type,
    inner: int,
    outer: int,
    variant: int,
    module_globals: dict[str, Any],
    depth: int = 0,
    changed: Mapping[str, str] | None = None,
) -> str | None:
    """Text of all required arguments, and of the changed ones; None where one cannot be guessed."""
    changed = changed or {}
    required = required_parameters(cls)
    texts = [f"{name}={text}" for name, text in changed.items()]
    for parameter in (p for p in required if p.name not in changed):
        choices = literals_meant(cls, parameter.name, parameter.annotation)
        guess = choices[min(variant, len(choices) - 1)] if choices else None
        guess = guess or _nested(cls, parameter, inner, outer, variant, module_globals, depth)
        guess = guess or _guess(parameter, inner, outer, variant, module_globals)
        if guess is None:
            return None
        name = "" if parameter.kind is parameter.POSITIONAL_ONLY else f"{parameter.name}="
        texts.append(name + guess)
    return ", ".join(texts)


def _nested(
    owner: type,
    parameter: inspect.Parameter,
    inner: int,
    outer: int,
    variant: int,
    module_globals: dict[str, Any],
    depth: int,
) -> str | None:
    """An instance of the class that the parameter asks for, built the same way: ``vit=ViT(dim=16)``."""
    meant = class_meant(parameter.name, parameter.annotation, module_globals) or _wanted(owner, parameter, variant)
    if meant is None or depth >= NESTED:
        return None
    name, cls = _kind_of(meant, variant, module_globals)
    if issubclass(cls, enum.Enum):
        members = list(cls.__members__)
        return f"{name}.{members[min(variant, len(members) - 1)]}" if members else None
    own = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else module_globals
    arguments = _arguments(cls, inner, outer, variant, own, depth + 1)
    return None if arguments is None else f"{name}({qualified(arguments, own, module_globals)})"


def _wanted(owner: type, parameter: inspect.Parameter, variant: int) -> tuple[str, type] | None:
    """A class that has what is taken of the argument, where the annotation does not say what it is."""
    if parameter.annotation not in (parameter.empty, nn.Module, "nn.Module", "Module"):
        return None
    if parameter.default is not parameter.empty or re.fullmatch(CONFIGURED, parameter.name.lower()):
        return None
    found = list(itertools.islice(classes_wanted(owner, parameter.name), variant + 1))
    return (spelled(found[-1], owner), found[-1]) if found else None


def _kind_of(meant: tuple[str, type], variant: int, module_globals: dict[str, Any]) -> tuple[str, type]:
    """What is meant, or in another variant a class that derives from it."""
    kinds = [meant, *((n, v) for n, v in module_globals.items() if isinstance(v, type) and meant[1] in v.__mro__[1:])]
    return kinds[variant] if variant < len(kinds) else meant


def required_parameters(cls: type) -> list[inspect.Parameter]:
    """Parameters of the constructor without a default, the instance left out."""
    return [p for p in _parameters(cls) if p.default is p.empty]


def optional_parameters(cls: type) -> list[str]:
    """Names of the constructor's parameters that are None by default."""
    return [p.name for p in _parameters(cls) if p.default is None]


def _parameters(cls: type) -> list[inspect.Parameter]:
    """Of the constructor; where it passes on what it does not name, also those of the constructor behind it."""
    parameters = list(inspect.signature(vars(cls).get("__init__") or cls).parameters.values())
    parameters = parameters[1:] if "__init__" in vars(cls) else parameters
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    base = next((c for c in cls.__mro__[1:] if "__init__" in vars(c)), nn.Module)
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD and base not in (nn.Module, object):
        known = {p.name for p in named}
        named += [p.replace(kind=p.KEYWORD_ONLY) for p in _parameters(base) if p.name not in known]
    return named


def unguessable(cls: type, module_globals: dict[str, Any]) -> list[str]:
    """Names of required parameters for which no value can be guessed."""
    return [
        p.name
        for p in required_parameters(cls)
        if not literals_meant(cls, p.name, p.annotation)
        and _nested(cls, p, 16, 16, 0, module_globals, 0) is None
        and _guess(p, 16, 16, 0, module_globals) is None
    ]


def _guess(
    parameter: inspect.Parameter, inner: int, outer: int, variant: int, module_globals: dict[str, Any]
) -> str | None:
    name = parameter.name.lower()
    annotation = "" if parameter.annotation is parameter.empty else _annotation_text(parameter.annotation)
    if re.fullmatch(CONFIGURED, name):
        return _config(annotation, variant, module_globals)
    if re.fullmatch(r"block|block_type|block_class", name):
        found = [n for n, v in module_globals.items() if _is_block(v)]
        return found[min(variant, len(found) - 1)] if found else None
    for pattern, text in NAMED:
        if re.fullmatch(pattern, name) and _fits(text, annotation):
            if variant and re.fullmatch(r"(?!n_|num_).*s", name) and text[0].isdigit():
                return f"[{text}, {text}]"
            choices = (text, *ALTERNATIVES.get(text, ()))
            return _as_many(choices[min(variant, len(choices) - 1)], annotation)
    for pattern, text in ANNOTATED:
        if re.match(pattern, annotation):
            return text.format(size=outer if OUT.search(name) else inner)
    if SIZED.search(name):
        return str(outer if OUT.search(name) else inner)
    return "None" if "Optional" in str(parameter.annotation) or "None" in str(parameter.annotation) else None


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


def _config(annotation: str, variant: int, module_globals: dict[str, Any]) -> str:
    named = annotation if annotation in module_globals else ""
    names = [named] if named else [n for n, v in module_globals.items() if n.endswith("Config") and inspect.isclass(v)]
    if not names:
        return "guessed_config()"
    if variant == 2:
        return f"{names[0]}()"
    return f"{names[min(variant, len(names) - 1)]}({TINY})"


class GuessedConfig:
    """A stand-in for a configuration object: its attributes are guessed from their names, unless they are given."""

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        parameter = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        text = None if name.startswith("_") else _guess(parameter, 32, 32, 0, {})
        if text is None:
            raise AttributeError(f"no value can be guessed for {name}")
        value = eval(text, {"nn": nn, "guessed_config": GuessedConfig})
        setattr(self, name, value)
        return value

    def __getitem__(self, name: str) -> Any:
        """As a dict: what has no known value is a section of its own."""
        try:
            return getattr(self, name)
        except AttributeError:
            section = GuessedConfig()
            setattr(self, name, section)
            return section

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)
