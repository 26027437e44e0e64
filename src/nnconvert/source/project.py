"""What other files of a project say of one file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nnconvert.source import beside
from nnconvert.source.index import Index
from nnconvert.source.reader import Reader
from nnconvert.source.text import Source


class Neighbours:
    """The place of one file among others; without a ``path`` it stands alone, but for installed packages.

    ``index`` holds what is read of the others; it serves all files of a run.
    """

    def __init__(self, path: Path | None = None, index: Index | None = None) -> None:
        self._index = index if index is not None else Index()
        self._path = Path(os.path.abspath(path)) if path is not None and not self._index.alone else None

    def read(self, text: str | Source, module_bases: frozenset[str], functionals: frozenset[str]) -> Reader:
        """Read the file at hand, with this text; raises SourceError where it does not parse."""
        return self._index.open(self._path, text, module_bases, functionals)

    def settle(self, text: str | None, *, changed: bool) -> None:
        """The text that the file has from now on, for the files that come after it; None for that on disk."""
        if self._path is not None:
            self._index.settle(self._path, text, changed=changed)

    @property
    def relatives(self) -> frozenset[Path]:
        """The other files in which classes of the file that was read last have bases or subclasses."""
        reader = self._index.at_hand
        if reader is None:
            return frozenset()
        homes = (member.home for info in reader.classes for member in info.family() if member.home is not reader)
        return frozenset(home.path for home in homes if home.path is not None)

    @property
    def imported(self) -> frozenset[str]:
        """Names that other files import from this one; ``*`` for a star import.

        Modules are told apart by their last name only, so another module of that name may add names of its own.
        """
        if self._path is None:
            return frozenset()
        if self._path.name == "__init__.py":
            return frozenset("*")  # what a package offers is for others to import, in this project or another
        return self._index.project(self._path).imported.get(self._path.stem, frozenset())

    def looking_for(self, names: Iterable[str]) -> tuple[Path, str] | None:
        """Another file that looks for one of these, and which one: see ``nnconvert.source.beside``."""
        return beside.looking_for(self._path, names) if self._path is not None else None

    def reaching(self, name: str) -> Path | None:
        """Another file that uses ``<object>.<name>`` as one does a layer (``model.fc.weight``), or names its keys."""
        return beside.reaching(self._path, name) if self._path is not None else None
