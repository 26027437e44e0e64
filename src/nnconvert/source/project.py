"""What other files of a project say of one file: what they import from it, its subclasses, modules they look for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final

_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_SKIPPED: Final = frozenset({".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "venv"})
_IMPORT: Final = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)", re.MULTILINE)
_PLAIN_IMPORT: Final = re.compile(rb"^[ \t]*import[ \t]+([^\r\n#]+)", re.MULTILINE)
_CLASS: Final = re.compile(rb"^[ \t]*class[ \t]+(\w+)[ \t]*(?:\(([^)]*)\))?[ \t]*:", re.MULTILINE)
_BASE: Final = re.compile(rb"(?<![\w.=])(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)(?![\w.=])")
_ATTRIBUTE: Final = re.compile(rb"\.([A-Za-z_]\w*)")
_WALK: Final = re.compile(rb"\.(?:apply|modules|named_modules|children|named_children)\(|\b_?init_weights\b")
_TESTED: Final = re.compile(rb"\bisinstance\(\s*[\w.\[\]]+\s*,\s*(\([^()]*\)|[\w.|\s]+)\)")
_SPELLED: Final = re.compile(rb"""\.find\(\s*["'](\w+)["']|["'](\w+)["'] in \w*(?:name|type)""", re.IGNORECASE)
_LAST_NAME: Final = re.compile(rb"([A-Za-z_]\w*)(?![\w.])")
_OF_LAYERS: Final = (
    rb"weight|bias|running_mean|running_var|num_batches_tracked|(?:in|out)_(?:features|channels)|kernel_size|stride|"
    rb"num_features|num_embeddings|embedding_dim|normalized_shape|parameters|named_parameters|requires_grad_|momentum|"
    rb"register_\w*hook|reset_parameters|state_dict|load_state_dict|train|eval|apply|modules|children|eps"
)
_REACHED: Final = (
    # model.fc.weight, model.fc = nn.Linear(...); those of self are a class's own
    re.compile(rb"(?!self\b)(?:\b\w+|[\])])\.(\w+)(?:\.(?:%s)\b|\s*=\s*(?:torch\.)?nn\.)" % _OF_LAYERS),
    # self.encoder.norm(x), model.head(x)
    re.compile(rb"(?:\bself\.\w+|\b(?:model|net|network|module|encoder|decoder|backbone|student|teacher))\.(\w+)\("),
    # "fc.weight"
    re.compile(rb"""["'](?:[\w.]*\.)?(\w+)\.(?:weight|bias|running_mean|running_var|num_batches_tracked)["']"""),
)
_NAMING: Final = re.compile(rb"\b(?:named_parameters|named_buffers|state_dict)\b")
_ENDING: Final = re.compile(rb"""["'](\.(?:weight|bias|running_mean|running_var|num_batches_tracked))["']""")
_ORDERED: Final = re.compile(
    # random numbers for one parameter after the other, and one of them by its index
    rb"\bfor\b[^\n]*\.(?:named_)?parameters\(\)[^\n]*:\s*\n(?:[^\n]*\n){0,4}?[^\n]*\b"
    rb"(?:init\.\w+|\w*normal_|\w*uniform_|orthogonal_)\(|\blist\([^()\n]*\.parameters\(\)\)\s*\["
)
IN_ORDER: Final = "their order"
"""What ``Neighbours.looking_for`` takes for files that take parameters in their order."""
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

    def looking_for(self, names: Iterable[str]) -> tuple[Path, str] | None:
        """Another file that looks for one of these, and which one.

        Classes, in a walk over modules, ends of the names of parameters (``.bias``), or IN_ORDER. Only where some file
        brings both together: one that imports, perhaps through others, this file and that one.
        """
        if self._path is None:
            return None
        tree = _tree(self._path)
        exact, parts = _looked_for(*tree)
        for name in names:
            found = [*exact.get(name, ()), *(path for part, paths in parts.items() if part in name for path in paths)]
            for path in found:
                if path != self._path and _users(path, *tree) & _users(self._path, *tree):
                    return path, name
        return None

    def reaching(self, name: str) -> Path | None:
        """Another file that uses ``<object>.<name>`` as one does a layer (``model.fc.weight``), or names its keys."""
        paths = _reached(*_tree(self._path)).get(name, ()) if self._path is not None else ()
        return next((path for path in paths if path != self._path), None)


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


_Places = Mapping[str, tuple[Path, ...]]


@cache
def _looked_for(root: Path, recursive: bool) -> tuple[_Places, _Places]:
    """Classes and ends of the names of parameters that files look for, and parts of names of classes."""
    exact: dict[str, tuple[Path, ...]] = {}
    parts: dict[str, tuple[Path, ...]] = {}
    for path in _files(root, recursive):
        data = _read(path)
        walks = _WALK.search(data) is not None
        names = {end.decode() for end in _ENDING.findall(data)} if _NAMING.search(data) else set()
        if _ORDERED.search(data):
            names.add(IN_ORDER)
        if walks:
            names |= {name.decode() for tested in _TESTED.findall(data) for name in _LAST_NAME.findall(tested)}
        exact.update({name: (*exact.get(name, ()), path) for name in names})
        if walks and b"__name__" in data:
            spelled = {(first or second).decode() for first, second in _SPELLED.findall(data)}
            parts.update({part: (*parts.get(part, ()), path) for part in spelled if len(part) > 1})
    return exact, parts


@cache
def _users(path: Path, root: Path, recursive: bool) -> frozenset[Path]:
    """A file and all that import it, perhaps through others."""
    importers = _importers(root, recursive)
    found, queue = {path}, [path]
    for imported in queue:
        new = importers.get(imported, set()) - found
        found |= new
        queue.extend(new)
    return frozenset(found)


@cache
def _importers(root: Path, recursive: bool) -> Mapping[Path, set[Path]]:
    """For each file those that import it; files are told apart by their names."""
    named: dict[str, list[Path]] = {}
    for path in _files(root, recursive):
        named.setdefault(path.parent.name if path.name == "__init__.py" else path.stem, []).append(path)
    found: dict[Path, set[Path]] = {}
    for path in (path for paths in named.values() for path in paths):
        for name in _imported_modules(path):
            for imported in named.get(name, ()):
                found.setdefault(imported, set()).add(path)
    return found


def _imported_modules(path: Path) -> Iterator[str]:
    """Every name that may be a module in the imports of a file."""
    data = _read(path)
    for module, names in _IMPORT.findall(data):
        yield from (part.decode() for part in module.split(b".") if part)
        yield from (name.decode() for name in _NAME.findall(names))
        if not module.strip(b"."):
            yield path.parent.name
    for modules in _PLAIN_IMPORT.findall(data):
        yield from (part.decode() for part in re.findall(rb"\w+", modules))


@cache
def _reached(root: Path, recursive: bool) -> _Places:
    """Names of attributes, of other things than self, that files use as one does layers."""
    found: dict[str, tuple[Path, ...]] = {}
    for path in _files(root, recursive):
        data = _read(path)
        names = {name.decode() for pattern in _REACHED for name in pattern.findall(data)}
        found.update({name: (*found.get(name, ()), path) for name in names})
    return found


@cache
def _attributes(path: Path) -> frozenset[str]:
    return frozenset(name.decode() for name in _ATTRIBUTE.findall(_read(path)))


def _read(path: Path) -> bytes:
    """The bytes of a file; what cannot be read says nothing."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
