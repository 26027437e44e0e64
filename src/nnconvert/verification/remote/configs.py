"""Configuration objects for constructors: the class that has what is read of it, in a size that fits anywhere."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

Guess = Callable[[str], "str | None"]
NAMED = re.compile(r".*config(uration)?|.*cfg|.*args|opts?|options|hparams|params|settings")
"""Names of parameters that are configurations, and ..."""
CLASS = re.compile(r"\w*(Config(uration)?|Args|Arguments|Params|Parameters|Settings|Options|HParams)")
"""... of their classes."""
MOST = 64
"""A number of features from which on a smaller one is taken."""
DEEP = 3
SIZES = (
    (r"(?!.*(size|dim|vocab)).*token(_(id|index|idx))?|.*_(id|index|idx)", 40, 1),
    (r".*vocab.*|.*num_embeddings", 99, 99),
    (
        r".*(max|seq|context|position)\w*(len(gth)?|positions?|embeddings|size|context)|.*window(_size)?|n_?(ctx|positions)",
        64,
        64,
    ),
    (r"(n|num|topk)_groups?", 1, 1),
    (r".*(experts_per|top_?k).*", 2, 2),
    (r".*experts", 4, 4),
    (r".*(layers?|blocks?|depths?|stages)", 2, 2),
    (r".*head_(dim|size)|dim_head|d_kv|d_head", 8, 8),
    (r".*heads?", 4, 4),
    (r"(?!.*patch).*(image|img|input|sample)_?(size|resolution)", 64, 32),
    (r".*patch_?size", 4, 4),
    (r".*(intermediate|ffn|ff|mlp|feed_?forward|inner).*", MOST, 64),
    (r".*(hidden|dim|size|width|channels?|features|embed|embd|units|rank|planes|filters|d_?model)\w*", MOST, 32),
)
"""For names of whole numbers: what is more than the first number becomes the second."""


def configurations(
    annotation: Any, wanted: Collection[str], module_globals: Mapping[str, Any], guess: Guess
) -> list[str]:
    """Texts of configurations, the likeliest first: those whose class has most of the ``wanted`` attributes.

    ``guess`` gives the text of a value for one of these, or None.
    """
    classes = {s: cls for s, cls in _classes(annotation, module_globals) if _default(cls) is not None}
    missing = {spelled: _missing(cls, wanted) for spelled, cls in classes.items()}
    found: list[str] = []
    fitting = [spelled for spelled in classes if not wanted or missing[spelled] < len(wanted)]
    for spelled in sorted(fitting, key=lambda spelled: missing[spelled])[:2]:
        small = _small(classes[spelled])
        plain = f"{spelled}({', '.join(f'{name}={value!r}' for name, value in small.items())})"
        texts = (plain, f"shrunk({spelled}())", f"{spelled}()")
        found += (texts[1], texts[0], texts[2]) if _holds_others(classes[spelled]) else texts
        if filled := _filled(classes[spelled], wanted, guess):
            found.append(f"{spelled}({', '.join(f'{name}={text}' for name, text in filled.items())})")
    return list(dict.fromkeys(found))


def _classes(annotation: Any, module_globals: Mapping[str, Any]) -> Iterator[tuple[str, type]]:
    """Spelled configurations: what the annotation names, the others of the module, those beside them."""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    own = {name: value for name, value in module_globals.items() if inspect.isclass(value) and CLASS.fullmatch(name)}
    named = [name for name in own if name in re.findall(r"\w+", text)]
    ordered = [*named, *(name for name in own if name not in named)]
    yield from ((name, own[name]) for name in ordered)
    for name in ordered:
        home = own[name].__module__
        for other, value in list(vars(sys.modules.get(home, sys)).items()):
            if inspect.isclass(value) and value.__module__ == home and CLASS.fullmatch(other) and other not in own:
                yield f"beside({name}, {other!r})", value


def beside(cls: type, name: str) -> Any:
    """The class of this name in the module of another."""
    return getattr(sys.modules[cls.__module__], name)


@functools.cache
def _default(cls: type) -> Any:
    """An instance as it comes without arguments; None where it needs some."""
    try:
        return cls()
    except Exception:  # the user's code may raise anything; then it is no candidate
        return None


def _missing(cls: type, wanted: Collection[str]) -> int:
    instance = _default(cls)
    fields = {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    return sum(not _has(instance, name) and name not in fields for name in wanted)


def _has(instance: Any, name: str) -> bool:
    try:
        return hasattr(instance, name)
    except Exception:  # a property of the user's may raise anything; it is there, then
        return True


def _small(cls: type) -> dict[str, Any]:
    """Smaller values for the settings that its constructor takes."""
    instance, taken = _default(cls), _settings(cls)
    held = getattr(instance, "__dict__", {})
    values = {name: held.get(name, default) for name, default in taken.items()}
    return {name: small for name, value in values.items() if (small := smaller(name, value)) != value}


def _filled(cls: type, wanted: Collection[str], guess: Guess) -> dict[str, str]:
    """Values for wanted settings that are None until someone gives them."""
    missing = [name for name in _settings(cls) if name in wanted and getattr(_default(cls), name, 0) is None]
    return {name: text for name in missing if (text := guess(name)) is not None}


def _settings(cls: type) -> dict[str, Any]:
    if dataclasses.is_dataclass(cls):
        return {field.name: field.default for field in dataclasses.fields(cls) if field.init}
    try:
        return {p.name: p.default for p in inspect.signature(cls).parameters.values()}
    except (TypeError, ValueError):  # written in C, without a signature
        return {}


def _holds_others(cls: type) -> bool:
    return any(CLASS.fullmatch(type(value).__name__) for value in getattr(_default(cls), "__dict__", {}).values())


def smaller(name: str, value: Any) -> Any:
    """The value of a setting, or a smaller one where its name says what it counts."""
    if isinstance(value, (list, tuple)) and value and all(type(item) is int for item in value):
        return type(value)(_in_proportion(name, list(value)))
    if type(value) is not int:
        return value
    for pattern, most, small in SIZES:
        if re.fullmatch(pattern, name.lower()):
            return small if value > most else value
    return value


def _in_proportion(name: str, values: list[int]) -> list[int]:
    """``[96, 192, 384]`` becomes ``[32, 64, 128]``."""
    first = min(values)
    least = smaller(name, first)
    if least == first:
        return [smaller(name, value) for value in values] if first <= 2 else values
    return [max(value * least // first, 1) for value in values]


def shrunk(config: Any, depth: int = 0) -> Any:
    """The configuration itself, with smaller sizes in it and in those that it holds."""
    for name, value in list(getattr(config, "__dict__", {}).items()):
        if CLASS.fullmatch(type(value).__name__) and depth < DEEP:
            shrunk(value, depth + 1)
        elif not name.startswith("_") and (small := smaller(name, value)) != value:
            setattr(config, name, small)
    return config
