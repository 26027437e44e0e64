"""A file in which verification found a difference: find the guilty call sites, and convert the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from nnconvert.plan import Span

if TYPE_CHECKING:
    from nnconvert.api import Result

Differing = Mapping[Span, str]
"""Call sites that are left, and what was seen to differ with them."""
Attempt = Callable[[Differing], "Result"]
"""Convert the file again without these call sites, and verify what comes of it."""

MOST = 8
"""Guilty call sites that one file may have before it is left whole."""


def salvage(held: Result, attempt: Attempt) -> Result | None:
    """What can be converted of a file that was held back, verified; None where the guilty call sites are not found.

    Takes the call sites away one by one: each is the first, in source order, that makes all before it differ.
    """
    left: dict[Span, str] = {}
    current, suspected = held, _differing(held)
    while current.status == "differs":
        guilty = _guilty(current, left, attempt) if len(left) < MOST else None
        if guilty is None:
            return None
        left[guilty] = _words(current)
        current = attempt(left)
        suspected |= _differing(current)
    return current if current.status == "changed" and _holds(current, suspected) else None


def _differing(result: Result) -> set[str]:
    return {e.class_name for e in result.evidence if e.verdict == "differs"}


def _holds(result: Result, names: Collection[str]) -> bool:
    """Whether what is still converted of these classes was verified: a run that ended early has shown nothing."""
    found = [e for e in result.evidence if e.class_name in names]
    return all(e.verdict in ("proved", "tested") for e in found)


def _guilty(current: Result, left: Differing, attempt: Attempt) -> Span | None:
    """The first call site with which the file differs, those before it converted and those after it not."""
    names = _differing(current)
    for candidates in _candidates(current):
        if _differs(names, candidates, left, attempt):
            continue  # without all of these it differs still
        good, bad = 0, len(candidates)
        while bad - good > 1:
            middle = (good + bad) // 2
            if _differs(names, candidates[middle:], left, attempt):
                bad = middle
            else:
                good = middle
        return candidates[bad - 1]
    return None


def _candidates(current: Result) -> list[list[Span]]:
    """The converted call sites of the classes that differ, and then all."""
    if current.plan is None:
        return []
    names = _differing(current)
    every = [decision.site.span for decision in current.plan.converted]
    first = [d.site.span for d in current.plan.converted if d.site.class_name in names]
    return [spans for spans in (first, every) if spans]


def _differs(names: Collection[str], without: Sequence[Span], left: Differing, attempt: Attempt) -> bool:
    """Whether the file does without these call sites, too, or is not known not to."""
    result = attempt({**left, **dict.fromkeys(without, "")})
    return result.status == "differs" or not _holds(result, names)


def _words(current: Result) -> str:
    """What was seen, and of which class."""
    evidence = next(e for e in current.evidence if e.verdict == "differs")
    return f"{evidence.class_name} differs with it: {evidence.reason}"
