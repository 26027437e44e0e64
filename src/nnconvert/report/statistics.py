"""Counts over a whole run: functionals, reasons, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from nnconvert.api import Result
from nnconvert.decide.reasons import REASONS
from nnconvert.plan import Leave


@dataclass
class Statistics:
    """What ``--statistics`` prints; told every result."""

    converted: Counter[str] = field(default_factory=Counter)
    """Functionals of call sites that convert, in files that were (or would be) changed."""
    left: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Codes of the call sites that were left."""
    held_back: int = 0
    """Call sites that convert in files that were left whole: a difference, not verified, not written."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Of classes."""

    def add(self, result: Result) -> None:
        self.verdicts.update(evidence.verdict for evidence in result.evidence)
        if result.plan is None:
            return
        for decision in result.plan.decisions:
            functional, outcome = decision.site.functional, decision.outcome
            if isinstance(outcome, Leave):
                self.left[functional] += 1
                self.reasons[outcome.code] += 1
            elif result.status == "changed":
                self.converted[functional] += 1
            else:
                self.held_back += 1

    def data(self) -> dict[str, object]:
        """For the JSON document."""
        names = sorted({*self.converted, *self.left})
        return {
            "functionals": {name: {"converted": self.converted[name], "left": self.left[name]} for name in names},
            "reasons": dict(sorted(self.reasons.items())),
            "held_back": self.held_back,
            "verdicts": dict(sorted(self.verdicts.items())),
        }

    def text(self) -> str:
        """Three tables, the most frequent first; whole lines."""
        return "".join(line + "\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        total = self.converted + self.left
        if total:
            width = max(len(name) for name in total)
            yield f"{'functional':<{max(width, 10)}}  converted    left"
            for name in sorted(total, key=lambda name: (-total[name], name)):
                yield f"{name:<{max(width, 10)}}  {self.converted[name]:>9}  {self.left[name]:>6}"
        for code, number in sorted(self.reasons.items(), key=lambda item: (-item[1], item[0])):
            yield f"{code}  {number:>6}  {REASONS[code].summary}"
        if self.held_back:
            yield f"held back  {self.held_back}"
        for verdict, number in sorted(self.verdicts.items(), key=lambda item: (-item[1], item[0])):
            yield f"{verdict:<14}  {number:>6}"
