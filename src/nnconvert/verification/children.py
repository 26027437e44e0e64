"""The children that work on one file, job by job: what they are told, what they leave behind, and how they ended."""

from __future__ import annotations

import base64
import difflib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nnconvert.verification.evidence import Expected
from nnconvert.verification.parent import Server
from nnconvert.verification.request import Request, homes, locate

Task = tuple[str, str, list[int]]
"""What is done, the version that it is done with and that names the outcome, and the places of the classes."""

CRASHES = 2
"""How often the search for one class begins again."""


def changed_lines(old: bytes, new: bytes) -> list[int]:
    """Lines of the old version, from 1, that read otherwise in the new one."""
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    return [n + 1 for tag, first, last, *_ in matcher.get_opcodes() if tag != "equal" for n in range(first, last)]


class Children:
    """All of one file. Their outcomes are in files of one folder, so that a crash loses none."""

    def __init__(self, server: Server, request: Request, classes: tuple[Expected, ...], folder: Path) -> None:
        self.server = server
        self.request = request
        self.classes = classes
        self.folder = folder
        self.location = locate(request.path, request.old)
        self.changed = changed_lines(request.old, request.new)
        self.changed_new = changed_lines(request.new, request.old)
        self.crashes: dict[int, str] = {}
        """Place of a class -> why there is no outcome."""
        self.stand_ins: list[str] = []
        """Packages that are not installed and that the import of the file asks for."""
        for index in range(len(classes)):
            (folder / str(index)).mkdir()

    def why_absent(self, index: int, version: str) -> str:
        """Why there is no outcome of a version."""
        return self.crashes.get(index) or self.module_error(version) or "it was not traced"

    def work(self, tasks: list[Task]) -> None:
        """Run tasks side by side until every class has its outcome; one that ends its child is left out."""
        while tasks := [task for task in tasks if task[2]]:
            if self.request.deadline.is_over:
                self._end(tasks)
                return
            results = self.server.run([self._job(*task) for task in tasks])
            remaining = []
            for (role, version, indices), result in zip(tasks, results, strict=True):
                left = self._left_over(version, indices)
                is_stuck = left and (result["code"] or result["status"] != "exited" or left == indices)
                if is_stuck and not (role == "search" and self._goes_on(left[0], result)):
                    self.crashes[left.pop(0)] = self._how_it_ended(version, result)
                remaining.append((role, version, left))
            tasks = remaining

    def _goes_on(self, index: int, result: dict[str, Any]) -> bool:
        """Whether a search that crashed begins again, without what it tried last; where that is known, some times."""
        trying, crashed = self.folder / str(index) / "trying", self.folder / str(index) / "crashed.json"
        known = json.loads(crashed.read_text()) if crashed.exists() else []
        if result["status"] != "signal" or not trying.exists() or len(known) == CRASHES:
            return False
        crashed.write_text(json.dumps([*known, trying.read_text()]))
        trying.unlink()
        return True

    def run_once(self, task: Task) -> None:
        """Run a task whose outcome may be missing."""
        if not self.request.deadline.is_over:
            self.server.run([self._job(*task)])

    def _end(self, tasks: list[Task]) -> None:
        """Note why the classes of these tasks have no outcome."""
        for _, version, indices in tasks:
            for index in self._left_over(version, indices):
                self.crashes.setdefault(index, self.request.deadline.words())

    def _left_over(self, version: str, indices: list[int]) -> list[int]:
        if self.module_error(version):
            return []
        return [index for index in indices if self.read(index, version) is None]

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
            "around": [str(path.absolute()) for path in request.around],
            "homes": [[str(path), name] for path, name in homes(request.around, self.location)],
            "seed": request.seed,
            "time": request.limits.time,
            "clock": max(0.0, min(request.limits.time, request.deadline.left())),
            "memory": request.limits.memory,
            "tracing": request.limits.tracing,
            "folder": str(self.folder),
            "work": str(work),
        }

    def read(self, index: int, name: str) -> Any:
        """The outcome of this name; None where there is none."""
        path = self.folder / str(index) / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def module_file(self, version: str) -> Path:
        return self.folder / f"module-{version}.json"

    def module_error(self, version: str) -> str:
        """Why the file could not be imported; empty where it could, or nobody tried."""
        path = self.module_file(version)
        return json.loads(path.read_text())["reason"] if path.exists() else ""
