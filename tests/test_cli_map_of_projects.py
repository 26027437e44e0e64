"""``--map`` over several files: models in other files than the classes whose keys change get their whole keys."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Run

BLOCKS = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Conv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(cout, cin, 3, 3) * 0.1)
        self.bias = nn.Parameter(torch.zeros(cout))

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, padding=1)
"""
NET = """\
import torch
import torch.nn as nn
import torch.nn.functional as F

from .blocks import Conv


class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body = nn.Sequential(Conv(3, width), nn.BatchNorm2d(width), Conv(width, width))
        self.fc = nn.Linear(width, 4)
        self.w = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        return F.linear(self.fc(self.body(x).mean((2, 3))), self.w)
"""
TRAIN = """\
import torch

from models.net import Net


class Wrapper(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net(16)

    def forward(self, x):
        return self.net(x)


if __name__ == "__main__":
    Wrapper()(torch.randn(2, 3, 8, 8))
"""
SAVE = (
    "import torch\nfrom train import Wrapper\ntorch.manual_seed(1)\nmodel = Wrapper().eval()\n"
    "torch.save({'model': model.state_dict(), 'y': model(torch.ones(1, 3, 8, 8))}, 'old.pt')\n"
).replace("\\\n", "\n")
LOAD = (
    "import torch\nfrom train import Wrapper\nold = torch.load('new.pt', weights_only=True)\nmodel = Wrapper().eval()\n"
    "model.load_state_dict(old['model'], strict=True)\nassert torch.equal(model(torch.ones(1, 3, 8, 8)), old['y'])\n"
).replace("\\\n", "\n")


def script(folder: Path, text: str) -> None:
    subprocess.run([sys.executable, "-B", "-c", text], cwd=folder, check=True)


@pytest.fixture
def tree(project: Path) -> Path:
    (project / "models").mkdir()
    files = {"models/__init__.py": "", "models/blocks.py": BLOCKS, "models/net.py": NET, "train.py": TRAIN}
    for name, text in files.items():
        (project / name).write_text(text)
    return project


def test_a_checkpoint_of_a_model_in_another_file_follows(tree: Path, command: type[Run]) -> None:
    script(tree, SAVE)
    (tree / "broken.py").write_text("from models.net import Net\n\nclass Old(Net)\n    pass\n")
    ended = command("--to-module", "--parameters", "--map", "m.json", "models", "train.py")
    assert ended.code == 0, ended.err
    assert "differs" not in ended.err
    models = json.loads((tree / "m.json").read_text())["models"]
    assert models["train:Wrapper"]["keys"] == {
        "net.w": "net.linear.weight",
        "net.body.0.weight": "net.body.0.conv2d.weight",
        "net.body.0.bias": "net.body.0.conv2d.bias",
        "net.body.2.weight": "net.body.2.conv2d.weight",
        "net.body.2.bias": "net.body.2.conv2d.bias",
    }
    assert models["train:Wrapper"]["order"][1][-1] == "net.linear.weight"
    assert set(models["models.net:Net"]["keys"]) == {
        key.removeprefix("net.") for key in models["train:Wrapper"]["keys"]
    }
    migrated = command("migrate", "old.pt", "--map", "m.json", "-o", "new.pt")
    assert migrated.code == 0, migrated.err
    script(tree, LOAD)
