"""What files say is kept on disk, and read again of those alone that have changed: decisions are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nnconvert import Index, Plan, convert_paths

HEAD = "import torch.nn as nn\nimport torch.nn.functional as F\n"
NET = HEAD + "\n\nclass Net{n}(nn.Module):\n    def forward(self, x):\n        return F.relu(x)\n"
COUNT = 40


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "parts").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    for n in range(COUNT):
        (root / "parts" / f"net{n}.py").write_text(NET.format(n=n))
    (root / "use.py").write_text("from parts.net1 import Net1\nNet1().relu = print\n")
    return root


def plans(tree: Path, folder: Path | None) -> dict[str, Plan | None]:
    return {result.path.name: result.plan for result in convert_paths([tree], index=Index(folder=folder))}


def _use(n: int) -> str:
    return f"from parts.net{n} import Net{n}\nNet{n}().relu = print\n"


def _move(tree: Path) -> None:
    (tree / "use.py").rename(tree / "parts" / "use.py")
    (tree / "parts" / "use.py").write_text(_use(2))


def _many(tree: Path) -> None:
    for n in range(COUNT):
        (tree / "parts" / f"net{n}.py").write_text(NET.format(n=n) + "\n\nx = 1\n")
    (tree / "use.py").write_text(_use(3))


CHANGES: list[Callable[[Path], object]] = [
    lambda tree: (tree / "use.py").write_text(_use(2)),
    lambda tree: (tree / "use.py").unlink(),
    lambda tree: (tree / "more.py").write_text(_use(2)),
    _move,
    lambda tree: (tree / "parts" / "net1.py").write_text(NET.format(n=1).replace("Net1", "Net99")),
    _many,
]


@pytest.mark.parametrize("change", CHANGES, ids=["edited", "gone", "new", "moved", "renamed", "many"])
def test_a_change_is_seen_whatever_is_kept(tree: Path, tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = tmp_path / "kept"
    before = plans(tree, folder)
    assert list(folder.glob("*.tables"))
    assert before == plans(tree, None)
    change(tree)
    fresh = plans(tree, None)
    assert plans(tree, folder) == fresh
    assert plans(tree, folder) == fresh  # and so does what the last run has kept, where it has
    assert fresh != before


def test_what_is_damaged_is_read_again(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    before = plans(tree, folder)
    (kept,) = folder.glob("*.tables")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert plans(tree, folder) == before
