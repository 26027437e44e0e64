"""Verify one file: send its two versions to the server, and turn what the children found into evidence."""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nnconvert.verification.alone import TOO_LARGE, Alone
from nnconvert.verification.children import Children
from nnconvert.verification.deadline import REMEDY
from nnconvert.verification.evidence import Evidence, Expected
from nnconvert.verification.judge import Judge
from nnconvert.verification.parent import Server, ServerError
from nnconvert.verification.request import Request, homes

STAND_INS = 8
"""Packages that one file may miss."""


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
        return _Verification(Children(server, request, classes, folder)).run()
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
        return _Verification(Children(server, request, classes, folder)).ranks()
    except ServerError:
        return {}  # nothing is known, then; the verification that follows says why
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _all_unverified(classes: tuple[Expected, ...], reason: str, remedy: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(c.class_name, "unverified", reason=reason, remedy=remedy) for c in classes)


def _lines_of(source: bytes, class_name: str) -> tuple[int, int]:
    """First and last line of a class at the top level; none where it is not there."""
    found = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == class_name]
    return (found[-1].lineno, found[-1].end_lineno or 0) if found else (1, 0)


class _Verification:
    """One file on its way: search on the old version, replay old and new, compare."""

    def __init__(self, children: Children) -> None:
        self.children = children
        self.judge = Judge(children)

    def run(self) -> tuple[Evidence, ...]:
        everything = range(len(self.children.classes))
        built = self._build()
        self.children.work([("replay", "control", built), ("replay", "new", built)])
        self.children.work([("compare", "differences", built)])
        same = [index for index in built if self.judge.verdict(index)[0] == "tested"]
        self.children.work([("trace", "old-graph", same), ("trace", "new-graph", same)])
        other = [
            index for index in built if self.judge.verdict(index)[0] == "differs" and self.children.read(index, "new")
        ]
        self.children.work([("steps", "old-steps", other), ("steps", "new-steps", other)])
        self.children.work([("part", "part", other)])
        evidence = {index: self.judge.evidence(index) for index in everything}
        alone = Alone(
            self.children.request,
            self.children.classes,
            self.children.work,
            self.children.read,
            self.children.why_absent,
        )
        found = alone.judged({index: known for index, known in evidence.items() if known is not None})
        return tuple(found.values())

    def ranks(self) -> Mapping[int, frozenset[int]]:
        """See find_ranks. Of a class that ran inside others, or on inputs that stand somewhere, other runs say less."""
        names = (b"batch_norm", b"instance_norm")
        lines = enumerate(self.children.request.old.splitlines(), 1)
        self.children.changed = [number for number, line in lines if any(name in line for name in names)]
        built = self._build()
        self.children.work([("ranks", "ranks", built)])
        found: dict[int, dict[bool, set[int]]] = {}
        for index in built:
            outcome, ran = self.children.read(index, "ranks") or {}, self.children.read(index, "old")
            root = ran.get("host") or self.children.classes[index].class_name
            first, last = _lines_of(self.children.request.old, root)
            for line, rank in outcome.get("seen", ()):
                trusted = not (outcome["guessed"] and first <= line <= last)
                found.setdefault(line, {}).setdefault(trusted, set()).add(rank)
        return {line: frozenset(seen.get(True) or seen[False]) for line, seen in found.items()}

    def _build(self) -> list[int]:
        """Search how to build the classes; the places of those that were built."""
        self._search(list(range(len(self.children.classes))))
        self._find_hosts()
        self._find_hosts_around()
        return sorted(int(path.parent.name) for path in self.children.folder.glob("*/old.json") if self._recipe(path))

    def _search(self, everything: list[int]) -> None:
        """Search; where a package is not installed, again with a stand-in for it."""
        self.children.work([("search", "old", everything)])
        first = self.children.module_error("old")
        while missing := self._missing():
            self.children.stand_ins.append(missing)
            self.children.module_file("old").unlink()
            self.children.work([("search", "old", everything)])
        if first and self.children.module_error("old"):
            self.children.module_file("old").write_text(json.dumps({"reason": first}))

    def _missing(self) -> str:
        """The package to stand in for next, if the import failed for one."""
        path = self.children.module_file("old")
        missing: str = json.loads(path.read_text())["missing"] if path.exists() else ""
        return missing if missing not in self.children.stand_ins and len(self.children.stand_ins) < STAND_INS else ""

    def _find_hosts(self) -> None:
        """Place the classes that cannot be built alone, if the last search could not because it crashed."""
        if (self.children.folder / "hosts-sought").exists() or self.children.module_error("old"):
            return
        for index in range(len(self.children.classes)):
            if self.children.read(index, "old") is None:
                reason = json.dumps({"reason": self.children.crashes.get(index, "no outcome")})
                (self.children.folder / str(index) / "old.json").write_text(reason)
        outcomes = [self.children.read(index, "old") for index in range(len(self.children.classes))]
        if any("recipe" not in outcome for outcome in outcomes):
            self.children.run_once(("hosts", "old", []))

    def _find_hosts_around(self) -> None:
        """Place the classes that are left in models of other files."""
        outcomes = {index: self.children.read(index, "old") or {} for index in range(len(self.children.classes))}
        left = [i for i, o in outcomes.items() if "reason" in o and not {"recipe", "skip", "inside"} & o.keys()]
        left = [i for i in left if not any(words in outcomes[i]["reason"] for words in TOO_LARGE)]
        if left and homes(self.children.request.around, self.children.location):
            self.children.run_once(("around", "old", left))

    def _recipe(self, path: Path) -> bool:
        return "recipe" in json.loads(path.read_text())
