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

from .by_name import DIMENSIONS, by_dimensions, guess_by_name
from .by_use import by_use
from .configs import NAMED as CONFIGURATION
from .configs import configurations
from .meant import class_meant, literals_meant, qualified, spelled
from .reading import has_forward
from .used import uses_of
from .wanted import classes_wanted

PLAIN = 3
"""Candidates before other choices are tried, and how many of these there are."""
CHOICES = 8
VARIANTS = 4
"""How often each argument has another value, where it has several."""
NESTED = 2
"""How deep arguments are built that are models themselves."""
ANYTHING = ("16", "None")
"""For a parameter of which nothing is known: it may be of no consequence."""
PRETRAINED = re.compile(r"(\w+_)?pretrained(_\w+)?|weights|(\w+_)?weights_path|checkpoint(_path)?")
"""Names of parameters that ask for trained weights."""
SIZES = ((16, 16), (16, 32), (64, 64), (3, 16), (4, 4), (1, 1), (256, 256))
"""What "in" and "out" sizes are tried with, in turn."""


def constructor_arguments(cls: type, module_globals: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Where the arguments came from, and their text, candidate by candidate: ``("names", "dim=16")``."""
    if not required_parameters(cls):
        if without := _without_download(cls):
            yield "defaults", ", ".join(f"{name}={text}" for name, text in without.items())
        yield "defaults", ""
        for changed in _other_choices(cls, module_globals):
            texts = ", ".join(f"{name}={text}" for name, text in changed.items())
            yield "names of the constructor's parameters", texts
        return
    expansion = getattr(cls, "expansion", 1)
    seen: set[str] = set()
    for variant in range(VARIANTS):
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


def _without_download(cls: type) -> dict[str, str]:
    """What keeps the constructor from fetching weights, where it would by default."""
    named = (p for p in _parameters(cls) if PRETRAINED.fullmatch(p.name))
    fetching = [p for p in named if isinstance(p.default, (bool, str)) and p.default]
    return {p.name: "False" if p.default is True else "None" for p in fetching}


def _other_choices(cls: type, module_globals: dict[str, Any]) -> Iterator[dict[str, str]]:
    """One parameter at a time: a flag the other way, another known string, numbers instead of None."""
    yield from itertools.islice(_each_choice(cls, module_globals), CHOICES)


def _each_choice(cls: type, module_globals: dict[str, Any]) -> Iterator[dict[str, str]]:
    numbers: dict[str, str] = {}
    for parameter in _parameters(cls):
        if parameter.default is None and "int" in str(parameter.annotation):
            guess = guess_by_name(parameter, 16, 16, 0, module_globals)
            numbers.update({parameter.name: guess} if guess not in (None, "None") else {})
    if numbers:
        yield numbers
    for parameter in _parameters(cls):
        name, default = parameter.name, parameter.default
        literals = literals_meant(cls, name, parameter.annotation)
        if isinstance(default, bool):
            yield {name: str(not default)}
        elif default is parameter.empty and guess_by_name(parameter, 16, 16, 0, module_globals) == "True":
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
    """Text of all required arguments, and of the changed ones; None where one of a part cannot be guessed."""
    changed = {**_without_download(cls), **(changed or {})}
    required = required_parameters(cls)
    texts = [f"{name}={text}" for name, text in changed.items()]
    for parameter in (p for p in required if p.name not in changed):
        choices = literals_meant(cls, parameter.name, parameter.annotation)
        guess = choices[min(variant, len(choices) - 1)] if choices else None
        guess = guess or _configured(cls, parameter, variant, module_globals)
        guess = guess or _nested(cls, parameter, inner, outer, variant, module_globals, depth)
        guess = guess or _by_name_and_use(cls, parameter, inner, outer, variant, module_globals)
        if guess is None and depth:
            return None
        guess = guess or ANYTHING[min(variant, 1)]
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
    name, cls = _kind_of(meant, variant, module_globals, owner)
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
    if parameter.default is not parameter.empty or CONFIGURATION.fullmatch(parameter.name.lower()):
        return None
    found = list(itertools.islice(classes_wanted(owner, parameter.name), variant + 1))
    return (spelled(found[-1], owner), found[-1]) if found else None


def _kind_of(meant: tuple[str, type], variant: int, module_globals: dict[str, Any], owner: type) -> tuple[str, type]:
    """What is meant, or in another variant a class that derives from it; where it has no forward, always such a one."""
    derived = [(n, v) for n, v in module_globals.items() if isinstance(v, type) and meant[1] in v.__mro__[1:]]
    kinds = [meant, *derived]
    if issubclass(meant[1], nn.Module) and not has_forward(meant[1]):
        kinds = [*derived, *((spelled(cls, owner), cls) for cls in _deriving(meant[1]) if cls is not owner)] or kinds
    return kinds[variant] if variant < len(kinds) else kinds[0]


def _deriving(cls: type) -> list[type]:
    """The classes with a forward that derive from a class, as far as they are loaded, in an order that stays."""
    found: set[Any] = set()
    pending: list[Any] = [cls]
    while pending:
        more = [known for known in pending.pop().__subclasses__() if known not in found]
        found.update(more)
        pending += more
    return sorted(filter(has_forward, found), key=lambda known: (known.__module__, known.__qualname__))


def _configured(cls: type, parameter: inspect.Parameter, variant: int, module_globals: dict[str, Any]) -> str | None:
    """A configuration of a class that the module or the annotation knows."""
    if not CONFIGURATION.fullmatch(parameter.name.lower()):
        return None
    use = uses_of(cls).get(parameter.name)
    if use is not None and use.items and not use.attributes:
        return None  # a dictionary
    read = use.attributes if use is not None else {}

    def guess(name: str) -> str | None:
        return by_use(read[name], _by_name(name, 16, 16, variant), lambda other: _by_name(other, 16, 16, variant))

    texts = configurations(parameter.annotation, read, module_globals, guess)
    return texts[min(variant, len(texts) - 1)] if texts else None


def _by_name_and_use(
    cls: type, parameter: inspect.Parameter, inner: int, outer: int, variant: int, module_globals: dict[str, Any]
) -> str | None:
    """What the parameter's name and annotation suggest, if it fits what the class does with it."""
    named, use = guess_by_name(parameter, inner, outer, variant, module_globals), uses_of(cls).get(parameter.name)
    named = _for_each_dimension(cls, named, parameter.annotation, variant)
    return by_use(use, named, lambda name: _by_name(name, inner, outer, variant), variant)


def _for_each_dimension(cls: type, named: str | None, annotation: Any, variant: int) -> str | None:
    """``(32, 32, 32)`` for sizes of which nothing says how many, where the class is about volumes."""
    counts = (p.default if type(p.default) is int else int(by_dimensions(variant))
              for p in _parameters(cls) if DIMENSIONS.fullmatch(p.name))  # fmt: skip
    sizes = re.fullmatch(r"\((\d+), \1\)", named or "")
    if not sizes or not re.search(r"([tT]uple\[int, \.\.\.|[lL]ist\[int|[sS]equence\[int)\]", str(annotation)):
        return named
    return f"({', '.join([sizes[1]] * max(next(counts, 2), 2))})"


def _by_name(name: str, inner: int, outer: int, variant: int) -> str | None:
    """What a name alone suggests."""
    unknown = inspect.Parameter(name or "size", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return guess_by_name(unknown, inner, outer, variant, {})


def required_parameters(cls: type) -> list[inspect.Parameter]:
    """Parameters of the constructor without a default, the instance left out."""
    return [p for p in _parameters(cls) if p.default is p.empty]


def optional_parameters(cls: type, module_globals: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The constructor's parameters with a default, and texts of other values, the likeliest first."""
    found = {}
    for parameter in (p for p in _parameters(cls) if p.default is not p.empty):
        default = parameter.default
        suggested = _by_name_and_use(cls, parameter, 16, 16, 0, module_globals)
        texts = [suggested] if suggested is not None else []
        if type(default) in (int, float):
            texts.append(f"[{default!r}, {default!r}]")
        found[parameter.name] = tuple(text for text in texts if text != repr(default))
    return found


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
        and _configured(cls, p, 0, module_globals) is None
        and _nested(cls, p, 16, 16, 0, module_globals, 0) is None
        and _by_name_and_use(cls, p, 16, 16, 0, module_globals) is None
    ]
