"""All files of a project in one run: names do not meet, and the result does what the program did."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import torch
from tests.decide.projects import HEAD, write

from nnconvert.api import Index, convert_paths, convert_source
from nnconvert.options import Options

BASE = f"""{HEAD}class Base(nn.Module):
    def __init__(self, width, *, p=0.3):
        super().__init__()
        self.fc = nn.Linear(width, width)
        self.p = p

    def act(self, x):
        return F.dropout(F.relu(x), self.p, self.training)
"""
SUB = """from .{base} import *


class Sub(Base):
    def forward(self, x):
        return F.dropout(self.act(self.fc(x)), 0.5, self.training)
"""
LOW = f"""{HEAD}from .{{sub}} import Sub as Upper


class Low(Upper):
    def __init__(self, width):
        Upper.__init__(self, width, p=0.1)
        self.slope = 0.2

    def forward(self, x):
        return F.leaky_relu(super().forward(x) - 0.5, self.slope)
"""


def project(folder: Path, base: str, sub: str) -> Path:
    names = {"base": base, "sub": sub}
    return write(
        folder,
        {
            "__init__.py": "",
            f"{base}.py": BASE,
            f"{sub}.py": "import torch.nn.functional as F\n" + SUB.format(**names),
            "low.py": LOW.format(**names),
        },
    )


def outputs(package: str, name: str) -> list[torch.Tensor]:
    torch.manual_seed(0)
    model = getattr(importlib.import_module(f"{package}.low"), name)(4)
    found = [model(torch.randn(5, 4)), model.eval()(torch.randn(5, 4))]
    return [*found, *(tensor for _, tensor in sorted(model.state_dict().items()))]


@pytest.mark.parametrize(("base", "sub"), [("a", "b"), ("z", "b")])
def test_a_converted_project_does_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, sub: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    old, new = f"old_{base}", f"new_{base}"
    project(tmp_path / old, base, sub)
    root = project(tmp_path / new, base, sub)
    results = [*convert_paths([root], Options(), write=True, index=Index())]
    assert sum(r.status == "changed" for r in results) == 3
    assert [r.status for r in convert_paths([root], Options(), index=Index())].count("unchanged") == len(results)
    for name in ("Low", "Upper"):
        for before, after in zip(outputs(old, name), outputs(new, name), strict=True):
            assert torch.equal(before, after)
    model = sys.modules[f"{new}.low"].Low(4)
    assert len([m for m in model.modules() if isinstance(m, torch.nn.Dropout)]) == 2


def test_a_run_that_writes_nothing_shows_what_one_that_writes_does(tmp_path: Path) -> None:
    root = project(tmp_path / "pkg", "a", "b")
    shown = [r.new for r in convert_paths([root], Options(), index=Index())]
    assert [r.new for r in convert_paths([root], Options(), write=True, index=Index())] == shown


def test_without_a_path_a_source_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"base.py": BASE})
    monkeypatch.chdir(tmp_path)
    source = f"{HEAD}from base import Base\n\n\nclass Net(Base):\n    def forward(self, x):\n        return F.relu(x)\n"
    assert convert_source(source.encode(), index=Index()).status == "unchanged"
    assert convert_source(source.encode(), path=Path("net.py"), index=Index()).status == "changed"
    assert convert_source(source.encode(), path=Path("net.py"), index=Index(alone=True)).status == "unchanged"
