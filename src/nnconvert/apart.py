"""Deciding on the workers of an executor."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nnconvert.conversion import decided
from nnconvert.options import Options
from nnconvert.result import Result, failed, printable
from nnconvert.source.index import Index
from nnconvert.source.project import Neighbours

_HERE = threading.local()
_BATCH: Final = 8
"""Files that a worker takes at a time, neighbours in their folder: they share what is read of others."""


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
    """Files that a worker has to decide, and what it will say of them."""

    files: list[tuple[Path, bytes]] = field(default_factory=list)
    future: Future[list[Decided]] | None = None

    def submit(self, executor: Executor, options: Options, index: Index) -> None:
        # A worker may have another working folder.
        files = [(Path(os.path.abspath(path)), source) for path, source in self.files]
        self.future = executor.submit(decide_there, files, options, index.search_path, index.folder)

    def decided(self) -> Iterator[Decided]:
        """What the worker says of each file, under the name that it has here."""
        assert self.future is not None
        try:
            found = self.future.result()
        except Exception as error:
            words = f"its worker ended: {type(error).__name__}: {' '.join(str(error).split())}"
            yield from [Decided(failed(path, source, words)) for path, source in self.files]
            return
        for (path, _), each in zip(self.files, found, strict=True):
            result = each.result
            words = printable(path) + result.error.removeprefix(printable(result.path)) if result.error else ""
            yield replace(each, result=replace(result, path=path, error=words))


def decided_apart(
    executor: Executor,
    files: Iterable[tuple[Path, bool]],
    options: Options,
    index: Index,
    known: Callable[[Path, bytes], Result | None],
) -> Iterator[Decided]:
    """What the workers of ``executor`` decide, in the order of ``files``; not what is known, or not worth it."""
    batches = [_Batch()]
    settled: list[Decided | None] = []
    """One a file; None for what the next place in a batch says."""
    try:
        for path, worth in files:
            source = _source(path, known) if worth else Result(path, "unchanged", b"", b"")
            settled.append(Decided(source) if isinstance(source, Result) else None)
            if isinstance(source, bytes):
                batches[-1].files.append((path, source))
                if len(batches[-1].files) == _BATCH:
                    batches[-1].submit(executor, options, index)
                    batches.append(_Batch())
        batches[-1].submit(executor, options, index)
        said = (decided for batch in batches for decided in batch.decided())
        yield from (each or next(said) for each in settled)
    finally:
        for batch in batches:
            if batch.future is not None:
                batch.future.cancel()


def _source(path: Path, known: Callable[[Path, bytes], Result | None]) -> bytes | Result:
    """What is to be decided; or what is known of it already, or speaks against it."""
    try:
        source = path.read_bytes()
    except OSError as error:
        return failed(path, b"", f"cannot be read: {error.strerror or error}")
    return known(path, source) or source


def decide_there(
    files: Sequence[tuple[Path, bytes]], options: Options, search_path: tuple[Path, ...], folder: Path | None
) -> list[Decided]:
    """What a worker does with some files; picklable, as its arguments are, and thread-safe.

    A thread has an index of its own, since that holds the file at hand.
    """
    known: dict[tuple[Path, ...], Index] = _HERE.__dict__.setdefault("indexes", {})
    index = known.setdefault(search_path, Index(search_path, folder=folder))
    found: list[Decided] = []
    for path, source in files:
        index.opened.clear()
        neighbours = Neighbours(path, index)
        result = decided(source, options, path, neighbours)
        relatives = neighbours.relatives if result.status == "changed" else frozenset()
        found.append(Decided(result, relatives, frozenset(index.opened)))
    return found
