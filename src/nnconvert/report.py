"""What a run says: the lines of each file, the counters, the exit code and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import click

from nnconvert.api import Result
from nnconvert.decide.reasons import REASONS
from nnconvert.plan import CallSite, Conversion, Decision, Leave
from nnconvert.verify.evidence import Evidence, Verdict

EXIT_DONE, EXIT_NOT_OK, EXIT_DIFFERS, EXIT_FAILED = 0, 1, 3, 4

_COLORS: dict[Verdict, str] = {
    "proved": "green",
    "tested": "green",
    "differs": "red",
    "nondeterministic": "yellow",
    "unverified": "yellow",
}


@dataclass
class Report:
    """Collects the results of one run; the texts it returns are styled, for click.echo."""

    writes: bool = True
    """False where nothing is written: the summary then says what would be."""
    check: bool = False
    """A change counts for the exit code."""
    verifies: bool = True
    quiet: bool = False
    verbose: bool = False
    _statuses: Counter[str] = field(default_factory=Counter)
    _converted: int = 0
    _left: int = 0
    _free: int = 0
    """Converted call sites outside of classes, which no model runs."""
    _codes: set[str] = field(default_factory=set)
    _evidence: list[Evidence] = field(default_factory=list)

    def add(self, result: Result) -> str:
        """Count a result and return what to print of it: whole lines, or nothing."""
        self._statuses[result.status] += 1
        self._evidence += result.evidence
        if result.plan is not None:
            converted = len(result.plan.converted) if result.status == "changed" else 0
            self._converted += converted
            self._left += len(result.plan.decisions) - converted
            if result.status == "changed":
                self._free += sum(d.site.class_name is None for d in result.plan.converted)
        if result.status == "failed":
            lines = [
                click.style(result.error, fg="red"),
                *([result.details.rstrip()] if self.verbose else []),
            ]
        elif self.quiet:
            lines = [f"{result.path}: {line}" for line in _held_back(result)]
        else:
            lines = list(self._lines(result))
        return _joined(lines)

    @property
    def exit_code(self) -> int:
        """The highest cause: a file failed, a difference was found, what was asked for does not hold."""
        if self._statuses["failed"]:
            return EXIT_FAILED
        if self._statuses["differs"]:
            return EXIT_DIFFERS
        if self._statuses["unverified"] or (self.check and self._statuses["changed"]):
            return EXIT_NOT_OK
        return EXIT_DONE

    def summary(self) -> str:
        """What can be done about the call sites that were left, and the summary line; empty under quiet."""
        if self.quiet:
            return ""
        lines = [f"{code}: {REASONS[code].remedy}" for code in sorted(self._codes) if REASONS[code].remedy]
        classes = verdicts(self._evidence) if self.verifies else "nothing was verified (--no-verify)"
        if not self._converted and not self._evidence:
            classes = ""
        if self._free and self.verifies:
            free = f"{count(self._free, 'call site')} outside of classes not verified"
            classes = f"{classes}, {free}" if self._evidence else free
        lines.append(", ".join(self._counts()) + (f"; {classes}" if classes else ""))
        return _joined(lines)

    def _lines(self, result: Result) -> Iterator[str]:
        if result.plan is None or not result.plan.decisions:
            return
        self._codes.update(d.outcome.code for d in result.plan.decisions if isinstance(d.outcome, Leave))
        yield click.style(str(result.path), bold=True)
        yield from _sites(result.plan.decisions, result.evidence)
        for evidence in result.evidence:
            if evidence.verdict in ("nondeterministic", "unverified") or evidence.reason or self.verbose:
                yield f"  {evidence_line(evidence, self.verbose)}"
        yield from (f"  {line}" for line in _held_back(result))

    def _counts(self) -> Iterator[str]:
        yield count(self._statuses["changed"], "file") + (" changed" if self.writes else " would change")
        yield count(self._converted, "call site") + (" converted" if self.writes else " would be converted")
        yield f"{self._left} left"
        if self._statuses["differs"]:
            yield (count(self._statuses["differs"], "file") + " left as it was since verification found a difference")
        if self._statuses["unverified"]:
            yield count(self._statuses["unverified"], "file") + " left as it was since it is not verified"
        if self._statuses["failed"]:
            yield count(self._statuses["failed"], "file") + " failed"


def verification(evidence: Sequence[Evidence], quiet: bool = False, verbose: bool = False) -> tuple[str, int]:
    """What ``nnconvert verify`` says, and its exit code."""
    if not evidence:
        return "no module class stands in both versions, so nothing was verified\n", EXIT_NOT_OK
    found = {e.verdict for e in evidence}
    code = EXIT_DIFFERS if "differs" in found else EXIT_DONE if found <= {"proved", "tested"} else EXIT_NOT_OK
    if quiet:
        return _joined([evidence_line(e, verbose) for e in evidence if e.verdict == "differs"]), code
    return _joined([*(evidence_line(e, verbose) for e in evidence), verdicts(evidence)]), code


def evidence_line(evidence: Evidence, verbose: bool) -> str:
    """``Net is unverified: reason; remedy``; verbose adds what the model was built from and fed."""
    verb = "" if evidence.verdict == "differs" else "is "
    words = f"{evidence.class_name} {verb}{click.style(evidence.verdict, fg=_COLORS[evidence.verdict])}"
    parts = [evidence.reason, evidence.remedy]
    if verbose:
        parts += [
            f"built from {evidence.built_from}" if evidence.built_from else "",
            *evidence.differences[1:],
        ]
        parts += [f"input {evidence.inputs}" if evidence.inputs else ""]
        parts += [f"inside {evidence.inside}" if evidence.inside else ""]
        parts += [f"never ran: {', '.join(evidence.unreached)}" if evidence.unreached else ""]
    details = "; ".join(part for part in parts if part)
    entry = evidence.entry.splitlines() if verbose else []
    return "\n    ".join([f"{words}: {details}" if details else words, *entry])


def verdicts(evidence: Sequence[Evidence]) -> str:
    """``1 class proved (train and eval, input 2x3x32x32)``, or why nothing was verified."""
    counts = Counter(e.verdict for e in evidence)
    causes = {"; ".join(part for part in (e.reason, e.remedy) if part) for e in evidence}
    if set(counts) == {"unverified"} and len(causes) == 1:
        return f"nothing was verified: {causes.pop()}"
    total = [(counts[verdict], verdict) for verdict in _COLORS if counts[verdict]]
    words = [f"{number} {verdict}" for number, verdict in total]
    if total:
        words[0] = f"{count(total[0][0], 'class')} {total[0][1]}"
    if len(evidence) == 1 and evidence[0].verdict in ("proved", "tested"):
        words[0] += f" (train and eval{', input ' + evidence[0].inputs if evidence[0].inputs else ''})"
    return ", ".join(words)


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 classes``."""
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number} {noun if number == 1 else plural}"


def _sites(decisions: Sequence[Decision], evidence: Sequence[Evidence]) -> Iterator[str]:
    """One aligned line a call site, and its note where the conversion changes behaviour."""
    by_class = {e.class_name: e for e in evidence}
    places = max(len(_place(d.site)) for d in decisions)
    spelled = max(len(d.site.spelled) for d in decisions)
    targets = max((len(_target(d.outcome)) for d in decisions if isinstance(d.outcome, Conversion)), default=0)
    for decision in decisions:
        start = f"  {_place(decision.site):<{places}}     {decision.site.spelled:<{spelled}}    "
        outcome = decision.outcome
        if isinstance(outcome, Leave):
            yield f"{start}left: {outcome.words} ({outcome.code})"
            continue
        verdict = _verdict(decision.site, outcome, by_class.get(decision.site.class_name or ""))
        yield f"{start}-> {_target(outcome):<{targets}}     {verdict}".rstrip()
        if outcome.note:
            yield f"  {'':<{places}}     changes behaviour: {outcome.note}"


def _target(outcome: Conversion) -> str:
    return outcome.callee or "its argument"


def _verdict(site: CallSite, outcome: Conversion, evidence: Evidence | None) -> str:
    if evidence is None:
        return ""
    never_ran = {path.rpartition(".")[2] for path in evidence.unreached}
    name = outcome.submodule or f"line {site.position.line}"
    if evidence.verdict in ("proved", "tested") and name in never_ran:
        return click.style("not reached", fg="yellow")
    return click.style(evidence.verdict, fg=_COLORS[evidence.verdict])


def _held_back(result: Result) -> Iterator[str]:
    """Why a file that converts was not written."""
    if result.status == "unverified":
        yield "left as it was: --require-verified asks that every call site is verified"
    for evidence in result.evidence:
        if result.status == "differs" and evidence.verdict == "differs":
            yield f"{evidence_line(evidence, verbose=False)}; the file was left as it was"


def _place(site: CallSite) -> str:
    names = ".".join(name for name in (site.class_name, site.method) if name) or "<module>"
    return f"{names}:{site.position.line}"


def _joined(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
