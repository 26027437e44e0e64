"""From bytes to a Result: what every front end calls. Nothing here prints."""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Self

from nnconvert import files
from nnconvert.discovery import Excludes, discover
from nnconvert.errors import NnconvertError, SourceError, UsageError
from nnconvert.options import Options
from nnconvert.plan import Conversion, Plan
from nnconvert.result import TOO_DEEP, Result, Status, failed, guarded, place
from nnconvert.verification import Evidence, Expected, Hints, ModuleCall, Request, Server, verify_file

__all__ = [
    "Evidence",
    "Excludes",
    "Hints",
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

_GOOD = ("proved", "tested")
_PARSING = threading.Lock()
"""Held while Python's warnings are off, which is a setting of the whole process."""


class Verifier:
    """Verification for one run: how models are built, and one server that starts with the first class.

    ``python`` is the interpreter to run on (by default what ``nnconvert.verification.find_python`` finds),
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

    def verify(self, path: Path, old: bytes, new: bytes, classes: tuple[Expected, ...] = ()) -> tuple[Evidence, ...]:
        """Evidence for each of ``classes`` (by default those of both versions) of the module at ``path``."""
        request = Request(path, old, new, classes, self._hints, self._models)
        return verify_file(self._server, request)


def convert_source(
    source: bytes,
    options: Options | None = None,
    *,
    path: Path = Path("source.py"),
    verifier: Verifier | None = None,
    require_verified: bool = False,
) -> Result:
    """Convert one source; ``path`` says where it stands, for imports and messages, and is not read.

    Without a verifier nothing is verified. Never raises for what a source holds: see ``Result.error``. Raises
    UsageError where the verifier's hints raise by themselves.
    """
    return _settled(decided(source, options or Options(), path), verifier, require_verified)


def convert_file(
    path: Path,
    options: Options | None = None,
    *,
    write: bool = False,
    verifier: Verifier | None = None,
    require_verified: bool = False,
) -> Result:
    """Convert one file; with ``write`` in place. A file without a change is never touched."""
    try:
        source = path.read_bytes()
    except OSError as error:
        return failed(path, b"", f"cannot be read: {error.strerror or error}")
    result = convert_source(source, options, path=path, verifier=verifier, require_verified=require_verified)
    return _written(result) if write else result


def convert_paths(
    paths: Iterable[Path],
    options: Options | None = None,
    *,
    excludes: Excludes | None = None,
    write: bool = False,
    verifier: Verifier | None = None,
    require_verified: bool = False,
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Convert files and the ``*.py`` of folders, one Result a file in a settled order.

    A file of a folder that cannot hold a call site is dropped unread: its Result is ``unchanged`` and empty.

    ``executor``, any of concurrent.futures or alike (dask's, for one), decides and converts the files on its
    workers, which must see the same files; all of them before the first is verified, written and yielded. Its
    owner shuts it down.
    """
    wanted = options or Options()
    given = list(paths)
    named = {path for path in given if not path.is_dir()}
    found = discover(given, excludes or Excludes(Path.cwd()))
    relevant = ((path, path in named or is_worth_parsing(path, wanted)) for path in found)
    if executor is None:
        for path, worth in relevant:
            if worth:
                yield convert_file(path, wanted, write=write, verifier=verifier, require_verified=require_verified)
            else:
                yield Result(path, "unchanged", b"", b"")
        return
    from nnconvert.apart import decided_apart

    for decision in list(decided_apart(executor, relevant, wanted)):
        result = _settled(decision, verifier, require_verified)
        yield _written(result) if write else result


def verify(old: Path, new: Path, verifier: Verifier | None = None) -> tuple[Evidence, ...]:
    """Compare two versions of a file, class by class; both are imported as the module that stands at ``old``.

    Without a verifier one of its own is used, and ended. Raises SourceError, which names the file, where one cannot be
    read, and UsageError where the verifier's hints raise by themselves.
    """
    if verifier is None:
        with Verifier() as own:
            return verify(old, new, own)
    evidence = verifier.verify(old, _readable(old), _readable(new))
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


def _convert(source: bytes, options: Options, path: Path) -> Result:
    from nnconvert.apply import apply
    from nnconvert.check import check
    from nnconvert.decide import decide
    from nnconvert.source.project import Neighbours

    decoded = files.decode(source)
    neighbours = Neighbours(path)
    plan = decide(decoded.text, options, neighbours)
    if not plan.converted:
        return Result(path, "unchanged", source, source, plan)
    text = apply(decoded.text, plan, options)
    check(decoded.text, text, plan, options, neighbours)
    return Result(path, "changed", source, files.encode(text, decoded), plan)


def is_worth_parsing(path: Path, options: Options) -> bool:
    """The bytes test; what cannot be read is for convert_file to report."""
    try:
        source = path.read_bytes()
    except OSError:
        return True
    return b"\0" in source or files.may_convert(source, options)


def decided(source: bytes, options: Options, path: Path) -> Result:
    """The conversion of one source, not verified; picklable, as its arguments are, and thread-safe."""

    def steps() -> Result:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the parser, about the user's string literals
            return _convert(source, options, path)

    return guarded(path, source, steps)


def _settled(result: Result, verifier: Verifier | None, require_verified: bool) -> Result:
    """The result, verified where there is something to verify."""
    plan = result.plan
    if verifier is None or plan is None or result.status != "changed":
        return result
    return guarded(result.path, result.old, lambda: _verified(result, plan, verifier, require_verified))


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


def _verified(result: Result, plan: Plan, verifier: Verifier, require_verified: bool) -> Result:
    """The result with its evidence, held back where that speaks against it."""
    expected = _expected(plan)
    free = any(decision.site.class_name is None for decision in plan.converted)
    if not expected:  # calls outside of classes only: there is no model to run
        return replace(result, status="unverified", new=result.old) if require_verified else result
    evidence = verifier.verify(result.path, result.old, result.new, expected)
    for misused in (e for e in evidence if e.misused):
        raise UsageError(misused.reason)
    good = {e.class_name for e in evidence if e.verdict in _GOOD and not e.unreached}
    if any(e.verdict == "differs" for e in evidence):
        return replace(result, status="differs", new=result.old, evidence=evidence)
    if require_verified and (free or not good.issuperset(e.class_name for e in expected)):
        return replace(result, status="unverified", new=result.old, evidence=evidence)
    return replace(result, evidence=evidence)


def _expected(plan: Plan) -> tuple[Expected, ...]:
    """The classes with converted call sites, and the submodules that each gains or loses."""
    if plan.direction == "to-functional":
        return _expected_losses(plan)
    added: dict[str, dict[str, str]] = {}
    for class_plan in plan.classes:
        submodules = {r.name: r.constructor for r in class_plan.registrations}
        added.setdefault(class_plan.class_name, {}).update(submodules)
    for decision in plan.converted:
        outcome = decision.outcome
        if isinstance(outcome, Conversion) and outcome.kind == "reference" and decision.site.class_name:
            # Such a site registers the submodule itself: self.act = F.relu becomes self.act = nn.ReLU().
            added.setdefault(decision.site.class_name, {})[outcome.submodule] = outcome.callee
    return tuple(Expected(name, tuple(submodules.items())) for name, submodules in added.items())


def _expected_losses(plan: Plan) -> tuple[Expected, ...]:
    """The classes in source order, with the calls of modules that each makes no more and the submodules that go."""
    calls: dict[str, list[ModuleCall]] = {}
    places = [(r.assignment.start, r.class_name) for r in plan.retired]
    for decision in plan.converted:
        site, outcome = decision.site, decision.outcome
        if isinstance(outcome, Conversion) and site.class_name is not None:
            call = ModuleCall(outcome.submodule, outcome.module, site.position.line)
            calls.setdefault(site.class_name, []).append(call)
            places.append((site.span.start, site.class_name))
    names = dict.fromkeys(name for _, name in sorted(places))
    removed = {name: tuple(r.name for r in plan.retired if r.class_name == name) for name in names}
    return tuple(Expected(name, removed=removed[name], calls=tuple(calls.get(name, ()))) for name in names)
