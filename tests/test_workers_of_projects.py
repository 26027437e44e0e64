"""A pool decides files apart; a base and its subclass in two of them still give their submodules different names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nnconvert import convert_paths

HEAD = "import torch.nn as nn\nimport torch.nn.functional as F\n"
NET = HEAD + "\n\nclass Net{n}(nn.Module):\n    def forward(self, x):\n        return F.relu(x)\n"
SUB = (
    HEAD + "from base import Net0\n\n\nclass Sub(Net0):\n    def forward(self, x):\n"
    "        return F.relu(super().forward(x) - 1)\n"
)


@pytest.mark.parametrize("apart", [False, True])
def test_a_subclass_in_another_file_gets_another_name(tmp_path: Path, apart: bool) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "base.py").write_text(NET.format(n=0))
    (tmp_path / "sub.py").write_text(SUB)
    for n in range(1, 8):
        (tmp_path / f"net{n}.py").write_text(NET.format(n=n))
    with ThreadPoolExecutor(2) as executor:
        found = list(convert_paths([tmp_path], executor=executor if apart else None))
    assert [result.status for result in found] == ["changed"] * 9
    names = {
        result.path.stem: [r.name for plan in result.plan.classes for r in plan.registrations]
        for result in found
        if result.plan is not None
    }
    assert names["net1"] == ["relu"]
    assert not set(names["base"]) & set(names["sub"])


def test_an_executor_that_outlives_a_run_sees_what_has_changed_since(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "base.py").write_text("import torch.nn as nn\n\n\nclass Net0(nn.Module):\n    pass\n")
    (tmp_path / "sub.py").write_text(SUB)
    with ThreadPoolExecutor(1) as executor:
        first = {r.path.name: r.status for r in convert_paths([tmp_path], executor=executor)}
        (tmp_path / "base.py").write_text("class Net0:\n    pass\n")
        second = {r.path.name: r.status for r in convert_paths([tmp_path], executor=executor)}
    assert (first["sub.py"], second["sub.py"]) == ("changed", "unchanged")
