"""From bytes to a Result: what every front end calls. Nothing here prints."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Self

from nnconvert import files
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

__all__ = [
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
        self, path: Path, old: bytes, new: bytes, classes: tuple[Expected, ...] = (), again: tuple[str, ...] = ()
    ) -> tuple[Evidence, ...]:
        """Evidence for each of ``classes`` (by default those of both versions) of the module at ``path``.

        ``again`` are the words of a command that verifies the same two versions, for evidence of a difference.
        """
        if again and self._python is not None:
            again = (*again, "--python", str(self._python))
        return self._verified(Request(path, old, new, classes, self._hints, self._models, again=again))

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
) -> Iterator[Result]:
    """Convert files and the ``*.py`` of folders, one Result a file in a settled order.

    A file of a folder that cannot hold a call site is dropped unread: its Result is ``unchanged`` and empty.
    ``index`` is as for convert_source; by default the run has one of its own.

    ``executor``, any of concurrent.futures or alike (dask's, for one), decides and converts the files on its
    workers, which must see the same files; all of them before the first is verified, written and yielded. Files
    whose classes have relatives in other files are decided here, one after the other, since the names that one of
    them gives are taken in the next. Its owner shuts it down.
    """
    wanted = options or Options()
    given = list(paths)
    named = {path for path in given if not path.is_dir()}
    index = index or Index(search_path(find_python()))
    found = discover(given, excludes or Excludes(Path.cwd()))
    relevant = ((path, path in named or is_worth_parsing(path, wanted)) for path in found)
    if executor is None:
        for path, worth in relevant:
            if worth:
                yield convert_file(
                    path,
                    wanted,
                    write=write,
                    verifier=verifier,
                    require_verified=require_verified,
                    salvages=salvages,
                    index=index,
                )
            else:
                yield Result(path, "unchanged", b"", b"")
        return
    from nnconvert.apart import decided_apart

    for decision, related in list(decided_apart(executor, relevant, wanted, index.search_path)):
        neighbours = Neighbours(decision.path, index)
        if related and decision.status == "changed":
            decision = decided(decision.old, wanted, decision.path, neighbours)
        result = settled(decision, wanted, neighbours, verifier, require_verified, salvages)
        yield _written(result) if write else result


def verify(old: Path, new: Path, verifier: Verifier | None = None) -> tuple[Evidence, ...]:
    """Compare two versions of a file, class by class; both are imported as the module that stands at ``old``.

    Without a verifier one of its own is used, and ended. Raises SourceError, which names the file, where one cannot be
    read, and UsageError where the verifier's hints raise by themselves.
    """
    if verifier is None:
        with Verifier() as own:
            return verify(old, new, own)
    again = ("nnconvert", "verify", str(old), str(new))
    evidence = verifier.verify(old, _readable(old), _readable(new), again=again)
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
