"""What the formats for programs have in common: each is told every result and answers with text or a document."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nnconvert import files
from nnconvert.api import Result
from nnconvert.plan import Conversion, Decision, Position
from nnconvert.report.statistics import Statistics
from nnconvert.report.text import Report, reached
from nnconvert.verification.evidence import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a format says of the run as a whole."""

    direction: str
    report: Report
    statistics: Statistics | None = None
    """Where they were asked for."""
    diff: bool = False
    """The diff of each file is a part of the document."""
    source: bool = False
    """The new source of each file is a part of the document."""


class Format(Protocol):
    """One format for programs."""

    def add(self, result: Result) -> str:
        """What to print on stderr of this result: whole lines, or nothing."""

    def document(self) -> str:
        """What to print on stdout once all results are known, or nothing."""


@dataclass(frozen=True, slots=True)
class Site:
    """A decision with all that a program asks of it."""

    decision: Decision
    end: Position
    """Behind the last character of the call."""
    verdict: Verdict | None
    """Of its class; None where nothing was verified."""
    reached: bool | None
    """Whether the call ran in verification; None where nothing can be said."""


def sites(result: Result) -> Iterator[Site]:
    """The call sites of a result, in source order."""
    if result.plan is None or not result.plan.decisions:
        return
    lines = Lines(files.decode(result.old).text)
    by_class = {evidence.class_name: evidence for evidence in result.evidence}
    for decision in result.plan.decisions:
        site, outcome = decision.site, decision.outcome
        evidence = by_class.get(site.class_name or "") if isinstance(outcome, Conversion) else None
        ran: bool | None = None
        if evidence is not None and isinstance(outcome, Conversion) and evidence.verdict in ("proved", "tested"):
            ran = reached(site, outcome, evidence)
        yield Site(decision, lines.position(site.span.end), evidence.verdict if evidence else None, ran)


@dataclass
class Lines:
    """Turns offsets into a text into lines and columns."""

    text: str
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [0, *(ending.end() for ending in re.finditer("\r\n|\r|\n", self.text))]

    def position(self, offset: int) -> Position:
        line = bisect_right(self.starts, offset)
        return Position(line, offset - self.starts[line - 1] + 1)


def place_of_failure(result: Result) -> tuple[int, int]:
    """Line and column that the error of a failed result names; 1 and 1 where it names none."""
    rest = result.error.removeprefix(f"{result.path}:")
    numbers = rest.split(":", 2)[:2]
    if len(numbers) == 2 and all(number.isdecimal() for number in numbers):
        return int(numbers[0]), int(numbers[1])
    return 1, 1


def shown_path(path: Path) -> str:
    """The path from the working folder where it lies there, with slashes."""
    absolute = Path(os.path.abspath(path))
    inside = absolute.is_relative_to(Path.cwd())
    return (absolute.relative_to(Path.cwd()) if inside else path).as_posix()


def version() -> str:
    """Of the installed nnconvert."""
    from importlib.metadata import version as installed

    return installed("nnconvert")
