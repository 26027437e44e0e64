"""Parameters that other files of the project reach: all uses move, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers import net

from nnconvert.api import convert_source
from nnconvert.options import Options

SOURCE = net("return F.linear(x, self.weight)", init="self.weight = nn.Parameter(torch.randn(5, 4))").encode()


def convert(folder: Path, other: str) -> bool:
    (folder / "pyproject.toml").touch()
    (folder / "net.py").write_bytes(SOURCE)
    (folder / "other.py").write_text(other)
    result = convert_source(SOURCE, Options(parameters=True), path=folder / "net.py")
    assert result.status in ("changed", "unchanged"), result.error
    return result.status == "changed"


@pytest.mark.parametrize(
    "other",
    [
        "from net import Net\n\nprint(Net().weight)\n",
        "from net import Net\n\nmodel = Net()\nmodel.weight = None\n",
        "from net import Net\n\n\nclass Sub(Net):\n    def norm(self):\n        return self.weight.norm()\n",
        "from net import Net\n\nw = getattr(Net(), 'weight')\n",
        "import torch.nn as nn\nfrom net import Net\n\nfor m in Net().modules():\n    if isinstance(m, nn.Linear):\n"
        "        nn.init.zeros_(m.weight)\n",
    ],
)
def test_what_another_file_reaches_stays(tmp_path: Path, other: str) -> None:
    assert not convert(tmp_path, other)


@pytest.mark.parametrize(
    "other",
    [
        "from net import Net\n\nprint(Net())\n",
        "import torch.nn as nn\n\nprint(nn.Linear(1, 1).weight)\n",
        "class Other:\n    def __init__(self):\n        self.weight = 1\n",
    ],
)
def test_what_another_file_does_with_other_things_is_no_use(tmp_path: Path, other: str) -> None:
    assert convert(tmp_path, other)
