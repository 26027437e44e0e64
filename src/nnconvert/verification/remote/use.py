"""What is done with one value, as far as the source tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OF_TEXT = ("lower", "upper", "split", "startswith", "endswith", "strip", "replace", "format", "join")
OF_LISTS = ("append", "copy", "index", "count", "insert", "extend", "pop", "reverse")
OF_MAPPINGS = ("items", "keys", "values", "get")
OF_TENSORS = ("shape", "size", "dim", "device", "dtype", "detach", "clone", "unsqueeze", "view", "numel")
OF_MODULES = ("parameters", "children", "named_parameters", "modules", "eval", "train", "state_dict", "named_modules")
BY_ATTRIBUTE = (
    ("text", OF_TEXT),
    ("several list", OF_LISTS),
    ("mapping", OF_MAPPINGS),
    ("tensor", OF_TENSORS),
    ("module", OF_MODULES),
)
"""What kind of value it is that has such an attribute."""


@dataclass
class Use:
    """Everything that is done with one value."""

    kinds: dict[str, None] = field(default_factory=dict)
    """``number``, ``several``, ``mapping``, ``called``, ``made`` (called in the constructor), ``text``, ``flag``,
    ``asked`` (for its type: it may be of several kinds) ..."""
    passed_as: dict[str, None] = field(default_factory=dict)
    """Names of the parameters of torch's classes and functions that receive it, or a number made of it."""
    choices: dict[Any, None] = field(default_factory=dict)
    """Values that it is compared with or that a table has."""
    count: int = 0
    """How many it has at least, where it is several."""
    element: Use | None = None
    places: dict[int, Use] = field(default_factory=dict)
    """What is done with the one at a place of several."""
    items: dict[str, Use] = field(default_factory=dict)
    """What is read of it by a key, and ..."""
    attributes: dict[str, Use] = field(default_factory=dict)
    """... by an attribute."""

    @property
    def single(self) -> Use:
        """What is done with one of several."""
        if self.element is None:
            self.element = Use()
        return self.element


def merge(use: Use, other: Use | None) -> None:
    """Add what is done with the value elsewhere."""
    if other is None:
        return
    tables: tuple[tuple[dict[Any, None], dict[Any, None]], ...]
    tables = ((use.kinds, other.kinds), (use.passed_as, other.passed_as), (use.choices, other.choices))
    for own, added in tables:
        own.update(added)
    use.count = max(use.count, other.count)
    if other.element is not None and other.element is not use:
        merge(use.single, other.element)
    _merge_each(use.items, other.items)
    _merge_each(use.attributes, other.attributes)
    _merge_each(use.places, other.places)


def _merge_each(known: dict[Any, Use], found: dict[Any, Use]) -> None:
    for key, value in found.items():
        merge(known.setdefault(key, Use()), value)
