"""Models that tools are tried on: as found, as converted, and as written by hand with submodules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tests.helpers import load
from torch import nn

import nnconvert
from nnconvert import Options

EXAMPLES = Path(__file__).parents[2] / "examples"

FUNCTIONAL = b"""\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.fc1 = nn.Linear(36, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc3 = nn.Linear(16, 3)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
"""

BY_HAND = b"""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.relu1 = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten(1)
        self.fc1 = nn.Linear(36, 16)
        self.relu2 = nn.ReLU()
        self.fc2 = nn.Linear(16, 16)
        self.relu3 = nn.ReLU()
        self.fc3 = nn.Linear(16, 3)

    def forward(self, x):
        x = self.pool(self.relu1(self.conv(x)))
        x = self.flatten(x)
        x = self.relu2(self.fc1(x))
        x = self.relu3(self.fc2(x))
        return self.fc3(x)
"""

SHARED = b"""\
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten(1)
        self.fc1 = nn.Linear(36, 16)
        self.fc2 = nn.Linear(16, 16)
        self.fc3 = nn.Linear(16, 3)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.pool(self.relu(self.conv(x)))
        x = self.flatten(x)
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)
"""

RAW = b"""\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(4, 1, 3, 3) * 0.3)
        self.w1 = nn.Parameter(torch.randn(16, 36) * 0.2)
        self.b1 = nn.Parameter(torch.zeros(16))
        self.w2 = nn.Parameter(torch.randn(3, 16) * 0.2)
        self.b2 = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, self.kernel)), 2)
        x = F.relu(F.linear(torch.flatten(x, 1), self.w1, self.b1))
        return F.linear(x, self.w2, self.b2)
"""


def converted(source: bytes, **options: Any) -> bytes:
    """The source after conversion, of which something must have changed."""
    result = nnconvert.convert_source(source, Options(**options))
    assert result.status == "changed", result.error
    return result.new


def example(name: str) -> bytes:
    return (EXAMPLES / f"{name}.py").read_bytes()


def built(source: bytes, expression: str = "Net()") -> nn.Module:
    """A model in eval mode, with the same weights for every version, and statistics that are no identity."""
    torch.manual_seed(11)
    model: nn.Module = eval(expression, load(source.decode()))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.fill_(0.1)
    return model.eval()


def images(count: int = 3) -> torch.Tensor:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(2))
