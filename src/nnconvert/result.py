"""The Result of one file, and how an error becomes one."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nnconvert.errors import CheckError, NnconvertError, SourceError, UsageError
from nnconvert.plan import Plan
from nnconvert.verification.evidence import Evidence

Status = Literal["unchanged", "changed", "differs", "unverified", "failed"]
TOO_DEEP = "it is nested too deeply, or too large, to be parsed"


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
    after: Plan | None = None
    """What a second run would decide about ``new``: to convert nothing. None where that was not asked as a whole."""


def guarded(path: Path, source: bytes, steps: Callable[[], Result]) -> Result:
    """What ``steps`` return, or a failure of this one file. Raises UsageError: what was asked for is wrong then."""
    try:
        return steps()
    except UsageError:
        raise
    except SourceError as error:
        return failed(path, source, error.message, line=error.line, column=error.column)
    except CheckError as error:
        return failed(path, source, f"a check failed after converting, so it was left: {error}")
    except NnconvertError as error:
        return failed(path, source, str(error))
    except (RecursionError, MemoryError):  # the second is what the parser's own stack raises
        return failed(path, source, TOO_DEEP)
    except Exception as error:
        words = f"internal error: {type(error).__name__}: {error}; please report it with what -v prints"
        return failed(path, source, " ".join(words.split()))


def failed(path: Path, source: bytes, words: str, line: int | None = None, column: int | None = None) -> Result:
    """A failed Result for the exception being handled."""
    error = f"{place(path, line, column)}: {words}"
    return Result(path, "failed", source, source, error=error, details=traceback.format_exc())


def place(path: Path, line: int | None, column: int | None) -> str:
    return ":".join(str(part) for part in (printable(path), line, column) if part is not None)


def printable(path: Path) -> str:
    """The path in one line: control characters, and bytes that are no text, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))
