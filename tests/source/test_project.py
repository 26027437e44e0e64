"""What other files of a project say: which imports they take from here, which submodules their subclasses name."""

from pathlib import Path

import pytest

from nnconvert.api import convert_file
from nnconvert.options import Options
from nnconvert.plan import Leave

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


NET = """\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.act = nn.ReLU()
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.drop(self.act(x))
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


CALLS = "    def forward(self, x):\n        return self.act(x)\n"


@pytest.mark.parametrize(
    ("other", "left"),
    [
        (f"from net import Net\n\n\nclass Sub(Net):\n{CALLS}", ["act"]),
        (f"from net import Net as Base\n\n\nclass Sub(Base):\n{CALLS}", ["act"]),
        ("import net\n\n\nclass Sub(net.Net):\n    def off(self):\n        self.drop.p = 0\n", ["drop"]),
        (f"from net import *\n\n\nclass Sub(Net):\n{CALLS}", ["act"]),
        (f"from other import Net\n\n\nclass Sub(Net):\n{CALLS}", []),
        (f"from net import Net\n\n\nclass Net:\n    pass\n\n\nclass Sub(Net):\n{CALLS}", []),
        (f"from net import Net\n\n\nclass Sub(Other):\n{CALLS}", []),
        ("from net import Net\n\n\nclass Sub(Net):\n    pass\n", []),
    ],
)
def test_a_submodule_that_a_subclass_in_another_file_names_stays(tmp_path: Path, other: str, left: list[str]) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "sub.py").write_text(other)
    result = convert_file(written(tmp_path / "net.py", NET), Options(direction="to-functional"))
    assert result.plan is not None
    assert [d.site.spelled.removeprefix("self.") for d in result.plan.left] == left
    assert {d.outcome.code for d in result.plan.left if isinstance(d.outcome, Leave)} == ({"NNC606"} if left else set())


def test_a_kept_setting_gets_no_name_that_such_a_subclass_has(tmp_path: Path) -> None:
    (tmp_path / "sub.py").write_text(
        "from net import *\nclass Sub(Net):\n    def set(self):\n        self.drop_p = 3\n"
    )
    result = convert_file(written(tmp_path / "net.py", NET), Options(direction="to-functional"))
    assert b"self.drop_p1 = p\n" in result.new
