"""The product's own checks find every kind of wrong result."""

from __future__ import annotations

import pytest
from tests.helpers import convert, net

from nnconvert.check import check
from nnconvert.errors import CheckError
from nnconvert.options import Options

SOURCE = net(
    "y = -0.0  # zero\nx = F.max_pool2d(x, 2)  # pool\nreturn F.mse_loss(target=y, input=F.relu(x))",
    after="class Other:\n    value = 1",
    inputs="x, y",
).replace("target=y, input=F.relu(x)", "F.relu(x), y")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("# pool", "", "a comment would be lost: # pool"),
        ("# zero", "# one", "a comment would be lost: # zero"),
        ("def forward", "def forward(", "does not parse"),
        ("value = 1", "value = 2", "more than the plan"),
        ("value = 1", "value = True", "more than the plan"),
        ("y = -0.0", "y = 0.0", "more than the plan"),
        ("self.max_pool2d(x)", "self.max_pool2d(y)", "more than the plan"),
        ("self.max_pool2d(x)", "self.relu(x)", "more than the plan"),
        ("self.relu(x), y", "y, self.relu(x)", "more than the plan"),
        ("self.relu(x)", "F.relu(x)", "more than the plan"),
        ("nn.MaxPool2d(2)", "nn.MaxPool2d(3)", "registration of max_pool2d"),
        ("        self.relu = nn.ReLU()\n", "", "registration of relu"),
        ("self.relu = nn.ReLU()", "self.relu = nn.ReLU(); self.extra = 1", "more than the plan"),
        ("class Net", "class Nest", "the class Net was not found"),
    ],
)
def test_a_wrong_result_is_refused(right: str, wrong: str, message: str) -> None:
    result, plan = convert(SOURCE)
    assert right in result
    with pytest.raises(CheckError, match=message):
        check(SOURCE, result.replace(right, wrong, 1), plan, Options())


def test_a_result_that_a_second_run_would_change_is_refused() -> None:
    source = net("x = F.relu(x)\nreturn F.relu(x)")
    first = source.splitlines().index("        x = F.relu(x)") + 1
    partial, plan = convert(source, lines=((first, first),))
    with pytest.raises(CheckError, match="a second run would change"):
        check(source, partial, plan, Options())


def test_classes_of_one_name_are_told_apart() -> None:
    body = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "    def forward(self, x):\n        return {}(x)\n"
    )
    branch = "".join(f"    {line}\n" for line in body.format("F.relu").splitlines())
    other = branch.replace("F.relu", "F.gelu")
    source = f"import torch.nn as nn\nimport torch.nn.functional as F\nif nn:\n{branch}else:\n{other}"
    result, plan = convert(source)
    assert len(plan.converted) == 2
    swapped = result.replace("nn.ReLU", "nn.Other").replace("nn.GELU", "nn.ReLU").replace("nn.Other", "nn.GELU")
    with pytest.raises(CheckError):
        check(source, swapped, plan, Options())
