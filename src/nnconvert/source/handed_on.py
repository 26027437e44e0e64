"""What of torch a file has from another one: ``from mypkg.utils import F``, ``from .common import *``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from nnconvert.source.index import Index
    from nnconvert.source.reader import Reader

_FROM: Final = re.compile(rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]+(\*|\([^)]*\)|[^\r\n#]+)", re.MULTILINE)
_IMPORT: Final = re.compile(rb"^[ \t]*import[ \t]+([^\r\n#;]+)", re.MULTILINE)
_ASSIGNED: Final = re.compile(rb"^[ \t]*(\w+)[ \t]*=[ \t]*((?:\w+\.)*\w+)[ \t]*(?:#[^\r\n]*)?\r?$", re.MULTILINE)
_NAME: Final = re.compile(rb"(\*|\w+)(?:[ \t]+as[ \t]+(\w+))?")
_PLAIN: Final = re.compile(rb"([\w.]+)(?:[ \t]+as[ \t]+(\w+))?")

Table: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]


class HandedOn:
    """Names that files hand on, for one run."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._meanings: dict[tuple[str, Path | None], str] = {}
        self._tables: dict[Path, Table] = {}
        self._candidates: dict[tuple[Path, str], bool] = {}

    def forget(self) -> None:
        """What was found may be of older texts."""
        self._meanings.clear()

    def meaning(self, qualname: str, home: Reader) -> str:
        """What of torch a qualified name of one file is that another file hands on; else the name itself."""
        if qualname.partition(".")[0] == "torch":
            return qualname
        key = (qualname, home.path)
        if key not in self._meanings:
            self._meanings[key] = qualname  # a circle of imports ends here
            self._meanings[key] = self._meaning(qualname, home) or qualname
        return self._meanings[key]

    def _meaning(self, qualname: str, home: Reader) -> str | None:
        module, name = _split(qualname)
        path = self._index.find(module, home.path) if module else None
        if path is None or path == home.path or not self._may_be_torch(path, name):
            return None
        reader = self._index.reader(path)
        if reader is None or self._index.module(qualname, home) is not None:
            return None
        meaning = reader.names.qualname(ast.Name(name, ast.Load()), reader.tree.module)
        if meaning is None or meaning.partition(".")[0] != "torch":
            return None
        return None if any(f"{name}.".startswith(f"{meaning}.") for name in reader.names.replaced) else meaning

    def _may_be_torch(self, path: Path, name: str) -> bool:
        """Whether the imports of a file and of those it imports from may give the name something of torch.

        Told from their bytes: nothing is parsed for a name that a file defines itself, as nearly all are.
        """
        if (path, name) not in self._candidates:
            self._candidates[path, name] = any(
                module.partition(".")[0] == "torch"
                for place, wanted in self._sources(path, name)
                for module, _ in self._given(place, wanted)
            )
        return self._candidates[path, name]

    def _sources(self, path: Path, name: str) -> Iterator[tuple[Path, str]]:
        """The file and the name, and all from which it may have that name, each once."""
        seen = {(path, name)}
        queue = [(path, name)]
        for place, wanted in queue:
            yield place, wanted
            for module, source in self._given(place, wanted):
                further = self._index.find(module, place) if module else place
                if further is None:
                    continue
                found = (further, wanted if source == "*" else source)
                if found not in seen:
                    seen.add(found)
                    queue.append(found)

    def _given(self, path: Path, name: str) -> Iterator[tuple[str, str]]:
        table = self._table(path)
        yield from table.get(name, ())
        yield from table.get("*", ())

    def _table(self, path: Path) -> Table:
        if path not in self._tables:
            self._tables[path] = _imported(self._index.data(path))
        return self._tables[path]


def _split(qualname: str) -> tuple[str, str]:
    """The module and the name in it; ``.F`` is a name of the package that the file is in."""
    module, _, name = qualname.rpartition(".")
    dots = qualname[: len(qualname) - len(qualname.lstrip("."))]
    return (module if len(module) > len(dots) else dots), name


def _imported(data: bytes) -> Table:
    """Name -> where it may come from: a module and the name there; an empty module is the file itself."""
    if b"import" not in data:
        return {}
    found: dict[str, list[tuple[str, str]]] = {}
    for module, names in _FROM.findall(data):
        for name, alias in _NAME.findall(names):
            found.setdefault((alias or name).decode(), []).append((module.decode("utf-8", "replace"), name.decode()))
    for names in _IMPORT.findall(data):
        for module, alias in _PLAIN.findall(names):
            if module.partition(b".")[0] == b"torch":
                found.setdefault((alias or b"torch").decode(), []).append(("torch", ""))
    for name, value in _ASSIGNED.findall(data):
        found.setdefault(name.decode(), []).append(("", value.partition(b".")[0].decode("utf-8", "replace")))
    return found
