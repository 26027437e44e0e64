"""Hundreds of conversions at once: no wrong one passes, no right one is called different."""

from __future__ import annotations

import itertools

import pytest

from nnconvert.verification import Evidence, Limits

from .checking import Check
from .mutants import PAIRS, Mutant, module_of, right, wrong

TOGETHER = 90
"""Classes in one file."""


def verified(check: Check, mutants: list[Mutant]) -> list[tuple[Mutant, Evidence]]:
    found: list[tuple[Mutant, Evidence]] = []
    pending = iter(mutants)
    while together := list(itertools.islice(pending, TOGETHER)):
        old, new, plans = module_of(together)
        evidence = check.verify(old, new, *plans, limits=Limits(time=600, tracing=0))
        found += zip(together, evidence, strict=True)
    return found


def is_found(evidence: Evidence) -> bool:
    """By the runs or the check against the plan; or, where no number fed shows it, by the graphs."""
    return evidence.verdict == "differs" or evidence.not_proved.startswith("the graphs differ")


def test_every_wrong_conversion_is_found(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    found = verified(check, list(wrong()))
    missed = [(m.name, e.verdict, e.reason, e.not_proved) for m, e in found if not is_found(e)]
    assert missed == []
    pairs = {pair.name for pair in PAIRS}
    with capsys.disabled():
        print(f"\n{len(found)} wrong conversions of {len(pairs)} functionals found, {len(missed)} missed")
    assert len(found) >= 150
    assert len(pairs) >= 40


def test_no_right_conversion_is_called_different(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    found = verified(check, list(right()))
    wronged = [(mutant.name, e.verdict, e.reason, e.not_proved) for mutant, e in found if e.verdict != "proved"]
    assert wronged == []
    with capsys.disabled():
        print(f"\n{len(found)} right conversions proved")
    assert len(found) >= 150
