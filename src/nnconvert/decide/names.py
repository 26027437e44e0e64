"""How new attributes are called: after their functional, numbered from 1 where there are several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import ClassInfo


def base_name(functional: str) -> str:
    """``relu_`` and ``relu`` are both ``relu``."""
    return functional.rstrip("_").removesuffix("_with_indices")


class Namers:
    """The free names of every class of a file; a name given in one class is taken in its bases and subclasses."""

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self._namers: dict[ClassInfo, Namer] = {}

    def allot(self, info: ClassInfo, base: str, count: int) -> list[str]:
        names = self._of(info).allot(base, count)
        for relative in info.family():
            if relative is not info and relative in self.attributes.facts:
                self._of(relative).take(names)
        return names

    def first_free(self, info: ClassInfo, bases: Sequence[str]) -> str:
        """The first of these names that is free, or else the last one with a number."""
        base = next((base for base in bases if self._of(info).is_free(base)), bases[-1])
        return self.allot(info, base, 1)[0]

    def _of(self, info: ClassInfo) -> Namer:
        if info not in self._namers:
            elsewhere = self.attributes.tree.home.elsewhere
            self._namers[info] = Namer(
                self.attributes.taken(info), self.attributes.prefixes(info), lambda name: elsewhere.uses(info, name)
            )
        return self._namers[info]


class Namer:
    """Gives free names in one class.

    ``prefixes`` are beginnings of names that are built at run time; ``used`` tells of names that other files use.
    """

    def __init__(
        self, taken: Iterable[str], prefixes: Iterable[str], used: Callable[[str], bool] | None = None
    ) -> None:
        self._taken = set(taken)
        self._prefixes = tuple(prefixes)
        self._used = used

    def is_free(self, name: str) -> bool:
        clashes = any(name.startswith(prefix) or prefix.startswith(name) for prefix in self._prefixes)
        return not clashes and not self._is_taken(name)

    def _is_taken(self, name: str) -> bool:
        return name in self._taken or (self._used is not None and self._used(name))

    def allot(self, base: str, count: int) -> list[str]:
        """``count`` names for one functional, in source order; they are taken from now on."""
        while any(base.startswith(prefix) or prefix.startswith(base) for prefix in self._prefixes):
            base = f"nn_{base}"
        if count == 1 and not self._is_taken(base):
            names = [base]
        else:
            names = []
            number = 1
            while len(names) < count:
                name = f"{base}{number}"
                number += 1
                if not self._is_taken(name):
                    names.append(name)
        self._taken.update(names)
        return names

    def take(self, names: Iterable[str]) -> None:
        self._taken.update(names)
