"""What the search goes by where a class says more of itself than names and defaults."""

from __future__ import annotations

import pytest

from nnconvert.verification import Expected

from .checking import HEAD, Check, net

ASKS = (
    HEAD
    + """\
import dataclasses
import enum
from typing import Literal, Optional


class Kind(enum.Enum):
    SUM = "sum"
    MEAN = "mean"


@dataclasses.dataclass
class Setup:
    dim: int
    kind: Kind


class Body(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.linear = nn.Linear(dim, dim)

    def forward(self, x):
        return self.linear(x)


class Annotated(nn.Module):
    def __init__(self, part: Body, setup: Setup, how: Literal["up", "down"], more: Optional[dict]):
        super().__init__()
        assert isinstance(part, Body) and setup.kind is Kind.SUM and how == "up" and more is None
        self.part = part

    def forward(self, x):
        return F.relu(self.part(x))


class Named(nn.Module):
    def __init__(self, body, mode):
        super().__init__()
        assert mode in ("concat", "max")
        self.layer = nn.Linear(body.dim, 3)

    def forward(self, x):
        return F.relu(self.layer(x))


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)

    def forward(self, maps: list[torch.Tensor]):
        first, second, third = (self.conv(m) for m in maps)
        return F.relu(F.max_pool2d(first, 4) + F.max_pool2d(second, 2) + third)


class Later(nn.Module):
    def forward(self, x, edge_index=None):
        if edge_index is None:
            raise ValueError("no edges")
        return F.relu(x[edge_index[0]])


class Volume(nn.Module):
    def forward(self, moving, fixed):
        if moving.dim() != 5:
            raise ValueError("Expected a 5D tensor")
        return F.conv3d(torch.cat([moving, fixed], 1), torch.ones(1, 4, 1, 1, 1))


class Dictionary(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.linear = nn.Linear(config["part"]["hidden_size"], config.get("nothing_known", 3))

    def forward(self, x):
        return F.relu(self.linear(x))
"""
)


def test_what_a_class_asks_for(check: Check) -> None:
    seen = {e.class_name: (e.verdict, e.reason) for e in check.verify(ASKS, ASKS)}
    modules = ("Body", "Annotated", "Named", "Pyramid", "Later", "Volume", "Dictionary")
    assert seen == dict.fromkeys(modules, ("proved", ""))


BRANCHES = (
    HEAD
    + """\
class Net(nn.Module):
    def __init__(self, dim, mode="plain", gate=False, num_layers: int | None = None):
        super().__init__()
        if mode == "deep":
            assert num_layers is not None
        self.mode, self.gate, self.dim = mode, gate, dim

    def forward(self, x, mask=None):
        BRANCH
            return F.relu(x)
        return x * 2
"""
)


@pytest.mark.parametrize(
    "branch",
    ["if self.gate:", 'if self.mode == "deep":', "if mask is not None:", "if x.dim() == 2:"],
)
def test_a_call_site_behind_a_branch_is_looked_for(check: Check, branch: str) -> None:
    old = BRANCHES.replace("BRANCH", branch)
    new = old.replace("F.relu(x)", "self.relu(x)")
    new = new.replace("        self.mode, ", "        self.relu = nn.ReLU()\n        self.mode, ")
    evidence = check.one(old, new, Expected("Net", (("relu", "nn.ReLU()"),)))
    assert (evidence.verdict, evidence.unreached) == ("proved", ())
    wrong = new.replace("nn.ReLU()", "nn.ELU()")
    assert check.one(old, wrong, Expected("Net", (("relu", "nn.ELU()"),))).verdict == "differs"


README = """\
# net

```python
from net import Net
model = Net({"size": 4})
```

```python
import torch
from net import Net

model = Net({"size": 4})
for _ in range(3):
    out = model(torch.randn(5, 4), {"by": 2.0})
```
"""
TEST = """\
import torch
from net import Net

SIZE = 4


class TestNet:
    def test_shape(self, by=2.0):
        model = Net({"size": SIZE})
        assert model(torch.randn(5, SIZE), {"by": by}).shape == (5, 3)
"""


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [("README.md", README, "README.md"), ("tests/test_net.py", TEST, "tests/test_net.py: test_shape()")],
)
def test_examples_in_the_project(check: Check, name: str, text: str, label: str) -> None:
    (check.folder / name).parent.mkdir(exist_ok=True)
    (check.folder / name).write_text(text)
    init = 'what = "size"\nself.linear = nn.Linear(spec[what], 3)'
    forward = 'assert x.shape[0] == 5\nreturn F.relu(self.linear(x)) * scale["by"]'
    source = net(init, forward).replace("__init__(self)", "__init__(self, spec)")
    source = source.replace("(self, x)", "(self, x, scale)")
    evidence = check.tested(source)
    assert evidence.built_from == label
