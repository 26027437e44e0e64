"""Verify one file: send its two versions to the server, and turn what the children found into evidence."""

from __future__ import annotations

import ast
import base64
import difflib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nnconvert.verification.alone import Alone
from nnconvert.verification.deadline import REMEDY
from nnconvert.verification.evidence import Evidence, Expected
from nnconvert.verification.parent import Server, ServerError
from nnconvert.verification.proof import NONE_RAN, Proof, none_ran, prove
from nnconvert.verification.request import Request, locate
from nnconvert.verification.telling import command, entry, one_mode, parting, unrun_changes, would_reach

STAND_INS = 8
"""Packages that one file may miss."""
NO_CHANGE_RAN = "nothing of what changed in it ran"
HELP = 'give --args and --inputs, or an entry in [tool.nnconvert.models."{key}"]'


def verify_file(server: Server, request: Request) -> tuple[Evidence, ...]:
    """One Evidence for each class of the request, in its order. Runs the user's code, in children only.

    Raises SyntaxError where the old version does not parse.
    """
    classes = request.expected()
    if not classes:
        return ()
    if request.deadline.is_over:
        return _all_unverified(classes, request.deadline.words(), REMEDY)
    try:
        facts = server.facts()
        if facts["torch"] is None:
            return _all_unverified(
                classes, f"{facts['error']} in {server.python}", "name a Python that has it with --python"
            )
    except ServerError as error:
        return _all_unverified(classes, str(error), "name another Python with --python")
    folder = Path(tempfile.mkdtemp(prefix="nnconvert-"))
    try:
        return _Verification(server, request, classes, folder).run()
    except ServerError as error:
        return _all_unverified(classes, f"the verification process ended: {error}", "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_ranks(server: Server, request: Request) -> Mapping[int, frozenset[int]]:
    """Line -> how many dimensions the inputs of the normalisations that are called there had, in runs of all classes of
    the old version.

    Nothing of a line that did not run. Raises SyntaxError where the source does not parse.
    """
    classes = request.expected()
    folder = Path(tempfile.mkdtemp(prefix="nnconvert-"))
    try:
        if not classes or request.deadline.is_over or server.facts()["torch"] is None:
            return {}
        return _Verification(server, request, classes, folder).ranks()
    except ServerError:
        return {}  # nothing is known, then; the verification that follows says why
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _all_unverified(classes: tuple[Expected, ...], reason: str, remedy: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(c.class_name, "unverified", reason=reason, remedy=remedy) for c in classes)


def _changed_lines(old: bytes, new: bytes) -> list[int]:
    """Lines of the old version, from 1, that read otherwise in the new one."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    return [n + 1 for tag, first, last, *_ in matcher.get_opcodes() if tag != "equal" for n in range(first, last)]


def _lines_of(source: bytes, class_name: str) -> tuple[int, int]:
    """First and last line of a class at the top level; none where it is not there."""
    found = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == class_name]
    return (found[-1].lineno, found[-1].end_lineno or 0) if found else (1, 0)


class _Verification:
    """One file on its way: search on the old version, replay old and new, compare."""

    def __init__(self, server: Server, request: Request, classes: tuple[Expected, ...], folder: Path) -> None:
        self.server = server
        self.request = request
        self.classes = classes
        self.folder = folder
        self.location = locate(request.path, request.old)
        self.changed = _changed_lines(request.old, request.new)
        self.changed_new = _changed_lines(request.new, request.old)
        self.crashes: dict[int, str] = {}
        self.stand_ins: list[str] = []
        """Packages that are not installed and that the import of the file asks for."""
        for index in range(len(classes)):
            (folder / str(index)).mkdir()

    def run(self) -> tuple[Evidence, ...]:
        everything = range(len(self.classes))
        built = self._build()
        self._work([("replay", "control", built), ("replay", "new", built)])
        self._work([("compare", "differences", built)])
        same = [index for index in built if self._verdict(index)[0] == "tested"]
        self._work([("trace", "old-graph", same), ("trace", "new-graph", same)])
        other = [index for index in built if self._verdict(index)[0] == "differs" and self._read(index, "new")]
        self._work([("steps", "old-steps", other), ("steps", "new-steps", other)])
        self._work([("part", "part", other)])
        evidence = {index: self._evidence(index) for index in everything}
        alone = Alone(self.request, self.classes, self._work, self._read, self._why_absent)
        found = alone.judged({index: known for index, known in evidence.items() if known is not None})
        return tuple(found.values())

    def _why_absent(self, index: int, version: str) -> str:
        return self.crashes.get(index) or self._module_error(version) or "it was not traced"

    def ranks(self) -> Mapping[int, frozenset[int]]:
        """See find_ranks. Of a class that ran inside others, or on inputs that stand somewhere, other runs say less."""
        names = (b"batch_norm", b"instance_norm")
        lines = enumerate(self.request.old.splitlines(), 1)
        self.changed = [number for number, line in lines if any(name in line for name in names)]
        built = self._build()
        self._work([("ranks", "ranks", built)])
        found: dict[int, dict[bool, set[int]]] = {}
        for index in built:
            outcome, ran = self._read(index, "ranks") or {}, self._read(index, "old")
            root = ran.get("host") or self.classes[index].class_name
            first, last = _lines_of(self.request.old, root)
            for line, rank in outcome.get("seen", ()):
                trusted = not (outcome["guessed"] and first <= line <= last)
                found.setdefault(line, {}).setdefault(trusted, set()).add(rank)
        return {line: frozenset(seen.get(True) or seen[False]) for line, seen in found.items()}

    def _build(self) -> list[int]:
        """Search how to build the classes; the places of those that were built."""
        self._search(list(range(len(self.classes))))
        self._find_hosts()
        return sorted(int(path.parent.name) for path in self.folder.glob("*/old.json") if self._recipe(path))

    def _search(self, everything: list[int]) -> None:
        """Search; where a package is not installed, again with a stand-in for it."""
        self._work([("search", "old", everything)])
        first = self._module_error("old")
        while missing := self._missing():
            self.stand_ins.append(missing)
            self._module_file("old").unlink()
            self._work([("search", "old", everything)])
        if first and self._module_error("old"):
            self._module_file("old").write_text(json.dumps({"reason": first}))

    def _missing(self) -> str:
        """The package to stand in for next, if the import failed for one."""
        path = self._module_file("old")
        missing: str = json.loads(path.read_text())["missing"] if path.exists() else ""
        return missing if missing not in self.stand_ins and len(self.stand_ins) < STAND_INS else ""

    def _find_hosts(self) -> None:
        """Place the classes that cannot be built alone, if the last search could not because it crashed."""
        if (self.folder / "hosts-sought").exists() or self._module_error("old") or self.request.deadline.is_over:
            return
        outcomes = [self._read(index, "old") for index in range(len(self.classes))]
        if None not in outcomes and any("recipe" not in outcome for outcome in outcomes):
            self.server.run([self._job("hosts", "old", [])])

    def _recipe(self, path: Path) -> bool:
        return "recipe" in json.loads(path.read_text())

    def _work(self, tasks: list[tuple[str, str, list[int]]]) -> None:
        """Run tasks side by side until every class has its outcome; one that ends its child is left out."""
        while tasks := [task for task in tasks if task[2]]:
            if self.request.deadline.is_over:
                self._end(tasks)
                return
            results = self.server.run([self._job(*task) for task in tasks])
            remaining = []
            for (role, version, indices), result in zip(tasks, results, strict=True):
                left = self._left_over(version, indices)
                if left and (result["code"] or result["status"] != "exited" or left == indices):
                    self.crashes[left.pop(0)] = self._how_it_ended(version, result)
                remaining.append((role, version, left))
            tasks = remaining

    def _end(self, tasks: list[tuple[str, str, list[int]]]) -> None:
        """Note why the classes of these tasks have no outcome."""
        for _, version, indices in tasks:
            for index in self._left_over(version, indices):
                self.crashes.setdefault(index, self.request.deadline.words())

    def _left_over(self, version: str, indices: list[int]) -> list[int]:
        if self._module_error(version):
            return []
        return [index for index in indices if self._read(index, version) is None]

    def _how_it_ended(self, version: str, result: dict[str, Any]) -> str:
        who = "the new version" if version.startswith("new") else "the class"
        last = result["output"].strip().splitlines()[-1:] or [""]
        said = f" ({last[0][:200]})" if last[0] else ""
        if result["status"] == "timeout" and self.request.deadline.is_over:
            return self.request.deadline.words()
        if result["status"] == "timeout":
            return f"{who} ran longer than the time limit of {self.request.limits.time:g} s"
        if result["status"] == "signal":
            return f"{who} crashed the process with signal {result['code']}{said}"
        return f"{who} ended the process with exit code {result['code']}{said}"

    def _job(self, role: str, version: str, indices: list[int]) -> dict[str, Any]:
        request = self.request
        work = Path(tempfile.mkdtemp(prefix="work-", dir=self.folder))
        is_new = version.startswith("new")
        source = request.new if is_new else request.old
        return {
            "role": role,
            "version": version,
            "indices": indices,
            "names": [expected.class_name for expected in self.classes],
            "expected": [asdict(expected) for expected in (*self.classes, *request.elsewhere())],
            "others": [
                [str(path.absolute()), base64.b64encode(other.new if is_new else other.old).decode("ascii")]
                for path, other in request.others.items()
            ],
            "source": base64.b64encode(source).decode("ascii"),
            "path": str(request.path.absolute()),
            "module": self.location.module,
            "search": self.location.search,
            "hints": asdict(request.hints),
            "models": {key: dict(entry) for key, entry in request.models.items()},
            "script": b"jit.script" in request.old,
            "stand_ins": self.stand_ins,
            "changed": self.changed,
            "changed_new": self.changed_new,
            "seed": request.seed,
            "time": request.limits.time,
            "clock": max(0.0, min(request.limits.time, request.deadline.left())),
            "memory": request.limits.memory,
            "tracing": request.limits.tracing,
            "folder": str(self.folder),
            "work": str(work),
        }

    def _read(self, index: int, name: str) -> Any:
        path = self.folder / str(index) / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def _module_file(self, version: str) -> Path:
        return self.folder / f"module-{version}.json"

    def _module_error(self, version: str) -> str:
        path = self._module_file(version)
        return json.loads(path.read_text())["reason"] if path.exists() else ""

    def _evidence(self, index: int) -> Evidence | None:
        name = self.classes[index].class_name
        key = f"{self.location.module}:{name}"
        if reason := self._module_error("old"):
            return Evidence(name, "unverified", reason, remedy="--python names another interpreter")
        outcome = self._read(index, "old")
        if outcome is None:
            reason = self.crashes.get(index, "no outcome")
            late = reason == self.request.deadline.words()
            return Evidence(name, "unverified", reason, REMEDY if late else HELP.format(key=key))
        if outcome.get("skip") and not self.classes[index].known:
            return None
        if "inside" in outcome:
            return self._evidence_inside(name, outcome["inside"])
        if "recipe" not in outcome:
            remedy = outcome.get("remedy") or HELP.format(key=key)
            misused, hopeless = outcome.get("misused", False), outcome.get("skip", False)
            return Evidence(
                name, "unverified", outcome["reason"], "" if misused or hopeless else remedy, misused=misused
            )
        return self._judge(name, index, outcome)

    def _evidence_inside(self, name: str, host: int) -> Evidence:
        outcome = self._read(host, "old")
        inside = outcome.get("host") or self.classes[host].class_name
        return self._judge(name, host, outcome, inside)

    def _judge(self, name: str, index: int, outcome: dict[str, Any], inside: str = "") -> Evidence:
        verdict, reasons, unreached = self._verdict(index)
        unrun, none = unrun_changes(self.request, name, self._read(index, "control"), self._read(index, "new"))
        if verdict == "tested" and none:
            return Evidence(name, "unverified", NO_CHANGE_RAN, "give --args or --inputs that reach it", unrun=unrun)
        proof = self._proof(name, index, unreached) if verdict == "tested" else Proof(False, "")
        return Evidence(
            name,
            "proved" if proof.holds else verdict,  # type: ignore[arg-type]
            reason="; ".join(reasons[:1]) + (f"; {len(reasons) - 1} more" if len(reasons) > 1 else "")
            or self._stood_in(),
            built_from=outcome["recipe"]["source"],
            inputs=outcome["input"],
            inside=inside,
            unreached=tuple(unreached),
            would_reach=tuple(would_reach(self.request.old, self.classes, unreached)),
            unrun=unrun,
            one_mode=tuple(one_mode(self._read(index, v) or {} for v in ("control", "new"))),
            unproved=self._unproved(index, unreached) if proof.holds else (),
            proof=proof.words if proof.holds else "",
            conditions=proof.conditions,
            not_proved=proof.why_fixed if proof.holds else proof.words,
            differences=tuple(reasons) if verdict == "differs" else (),
            parts=parting(self._read(index, "part")) if verdict == "differs" else "",
            reproduce=command(self.request, inside or name, outcome["recipe"], reasons) if verdict == "differs" else "",
            **self._moved(index, inside or name),
            entry=entry(f"{self.location.module}:{inside or name}", outcome["recipe"]),
        )

    def _moved(self, index: int, model: str) -> dict[str, Any]:
        """What becomes of the state of the model that was built, where its new version was seen."""
        moved = (self._read(index, "new") or {}).get("state")
        if moved is None:
            return {}
        old, new = moved["order"]
        return {
            "model": f"{self.location.module}:{model}",
            "keys": tuple(moved["keys"].items()),
            "added": tuple(moved["added"]),
            "removed": tuple(moved["removed"]),
            "order": (tuple(old), tuple(new)),
        }

    def _proof(self, name: str, index: int, unreached: list[str]) -> Proof:
        old, new = self._read(index, "old-graph"), self._read(index, "new-graph")
        for version, traced in (("old-graph", old), ("new-graph", new)):
            if traced is None:
                return Proof(False, self._why_absent(index, version))
        proof = prove(old, new)
        absent = [*unreached, *self._unproved(index, unreached)]
        plan = next(expected for expected in self.classes if expected.class_name == name)
        return Proof(False, NONE_RAN) if proof.holds and none_ran(plan, absent) else proof

    def _unproved(self, index: int, unreached: list[str]) -> tuple[str, ...]:
        """Call sites that ran, but stand in no graph."""
        absent = [p for version in ("old-graph", "new-graph") for p in self._read(index, version)["unreached"]]
        return tuple(path for path in dict.fromkeys(absent) if path not in unreached)

    def _stood_in(self) -> str:
        """What a good verdict rests on: packages that the class did not use, and that are not there."""
        return f"with a stand-in for {', '.join(self.stand_ins)}, not installed" if self.stand_ins else ""

    def _verdict(self, index: int) -> tuple[str, list[str], list[str]]:
        control, new = self._read(index, "control"), self._read(index, "new")
        if index in self.crashes and (control is None or new is None):
            return "unverified", [self.crashes[index]], []
        if reason := self._module_error("new"):
            return "differs", [f"in the new version {reason}"], []
        for replayed in (control, new):
            if replayed is None or "reason" in replayed:
                return "unverified", [(replayed or {}).get("reason", "no outcome")], []
        compared = self._read(index, "differences")
        if compared is None:
            return "unverified", [self.crashes.get(index, "the comparison did not end")], []
        own = [control["differs"]] if "differs" in control else compared["control"]
        if own:
            return "nondeterministic", [f"two runs of the old version under one seed differ: {own[0]}"], []
        found = [new["differs"]] if "differs" in new else compared["new"]
        found = [*new.get("problems", []), *found]
        return ("differs" if found else "tested"), found, [*control["unreached"], *new.get("unreached", [])]
