"""All Python files of a project: what they name, store, import and derive, by a scan of their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from functools import cached_property
from pathlib import Path
from typing import Final

from nnconvert import stored
from nnconvert.source.leads import Leads, last_name
from nnconvert.source.modules import ModuleFinder, project_root
from nnconvert.source.said import WALKS
from nnconvert.source.tables import Tables, tables_of
from nnconvert.stored import Told, told

_SKIPPED: Final = frozenset(
    {".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "site-packages", "venv"}
)


class Project:
    """The files that belong together with one file; they are scanned when something is asked first."""

    def __init__(self, root: Path, recursive: bool, finder: ModuleFinder, folder: Path | None = None) -> None:
        self.root = root
        self._recursive = recursive
        self._finder = finder
        self._folder = folder
        """Where what is found may be kept for later runs."""
        self._importers: dict[Path, Set[int]] = {}

    def files(self) -> dict[str, Told]:
        """All its files, with what tells their contents from others."""
        return {path: told(path) for path in _files(self.root, self._recursive)}

    @cached_property
    def imported(self) -> Mapping[str, frozenset[str]]:
        """Last name of a module -> the names that are imported from it."""
        found: dict[str, set[str]] = {}
        for number in self._tables.alive().values():
            for module, names in self._tables.names[number].imports:
                found.setdefault(module.rpartition(".")[2], set()).update(names)
        return {module: frozenset(names) for module, names in found.items()}

    def names_of(self, class_name: str) -> Set[str]:
        """The name of a class, and those that some file of the project gives it."""
        return {class_name} | self._tables.aliases.get(class_name, set())

    def with_base(self, class_name: str) -> list[Path]:
        """Files with a class that may derive from one of this name."""
        names = self.names_of(class_name)
        return self._named(set().union(*(self._tables.at("bases", name) for name in names)))

    def naming(self, words: Iterable[str]) -> Set[Path]:
        """Files in which all of the words occur."""
        found = [self._tables.at("words", word) for word in words]
        return set(self._named(frozenset.intersection(*found))) if found else set()

    def reaching(self, name: str) -> Set[Path]:
        """Files that may reach an attribute of this name on something else than the self of a method, or by string."""
        tables = self._tables
        lent = tables.at("words", "MethodType") if tables.at("words", name) else frozenset()
        return set(self._named(tables.at("reached", name) | lent))

    def quoting(self, name: str) -> Set[Path]:
        """Files in which the name stands between quotes, perhaps as a part of a path."""
        return set(self._named(self._tables.at("quoted", name)))

    @cached_property
    def walking(self) -> Set[Path]:
        """Files in which something may go through submodules."""
        return set(self._named(self._tables.at("walking", WALKS.decode())))

    def testing(self, class_name: str) -> Set[Path]:
        """Files that test whether something is an instance of a class of this name."""
        return set(self._named(self._tables.at("tested", class_name)))

    def taking(self, class_name: str, methods: Iterable[str]) -> Set[Path]:
        """Files that take one of these methods from a class of this name, or ask it for something by string."""
        names = self.names_of(class_name)
        wanted = (f"{name}.{method}" for name in names for method in (*methods, ""))
        return set(self._named(set().union(*(self._tables.at("taken", key) for key in wanted))))

    def storing(self, name: str) -> Set[Path]:
        """Files that may store an attribute of this name on something."""
        at = self._tables.at
        by_string = at("words", name) & (at("words", "setattr") | at("words", "__dict__"))
        return set(self._named(at("stored", name) | by_string))

    def knowing(self, classes: Iterable[tuple[str, Path]]) -> tuple[Set[Path], Set[Path]]:
        """Files that name one of these classes, each given with the file it stands in, and all that may hold one.

        The first take it by its name from that file, from a package above it or by a star, or name it by dots; the
        others import from its file, or from a file that names it: where the factories are.
        """
        classes = list(classes)
        direct = self._with_class(classes)
        homes = {home for _, home in classes}
        homes.update(Path(self._tables.paths[number]) for number in direct)
        found = direct.union(*(self._importing(home) for home in homes))
        return set(self._named(direct)), set(self._named(found))

    def with_class(self, classes: Iterable[tuple[str, Path]]) -> Set[Path]:
        """Files that name one of these classes, each given with the file it stands in: the first of ``knowing``."""
        return set(self._named(self._with_class(classes)))

    def classes_of(self, paths: Iterable[Path]) -> Set[tuple[str, Path]]:
        """All classes of some of the files, each with its file."""
        numbers = self._tables.alive()
        return {(name, path) for path in paths for name in self._tables.names[numbers[str(path)]].classes}

    def _with_class(self, classes: Iterable[tuple[str, Path]]) -> set[int]:
        return {number for name, home in classes for number in self._taking(name, home)}

    def _taking(self, name: str, home: Path) -> Iterator[int]:
        dotted = self._tables.at("dotted", name)
        above = {last_name(home), *home.parent.parts, ""}
        for number in self._tables.at("words", name):
            file = self._tables.names[number]
            if name in file.classes:
                continue
            sources = [module for module, names in file.imports if name in names]
            starred = [] if sources else [module for module, names in file.imports if "*" in names]
            likely = (module for module in (*sources, *starred) if module.rpartition(".")[2] in above)
            if any(self._leads.gives(number, module, self.names_of(name), home) for module in likely) or (
                not sources and number in dotted and number in self._importing(home)
            ):
                yield number

    def _importing(self, home: Path) -> Set[int]:
        """Files that may import the one at ``home``, or something of it."""
        if home not in self._importers:
            candidates = self._tables.at("importers", last_name(home))
            self._importers[home] = {number for number in candidates if self._leads.imports(number, home)}
        return self._importers[home]

    def _named(self, numbers: Iterable[int]) -> list[Path]:
        """Their files, in the order of a walk."""
        found = [self._tables.paths[number] for number in numbers]
        return [Path(path) for path in sorted(found, key=self._order.__getitem__)]

    @cached_property
    def _order(self) -> dict[str, int]:
        return {path: place for place, path in enumerate(self._found)}

    @cached_property
    def _found(self) -> dict[str, Told]:
        return self.files()

    @cached_property
    def _leads(self) -> Leads:
        return Leads(self._tables, self._finder)

    @cached_property
    def _tables(self) -> Tables:
        name = stored.digest(repr((str(self.root), self._recursive)).encode()).hex()
        return tables_of(self._found, self._folder / f"{name}.tables" if self._folder is not None else None)


def project_of(path: Path, finder: ModuleFinder, folder: Path | None) -> Project:
    """The project that the file at the absolute ``path`` belongs to; without any mark of one, its package."""
    root = project_root(path.parent)
    if root is not None:
        return Project(root, True, finder, folder)
    package = path.parent
    while (package.parent / "__init__.py").exists():
        package = package.parent
    return Project(package, (package / "__init__.py").exists(), finder, folder)


def _files(root: Path, recursive: bool) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [
            f for f in folders if recursive and f not in _SKIPPED and not os.path.exists(f"{folder}/{f}/pyvenv.cfg")
        ]
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                yield f"{folder}{os.sep}{name}"
