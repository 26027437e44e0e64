"""What is to be verified, and how a module is imported from where it stands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nnconvert.verification.deadline import NEVER, Deadline
from nnconvert.verification.evidence import Expected


@dataclass(frozen=True, slots=True)
class Limits:
    """For each child: seconds by the wall clock, and bytes of memory."""

    time: float = 120.0
    memory: int = 8 << 30
    tracing: float = 20.0
    """Processor seconds for each graph with open sizes; 0: only for the sizes that are fed."""


@dataclass(frozen=True, slots=True)
class Hints:
    """How to build and feed a model, as a person says it, in the module's own names, torch and nn."""

    model: str = ""
    """The class that ``args`` and ``inputs`` are for; empty: every class."""
    args: str = ""
    """Constructor arguments, as between the parentheses of a call: ``3, num_classes=10``."""
    inputs: str = ""
    """Arguments of forward: ``torch.randn(1, 3, 64, 64)``; several with commas."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another file than the one that is verified: two versions, and what is expected of its classes."""

    old: bytes
    new: bytes
    classes: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Two versions of one module."""

    path: Path
    """Where the module stands; it need not exist."""
    old: bytes
    new: bytes
    classes: tuple[Expected, ...] = ()
    """The classes to verify; empty means every top-level module class that both versions have."""
    hints: Hints = Hints()
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """From the config: ``{"package.module:Class": {"args": ..., "inputs": ...}}``."""
    others: Mapping[Path, Other] = field(default_factory=dict)
    """Other files that change, too: each version of the module finds theirs, whatever is on disk."""
    around: tuple[Path, ...] = ()
    """Other files of the project that name its classes, the likeliest first: how these are built, and models that
    hold them, are looked for there, too."""
    limits: Limits = Limits()
    deadline: Deadline = NEVER
    """What is not done by then is not done."""
    seed: int = 0
    again: tuple[str, ...] = ()
    """The words of a command that verifies these versions again, if there is one."""

    def expected(self) -> tuple[Expected, ...]:
        """What is known of each class; raises SyntaxError where a version does not parse."""
        if self.classes:
            return self.classes
        new = set(top_level_classes(self.new))
        return tuple(Expected(name, known=False) for name in top_level_classes(self.old) if name in new)

    def elsewhere(self) -> Iterator[Expected]:
        """What is expected of the classes of other files. Their calls are for the verification of those to see."""
        for path, other in self.others.items():
            for expected in other.classes:
                yield replace(expected, path=str(path.absolute()), calls=(), gained=())


def top_level_classes(source: bytes) -> list[str]:
    return [statement.name for statement in ast.parse(source).body if isinstance(statement, ast.ClassDef)]


@dataclass(frozen=True, slots=True)
class Location:
    """The name a module is imported under, and the folders that must be importable for it."""

    module: str
    search: tuple[str, ...]


PROJECT_MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg")


def locate(path: Path, source: bytes) -> Location:
    """Walk up while the folders are packages (or relative imports say that they are), and name the module."""
    path = path.absolute()
    parts = [] if path.name == "__init__.py" else [re.sub(r"\W", "_", path.stem)]
    root, depth = path.parent, _relative_depth(source)
    while root.parent != root and (_in_package(root) or depth > 0):
        parts.insert(0, root.name)
        root, depth = root.parent, depth - 1
    marked = (folder for folder in root.parents if any((folder / mark).exists() for mark in PROJECT_MARKS))
    project = next(marked, root)
    search = dict.fromkeys([str(root), str(Path.cwd()), str(project)])
    return Location(".".join(parts) or "__init__", tuple(search))


def homes(paths: Iterable[Path], location: Location) -> Iterator[tuple[Path, str]]:
    """Of these files, those that can be imported with what a module's location makes importable, with their names."""
    for path in paths:
        try:
            found = locate(path, path.read_bytes())
        except (OSError, SyntaxError, ValueError):  # gone, or no Python: no model is in it
            continue
        if found.search[0] in location.search:
            yield path, found.module


def _in_package(folder: Path) -> bool:
    """Whether the folder is a package, or a namespace package (no ``__init__.py``) a little way below one."""
    nearest = next((f for f in (folder, *folder.parents[:2]) if (f / "__init__.py").is_file()), None)
    if nearest is None:
        return False
    between = folder.relative_to(nearest).parts
    return all(part.isidentifier() for part in between) and not _is_root(folder, nearest)


def _is_root(folder: Path, package: Path) -> bool:
    """Whether a project begins between a folder and the package above it."""
    return any(
        (f / mark).exists()
        for f in (folder, *folder.parents)
        if f.is_relative_to(package) and f != package
        for mark in PROJECT_MARKS
    )


def _relative_depth(source: bytes) -> int:
    """How many packages up the module's relative imports reach."""
    imports = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return max((node.level for node in imports), default=0)
