"""What nn.DataParallel and torch.compile put in front of every key of a model, in any combination."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_WRAPPERS = re.compile(r"(?:(?:module|_orig_mod)\.)*")


def prefixes(keys: Iterable[str]) -> list[str]:
    """Every prefix of wrappers that some key has, the empty one first."""
    longest = {_longest(key) for key in keys}
    found = {prefix for prefix in longest for prefix in _beginnings(prefix)} | {""}
    return sorted(found, key=lambda prefix: (len(prefix), prefix))


def bare(name: str, known: Collection[str]) -> tuple[str, str]:
    """Prefix and rest of a name, so that the rest is one of ``known`` where that can be; else no prefix."""
    for prefix in _beginnings(_longest(name)):
        if name[len(prefix) :] in known:
            return prefix, name[len(prefix) :]
    return "", name


def _longest(key: str) -> str:
    found = _WRAPPERS.match(key)
    return found[0] if found else ""


def _beginnings(prefix: str) -> list[str]:
    """All that a prefix begins with, itself included: of "a.b." that is "", "a.", "a.b."."""
    ends = [0, *(place + 1 for place, letter in enumerate(prefix) if letter == ".")]
    return [prefix[:end] for end in ends]
