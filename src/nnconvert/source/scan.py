"""All Python files of a project: what they name, store, import and derive, by a scan of their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from nnconvert.source.modules import project_root
from nnconvert.source.said import Said, said

_SKIPPED: Final = frozenset(
    {".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "site-packages", "venv"}
)
Table: TypeAlias = dict[bytes, list[int]]
"""Words -> the numbers of files, ascending."""


class _File(NamedTuple):
    imports: list[tuple[str, frozenset[str]]]
    classes: frozenset[str]
    dotted: frozenset[str]


@dataclass
class _Tables:
    """Files by number, under what they say: see ``said``."""

    files: list[_File] = field(default_factory=list)
    words: Table = field(default_factory=dict)
    stored: Table = field(default_factory=dict)
    bases: Table = field(default_factory=dict)
    reached: Table = field(default_factory=dict)
    tested: Table = field(default_factory=dict)
    taken: Table = field(default_factory=dict)
    walking: list[int] = field(default_factory=list)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    """Name -> the names that some file gives it: ``Base`` for ``import Net as Base`` and ``Base = Net``."""
    importers: dict[str, list[int]] = field(default_factory=dict)
    """Last name of a module -> the files that import it or from it."""

    def add(self, said: Said) -> None:
        """What the next file says."""
        number = len(self.files)
        self.files.append(_File(said.imports, said.classes, said.dotted))
        for table, words in (
            (self.words, said.words),
            (self.stored, said.stored),
            (self.bases, said.bases),
            (self.reached, said.reached),
            (self.tested, said.tested),
            (self.taken, said.taken),
        ):
            for word in words:
                table.setdefault(word, []).append(number)
        if said.may_walk:
            self.walking.append(number)
        for alias, name in said.aliases:
            self.aliases.setdefault(name, set()).add(alias)
        for module in said.modules:
            self.importers.setdefault(module, []).append(number)


class Project:
    """The files that belong together with one file; they are scanned when something is asked first."""

    def __init__(self, root: Path, recursive: bool) -> None:
        self.root = root
        self._recursive = recursive

    @cached_property
    def paths(self) -> list[Path]:
        return list(_files(self.root, self._recursive))

    @cached_property
    def imported(self) -> Mapping[str, frozenset[str]]:
        """Last name of a module -> the names that are imported from it."""
        found: dict[str, set[str]] = {}
        for file in self._tables.files:
            for module, names in file.imports:
                found.setdefault(module, set()).update(names)
        return {module: frozenset(names) for module, names in found.items()}

    def names_of(self, class_name: str) -> Set[str]:
        """The name of a class, and those that some file of the project gives it."""
        return {class_name} | self._tables.aliases.get(class_name, set())

    def with_base(self, class_name: str) -> list[Path]:
        """Files with a class that may derive from one of this name."""
        names = self.names_of(class_name)
        return self._named(set().union(*(_at(self._tables.bases, name) for name in names)))

    def naming(self, words: Iterable[str]) -> Set[Path]:
        """Files in which all of the words occur."""
        found = [_at(self._tables.words, word) for word in words]
        return set(self._named(frozenset.intersection(*found))) if found else set()

    def reaching(self, name: str) -> Set[Path]:
        """Files that may reach an attribute of this name on something else than the self of a method, or by string."""
        words, reached = self._tables.words, self._tables.reached
        lent = _at(words, "MethodType") if name.encode() in words else frozenset()
        return set(self._named(_at(reached, name).union(lent)))

    @cached_property
    def walking(self) -> Set[Path]:
        """Files in which something may go through submodules."""
        return set(self._named(self._tables.walking))

    def testing(self, class_name: str) -> Set[Path]:
        """Files that test whether something is an instance of a class of this name."""
        return set(self._named(_at(self._tables.tested, class_name)))

    def taking(self, class_name: str, methods: Iterable[str]) -> Set[Path]:
        """Files that take one of these methods from a class of this name, or ask it for something by string."""
        taken = self._tables.taken
        names = self.names_of(class_name)
        wanted = (f"{name}.{method}" for name in names for method in (*methods, ""))
        return set(self._named(set().union(*(_at(taken, key) for key in wanted))))

    def storing(self, name: str) -> Set[Path]:
        """Files that may store an attribute of this name on something."""
        words = self._tables.words
        by_string = _at(words, name) & (_at(words, "setattr") | _at(words, "__dict__"))
        return set(self._named(_at(self._tables.stored, name) | by_string))

    def knowing(self, classes: Iterable[tuple[str, Path]]) -> tuple[Set[Path], Set[Path]]:
        """Files that name one of these classes, each given with the file it stands in, and all that may hold one.

        The first take it by its name from that file, from a package above it or by a star, or name it by dots; the
        others import from its file, or from a file that names it: where the factories are.
        """
        direct: set[int] = set()
        modules: set[str] = set()
        for name, home in classes:
            direct.update(n for n in _at(self._tables.words, name) if self._takes(n, name, home))
            modules.add(_last_name(home))
        modules.update(_last_name(self.paths[number]) for number in direct)
        found = direct.union(*(self._tables.importers.get(module, ()) for module in modules))
        return set(self._named(direct)), set(self._named(found))

    def _takes(self, number: int, name: str, home: Path) -> bool:
        file, above = self._tables.files[number], {_last_name(home), *home.parent.parts, ""}
        if name in file.classes:
            return False
        sources = [module for module, names in file.imports if name in names]
        if sources:
            return not above.isdisjoint(sources)
        if any("*" in names and module in above for module, names in file.imports):
            return True
        return name in file.dotted and number in self._tables.importers.get(_last_name(home), ())

    def _named(self, numbers: Iterable[int]) -> list[Path]:
        return [self.paths[number] for number in sorted(numbers)]

    @cached_property
    def _tables(self) -> _Tables:
        tables = _Tables()
        for path in self.paths:
            tables.add(said(_read(path)))
        return tables


def _at(table: Table, word: str) -> frozenset[int]:
    return frozenset(table.get(word.encode(), ()))


def _last_name(path: Path) -> str:
    return path.parent.name if path.name == "__init__.py" else path.stem


def project_of(path: Path) -> Project:
    """The project that the file at the absolute ``path`` belongs to; without any mark of one, its package."""
    root = project_root(path.parent)
    if root is not None:
        return Project(root, recursive=True)
    package = path.parent
    while (package.parent / "__init__.py").exists():
        package = package.parent
    return Project(package, recursive=(package / "__init__.py").exists())


def _files(root: Path, recursive: bool) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [
            f for f in folders if recursive and f not in _SKIPPED and not os.path.exists(f"{folder}/{f}/pyvenv.cfg")
        ]
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                yield Path(folder) / name


def _read(path: Path) -> bytes:
    """The bytes of a file; what cannot be read says nothing."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
