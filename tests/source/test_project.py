"""An import that another file of the project takes from here stays, though nothing here uses it any more."""

from pathlib import Path

import pytest

from nnconvert.api import convert_file

SOURCE = """\
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def forward(self, x):
        return F.relu(x)
"""


def converted(path: Path) -> str:
    return convert_file(path).new.decode()


@pytest.mark.parametrize(
    "other",
    ["from net import F\n", "from .net import (\n    Net,\n    F as functional,\n)\n", "from net import *\n"],
)
def test_kept_for_another_file(tmp_path: Path, other: str) -> None:
    (tmp_path / "net.py").write_text(SOURCE)
    (tmp_path / "other.py").write_text(other)
    assert "import torch.nn.functional as F\n" in converted(tmp_path / "net.py")


@pytest.mark.parametrize("other", ["from net import Net\n", "from network import F\n", ""])
def test_removed_where_nobody_imports_it(tmp_path: Path, other: str) -> None:
    (tmp_path / "net.py").write_text(SOURCE)
    (tmp_path / "other.py").write_text(other)
    assert "functional" not in converted(tmp_path / "net.py")


def test_subfolders_belong_to_a_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "net.py").write_text(SOURCE)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.py").write_text("from net import F\n")
    assert "import torch.nn.functional as F\n" in converted(tmp_path / "net.py")


def test_a_package_offers_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text(SOURCE)
    assert "import torch.nn.functional as F\n" in converted(tmp_path / "__init__.py")


def test_star_import_brings_what_all_names(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text('__all__ = ["Net"]\n' + SOURCE)
    (tmp_path / "other.py").write_text("from net import *\n")
    assert "functional" not in converted(tmp_path / "net.py")
