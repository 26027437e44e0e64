"""Deciding on the workers of an executor."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

from nnconvert.conversion import decided
from nnconvert.options import Options
from nnconvert.result import Result, failed, printable
from nnconvert.source.index import Index
from nnconvert.source.project import Neighbours

_HERE = threading.local()


def decided_apart(
    executor: Executor, files: Iterable[tuple[Path, bool]], options: Options, search_path: Sequence[Path]
) -> Iterator[tuple[Result, bool]]:
    """What the workers of ``executor`` decide, in the order of ``files``; those that are not worth it stay here.

    With each, whether its classes have relatives in other files of the project or of packages.
    """
    tasks: list[tuple[Path, bytes, Future[tuple[Result, bool]] | None]] = []
    try:
        for path, worth in files:
            try:
                source = path.read_bytes() if worth else b""
            except OSError:
                worth, source = False, b""
            # A worker may have another working folder.
            apart = (source, options, Path(os.path.abspath(path)), tuple(search_path))
            future = executor.submit(decide_there, *apart) if worth else None
            tasks.append((path, source, future))
        for path, source, future in tasks:
            unread = Result(path, "unchanged", b"", b"")
            yield (unread, False) if future is None else _returned(future, path, source)
    finally:
        for _, _, future in tasks:
            if future is not None:
                future.cancel()


def decide_there(source: bytes, options: Options, path: Path, search_path: tuple[Path, ...]) -> tuple[Result, bool]:
    """What a worker does with one file; picklable, as its arguments are, and thread-safe.

    A thread has an index of its own, since that holds the file at hand.
    """
    known: dict[tuple[Path, ...], Index] = _HERE.__dict__.setdefault("indexes", {})
    neighbours = Neighbours(path, known.setdefault(search_path, Index(search_path)))
    result = decided(source, options, path, neighbours)
    return result, neighbours.has_relatives


def _returned(future: Future[tuple[Result, bool]], path: Path, source: bytes) -> tuple[Result, bool]:
    """What a worker says of the file at ``path``, under that name again."""
    try:
        result, related = future.result()
    except Exception as error:
        words = f"its worker ended: {type(error).__name__}: {' '.join(str(error).split())}"
        return failed(path, source, words), False
    words = printable(path) + result.error.removeprefix(printable(result.path)) if result.error else ""
    return replace(result, path=path, error=words), related
