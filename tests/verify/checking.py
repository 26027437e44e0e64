"""Helpers that verify a pair of sources and hold the verdict against what is wanted."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnconvert.verify import Evidence, Expected, Limits, Request, Server, verify_file

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n"


def net(init: str, forward: str, name: str = "Net") -> str:
    """A module class from the lines of its ``__init__`` (after super) and of its ``forward(self, x)``."""
    lines = [f"class {name}(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += [f"        {line}" for line in textwrap.dedent(init).strip().splitlines()]
    lines += ["    def forward(self, x):"]
    lines += [f"        {line}" for line in textwrap.dedent(forward).strip().splitlines()]
    return HEAD + "\n".join(lines) + "\n"


@dataclass
class Check:
    """Verifies sources as a module ``net.py`` in a folder of its own."""

    server: Server
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "net.py"

    def verify(self, old: str, new: str, *classes: Expected, **request: Any) -> tuple[Evidence, ...]:
        request = {"path": self.path, "limits": Limits(time=60), **request}
        return verify_file(self.server, Request(old=old.encode(), new=new.encode(), classes=classes, **request))

    def one(self, old: str, new: str, *classes: Expected, **request: Any) -> Evidence:
        """The evidence for the only class there is (or was asked for)."""
        (evidence,) = self.verify(old, new, *classes, **request)
        return evidence

    def unverified(self, source: str, reason: str, **request: Any) -> Evidence:
        evidence = self.one(source, source, **request)
        assert evidence.verdict == "unverified", evidence
        assert reason in evidence.reason, evidence
        return evidence

    def tested(self, source: str, **request: Any) -> Evidence:
        evidence = self.one(source, source, **request)
        assert evidence.verdict == "tested", evidence
        return evidence
