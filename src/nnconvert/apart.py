"""Deciding on the workers of an executor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path

from nnconvert.conversion import decided
from nnconvert.options import Options
from nnconvert.result import Result, failed, printable


def decided_apart(executor: Executor, files: Iterable[tuple[Path, bool]], options: Options) -> Iterator[Result]:
    """What the workers of ``executor`` decide, in the order of ``files``; those that are not worth it stay here."""
    tasks: list[tuple[Path, bytes, Future[Result] | None]] = []
    try:
        for path, worth in files:
            try:
                source = path.read_bytes() if worth else b""
            except OSError:
                worth, source = False, b""
            # A worker may have another working folder.
            future = executor.submit(decided, source, options, Path(os.path.abspath(path))) if worth else None
            tasks.append((path, source, future))
        for path, source, future in tasks:
            yield Result(path, "unchanged", b"", b"") if future is None else _returned(future, path, source)
    finally:
        for _, _, future in tasks:
            if future is not None:
                future.cancel()


def _returned(future: Future[Result], path: Path, source: bytes) -> Result:
    """What a worker says of the file at ``path``, under that name again."""
    try:
        result = future.result()
    except Exception as error:
        return failed(path, source, f"its worker ended: {type(error).__name__}: {' '.join(str(error).split())}")
    words = printable(path) + result.error.removeprefix(printable(result.path)) if result.error else ""
    return replace(result, path=path, error=words)
