"""Turn what the children of one file found into evidence."""

from __future__ import annotations

from typing import Any

from nnconvert.verification.children import Children
from nnconvert.verification.deadline import REMEDY
from nnconvert.verification.evidence import Evidence
from nnconvert.verification.proof import NONE_IN_GRAPH, NONE_RAN, Proof, none_ran, prove
from nnconvert.verification.telling import command, entry, one_mode, parting, unrun_changes, would_reach

NO_CHANGE_RAN = "nothing of what changed in it ran"
HELP = 'give --args and --inputs, or an entry in [tool.nnconvert.models."{key}"]'


class Judge:
    """What was seen of each class, by its place."""

    def __init__(self, children: Children) -> None:
        self.children = children

    def evidence(self, index: int) -> Evidence | None:
        """None for what is no module class and was not asked about by name."""
        name = self.children.classes[index].class_name
        key = f"{self.children.location.module}:{name}"
        if reason := self.children.module_error("old"):
            return Evidence(name, "unverified", reason, remedy="--python names another interpreter")
        outcome = self.children.read(index, "old")
        if outcome is None:
            reason = self.children.crashes.get(index, "no outcome")
            late = reason == self.children.request.deadline.words()
            return Evidence(name, "unverified", reason, REMEDY if late else HELP.format(key=key))
        if outcome.get("skip") and not self.children.classes[index].known:
            return None
        if "inside" in outcome:
            return self._evidence_inside(name, outcome["inside"])
        if "recipe" not in outcome:
            late = outcome["reason"] == self.children.request.deadline.words()
            remedy = REMEDY if late else outcome.get("remedy") or HELP.format(key=key)
            misused, hopeless = outcome.get("misused", False), outcome.get("skip", False)
            return Evidence(
                name, "unverified", outcome["reason"], "" if misused or hopeless else remedy, misused=misused
            )
        return self._judge(name, index, outcome)

    def _evidence_inside(self, name: str, host: int) -> Evidence:
        outcome = self.children.read(host, "old")
        inside = outcome.get("host") or self.children.classes[host].class_name
        return self._judge(name, host, outcome, inside, outcome["recipe"]["home"])

    def _judge(self, name: str, index: int, outcome: dict[str, Any], inside: str = "", home: str = "") -> Evidence:
        """The evidence for a class, from the model that was built: the class itself or one ``inside`` which it ran,
        of the module ``home`` where that is another one.
        """
        key = f"{home or self.children.location.module}:{inside or name}"
        verdict, reasons, unreached = self.verdict(index)
        unrun, none = unrun_changes(
            self.children.request, name, self.children.read(index, "control"), self.children.read(index, "new")
        )
        if verdict == "tested" and none:
            return Evidence(name, "unverified", NO_CHANGE_RAN, "give --args or --inputs that reach it", unrun=unrun)
        proof = self._proof(name, index, unreached) if verdict == "tested" else Proof(False, "")
        return Evidence(
            name,
            "proved" if proof.holds else verdict,  # type: ignore[arg-type]
            reason="; ".join(reasons[:1]) + (f"; {len(reasons) - 1} more" if len(reasons) > 1 else "")
            or self._stood_in(),
            remedy=REMEDY if self.children.request.deadline.words() in reasons else "",
            built_from=outcome["recipe"]["source"],
            inputs=outcome["input"],
            inside=key if home else inside,
            methods=tuple(f"{method}({text})" for method, text in outcome["recipe"]["methods"]),
            unreached=tuple(unreached),
            would_reach=tuple(would_reach(self.children.request.old, self.children.classes, unreached)),
            unrun=unrun,
            one_mode=tuple(one_mode(self.children.read(index, v) or {} for v in ("control", "new"))),
            unproved=self._unproved(index, unreached) if proof.holds else (),
            proof=proof.words if proof.holds else "",
            conditions=proof.conditions,
            not_proved=proof.why_fixed if proof.holds else proof.words,
            differences=tuple(reasons) if verdict == "differs" else (),
            parts=parting(self.children.read(index, "part")) if verdict == "differs" else "",
            reproduce=command(self.children.request, inside or name, outcome["recipe"], reasons)
            if verdict == "differs"
            else "",
            **self._moved(index, key),
            entry=entry(key, outcome["recipe"]),
        )

    def _moved(self, index: int, key: str) -> dict[str, Any]:
        """What becomes of the state of the model that was built, where its new version was seen."""
        moved = (self.children.read(index, "new") or {}).get("state")
        if moved is None:
            return {}
        old, new = moved["order"]
        return {
            "model": key,
            "keys": tuple(moved["keys"].items()),
            "added": tuple(moved["added"]),
            "removed": tuple(moved["removed"]),
            "order": (tuple(old), tuple(new)),
        }

    def _proof(self, name: str, index: int, unreached: list[str]) -> Proof:
        old, new = self.children.read(index, "old-graph"), self.children.read(index, "new-graph")
        for version, traced in (("old-graph", old), ("new-graph", new)):
            if traced is None:
                return Proof(False, self.children.why_absent(index, version))
        proof = prove(old, new)
        absent = [*unreached, *self._unproved(index, unreached)]
        plan = next(expected for expected in self.children.classes if expected.class_name == name)
        if proof.holds and none_ran(plan, absent):
            return Proof(False, NONE_RAN if none_ran(plan, unreached) else NONE_IN_GRAPH)
        return proof

    def _unproved(self, index: int, unreached: list[str]) -> tuple[str, ...]:
        """Call sites that ran, but stand in no graph."""
        absent = [p for version in ("old-graph", "new-graph") for p in self.children.read(index, version)["unreached"]]
        return tuple(path for path in dict.fromkeys(absent) if path not in unreached)

    def _stood_in(self) -> str:
        """What a good verdict rests on: packages that the class did not use, and that are not there."""
        return (
            f"with a stand-in for {', '.join(self.children.stand_ins)}, not installed"
            if self.children.stand_ins
            else ""
        )

    def verdict(self, index: int) -> tuple[str, list[str], list[str]]:
        """What the runs say, the reasons, and the call sites that were never reached."""
        control, new = self.children.read(index, "control"), self.children.read(index, "new")
        if index in self.children.crashes and (control is None or new is None):
            return "unverified", [self.children.crashes[index]], []
        if reason := self.children.module_error("new"):
            return "differs", [f"in the new version {reason}"], []
        for replayed in (control, new):
            if replayed is None or "reason" in replayed:
                return "unverified", [(replayed or {}).get("reason", "no outcome")], []
        compared = self.children.read(index, "differences")
        if compared is None:
            return "unverified", [self.children.crashes.get(index, "the comparison did not end")], []
        own = [control["differs"]] if "differs" in control else compared["control"]
        if own:
            return "nondeterministic", [f"two runs of the old version under one seed differ: {own[0]}"], []
        found = [new["differs"]] if "differs" in new else compared["new"]
        found = [*new.get("problems", []), *found]
        return ("differs" if found else "tested"), found, [*control["unreached"], *new.get("unreached", [])]
