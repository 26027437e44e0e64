"""Helpers that verify a pair of sources and hold the verdict against what is wanted."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnconvert.verification import Evidence, Expected, Limits, ModuleCall, Request, Server, verify_file

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"


def net(init: str, forward: str, name: str = "Net", args: str = "") -> str:
    """A module class from the lines of its ``__init__(self, <args>)`` (after super) and of its ``forward(self, x)``."""
    parameters = f"self, {args}" if args else "self"
    lines = [f"class {name}(nn.Module):", f"    def __init__({parameters}):", "        super().__init__()"]
    lines += [f"        {line}" for line in textwrap.dedent(init).strip().splitlines()]
    lines += ["    def forward(self, x):"]
    lines += [f"        {line}" for line in textwrap.dedent(forward).strip().splitlines()]
    return HEAD + "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Case:
    """Two versions of ``Net`` (lines of ``__init__``, lines of ``forward``), and a piece of the reason."""

    name: str
    old: tuple[str, str]
    new: tuple[str, str]
    reason: str = ""
    args: str = ""
    """Parameters of both constructors."""
    removed: tuple[str, ...] | None = None
    """Submodules that were planned to go, all calls of them with them; None where nothing was planned."""

    def versions(self) -> tuple[str, str]:
        return net(*self.old, args=self.args), net(*self.new, args=self.args)

    def planned(self) -> tuple[Expected, ...]:
        if self.removed is None:
            return ()
        calls = (call for name in self.removed for call in calls_of(name, self.versions()[0]))
        return (Expected("Net", removed=self.removed, calls=tuple(calls)),)


def calls_of(name: str, source: str, class_name: str = "") -> tuple[ModuleCall, ...]:
    """Every call of ``self.<name>`` in a source, or in one class of it."""
    found, current = [], ""
    for number, line in enumerate(source.splitlines(), 1):
        current = line.split()[1].partition("(")[0] if line.startswith("class ") else current
        if f"self.{name}(" in line and class_name in ("", current):
            found.append(ModuleCall(name, "", number))
    return tuple(found)


@dataclass
class Check:
    """Verifies sources as a module ``net.py`` in a folder of its own."""

    server: Server
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "net.py"

    def verify(self, old: str, new: str, *classes: Expected, **request: Any) -> tuple[Evidence, ...]:
        request = {"path": self.path, "limits": Limits(time=60, tracing=0), **request}
        return verify_file(self.server, Request(old=old.encode(), new=new.encode(), classes=classes, **request))

    def one(self, old: str, new: str, *classes: Expected, **request: Any) -> Evidence:
        """The evidence for the only class there is (or was asked for)."""
        (evidence,) = self.verify(old, new, *classes, **request)
        return evidence

    def right(self, case: Case) -> None:
        evidence = self.one(*case.versions(), *case.planned())
        assert (evidence.verdict, evidence.reason, evidence.unreached) == ("proved", "", ()), evidence

    def wrong(self, case: Case) -> None:
        evidence = self.one(*case.versions(), *case.planned())
        assert evidence.verdict == "differs", evidence
        assert any(case.reason in difference for difference in evidence.differences), evidence
        assert evidence.reason

    def unverified(self, source: str, reason: str, **request: Any) -> Evidence:
        evidence = self.one(source, source, **request)
        assert evidence.verdict == "unverified", evidence
        assert reason in evidence.reason, evidence
        return evidence

    def tested(self, source: str, **request: Any) -> Evidence:
        evidence = self.one(source, source, **request)
        assert evidence.verdict in ("proved", "tested"), evidence
        return evidence
