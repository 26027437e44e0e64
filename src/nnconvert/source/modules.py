"""Where the file of a module is: in the project, or on the search path of an interpreter. Nothing is imported."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_INSTALLED: Final = ("site-packages", "dist-packages")
_SOURCES: Final = ("src", "lib")
_FOREIGN: Final = frozenset({"torch", *sys.stdlib_module_names})
"""Packages that are never read: what is in torch is known, the standard library has no module classes."""


class ModuleFinder:
    """Finds the files of modules, by the rules of Python's own path finder.

    ``search_path``: the folders of installed packages, in order.
    """

    def __init__(self, search_path: Sequence[Path]) -> None:
        self._search_path = tuple(search_path)
        self._found: dict[tuple[Path, tuple[str, ...]], Path | None] = {}
        self._roots: dict[Path, tuple[Path, ...]] = {}

    def find(self, module: str, home: Path | None) -> Path | None:
        """The file of a module that the file at ``home`` names, with dots in front where the import is relative.

        None where there is none, where it holds no source, or where several folders of the project have one.
        """
        name = module.lstrip(".")
        parts = tuple(name.split(".")) if name else ()
        if level := len(module) - len(name):
            return self._relative(parts, level, home) if home is not None else None
        if not parts or parts[0] in _FOREIGN:
            return None
        roots = self._folders_of(home.parent) if home is not None else ()
        if roots and _is_taken(roots[0], parts[0]):
            return self._below(roots[0], parts)
        own = {found for root in roots[1:] if (found := self._below(root, parts)) is not None}
        if own:
            return own.pop() if len(own) == 1 else None
        for root in self._search_path:
            if _is_taken(root, parts[0]):
                return self._below(root, parts)
        return None

    def is_installed(self, path: Path) -> bool:
        """Whether a file is that of an installed package; what is linked for editing is a project's."""
        return any(path.is_relative_to(root) for root in self._search_path if root.name in _INSTALLED)

    def _relative(self, parts: tuple[str, ...], level: int, home: Path) -> Path | None:
        folder = home.parent
        for _ in range(level - 1):
            folder = folder.parent
        return self._below(folder, parts)

    def _folders_of(self, folder: Path) -> tuple[Path, ...]:
        """Where the project's top-level modules may be: the folder around the package, then up to the project's."""
        if folder not in self._roots:
            package = folder
            while (package / "__init__.py").exists() and package.parent != package:
                package = package.parent
            found = [package]
            root = project_root(folder)
            if root is not None and package.is_relative_to(root):
                found += [f for f in package.parents if f.is_relative_to(root)]
                found += [root / name for name in _SOURCES]
            self._roots[folder] = tuple(dict.fromkeys(found))
        return self._roots[folder]

    def _below(self, root: Path, parts: tuple[str, ...]) -> Path | None:
        key = (root, parts)
        if key not in self._found:
            base = root.joinpath(*parts)
            candidates = [base / "__init__.py", *([base.with_name(f"{base.name}.py")] if parts else [])]
            self._found[key] = next((path for path in candidates if path.is_file()), None)
        return self._found[key]


def _is_taken(root: Path, name: str) -> bool:
    """Whether the folder has a module or package of that name; one without ``__init__.py`` counts, too."""
    return (root / name).is_dir() or (root / f"{name}.py").is_file()


def project_root(folder: Path) -> Path | None:
    """The nearest folder around that marks a project."""
    return next((f for f in (folder, *folder.parents) if any((f / marker).exists() for marker in _MARKERS)), None)


def search_path(python: Path) -> tuple[Path, ...]:
    """The folders in which an interpreter finds installed packages, without running it."""
    if python == Path(sys.executable):
        entries = (Path(entry) for entry in sys.path if entry)
        return tuple(entry for entry in entries if entry.is_dir() and entry != Path(sysconfig.get_path("stdlib")))
    prefix = python.absolute().parent.parent
    settings = _venv_settings(prefix)
    folders = list(_site_packages(prefix, settings.get("version", "")))
    if settings.get("include-system-site-packages", "false").lower() == "true" and "home" in settings:
        folders += _site_packages(Path(settings["home"]).parent, settings.get("version", ""))
    return tuple(dict.fromkeys([*folders, *(linked for folder in folders for linked in _linked(folder))]))


def _venv_settings(prefix: Path) -> dict[str, str]:
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no virtual environment
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name.strip().lower().replace("version_info", "version"): value.strip() for name, _, value in pairs}


def _site_packages(prefix: Path, version: str) -> Iterator[Path]:
    short = re.match(r"\d+\.\d+", version)
    name = f"python{short[0]}" if short else "python3*"
    patterns = [f"{lib}/{name}/{kind}-packages" for lib in ("lib", "lib64", "local/lib") for kind in ("site", "dist")]
    for pattern in (*patterns, "lib/python3/dist-packages", "Lib/site-packages"):
        yield from (folder for folder in sorted(prefix.glob(pattern)) if folder.is_dir())


def _linked(folder: Path) -> Iterator[Path]:
    """The folders that .pth files add: where packages are that are installed for editing."""
    for listing in sorted(folder.glob("*.pth")):
        yield from _entries(listing, folder)


def _entries(listing: Path, folder: Path) -> Iterable[Path]:
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # Python passes over it, too
        return ()
    named = (folder / line.strip() for line in lines if line.strip() and not line.startswith(("#", "import ")))
    return [entry for entry in named if entry.is_dir()]
