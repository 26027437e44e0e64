"""Which files a run is about: paths given, folders walked, excludes and .gitignore honoured as black does."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnconvert.errors import UsageError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    Ignores = tuple[tuple[Path, GitIgnoreSpec], ...]

DEFAULT_EXCLUDE = (
    r"/(\.direnv|\.eggs|\.git|\.hg|\.ipynb_checkpoints|\.mypy_cache|\.nox|\.pytest_cache|\.ruff_cache|\.tox|\.svn"
    r"|\.venv|\.vscode|__pypackages__|_build|buck-out|build|dist|venv)/"
)


@dataclass(frozen=True, slots=True)
class Excludes:
    """Regular expressions, searched in the path from the project root: ``/src/net.py``, or ``/src/``."""

    root: Path
    """The project root, absolute."""
    exclude: re.Pattern[str] | None = None
    """Replaces the default and, as in black, turns .gitignore off."""
    extend: re.Pattern[str] | None = None
    force: re.Pattern[str] | None = None
    """Holds for files that are given by name too."""

    def rejects(self, path: Path, base: Path) -> bool:
        """Whether a file or folder found in a walk from ``base`` is excluded."""
        name = self._rooted(path, base)
        patterns = (self.exclude or re.compile(DEFAULT_EXCLUDE), self.extend, self.force)
        return any(pattern is not None and _matches(pattern, name) for pattern in patterns)

    def forbids(self, path: Path) -> bool:
        """Whether a file given by name is excluded."""
        return self.force is not None and _matches(self.force, self._rooted(path, path.parent))

    def _rooted(self, path: Path, base: Path) -> str:
        absolute = Path(os.path.abspath(path))
        start = self.root if absolute.is_relative_to(self.root) else Path(os.path.abspath(base))
        slash = "/" if path.is_dir() else ""
        return "/" + absolute.relative_to(start).as_posix() + slash


def compile_pattern(text: str, where: str) -> re.Pattern[str]:
    """A regular expression of the user; one of several lines is verbose, as in black. Raises UsageError."""
    try:
        return re.compile(text, re.VERBOSE if "\n" in text else 0)
    except re.error as error:
        raise UsageError(f"{where}: not a regular expression: {text!r}: {error}") from None


def require_paths(paths: Sequence[Path]) -> None:
    """Raise UsageError for a path that is missing or is neither a file nor a folder."""
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"{path}: no such file or folder")
        if not path.exists():
            raise UsageError(f"{path}: a symbolic link to nothing")
        if not path.is_file() and not path.is_dir():
            raise UsageError(f"{path}: neither a file nor a folder")


def discover(paths: Iterable[Path], excludes: Excludes) -> Iterator[Path]:
    """The files of a run, each once, in the order given, folders sorted by name."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            ignores = () if excludes.exclude else _ignores_above(path)
            found: Iterable[Path] = _walk(path, path, excludes, ignores, set())
        else:
            found = () if excludes.forbids(path) else (path,)
        for file in found:
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path, base: Path, excludes: Excludes, ignores: Ignores, above: set[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:  # a symbolic link back to a folder around it
        return
    above = above | {real}
    if not excludes.exclude:
        ignores += _gitignore(Path(os.path.abspath(folder)))
    try:
        children = [(child, child.is_dir()) for child in sorted(folder.iterdir())]
    except OSError:
        yield folder  # whoever reads it meets the same error and reports it
        return
    for child, is_folder in children:
        if not is_folder and (child.suffix != ".py" or not child.is_file()):
            continue
        if _ignored(child, is_folder, ignores) or excludes.rejects(child, base):
            continue
        if _escapes(child, excludes.root, base):
            continue
        if is_folder:
            yield from _walk(child, base, excludes, ignores, above)
        else:
            yield child


def _matches(pattern: re.Pattern[str], name: str) -> bool:
    found = pattern.search(name)
    return found is not None and found.group(0) != ""  # an empty pattern excludes nothing, as in black


def _escapes(child: Path, root: Path, base: Path) -> bool:
    """Whether a symbolic link leads out of the project, where nothing may be changed without being named."""
    if not child.is_symlink():
        return False
    real = child.resolve()
    return not real.is_relative_to(root.resolve()) and not real.is_relative_to(base.resolve())


def _ignores_above(folder: Path) -> Ignores:
    """The .gitignore files of the folders around ``folder``, outermost first, within its git tree."""
    absolute = Path(os.path.abspath(folder))
    found: list[Ignores] = []
    for parent in (absolute, *absolute.parents):
        if parent != absolute:
            found.append(_gitignore(parent))
        if os.path.exists(parent / ".git"):
            return tuple(entry for entries in reversed(found) for entry in entries)
    return ()


def _gitignore(folder: Path) -> Ignores:
    path = folder / ".gitignore"
    if not os.path.isfile(path):  # False also in a folder that may not be read, which its walk reports
        return ()
    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, ValueError) as error:  # ValueError: undecodable, or a pattern that is none
        raise UsageError(f"{path}: cannot be read as .gitignore: {error}") from None
    return ((folder, spec),)


def _ignored(child: Path, is_folder: bool, ignores: Ignores) -> bool:
    """Whether the innermost .gitignore that speaks of ``child`` ignores it."""
    absolute = Path(os.path.abspath(child))
    for folder, spec in reversed(ignores):
        include = spec.check_file(absolute.relative_to(folder).as_posix() + ("/" if is_folder else "")).include
        if include is not None:
            return include
    return False
