"""From bytes to a Result: what every front end calls. Nothing here prints."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Self

from nnconvert import files
from nnconvert.cache import Cache
from nnconvert.conversion import decided, is_worth_parsing
from nnconvert.discovery import Excludes, discover
from nnconvert.errors import NnconvertError, SourceError, UsageError
from nnconvert.judging import settled
from nnconvert.options import Options
from nnconvert.plan import Plan
from nnconvert.result import TOO_DEEP, Result, Status, failed, place
from nnconvert.source.index import Index
from nnconvert.source.modules import search_path
from nnconvert.source.project import Neighbours
from nnconvert.verification import Evidence, Expected, Hints, Other, Request, Server, find_ranks, verify_file
from nnconvert.verification.deadline import Budget
from nnconvert.verification.interpreter import find_python
from nnconvert.verification.request import top_level_classes

__all__ = [
    "Cache",
    "Evidence",
    "Excludes",
    "Hints",
    "Index",
    "NnconvertError",
    "Options",
    "Plan",
    "Result",
    "SourceError",
    "Status",
    "UsageError",
    "Verifier",
    "convert_file",
    "convert_paths",
    "convert_source",
    "verify",
]


class Verifier:
    """Verification for one run: how models are built, and one server that starts with the first class.

    ``python`` is the interpreter to run on (by default what ``nnconvert.verification.find_python`` finds),
    ``models`` the configured ``package.module:Class`` -> its ``args`` and ``inputs``, ``time_limit`` the seconds that
    all it is asked for may take: what is not verified by then is unverified. A context manager; leaving it ends every
    child process.
    """

    def __init__(
        self,
        python: Path | None = None,
        hints: Hints | None = None,
        models: Mapping[str, Mapping[str, str]] | None = None,
        time_limit: float | None = None,
    ) -> None:
        self._server = Server(python)
        self._python = python
        self._hints = hints or Hints()
        self._models = models or {}
        self._budget = Budget(time_limit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._server.close()

    def verify(
        self,
        path: Path,
        old: bytes,
        new: bytes,
        classes: tuple[Expected, ...] = (),
        again: tuple[str, ...] = (),
        around: tuple[Path, ...] = (),
    ) -> tuple[Evidence, ...]:
        """Evidence for each of ``classes`` (by default those of both versions) of the module at ``path``.

        ``again`` are the words of a command that verifies the same two versions, for evidence of a difference;
        ``around`` are other files of its project that name these classes, the likeliest first.
        """
        if again and self._python is not None:
            again = (*again, "--python", str(self._python))
        return self._verified(Request(path, old, new, classes, self._hints, self._models, around=around, again=again))

    def verify_among(
        self, path: Path, old: bytes, new: bytes, classes: tuple[Expected, ...], others: Mapping[Path, Other]
    ) -> tuple[Evidence, ...]:
        """The same where ``others`` change, too: each version of the module runs with their versions."""
        return self._verified(Request(path, old, new, classes, self._hints, self._models, others=others))

    def ranks(self, path: Path, source: bytes) -> Mapping[int, frozenset[int]]:
        """Line -> how many dimensions the inputs of F.batch_norm and F.instance_norm that stand there had in runs."""
        request = Request(path, source, source, (), self._hints, self._models)
        with self._budget.spending() as deadline:
            return find_ranks(self._server, replace(request, deadline=deadline))

    def _verified(self, request: Request) -> tuple[Evidence, ...]:
        with self._budget.spending() as deadline:
            return verify_file(self._server, replace(request, deadline=deadline))


def convert_source(
    source: bytes,
    options: Options | None = None,
    *,
    path: Path | None = None,
    verifier: Verifier | None = None,
    require_verified: bool = False,
    salvages: bool = True,
    index: Index | None = None,
) -> Result:
    """Convert one source; ``path`` says where it stands, for imports and messages, and is not read.

    Without a path the source stands alone: nothing is known of other files. ``index`` is what is read of the other
    files of its project and of installed packages; give the same one to all calls of a run. Without a verifier
    nothing is verified. Where verification finds a difference, the call sites that are guilty of it are left and
    the others converted, unless ``salvages`` is False. Never raises for what a source holds: see ``Result.error``.
    Raises UsageError where the verifier's hints raise by themselves.
    """
    wanted = options or Options()
    neighbours = Neighbours(path, index or Index(search_path(find_python())))
    result = decided(source, wanted, path or Path("source.py"), neighbours)
    return settled(result, wanted, neighbours, verifier, require_verified, salvages)


def convert_file(
    path: Path,
    options: Options | None = None,
    *,
    write: bool = False,
    verifier: Verifier | None = None,
    require_verified: bool = False,
    salvages: bool = True,
    index: Index | None = None,
) -> Result:
    """Convert one file; with ``write`` in place. A file without a change is never touched."""
    try:
        source = path.read_bytes()
    except OSError as error:
        return failed(path, b"", f"cannot be read: {error.strerror or error}")
    result = convert_source(
        source,
        options,
        path=path,
        verifier=verifier,
        require_verified=require_verified,
        salvages=salvages,
        index=index,
    )
    return _written(result) if write else result


def convert_paths(
    paths: Iterable[Path],
    options: Options | None = None,
    *,
    excludes: Excludes | None = None,
    write: bool = False,
    verifier: Verifier | None = None,
    require_verified: bool = False,
    salvages: bool = True,
    index: Index | None = None,
    executor: Executor | None = None,
    cache: Cache | None = None,
) -> Iterator[Result]:
    """Convert files and the ``*.py`` of folders, one Result a file in a settled order.

    A file of a folder that cannot hold a call site is dropped unread: its Result is ``unchanged`` and empty.
    ``index`` is as for convert_source; by default the run has one of its own.

    ``executor``, any of concurrent.futures or alike (dask's, for one), decides and converts the files on its
    workers, which must see the same files; with ``write`` all of them before the first one is written. A file
    whose classes have relatives in a file that has changed before it is decided again here, since the names that are
    given there are taken. Its owner shuts the executor down.

    ``cache`` knows what was decided in earlier runs with the same options and index, and learns what this one decides.
    """
    wanted = options or Options()
    given = list(paths)
    named = {path for path in given if not path.is_dir()}
    index = index or Index(search_path(find_python()))
    found = discover(given, excludes or Excludes(Path.cwd()))
    relevant = ((path, path in named or is_worth_parsing(path, wanted)) for path in found)
    decisions = (
        _decided_in_turn(relevant, wanted, index, cache)
        if executor is None
        else _decided_by(executor, relevant, wanted, index, cache, ahead=write)
    )
    for decision in decisions:
        result = settled(decision, wanted, Neighbours(decision.path, index), verifier, require_verified, salvages)
        if write:
            result = _written(result)
            if cache is not None and result.status == "changed":
                cache.wrote(result)
        yield result
    if cache is not None:
        cache.save(index.opened)


def _decided_in_turn(
    files: Iterable[tuple[Path, bool]],
    options: Options,
    index: Index,
    cache: Cache | None,
) -> Iterator[Result]:
    """Each file decided when it is asked for: after all before it are settled."""
    for path, worth in files:
        if not worth:
            yield Result(path, "unchanged", b"", b"")
            continue
        try:
            source = path.read_bytes()
        except OSError as error:
            yield failed(path, b"", f"cannot be read: {error.strerror or error}")
            continue
        found = cache.find(path, source) if cache is not None else None
        decision = found or decided(source, options, path, Neighbours(path, index))
        if cache is not None:
            cache.keep(decision)
        yield decision


def _decided_by(
    executor: Executor,
    files: Iterable[tuple[Path, bool]],
    options: Options,
    index: Index,
    cache: Cache | None,
    *,
    ahead: bool,
) -> Iterator[Result]:
    """All files decided by an executor, and again here where that rests on a text which has changed since.

    ``ahead``: all of them before the first result is there, since that will be written.
    """
    from nnconvert.apart import Decided, decided_apart

    def kept(found: Decided) -> Decided:
        """The same; where nothing is to be said of a file, without its bytes."""
        result = found.result
        if cache is not None:
            cache.keep(result)
        if not ahead or result.status != "unchanged" or result.plan is None or result.plan.decisions:
            return found
        return replace(found, result=replace(result, old=b"", new=b""))

    decisions = map(kept, decided_apart(executor, files, options, index, cache))
    changed: set[Path] = set()
    for found in list(decisions) if ahead else decisions:
        result = found.result
        index.opened |= found.opened
        if result.status == "changed":
            if not changed.isdisjoint(found.relatives):
                result = decided(result.old, options, result.path, Neighbours(result.path, index))
                if cache is not None:
                    cache.keep(result)
            changed.add(Path(os.path.abspath(result.path)))
        yield result


def verify(old: Path, new: Path, verifier: Verifier | None = None) -> tuple[Evidence, ...]:
    """Compare two versions of a file, class by class; both are imported as the module that stands at ``old``.

    Without a verifier one of its own is used, and ended. Raises SourceError, which names the file, where one cannot be
    read, and UsageError where the verifier's hints raise by themselves.
    """
    if verifier is None:
        with Verifier() as own:
            return verify(old, new, own)
    before, after = _readable(old), _readable(new)
    neighbours = Neighbours(old, Index(search_path(find_python())))
    around = neighbours.naming(top_level_classes(before))
    again = ("nnconvert", "verify", str(old), str(new))
    evidence = verifier.verify(old, before, after, again=again, around=around)
    for misused in (e for e in evidence if e.misused):
        raise UsageError(misused.reason)
    return evidence


def _readable(path: Path) -> bytes:
    """The bytes of a file that parses."""
    try:
        source = path.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(files.decode(source).text)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    except SourceError as error:
        raise SourceError(f"{place(path, error.line, error.column)}: {error.message}") from error
    except SyntaxError as error:
        raise SourceError(f"{place(path, error.lineno, error.offset)}: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise SourceError(f"{path}: {TOO_DEEP}") from error
    return source


def _written(result: Result) -> Result:
    """The result once its file holds the new content, or a failure."""
    if result.status != "changed":
        return result
    try:
        files.write(result.path, result.old, result.new)
    except OSError as error:
        unwritten = failed(result.path, result.old, f"cannot be written: {error.strerror or error}")
        return replace(unwritten, plan=result.plan, evidence=result.evidence)
    return result
