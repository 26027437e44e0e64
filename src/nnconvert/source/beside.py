"""What the text of other files says of one file's parameters: modules and names of parameters that they look for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

_MARKERS: Final = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
_SKIPPED: Final = frozenset({".git", ".hg", ".tox", ".venv", "__pycache__", "build", "dist", "node_modules", "venv"})
_IMPORT: Final = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)", re.MULTILINE)
_PLAIN_IMPORT: Final = re.compile(rb"^[ \t]*import[ \t]+([^\r\n#]+)", re.MULTILINE)
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


def looking_for(path: Path, names: Iterable[str]) -> tuple[Path, str] | None:
    """Another file that looks for one of these, and which one.

    Classes, in a walk over modules, ends of the names of parameters (``.bias``), or IN_ORDER. Only where some file
    brings both together: one that imports, perhaps through others, this file and that one.
    """
    tree = _tree(path)
    exact, parts = _looked_for(*tree)
    for name in names:
        found = [*exact.get(name, ()), *(path for part, paths in parts.items() if part in name for path in paths)]
        for other in found:
            if other != path and _users(other, *tree) & _users(path, *tree):
                return other, name
    return None


def reaching(path: Path, name: str) -> Path | None:
    """Another file that uses ``<object>.<name>`` as one does a layer (``model.fc.weight``), or names its keys."""
    paths = _reached(*_tree(path)).get(name, ())
    return next((other for other in paths if other != path), None)


def users(path: Path) -> frozenset[Path]:
    """The file and all of its project that import it, perhaps through others, as far as names of modules tell."""
    return _users(path, *_tree(path))


def _tree(path: Path) -> tuple[Path, bool]:
    """The folder whose files may import from the one at ``path``, and whether its subfolders belong to it."""
    for folder in path.parents:
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder, True
    package = path.parent
    while (package.parent / "__init__.py").exists():
        package = package.parent
    return package, (package / "__init__.py").exists()


def _files(root: Path, recursive: bool) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if recursive and f not in _SKIPPED]
        for name in names:
            if name.endswith(".py"):
                yield Path(folder) / name


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


def _read(path: Path) -> bytes:
    """The bytes of a file; what cannot be read says nothing."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
