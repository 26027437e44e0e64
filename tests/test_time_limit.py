"""The seconds that a run may verify: what is not verified by then is unverified, and says so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import NET, Run
from nnconvert import Evidence, Verifier, convert_source

OVER = "that this run may verify were over; --verify-time-limit gives it more"


def test_what_is_not_verified_in_time_is_unverified(
    run: Callable[..., Run], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    for name in ("one.py", "two.py"):
        (project / name).write_bytes(NET)
    held = run("--to-module", "--require-verified", "--verify-time-limit", "0.001", "one.py", "two.py")
    assert held.code == 1
    assert held.err.count(f"Net is unverified: the 0.001 s {OVER}") == 2
    assert held.err.splitlines()[-1].endswith(f"; nothing was verified: the 0.001 s {OVER}")
    assert (project / "two.py").read_bytes() == NET
    (project / "pyproject.toml").write_text("[tool.nnconvert]\nverify-time-limit = 0.001\n")
    written = run("--to-module", "one.py", "two.py")
    assert written.code == 0
    assert written.err.count(f"Net is unverified: the 0.001 s {OVER}") == 2
    assert (project / "two.py").read_bytes() != NET


class RunsOut(Verifier):
    """Finds a difference, and has no time for anything after that."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def verify(self, *_: Any, **__: Any) -> tuple[Evidence, ...]:
        self.asked += 1
        return (Evidence("Net", "differs" if self.asked == 1 else "unverified", reason=str(self.asked)),)


def test_a_difference_is_not_forgotten_when_the_time_is_over() -> None:
    """What was converted of a class that differed, without its guilty call site, must have been seen to be right."""
    source = NET.replace(b"x = F.relu(self.fc(x))", b"x = F.relu(F.elu(self.fc(x)))")
    verifier = RunsOut()
    result = convert_source(source, verifier=verifier)
    assert verifier.asked > 1
    assert (result.status, result.new) == ("differs", source)
