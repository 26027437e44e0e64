"""From bytes to a Result: what every front end calls. Nothing here prints."""

from __future__ import annotations

import ast
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

from nnconvert import files
from nnconvert.discovery import Excludes, discover
from nnconvert.errors import CheckError, NnconvertError, SourceError, UsageError
from nnconvert.expectations import expectations
from nnconvert.options import Options
from nnconvert.plan import Leave, Plan
from nnconvert.salvage import Differing, salvage
from nnconvert.source.index import Index
from nnconvert.source.modules import search_path
from nnconvert.source.project import Neighbours
from nnconvert.verify import Evidence, Expected, Hints, Request, Server, find_ranks, verify_file
from nnconvert.verify.interpreter import find_python
from nnconvert.verify.request import top_level_classes

__all__ = [
    "Hints",
    "Index",
    "Options",
    "Result",
    "Verifier",
    "convert_file",
    "convert_paths",
    "convert_source",
    "verify_files",
]

Status = Literal["unchanged", "changed", "differs", "unverified", "failed"]
_RANK = "NNC414"
_GOOD = ("proved", "tested")
_TOO_DEEP = "it is nested too deeply, or too large, to be parsed"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file.

    ``changed`` converts (and is written where writing was asked for). Under any other status ``new`` is
    ``old``: ``unchanged`` has nothing to convert, ``differs`` was held back because verification found a
    difference, ``unverified`` because all had to be verified and was not, ``failed`` says why in ``error``.
    """

    path: Path
    status: Status
    old: bytes
    new: bytes
    plan: Plan | None = None
    evidence: tuple[Evidence, ...] = ()
    error: str = ""
    """One line: ``file:line:column: words``."""
    details: str = ""
    """The traceback of a failure."""


class Verifier:
    """Verification for one run: how models are built, and one server that starts with the first class.

    ``python`` is the interpreter to run on (by default what ``nnconvert.verify.find_python`` finds),
    ``models`` the configured ``package.module:Class`` -> its ``args`` and ``inputs``. A context manager;
    leaving it ends every child process.
    """

    def __init__(
        self,
        python: Path | None = None,
        hints: Hints | None = None,
        models: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._server = Server(python)
        self._hints = hints or Hints()
        self._models = models or {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._server.close()

    def verify(
        self, path: Path, old: bytes, new: bytes, classes: tuple[Expected, ...] = (), new_path: Path = Path("NEW.py")
    ) -> tuple[Evidence, ...]:
        """Evidence for each of ``classes`` (by default those of both versions) of the module at ``path``."""
        request = Request(path, old, new, classes, self._hints, self._models, new_path=new_path)
        return verify_file(self._server, request)

    def ranks(self, path: Path, source: bytes) -> Mapping[int, frozenset[int]]:
        """Line -> how many dimensions the inputs of F.batch_norm and F.instance_norm that stand there had in runs."""
        return find_ranks(self._server, path, source, self._hints, self._models)


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
    neighbours = Neighbours(path, index or Index(search_path(find_python())))
    path = path or Path("source.py")
    settled: str | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parser, about the user's string literals
            result = _convert(source, options or Options(), path, neighbours, verifier)
        if verifier is not None and result.plan is not None and result.status == "changed":
            result = _verified(result, result.plan, verifier, require_verified)
            if result.status == "differs" and salvages:
                result = _salvaged(result, source, options or Options(), neighbours, verifier, require_verified)
        settled = files.decode(result.new).text
    except UsageError:  # what was asked for is wrong, not this file
        raise
    except SourceError as error:
        return _failed(path, source, error.message, line=error.line, column=error.column)
    except CheckError as error:
        return _failed(path, source, f"a check failed after converting, so it was left: {error}")
    except NnconvertError as error:
        return _failed(path, source, str(error))
    except (RecursionError, MemoryError):  # the second is what the parser's own stack raises
        return _failed(path, source, _TOO_DEEP)
    except Exception as error:
        words = f"internal error: {type(error).__name__}: {error}; please report it with what -v prints"
        return _failed(path, source, " ".join(words.split()))
    finally:
        neighbours.settle(settled, changed=settled is not None and result.status == "changed")
    return result


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
        return _failed(path, b"", f"cannot be read: {error.strerror or error}")
    result = convert_source(
        source,
        options,
        path=path,
        verifier=verifier,
        require_verified=require_verified,
        salvages=salvages,
        index=index,
    )
    if write and result.status == "changed":
        try:
            files.write(path, result.old, result.new)
        except OSError as error:
            failed = _failed(path, source, f"cannot be written: {error.strerror or error}")
            return replace(failed, plan=result.plan, evidence=result.evidence)
    return result


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
) -> Iterator[Result]:
    """Convert files and the ``*.py`` of folders, one Result a file in a settled order.

    A file of a folder that cannot hold a call site is dropped unread: its Result is ``unchanged`` and empty.
    """
    given = list(paths)
    index = index or Index(search_path(find_python()))
    named = {path for path in given if not path.is_dir()}
    for path in discover(given, excludes or Excludes(Path.cwd())):
        if path in named or _is_worth_parsing(path, options or Options()):
            yield convert_file(
                path,
                options,
                write=write,
                verifier=verifier,
                require_verified=require_verified,
                salvages=salvages,
                index=index,
            )
        else:
            yield Result(path, "unchanged", b"", b"")


def verify_files(old: Path, new: Path, verifier: Verifier) -> tuple[Evidence, ...]:
    """Compare two versions of a file, class by class; both are imported as the module that stands at ``old``.

    Raises SourceError, which names the file, where one cannot be read, and UsageError where the verifier's hints
    raise by themselves.
    """
    evidence = verifier.verify(old, _readable(old), _readable(new), new_path=new)
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
        raise SourceError(f"{_place(path, error.line, error.column)}: {error.message}") from error
    except SyntaxError as error:
        raise SourceError(f"{_place(path, error.lineno, error.offset)}: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise SourceError(f"{path}: {_TOO_DEEP}") from error
    return source


def _convert(source: bytes, options: Options, path: Path, neighbours: Neighbours, verifier: Verifier | None) -> Result:
    from nnconvert.apply import apply
    from nnconvert.check import check
    from nnconvert.decide import decide

    decoded = files.decode(source)
    plan = decide(decoded.text, options, neighbours)
    if verifier is not None and (ranks := _ranks(plan, path, source, verifier)):
        options = replace(options, ranks=ranks)
        plan = decide(decoded.text, options, neighbours)
    if not plan.converted:
        return Result(path, "unchanged", source, source, plan)
    text = apply(decoded.text, plan, options)
    check(decoded.text, text, plan, options, neighbours)
    return Result(path, "changed", source, files.encode(text, decoded), plan)


def _ranks(plan: Plan, path: Path, source: bytes, verifier: Verifier) -> tuple[tuple[int, int], ...]:
    """Line and rank for each call that was left for its rank alone, where runs showed one rank."""
    lines = Counter(d.site.position.line for d in plan.left if isinstance(d.outcome, Leave) and d.outcome.code == _RANK)
    if not lines:
        return ()
    seen = verifier.ranks(path, source)
    # Of several such calls on one line it is not known which of them ran.
    return tuple(
        (n, rank) for n, times in lines.items() if times == 1 and len(seen.get(n, ())) == 1 for rank in seen[n]
    )


def _is_worth_parsing(path: Path, options: Options) -> bool:
    """The bytes test; what cannot be read is for convert_file to report."""
    try:
        source = path.read_bytes()
    except OSError:
        return True
    return b"\0" in source or files.may_convert(source, options)


def _verified(result: Result, plan: Plan, verifier: Verifier, require_verified: bool) -> Result:
    """The result with its evidence, held back where that speaks against it."""
    expected = expectations(plan)
    if not expected:  # calls outside of classes only: there is no model to run
        return replace(result, status="unverified", new=result.old) if require_verified else result
    planned = {e.class_name for e in expected}
    around = [n for n in top_level_classes(result.old) if n not in planned] if plan.state else []
    evidence = verifier.verify(result.path, result.old, result.new, (*expected, *map(Expected, around)))
    # Of the models around them that hold these classes, the state map needs the whole keys.
    evidence = tuple(e for e in evidence if e.class_name in planned or e.verdict == "differs" or e.keys or e.added)
    for misused in (e for e in evidence if e.misused):
        raise UsageError(misused.reason)
    if any(e.verdict == "differs" for e in evidence):
        return replace(result, status="differs", new=result.old, evidence=evidence)
    result = replace(result, evidence=evidence)
    return _admitted(result, plan) if require_verified else result


def _admitted(result: Result, plan: Plan) -> Result:
    """The result if every converted call site is verified; else held back."""
    free = any(decision.site.class_name is None for decision in plan.converted)
    good = {e.class_name for e in result.evidence if e.verdict in _GOOD and not e.unreached}
    if free or not good.issuperset(e.class_name for e in expectations(plan)):
        return replace(result, status="unverified", new=result.old)
    return result


def _salvaged(
    held: Result,
    source: bytes,
    options: Options,
    neighbours: Neighbours,
    verifier: Verifier,
    require_verified: bool,
) -> Result:
    """What can be converted of a file with a difference, or the result as it was."""

    def attempt(differing: Differing) -> Result:
        result = _convert(source, replace(options, differing=tuple(differing.items())), held.path, neighbours, verifier)
        if result.plan is None or result.status != "changed":
            return result
        return _verified(result, result.plan, verifier, require_verified=False)

    found = salvage(held, attempt)
    if found is None or found.plan is None:
        return held
    return _admitted(found, found.plan) if require_verified else found


def _failed(path: Path, source: bytes, words: str, line: int | None = None, column: int | None = None) -> Result:
    """A failed Result for the exception being handled."""
    error = f"{_place(path, line, column)}: {words}"
    return Result(path, "failed", source, source, error=error, details=traceback.format_exc())


def _place(path: Path, line: int | None, column: int | None) -> str:
    return ":".join(str(part) for part in (path, line, column) if part is not None)
