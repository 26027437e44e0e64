"""What a run says: the lines of each file, the counters, the exit code and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import click

from nnconvert.api import Result
from nnconvert.decide.reasons import REASONS
from nnconvert.moved import state_lines
from nnconvert.plan import CallSite, Conversion, Decision, Leave
from nnconvert.result import printable
from nnconvert.verification.evidence import Evidence, Verdict

GUILTY = "NNC701"
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
    brief: bool = False
    """Another format tells the call sites: errors and the summary only."""
    _statuses: Counter[str] = field(default_factory=Counter)
    _converted: int = 0
    _left: int = 0
    _free: int = 0
    """Converted call sites outside of classes, which no model runs."""
    _guilty: int = 0
    """Call sites left since verification found a difference; the others of their files were converted."""
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
            self._guilty += sum(
                isinstance(d.outcome, Leave) and d.outcome.code == GUILTY for d in result.plan.decisions
            )
            if result.status == "changed":
                self._free += sum(d.site.class_name is None for d in result.plan.converted)
        if result.status == "failed":
            lines = [
                click.style(result.error, fg="red"),
                *([result.details.rstrip()] if self.verbose else []),
            ]
        elif self.quiet or self.brief:
            found = (*_held_back(result), *_guilty(result))
            lines = [f"{printable(result.path)}: {line}" for line in found]
        else:
            lines = list(self._lines(result))
        return _joined(lines)

    @property
    def converted(self) -> int:
        """Call sites, in files that were (or would be) changed."""
        return self._converted

    @property
    def left(self) -> int:
        return self._left

    @property
    def exit_code(self) -> int:
        """The highest cause: a file failed, a difference was found, what was asked for does not hold."""
        if self._statuses["failed"]:
            return EXIT_FAILED
        if self._statuses["differs"] or self._guilty:
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
        yield click.style(printable(result.path), bold=True)
        yield from _sites(result.plan.decisions, result.evidence)
        by_class = {e.class_name: e for e in result.evidence}
        for change in result.plan.state if result.status == "changed" else ():
            yield from (f"  {line}" for line in state_lines(change, by_class.get(change.class_name), self.verbose))
        for evidence in result.evidence:
            told = evidence.verdict in ("nondeterministic", "unverified") or evidence.reason or evidence.unreached
            if told or self.verbose:
                yield f"  {evidence_line(evidence, self.verbose)}"
        yield from (f"  {line}" for line in _held_back(result))

    def _counts(self) -> Iterator[str]:
        yield count(self._statuses["changed"], "file") + (" changed" if self.writes else " would change")
        yield count(self._converted, "call site") + (" converted" if self.writes else " would be converted")
        yield f"{self._left} left"
        if self._statuses["differs"]:
            yield (count(self._statuses["differs"], "file") + " left as it was since verification found a difference")
        if self._guilty:
            yield f"{self._guilty} of them since verification found a difference"
        if self._statuses["unverified"]:
            yield count(self._statuses["unverified"], "file") + " left as it was since it is not verified"
        if self._statuses["failed"]:
            yield count(self._statuses["failed"], "file") + " failed"


def verification(evidence: Sequence[Evidence], quiet: bool = False, verbose: bool = False) -> tuple[str, int]:
    """What ``nnconvert verify`` says, and its exit code."""
    if not evidence:
        return "no module class stands in both versions, so nothing was verified\n", EXIT_NOT_OK
    found = {e.verdict for e in evidence}
    seen = found <= {"proved", "tested"} and not any(e.unrun for e in evidence)
    code = EXIT_DIFFERS if "differs" in found else EXIT_DONE if seen else EXIT_NOT_OK
    if quiet:
        return _joined([evidence_line(e, verbose) for e in evidence if e.verdict == "differs"]), code
    return _joined([*(evidence_line(e, verbose) for e in evidence), verdicts(evidence)]), code


def evidence_line(evidence: Evidence, verbose: bool) -> str:
    """``Net is unverified: reason; remedy``; verbose adds what the model was built from and fed."""
    verb = "" if evidence.verdict == "differs" else "is "
    words = f"{evidence.class_name} {verb}{click.style(evidence.verdict, fg=_COLORS[evidence.verdict])}"
    parts = [evidence.reason, evidence.remedy]
    parts += [f"never ran: {', '.join(evidence.would_reach or evidence.unreached)}" if evidence.unreached else ""]
    parts += [f"changed, but never ran: {', '.join(evidence.unrun)}" if evidence.unrun else ""]
    parts += [evidence.parts, f"to see it again: {evidence.reproduce}" if evidence.reproduce else ""]
    if verbose:
        if evidence.not_proved:
            parts += [f"not proved{' for other sizes' if evidence.proof else ''}, since {evidence.not_proved}"]
        parts += [
            f"built from {evidence.built_from}" if evidence.built_from else "",
            *evidence.differences[1:],
        ]
        parts += [f"input {evidence.inputs}" if evidence.inputs else ""]
        parts += [f"also called: {', '.join(evidence.methods)}" if evidence.methods else ""]
        parts += [f"inside {evidence.inside}" if evidence.inside else ""]
        parts += [f"holds for {evidence.proof}" if evidence.proof else "", *evidence.conditions]
        parts += [f"ran in one mode only: {', '.join(evidence.one_mode)}" if evidence.one_mode else ""]
        parts += [f"ran, but not in the graph: {', '.join(evidence.unproved)}" if evidence.unproved else ""]
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
        seen = ["train and eval", f"input {evidence[0].inputs}" if evidence[0].inputs else "", evidence[0].proof]
        words[0] += f" ({', '.join(part for part in seen if part)})"
    never = sum(len(e.would_reach or e.unreached) for e in evidence if e.verdict in ("proved", "tested"))
    return ", ".join([*words, *([f"{count(never, 'call site')} never ran"] if never else [])])


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
    name = outcome.submodule or f"line {site.position.line}"
    if evidence.verdict in ("proved", "tested") and not reached(site, outcome, evidence):
        return click.style("not reached", fg="yellow")
    if evidence.verdict == "proved" and name in _last_names(evidence.unproved):
        return click.style("tested", fg=_COLORS["tested"])
    return click.style(evidence.verdict, fg=_COLORS[evidence.verdict])


def reached(site: CallSite, outcome: Conversion, evidence: Evidence) -> bool:
    """Whether the call site ran in the verification of its class."""
    names = {outcome.submodule or f"line {site.position.line}", f"{outcome.submodule} ({outcome.module})"}
    return not names & _last_names(evidence.unreached)


def _last_names(paths: Sequence[str]) -> set[str]:
    return {path.rpartition(".")[2] for path in paths}


def _held_back(result: Result) -> Iterator[str]:
    """Why a file that converts was not written."""
    if result.status == "unverified":
        yield "left as it was: --require-verified asks that every call site is verified"
    for evidence in result.evidence:
        if result.status == "differs" and evidence.verdict == "differs":
            yield f"{evidence_line(evidence, verbose=False)}; the file was left as it was"


def _guilty(result: Result) -> Iterator[str]:
    """The call sites of a converted file that were left since they make it differ."""
    for decision in result.plan.decisions if result.plan is not None else ():
        outcome = decision.outcome
        if isinstance(outcome, Leave) and outcome.code == GUILTY:
            yield f"{_place(decision.site)} {decision.site.spelled} was left: {outcome.words} ({GUILTY})"


def _place(site: CallSite) -> str:
    names = ".".join(name for name in (site.class_name, site.method) if name) or "<module>"
    return f"{names}:{site.position.line}"


def _joined(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
