"""What was decided in an earlier run, on disk: what is the same again is not decided again.

A decision holds while nothing has changed that it may rest on: the file itself, told by its bytes; all Python files of
its project, and those of packages that were read, told by size, times and inode; which packages are installed; the
options; this tool. Nothing from here is ever written into a file: what would be converted is decided again.
"""

from __future__ import annotations

import marshal
import os
import pickle
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple, TypeAlias

from nnconvert import stored
from nnconvert.options import Options
from nnconvert.plan import Plan
from nnconvert.result import Result
from nnconvert.source.index import Index
from nnconvert.source.scan import Project
from nnconvert.stored import Told, digest, own_code, told

State: TypeAlias = Mapping[str, Told]
"""Path -> what its file is told by."""


class _Entry(NamedTuple):
    digest: bytes
    """Of the bytes that the decisions are about."""
    converts: bool
    packed: bytes
    """The plan, and what the file would become; nearly all entries of a run are never asked for."""


def _entry(digest: bytes, plan: Plan, new: bytes | None) -> _Entry:
    return _Entry(digest, new is not None, zlib.compress(pickle.dumps((plan, new), pickle.HIGHEST_PROTOCOL), 1))


def _unpacked(entry: _Entry) -> tuple[Plan, bytes | None]:
    found: tuple[Plan, bytes | None] = pickle.loads(zlib.decompress(entry.packed))  # from this user's own folder
    return found


@dataclass
class _Store:
    """What is kept of one project."""

    file: Path
    project: Project
    state: State
    """Of the project, before this run wrote anything."""
    entries: dict[str, _Entry]
    beside: State
    """Of the files outside of the project that these decisions have read."""
    fresh: dict[str, _Entry] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)


class Cache:
    """The decisions of one run, and those of earlier ones; ``save`` ends it.

    They are in the index's ``folder``, whose content is trusted. ``shows``: the run neither writes nor verifies, so
    that conversions need not be decided again either. Raises ValueError for an index without a folder.
    """

    def __init__(self, options: Options, index: Index, *, shows: bool) -> None:
        if index.folder is None:
            raise ValueError("the index has no folder to keep anything in")
        self._folder = index.folder
        self._options = options
        self._index = index
        self._shows = shows
        self._stores: dict[Path, _Store] = {}

    def find(self, path: Path, source: bytes) -> Result | None:
        """What was decided about the file at ``path`` while it had this content, if that still holds."""
        name = os.path.abspath(path)
        found = self._store(Path(name)).entries.get(name)
        if found is None or found.digest != digest(source) or (found.converts and not self._shows):
            return None
        plan, new = _unpacked(found)
        if new is None:
            return Result(path, "unchanged", source, source, plan)
        return Result(path, "changed", source, new, plan)

    def knows(self, path: Path) -> bool:
        """Whether the file at ``path`` need not be decided; what cannot be read is for the run to report."""
        try:
            return self.find(path, path.read_bytes()) is not None
        except OSError:
            return True

    def keep(self, decision: Result) -> None:
        """Remember what was decided about a file."""
        if decision.plan is None or decision.status not in ("unchanged", "changed"):
            return
        name = os.path.abspath(decision.path)
        new = decision.new if decision.status == "changed" else None
        self._store(Path(name)).fresh[name] = _entry(digest(decision.old), decision.plan, new)

    def wrote(self, result: Result) -> None:
        """The file has its new content now; what its check has decided about that is remembered."""
        name = os.path.abspath(result.path)
        store = self._store(Path(name))
        store.written.add(os.path.realpath(name))
        store.fresh.pop(name, None)
        if result.after is not None:
            store.fresh[name] = _entry(digest(result.new), result.after, None)

    def save(self, read: Iterable[Path]) -> None:
        """Write what is new; ``read`` are the files that were read for it.

        Where the folder cannot be written, the next run decides again.
        """
        for store in self._stores.values():
            if not store.fresh and not store.written:
                continue
            now = store.project.files()
            changed = {name for name in {*now, *store.state} if now.get(name) != store.state.get(name)}
            if any(os.path.realpath(name) not in store.written for name in changed):
                continue  # somebody else has changed a file meanwhile: which of both the decisions saw is not known
            entries = {**store.entries, **store.fresh}
            if store.written:
                entries = {name: entry for name, entry in entries.items() if not entry.converts}
            beside = {**store.beside, **{str(path): told(path) for path in read if str(path) not in now}}
            payload = marshal.dumps((beside, {name: tuple(entry) for name, entry in entries.items()}))
            stored.save(store.file, self._key(now), payload)

    def _store(self, path: Path) -> _Store:
        project = self._index.project(path)
        if project.root not in self._stores:
            name = digest(repr((str(project.root), _settings(self._options))).encode()).hex()
            state = project.files()
            beside, entries = _read(self._folder / name, self._key(state))
            self._stores[project.root] = _Store(self._folder / name, project, state, entries, beside)
        return self._stores[project.root]

    def _key(self, state: State) -> bytes:
        """Stands for all that decisions may rest on beside the file itself and what they have read."""
        installed = [(str(folder), told(folder)) for folder in self._index.search_path]
        return repr((own_code(), installed, sorted(state.items()))).encode()


def _settings(options: Options) -> list[object]:
    """The options, sets in order."""
    values = (getattr(options, each.name) for each in fields(options))
    return [sorted(value) if isinstance(value, frozenset) else value for value in values]


def _read(file: Path, key: bytes) -> tuple[State, dict[str, _Entry]]:
    """What was saved under this key; nothing where that rests on a file that has changed."""
    payload = stored.load(file, key)
    if payload is None:
        return {}, {}
    beside, entries = marshal.loads(payload)
    if any(told(name) != state for name, state in beside.items()):
        return {}, {}
    return beside, {name: _Entry(*entry) for name, entry in entries.items()}
