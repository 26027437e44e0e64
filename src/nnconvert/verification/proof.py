"""Compare the graphs of both versions of a class: are they the same program, and if not, where do they part?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nnconvert.verification.evidence import Expected

Outcome = dict[str, Any]


TOO_LONG = "tracing takes too long"
"""What a child says whose time for open sizes was over: chance, and no difference between the versions."""


NONE_RAN = "no converted call site ran"
NONE_IN_GRAPH = "no converted call site is in the graph of forward"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the graphs of both modes are equal; for which sizes, or why it is no proof."""

    holds: bool
    words: str
    """``any batch size from 2 on``; where it does not hold, the reason."""
    conditions: tuple[str, ...] = ()
    """What the sizes must meet beyond the words, both versions alike."""
    why_fixed: str = ""
    """Where it holds for the sizes that were fed only: why not for others."""


def prove(old: Outcome, new: Outcome) -> Proof:
    """Compare what the two children traced."""
    if "not_proved" in old:
        return Proof(False, old["not_proved"])
    if "not_proved" in new:
        return Proof(False, f"the new version: {new['not_proved']}")
    if reason := _differs(old["fixed"], new["fixed"]):
        return Proof(False, reason)
    before, after = old["open"], new["open"]
    levels = [found["level"] if found else "these sizes only" for found in (before, after)]
    late = TOO_LONG in (old["why_fixed"], new["why_fixed"])
    if levels[0] != levels[1] and not late:
        return Proof(False, f"the old version is traced for {levels[0]}, the new one for {levels[1]}")
    if before is None or levels[0] != levels[1]:
        return Proof(True, old["fixed"]["words"], why_fixed=TOO_LONG if late else old["why_fixed"])
    if reason := _differs(before, after):
        return Proof(False, reason)
    count = len(before["conditions"])
    words = before["words"] + (f", under {count} condition{'s' if count > 1 else ''}" if count else "")
    return Proof(True, words, tuple(before["conditions"]))


def _differs(old: Outcome, new: Outcome) -> str:
    for mode, before in old["graphs"].items():
        if part := _part(before, new["graphs"][mode]):
            return f"the graphs differ ({mode}): {part}"
    for mode, before in old["guards"].items():
        if before != new["guards"][mode]:
            return f"the graphs hold for other sizes ({mode}): {_guards(before, new['guards'][mode])}"
    return ""


def _part(old: Any, new: Any) -> str:
    """Where two graphs part first, in words; empty where they are equal."""
    if old == new:
        return ""
    if old["inputs"] != new["inputs"]:
        before = next((i for i in old["inputs"] if i not in new["inputs"]), None)
        after = next((i for i in new["inputs"] if i not in old["inputs"]), None)
        return f"{_input(before)} became {_input(after)}"
    for number, (before, after) in enumerate(zip(old["steps"], new["steps"], strict=False)):
        if before[0] != after[0]:
            return f"operator {number + 1}, {_named(before)}, became {_named(after)}"
        if before != after:
            return f"operator {number + 1}, {_named(before)}: {_arguments(before, after)}"
    if len(old["steps"]) != len(new["steps"]):
        longer = old["steps"] if len(old["steps"]) > len(new["steps"]) else new["steps"]
        where = "old" if longer is old["steps"] else "new"
        extra = longer[min(len(old["steps"]), len(new["steps"]))]
        return f"only the {where} version has {_named(extra)}"
    before, after = next((b, a) for b, a in zip(old["shown"], new["shown"], strict=False) if b != a)
    return f"{before[0]}: {before[1:]} became {after[0]}: {after[1:]}"


def _input(described: list[Any] | None) -> str:
    if described is None:
        return "nothing"
    name, dtype, shape, _ = described
    return f"{name} ({dtype.removeprefix('torch.')} {'x'.join(shape) or 'scalar'})"


def _named(step: list[Any]) -> str:
    return "the end" if step[0] == "output" else str(step[0])


def _arguments(before: list[Any], after: list[Any]) -> str:
    if not isinstance(before[1], dict):
        return "it takes other values"
    names = [name for name in {**before[1], **after[1]} if before[1].get(name) != after[1].get(name)]
    return "; ".join(f"{n} {_value(before[1].get(n))} became {_value(after[1].get(n))}" for n in names[:1])


def _value(form: Any) -> str:
    if isinstance(form, list) and len(form) == 2 and isinstance(form[0], str):
        kind, value = form
        return f"step {value + 1}" if kind == "step" else str(value)
    if isinstance(form, list) and form and form[0] == "constant":
        return f"a constant of shape {form[2]}"
    return f"[{', '.join(map(_value, form))}]" if isinstance(form, list) else str(form)


def _guards(old: list[str], new: list[str]) -> str:
    for guard in old:
        if guard not in new:
            return f"{guard} is asked by the old version only"
    return f"{next(guard for guard in new if guard not in old)} is asked by the new version only"


def none_ran(plan: Expected, absent: Iterable[str]) -> bool:
    """Whether all of a class's converted call sites are among the paths of those that were not seen."""
    planned = {*(name for name, _ in plan.added), *(call.name or f"line {call.line}" for call in plan.calls)}
    return bool(planned) and planned <= {path.rpartition(".")[2] for path in absent}
