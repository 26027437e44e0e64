"""Texts of constructor arguments, by what the class does with them, and by their names where these fit."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable

from .use import Use

Guess = Callable[[str], "str | None"]
"""What a name suggests, as text."""
SOME = 2
"""How many, where several are wanted and nothing says how many."""
LISTED = re.compile(r"[\[(].*[\])]", re.S)
NUMBER = re.compile(r"-?[\d.]+(e-?\d+)?")
NESTED = 3
ANY_SIZE = "16"
"""For what may be anything."""


def by_use(use: Use | None, named: str | None, guess: Guess, variant: int = 0, depth: int = 0) -> str | None:
    """The text ``named`` if it is of the kind that is used, else one that is; None where nothing is known."""
    if use is None or depth > NESTED:
        return named
    is_config = (named or "").startswith("guessed_config")
    if use.items and (not is_config or (variant % 2 and not use.attributes)):
        inner = (f"{key!r}: {_item(key, item, guess, depth)}" for key, item in use.items.items())
        return f"{{{', '.join(inner)}}}"
    if is_config or (use.attributes and (named is None or NUMBER.fullmatch(named))):
        return _config(use, guess, depth)
    if named is not None and NUMBER.fullmatch(named) and use.choices and all(isinstance(c, str) for c in use.choices):
        return _chosen(use, variant)
    if "several" in use.kinds and not use.passed_as and not (named and {"number", "asked"} & use.kinds.keys()):
        return _several(use, named, guess, variant, depth)
    if "called" in use.kinds and not (named or "").startswith(("nn.", "lambda")):
        if named is not None and not NUMBER.fullmatch(named) and named not in ("True", "None"):
            return named  # a class, an instance
        return "nn.Identity" if "made" in use.kinds else ("nn.Identity()", "lambda x, *args, **kwargs: x")[variant > 0]
    if "module" in use.kinds and (named is None or NUMBER.fullmatch(named)):
        return "nn.Identity()"
    if named is not None:
        single = LISTED.fullmatch(named) and {"range", "number"} & use.kinds.keys() and "several" not in use.kinds
        return guess("") or ANY_SIZE if single else named
    return _unnamed(use, guess, variant)


def _item(name: str, use: Use, guess: Guess, depth: int) -> str:
    return by_use(use, guess(name), guess, depth=depth + 1) or ANY_SIZE


def _config(use: Use, guess: Guess, depth: int) -> str:
    """A stand-in for a configuration; what is not seen to be read, it guesses by itself."""
    read = {name: inner for name, inner in {**use.items, **use.attributes}.items() if is_name(name)}
    return f"guessed_config({', '.join(f'{name}={_item(name, inner, guess, depth)}' for name, inner in read.items())})"


def _several(use: Use, named: str | None, guess: Guess, variant: int, depth: int) -> str:
    if named is not None and LISTED.fullmatch(named):
        return f"[{named[1:-1].rstrip(', ')}]" if named[0] == "(" and "list" in use.kinds else named
    if named is not None and (named[0] in "'n{" or "torch" in named or named == "None"):
        return named
    rest = use.element or next(iter(use.places.values()), None)
    count = max(use.count, SOME)
    uses = (use.places.get(place, use.places.get(place - count, rest)) for place in range(count))
    return f"[{', '.join(by_use(one, named, guess, variant, depth + 1) or '16' for one in uses)}]"


def is_name(name: str) -> bool:
    """Whether it can be written as a keyword of a call."""
    return name.isidentifier() and not keyword.iskeyword(name)


def _chosen(use: Use, variant: int) -> str:
    options = list(use.choices)
    return repr(options[min(variant, len(options) - 1)])


def _unnamed(use: Use, guess: Guess, variant: int) -> str | None:
    known = [text for name in use.passed_as if (text := guess(name)) is not None]
    if known:
        return known[min(variant, len(known) - 1)]
    if use.choices:
        return _chosen(use, variant)
    for kind, texts in OF_KIND:
        if kind in use.kinds:
            return texts[min(variant, len(texts) - 1)]
    return None


OF_KIND = (
    ("range", ("2",)),
    ("mapping", ("{}",)),
    ("tensor", ("torch.rand(4, 4)", "torch.rand(16)")),
    ("numbers", ("[0.5, 0.5]", "0.5")),
    ("number", ("16", "2", "0.5")),
    ("text", ("'relu'", "'a'")),
    ("flag", ("True", "False")),
)
"""For what has no telling name and is passed on to nothing that has one."""
