"""What other files of a project say of one file: the names they import from it, the subclasses of its classes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final

_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_SKIPPED: Final = frozenset({".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "venv"})
_IMPORT: Final = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)", re.MULTILINE)
_CLASS: Final = re.compile(rb"^[ \t]*class[ \t]+(\w+)[ \t]*(?:\(([^)]*)\))?[ \t]*:", re.MULTILINE)
_BASE: Final = re.compile(rb"(?<![\w.=])(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?![\w.=])")
_ATTRIBUTE: Final = re.compile(rb"\.([A-Za-z_]\w*)")
_NAME: Final = re.compile(rb"(\*|\w+)(?:[ \t]+as[ \t]+\w+)?")


class Neighbours:
    """What other files of a project say of the file at ``path``; without one, nothing. They are scanned, not parsed."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path.absolute() if path is not None else None

    @cached_property
    def imported(self) -> frozenset[str]:
        """Names that other files import from this one; ``*`` for a star import.

        Modules are told apart by their last name only, so another module of that name may add names of its own.
        """
        if self._path is None:
            return frozenset()
        if self._path.name == "__init__.py":
            return frozenset("*")  # what a package offers is for others to import, in this project or another
        return _imports(*_tree(self._path)).get(self._path.stem, frozenset())

    def used_beside(self, class_name: str) -> Mapping[str, Path]:
        """Attribute names in other files that derive a class from one of this name, each with such a file.

        A file that defines a class of that name itself derives from its own.
        """
        if self._path is None:
            return {}
        found: dict[str, Path] = {}
        for path, own in _subclasses(*_tree(self._path)).get(class_name, ()):
            if class_name not in own and path != self._path and _may_import(path, class_name, self._path):
                found.update(dict.fromkeys(_attributes(path), path))
        return found


def _tree(path: Path) -> tuple[Path, bool]:
    """The folder whose files may import from the one at ``path``, and whether its subfolders belong to it."""
    for folder in path.parents:
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder, True
    package = path.parent
    while (package.parent / "__init__.py").exists():
        package = package.parent
    return package, (package / "__init__.py").exists()


@cache
def _imports(root: Path, recursive: bool) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for path in _files(root, recursive):
        for module, names in _IMPORT.findall(_read(path)):
            last = module.rpartition(b".")[2].decode("utf-8", "replace")
            found.setdefault(last, set()).update(n.decode("utf-8", "replace") for n in _NAME.findall(names))
    return {module: frozenset(names) for module, names in found.items()}


def _files(root: Path, recursive: bool) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if recursive and f not in _SKIPPED]
        for name in names:
            if name.endswith(".py"):
                yield Path(folder) / name


@cache
def _subclasses(root: Path, recursive: bool) -> Mapping[str, tuple[tuple[Path, frozenset[str]], ...]]:
    """Name of a base -> the files with classes derived from it, and the names of all classes of each."""
    found: dict[str, list[tuple[Path, frozenset[str]]]] = {}
    for path in _files(root, recursive):
        classes = [(name.decode(), _BASE.findall(bases)) for name, bases in _CLASS.findall(_read(path))]
        own = frozenset(name for name, _ in classes)
        for base in {base.decode() for _, bases in classes for base in bases}:
            found.setdefault(base, []).append((path, own))
    return {base: tuple(paths) for base, paths in found.items()}


def _may_import(path: Path, class_name: str, module: Path) -> bool:
    """Whether a file takes the class from the module, from a package above it or by a star, or names it by dots."""
    data = _read(path)
    above = {module.stem, *module.parent.parts, ""}
    stars = False
    for source, names in _IMPORT.findall(data):
        last = source.rpartition(b".")[2].decode("utf-8", "replace")
        imported = {name.decode("utf-8", "replace") for name in _NAME.findall(names)}
        if class_name in imported:
            return last in above
        stars |= "*" in imported and last in above
    return stars or re.search(rb"\.%s\b" % class_name.encode(), data) is not None


@cache
def _attributes(path: Path) -> frozenset[str]:
    return frozenset(name.decode() for name in _ATTRIBUTE.findall(_read(path)))


def _read(path: Path) -> bytes:
    """The bytes of a file; what cannot be read says nothing."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
