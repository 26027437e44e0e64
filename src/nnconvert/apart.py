"""Deciding on the workers of an executor."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path

from nnconvert.conversion import decided
from nnconvert.options import Options
from nnconvert.result import Result, failed, printable
from nnconvert.source.index import Index
from nnconvert.source.project import Neighbours

_HERE = threading.local()


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided about one file."""

    result: Result
    relatives: frozenset[Path] = frozenset()
    """Other files, of the project or of packages, in which its classes have bases or subclasses."""
    opened: frozenset[Path] = frozenset()
    """Files that were read for it."""


@dataclass(frozen=True, slots=True)
class _Task:
    path: Path
    source: bytes = b""
    future: Future[Decided] | None = None
    known: Result | None = None


def decided_apart(
    executor: Executor,
    files: Iterable[tuple[Path, bool]],
    options: Options,
    search_path: Sequence[Path],
    known: Callable[[Path, bytes], Result | None],
) -> Iterator[Decided]:
    """What the workers of ``executor`` decide, in the order of ``files``; not what is known, or not worth it."""
    tasks: list[_Task] = []

    def task(path: Path) -> _Task:
        try:
            source = path.read_bytes()
        except OSError as error:
            return _Task(path, known=failed(path, b"", f"cannot be read: {error.strerror or error}"))
        if found := known(path, source):
            return _Task(path, known=found)
        # A worker may have another working folder.
        apart = (source, options, Path(os.path.abspath(path)), tuple(search_path))
        return _Task(path, source, executor.submit(decide_there, *apart))

    try:
        for path, worth in files:
            tasks.append(task(path) if worth else _Task(path))
        for each in tasks:
            if each.future is not None:
                yield _returned(each.future, each.path, each.source)
            else:
                yield Decided(each.known or Result(each.path, "unchanged", b"", b""))
    finally:
        for each in tasks:
            if each.future is not None:
                each.future.cancel()


def decide_there(source: bytes, options: Options, path: Path, search_path: tuple[Path, ...]) -> Decided:
    """What a worker does with one file; picklable, as its arguments are, and thread-safe.

    A thread has an index of its own, since that holds the file at hand.
    """
    known: dict[tuple[Path, ...], Index] = _HERE.__dict__.setdefault("indexes", {})
    index = known.setdefault(search_path, Index(search_path))
    index.opened.clear()
    neighbours = Neighbours(path, index)
    result = decided(source, options, path, neighbours)
    return Decided(result, neighbours.relatives, frozenset(index.opened))


def _returned(future: Future[Decided], path: Path, source: bytes) -> Decided:
    """What a worker says of the file at ``path``, under that name again."""
    try:
        found = future.result()
    except Exception as error:
        words = f"its worker ended: {type(error).__name__}: {' '.join(str(error).split())}"
        return Decided(failed(path, source, words))
    result = found.result
    words = printable(path) + result.error.removeprefix(printable(result.path)) if result.error else ""
    return replace(found, result=replace(result, path=path, error=words))
