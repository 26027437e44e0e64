"""What the tests of migrate share: two ways to run it on a checkpoint of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoint.nets import load
from conftest import Run

Migrate = Callable[..., Any]


@pytest.fixture
def migrate(run: Callable[..., Run], project: Path) -> Migrate:
    """Save a checkpoint, migrate it by m.json and load what was written."""

    def migrate(checkpoint: object, *options: object, save: dict[str, Any] | None = None, **loading: Any) -> Any:
        torch.save(checkpoint, project / "old.pt", **save or {})
        (project / "new.pt").unlink(missing_ok=True)
        ended = run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt", *options)
        assert ended.code == 0, ended.err
        assert ended.out == b""
        return load(project / "new.pt", **loading)

    return migrate


@pytest.fixture
def refused(run: Callable[..., Run], project: Path) -> Callable[..., str]:
    """Save a checkpoint and migrate it by m.json, which must fail in one line and leave nothing behind; the line."""

    def refused(checkpoint: object, *options: object, code: int = 4, save: dict[str, Any] | None = None) -> str:
        torch.save(checkpoint, project / "old.pt", **save or {})
        (project / "new.pt").unlink(missing_ok=True)
        before = sorted(project.iterdir())
        ended = run("migrate", "old.pt", "--map", "m.json", "-o", "new.pt", *options)
        assert (ended.code, ended.out) == (code, b""), ended.err
        assert len(ended.err.splitlines()) == 1, ended.err
        assert sorted(project.iterdir()) == before
        return ended.err

    return refused
