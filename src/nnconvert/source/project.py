"""What other files of a project say of one file. For now: which names they import from it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_SKIPPED: Final = frozenset({".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "venv"})
_IMPORT: Final = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)", re.MULTILINE)
_NAME: Final = re.compile(rb"(\*|\w+)(?:[ \t]+as[ \t]+\w+)?")


def imported_names(path: Path) -> frozenset[str]:
    """Names that other files of the project import from the module at ``path``; ``*`` for a star import.

    Modules are told apart by their last name only, so another module of that name may add names of its own.
    """
    path = path.absolute()
    if path.name == "__init__.py":
        return frozenset("*")  # what a package offers is for others to import, in this project or another
    name = path.stem
    return _imports(*_tree(path)).get(name, frozenset())


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
        try:
            data = path.read_bytes()
        except OSError:  # a file that cannot be read imports nothing
            continue
        for module, names in _IMPORT.findall(data):
            last = module.rpartition(b".")[2].decode("utf-8", "replace")
            found.setdefault(last, set()).update(n.decode("utf-8", "replace") for n in _NAME.findall(names))
    return {module: frozenset(names) for module, names in found.items()}


def _files(root: Path, recursive: bool) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if recursive and f not in _SKIPPED]
        for name in names:
            if name.endswith(".py"):
                yield Path(folder) / name
