"""Deciding on the workers of an executor."""

from __future__ import annotations

import os
import secrets
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nnconvert.cache import Cache
from nnconvert.conversion import decided
from nnconvert.options import Options
from nnconvert.result import Result, failed, printable
from nnconvert.source.index import Index
from nnconvert.source.project import Neighbours

_HERE = threading.local()
_BATCH: Final = 8
"""Files that a worker takes at a time, neighbours in their folder: they share what is read of others."""
_AHEAD: Final = 32
"""Batches that wait for workers, or for whoever takes the results: what they hold does not grow with the run."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about one file."""

    result: Result
    relatives: frozenset[Path] = frozenset()
    """Other files, of the project or of packages, in which its classes have bases or subclasses."""
    opened: frozenset[Path] = frozenset()
    """Files that were read for it."""


@dataclass
class _Batch:
    """Files in a row: those that a worker has to decide, and what is known of the others."""

    files: list[tuple[Path, bytes | Result]] = field(default_factory=list)
    future: Future[list[Decided]] | None = None

    @property
    def unknown(self) -> list[tuple[Path, bytes]]:
        return [(path, source) for path, source in self.files if isinstance(source, bytes)]

    def submit(self, executor: Executor, options: Options, index: Index, run: str) -> None:
        # A worker may have another working folder.
        files = [(Path(os.path.abspath(path)), source) for path, source in self.unknown]
        if files:
            self.future = executor.submit(decide_there, files, options, run, index.search_path, index.folder)

    def decided(self) -> Iterator[Decided]:
        """What is known of each file now, in order."""
        said = iter(self._said())
        for _, source in self.files:
            yield Decided(source) if isinstance(source, Result) else next(said)

    def _said(self) -> list[Decided]:
        """What the worker says, of each file under the name that it has here."""
        if self.future is None:
            return []
        try:
            found = self.future.result()
        except Exception as error:
            words = f"its worker ended: {type(error).__name__}: {' '.join(str(error).split())}"
            return [Decided(failed(path, source, words)) for path, source in self.unknown]
        return [_under(path, each) for (path, _), each in zip(self.unknown, found, strict=True)]


def _under(path: Path, decided: Decided) -> Decided:
    """The same, of the file under this name."""
    result = decided.result
    words = printable(path) + result.error.removeprefix(printable(result.path)) if result.error else ""
    return replace(decided, result=replace(result, path=path, error=words))


def decided_apart(
    executor: Executor,
    files: Iterable[tuple[Path, bool]],
    options: Options,
    index: Index,
    cache: Cache | None,
) -> Iterator[Decided]:
    """What the workers of ``executor`` decide, in the order of ``files``; not what is known, or not worth it."""
    ahead: deque[_Batch] = deque()
    run = secrets.token_hex(8)
    try:
        for batch in _batches(files, cache):
            batch.submit(executor, options, index, run)
            ahead.append(batch)
            if len(ahead) > _AHEAD:
                yield from ahead.popleft().decided()
        while ahead:
            yield from ahead.popleft().decided()
    finally:
        for batch in ahead:
            if batch.future is not None:
                batch.future.cancel()


def _batches(files: Iterable[tuple[Path, bool]], cache: Cache | None) -> Iterator[_Batch]:
    batch = _Batch()
    for path, worth in files:
        batch.files.append((path, _source(path, cache) if worth else Result(path, "unchanged", b"", b"")))
        if len(batch.unknown) == _BATCH:
            yield batch
            batch = _Batch()
    yield batch


def _source(path: Path, cache: Cache | None) -> bytes | Result:
    """What is to be decided; or what is known of it already, or speaks against it."""
    try:
        source = path.read_bytes()
    except OSError as error:
        return failed(path, b"", f"cannot be read: {error.strerror or error}")
    found = cache.find(path, source) if cache is not None else None
    return found or source


def decide_there(
    files: Sequence[tuple[Path, bytes]],
    options: Options,
    run: str,
    search_path: tuple[Path, ...],
    folder: Path | None,
) -> list[Decided]:
    """What a worker does with some files; picklable, as its arguments are, and thread-safe.

    A thread has an index of its own, since that holds the file at hand; another in each ``run``, since files may have
    changed between two.
    """
    if getattr(_HERE, "run", "") != run:
        _HERE.run, _HERE.index = run, Index(search_path, folder=folder)
    index: Index = _HERE.index
    found: list[Decided] = []
    for path, source in files:
        index.opened.clear()
        neighbours = Neighbours(path, index)
        result = decided(source, options, path, neighbours)
        relatives = neighbours.relatives if result.status == "changed" else frozenset()
        found.append(Decided(result, relatives, frozenset(index.opened)))
    return found
