"""What the tests of several files share: a small project on disk, and what becomes of one file of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from nnconvert.api import Index, Result, convert_file
from nnconvert.options import Options
from nnconvert.plan import Leave

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A project of these files, each with its text; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text("")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def converted(path: Path, index: Index | None = None, **options: Any) -> Result:
    result = convert_file(path, Options(**options), index=index or Index())
    assert result.status in ("changed", "unchanged"), result.error + result.details
    return result


def outcomes(path: Path, index: Index | None = None, **options: Any) -> str:
    """For every call site of the file its new submodule's name, or the code why it is left."""
    plan = converted(path, index, **options).plan
    assert plan is not None
    found = (decision.outcome for decision in plan.decisions)
    return " ".join(o.code if isinstance(o, Leave) else o.submodule for o in found)


def words(path: Path, **options: Any) -> str:
    """The words of the first call site that is left."""
    plan = converted(path, **options).plan
    assert plan is not None
    outcome = plan.left[0].outcome
    assert isinstance(outcome, Leave)
    return outcome.words
