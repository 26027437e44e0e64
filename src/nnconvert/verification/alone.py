"""Judge what is too large to run by its graphs alone: nothing is computed, and nothing allocated."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nnconvert.verification.evidence import Evidence, Expected
from nnconvert.verification.proof import NONE_RAN, Proof, none_ran, prove
from nnconvert.verification.request import Request
from nnconvert.verification.telling import one_mode, would_reach

Work = Callable[[list[tuple[str, str, list[int]]]], None]
TOO_LARGE = ("needs more memory than the limit", "takes longer than", "longer than the time limit")
"""What the reason says of a class that did not fit."""
WORDS = "by the graph alone; too large to run here"
VERSIONS = ("old-alone", "control-alone", "new-alone")


class Alone:
    """The classes of one file that could not be run."""

    def __init__(
        self,
        request: Request,
        classes: tuple[Expected, ...],
        work: Work,
        read: Callable[[int, str], Any],
        why_absent: Callable[[int, str], str],
    ) -> None:
        self.request = request
        self.classes = classes
        self.work = work
        self.read = read
        self.why_absent = why_absent

    def judged(self, evidence: dict[int, Evidence]) -> dict[int, Evidence]:
        """The evidence, better where the graphs of a class that was too large, or of one that holds it, say more."""
        large = [i for i, e in evidence.items() if e.verdict == "unverified" and any(w in e.reason for w in TOO_LARGE)]
        if not large:
            return evidence
        self.work([("imagine", "imagined", large)])
        built = [index for index in large if "recipe" in (self.read(index, "imagined") or {})]
        self.work([("alone", version, built) for version in VERSIONS])
        found = {**evidence, **{index: self.judge(index, index, evidence[index]) for index in built}}
        hosts = {name: host for host in built for name in self.read(host, "imagined")["holds"]}
        for index, known in evidence.items():
            host = hosts.get(known.class_name)
            if found[index].verdict == "unverified" and host not in (None, index) and known.reason:
                found[index] = self.judge(index, host, found[index])
        return {index: self.explained(index, e) if index in large else e for index, e in found.items()}

    def explained(self, index: int, evidence: Evidence) -> Evidence:
        """What could not be found out without running is said, too."""
        reason = (self.read(index, "imagined") or {}).get("reason", "")
        if evidence.verdict != "unverified" or not reason or reason in evidence.reason:
            return evidence
        return replace(evidence, reason=f"{evidence.reason}; for its graph alone: {reason}")

    def judge(self, index: int, host: int, known: Evidence) -> Evidence:
        """What the graphs of ``host`` say of a class."""
        traced = [self.read(host, version) for version in VERSIONS]
        for version, outcome in zip(VERSIONS, traced, strict=True):
            if outcome is None:
                return _without(known, self.why_absent(host, version))
        old, control, new = traced
        if differences := _differences(old, new):
            again = shlex.join(self.request.again)
            found = tuple(differences)
            return replace(known, verdict="differs", reason=found[0], remedy="", differences=found, reproduce=again)
        if reason := _unlike(old, control):
            return _without(known, f"the old version, traced twice, gives two graphs: {reason}")
        proof = prove(old, new)
        unreached = [*old.get("unreached", ()), *new.get("unreached", ())]
        if proof.holds and none_ran(self.classes[index], unreached):
            proof = Proof(False, NONE_RAN)
        if not proof.holds:
            return _without(known, proof.words)
        if old["construction"] != new["construction"]:
            return _without(known, _first_unlike(old["construction"], new["construction"]))
        return self.proved(known, host, proof, (old, new), unreached)

    def proved(
        self, known: Evidence, host: int, proof: Proof, traced: tuple[dict[str, Any], ...], unreached: list[str]
    ) -> Evidence:
        imagined, inside = self.read(host, "imagined"), self.classes[host].class_name
        return Evidence(
            known.class_name,
            "proved",
            reason=WORDS,
            built_from=imagined["recipe"]["source"],
            inputs=imagined["input"],
            inside="" if inside == known.class_name else inside,
            unreached=tuple(unreached),
            would_reach=tuple(would_reach(self.request.old, self.classes, unreached)),
            one_mode=tuple(one_mode(traced)),
            proof=proof.words,
            conditions=proof.conditions,
            not_proved=proof.why_fixed,
        )


def _without(known: Evidence, why: str) -> Evidence:
    return replace(known, reason=f"{known.reason}; by its graph alone: {why}")


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What is wrong with the new version, whatever its graphs are."""
    if "not_proved" in old:
        return []
    if "not_proved" in new:
        return [f"the new version: {new['not_proved']}"] if new.get("raised") else []
    pairs = zip(old["structure"], new["structure"], strict=True)
    found = [f"{what}: {before} became {after}" for (what, before), (_, after) in pairs if before != after]
    return [*new["problems"], *found]


def _unlike(old: dict[str, Any], control: dict[str, Any]) -> str:
    proof = prove(old, control)
    if not proof.holds:
        return "" if "not_proved" in old else proof.words
    same = old["construction"] == control["construction"]
    return "" if same else _first_unlike(old["construction"], control["construction"])


def _first_unlike(old: list[str], new: list[str]) -> str:
    before, after = next(
        ((b, a) for b, a in zip(old, new, strict=False) if b != a), (f"{len(old)} steps", f"{len(new)} steps")
    )
    return f"its tensors are filled in another way: {before[:120]} became {after[:120]}"
