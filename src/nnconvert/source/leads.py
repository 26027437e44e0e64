"""Where the imports of a project's files lead: modules that are called alike are told apart where they are found."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from nnconvert.source.modules import ModuleFinder
from nnconvert.source.tables import Tables

_UNKNOWN: Final = -1
"""Not found, so it may be any module of its last name."""
_FOREIGN: Final = -2
"""In torch or in an installed package."""


class Leads:
    """Files by their numbers in the tables."""

    def __init__(self, tables: Tables, finder: ModuleFinder) -> None:
        self._tables = tables
        self._finder = finder
        self._numbers = tables.alive()
        self._places: dict[tuple[int, str], int] = {}
        self._above: dict[Path, frozenset[int]] = {}

    def imports(self, number: int, home: Path) -> bool:
        """Whether a file that names a module of that last name may import the one at ``home``, or something of it."""
        target = self._numbers.get(str(home), _UNKNOWN)
        places = {self._place(number, module) for module in self._naming(number, last_name(home))}
        return target == _UNKNOWN or not places.isdisjoint({target, _UNKNOWN})

    def gives(self, number: int, module: str, names: Collection[str], home: Path) -> bool:
        """Whether the module that a file names so may give one of the names of the file at ``home``.

        It is that file or a package above it, or has the name from one that gives it.
        """
        targets = self._targets(home)
        queue = [self._place(number, module)]
        seen: set[int] = set()
        for place in queue:
            if place in targets or place == _UNKNOWN or _UNKNOWN in targets:
                return True
            if place == _FOREIGN or place in seen:
                continue
            seen.add(place)
            further = self._tables.names[place].imports
            queue += (self._place(place, source) for source, brought in further if _brings(brought, names))
        return False

    def _naming(self, number: int, last: str) -> Iterator[str]:
        """The modules of this last name that a file imports, or imports from, as it writes them."""
        names = self._tables.names[number]
        for module, brought in names.imports:
            if module.rpartition(".")[2] == last:
                yield module
            if last in brought:
                yield module + last if module.endswith(".") else f"{module}.{last}"
        yield from (module for module in names.plain if module.rpartition(".")[2] == last)

    def _targets(self, home: Path) -> frozenset[int]:
        """The file, which may be unknown, and the packages above it."""
        if home not in self._above:
            packages = (self._numbers.get(str(folder / "__init__.py")) for folder in home.parents)
            found = [number for number in packages if number is not None]
            self._above[home] = frozenset([self._numbers.get(str(home), _UNKNOWN), *found])
        return self._above[home]

    def _place(self, number: int, module: str) -> int:
        key = (number, module)
        if key not in self._places:
            self._places[key] = self._find(number, module)
        return self._places[key]

    def _find(self, number: int, module: str) -> int:
        if module.partition(".")[0] == "torch":
            return _FOREIGN
        path = self._finder.find(module, Path(self._tables.paths[number]))
        if path is None:
            return _UNKNOWN
        return self._numbers.get(str(path), _FOREIGN if self._finder.is_installed(path) else _UNKNOWN)


def _brings(brought: Collection[str], names: Collection[str]) -> bool:
    return "*" in brought or any(name in brought for name in names)


def last_name(path: Path) -> str:
    """What a module is called by others."""
    return path.parent.name if path.name == "__init__.py" else path.stem
