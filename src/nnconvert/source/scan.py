"""All Python files of a project: what they name, store, import and derive, by a scan of their bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

from nnconvert.source.modules import project_root

_SKIPPED: Final = frozenset(
    {".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "site-packages", "venv"}
)
_IMPORT: Final = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)", re.MULTILINE)
_PLAIN_IMPORT: Final = re.compile(rb"^[ \t]*import[ \t]+([^\r\n#;]+)", re.MULTILINE)
_CLASS: Final = re.compile(rb"^[ \t]*class[ \t]+(\w+)[ \t]*\((.*?)\)\s*:", re.MULTILINE | re.DOTALL)
_ALIAS: Final = re.compile(rb"^[ \t]*(\w+)[ \t]*=[ \t]*(?:\w+\.)*([A-Z_]\w*)[ \t]*$", re.MULTILINE)
_TEST: Final = re.compile(
    rb"isinstance\(\s*[\w.\[\]]+\s*,\s*([^)]*)\)|(?:type\([\w.]+\)|__class__|__name__)\s*(?:==|is|in)\s([^:\r\n]*)"
)
_REACHED: Final = re.compile(rb"(?<!\bself)\.[ \t]*([A-Za-z_]\w*)")
_QUOTED: Final = re.compile(rb"['\"]([\w.]+)['\"]")
_TAKEN: Final = re.compile(rb"\b(_?[A-Z]\w*)\.([A-Za-z_]\w*)")
_ASKED: Final = re.compile(rb"\b(?:getattr|setattr|vars|object)\(\s*(?:\w+\.)*(_?[A-Z]\w*)")
_DOTTED: Final = re.compile(rb"\.[ \t]*(_?[A-Z]\w*)")
_OWN_CLASS: Final = re.compile(rb"^[ \t]*class[ \t]+(\w+)", re.MULTILINE)
_WORD: Final = re.compile(rb"[A-Za-z_]\w*")
_NAME: Final = re.compile(rb"(\*|\w+)(?:[ \t]+as[ \t]+(\w+))?")
_STORE: Final = re.compile(rb"\.([A-Za-z_]\w*)[ \t]*(?:,[^=\r\n]*|:[^=\r\n]*|[-+*/%@&|^<>]{0,2})=(?!=)")

Table: TypeAlias = dict[str, list[int]]
"""Words -> the numbers of files, ascending."""


@dataclass(slots=True)
class _File:
    imports: list[tuple[str, frozenset[str]]]
    """The last name of a module, and the names that are imported from it; ``*`` for a star import."""
    classes: frozenset[str]
    dotted: frozenset[str]
    """Names behind a dot that begin like a class."""


@dataclass
class _Tables:
    """Files by number, under what they say."""

    words: Table = field(default_factory=dict)
    stored: Table = field(default_factory=dict)
    bases: Table = field(default_factory=dict)
    reached: Table = field(default_factory=dict)
    """Names of attributes of anything but ``self``, and what stands between quotes."""
    tested: Table = field(default_factory=dict)
    """Names of classes that something is tested for."""
    taken: Table = field(default_factory=dict)
    """``Net.forward``, and ``Net.`` for ``getattr(Net, ...)``."""
    aliases: dict[str, set[str]] = field(default_factory=dict)
    """Name -> the names that some file gives it: ``Base`` for ``import Net as Base`` and ``Base = Net``."""
    importers: Table = field(default_factory=dict)
    """Last name of a module -> the files that import it or from it."""


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
        for file in self._files:
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
        lent = _at(words, "MethodType") if name in words else frozenset()  # functions that become methods have a self
        return set(self._named(_at(reached, name).union(lent)))

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
        classes = list(classes)
        direct = self._with_class(classes)
        modules = {_last_name(home) for _, home in classes}
        modules.update(_last_name(self.paths[number]) for number in direct)
        found = direct.union(*(_at(self._tables.importers, module) for module in modules))
        return set(self._named(direct)), set(self._named(found))

    def with_class(self, classes: Iterable[tuple[str, Path]]) -> Set[Path]:
        """Files that name one of these classes, each given with the file it stands in: the first of ``knowing``."""
        return set(self._named(self._with_class(classes)))

    def classes_of(self, path: Path) -> Set[str]:
        """The names of all classes of one of the files."""
        return self._files[self.paths.index(path)].classes

    def _with_class(self, classes: Iterable[tuple[str, Path]]) -> set[int]:
        return {n for name, home in classes for n in _at(self._tables.words, name) if self._takes(n, name, home)}

    def _takes(self, number: int, name: str, home: Path) -> bool:
        file, above = self._files[number], {_last_name(home), *home.parent.parts, ""}
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

    @property
    def _files(self) -> list[_File]:
        return self._scanned[0]

    @property
    def _tables(self) -> _Tables:
        return self._scanned[1]

    @cached_property
    def _scanned(self) -> tuple[list[_File], _Tables]:
        files: list[_File] = []
        tables = _Tables()
        for number, path in enumerate(self.paths):
            data = _read(path)
            file, plain = _imports(data)
            files.append(file)
            for word in set(_WORD.findall(data)):
                tables.words.setdefault(word.decode(), []).append(number)
            for name in set(_STORE.findall(data)):
                tables.stored.setdefault(name.decode(), []).append(number)
            bases = {word.decode() for _, text in _CLASS.findall(data) for word in _WORD.findall(text)}
            for word in {word for text in _TEST.findall(data) for word in _WORD.findall(b" ".join(text))}:
                tables.tested.setdefault(word.decode(), []).append(number)
            for name in {
                part for text in {*_REACHED.findall(data), *_QUOTED.findall(data)} for part in text.split(b".")
            }:
                tables.reached.setdefault(name.decode(), []).append(number)
            for owner, method in {*_TAKEN.findall(data), *((name, b"") for name in _ASKED.findall(data))}:
                tables.taken.setdefault(f"{owner.decode()}.{method.decode()}", []).append(number)
            for base in bases:
                tables.bases.setdefault(base, []).append(number)
            for alias, name in _aliases(data):
                tables.aliases.setdefault(name, set()).add(alias)
            for module in {*(module for module, _ in file.imports), *plain}:
                tables.importers.setdefault(module, []).append(number)
        return files, tables


def _at(table: Table, word: str) -> frozenset[int]:
    return frozenset(table.get(word, ()))


def _imports(data: bytes) -> tuple[_File, set[str]]:
    """What a file imports and defines, and the last names of what may be modules among it."""
    imports: list[tuple[str, frozenset[str]]] = []
    modules: set[str] = set()
    for module, names in _IMPORT.findall(data):
        found = {name.decode() for name, _ in _NAME.findall(names)}
        imports.append((module.rpartition(b".")[2].decode("utf-8", "replace"), frozenset(found)))
        modules |= found
    for names in _PLAIN_IMPORT.findall(data):
        parts = (part.split() for part in names.split(b","))
        modules.update(part[0].rpartition(b".")[2].decode("utf-8", "replace") for part in parts if part)
    classes = frozenset(name.decode() for name in _OWN_CLASS.findall(data))
    dotted = frozenset(name.decode() for name in _DOTTED.findall(data))
    return _File(imports, classes, dotted), modules


def _aliases(data: bytes) -> Iterator[tuple[str, str]]:
    """Other names for imported and for assigned ones: (alias, name)."""
    for _, names in _IMPORT.findall(data):
        yield from ((alias.decode(), name.decode()) for name, alias in _NAME.findall(names) if alias)
    yield from ((alias.decode(), name.decode()) for alias, name in _ALIAS.findall(data))


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
