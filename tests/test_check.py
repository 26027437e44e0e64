"""The product's own checks find every kind of wrong result."""

from __future__ import annotations

from dataclasses import replace

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


# -- to functional -------------------------------------------------------------------------------------------

BACK = Options(direction="to-functional")
MODULES = net(
    "y = -0.0  # zero\nx = self.skip(x)\nx = self.act(self.fc(x))\nx = self.loss(log_input=x, target=y)\n"
    "return self.drop(self.drop(x))",
    init=(
        "self.fc = nn.Linear(4, 4)\nself.act = nn.LeakyReLU(0.2, True)  # slope of the paper\n"
        "self.skip = nn.Identity()\nself.drop = nn.Dropout(p)  # noqa: E501\n"
        "self.loss = nn.PoissonNLLLoss(False)\nself.other = nn.ReLU()"
    ),
    args="p",
    after="class Blank(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.act = nn.ReLU()\n\n    def forward(self, x):\n        return self.act(x)\n\n\n"
    "class Last:\n    value = 1",
)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("        # slope of the paper\n", "", "a comment would be lost: # slope of the paper"),
        ("# zero", "# one", "a comment would be lost: # zero"),
        ("# noqa: E501", "", "a comment would be lost: # noqa: E501"),
        ("return F.relu(x)", "return F.relu(x", "does not parse"),
        ("F.leaky_relu(self.fc(x), 0.2, True)", "F.leaky_relu(self.fc(x), 0.1, True)", "more than the plan"),
        ("F.leaky_relu(self.fc(x), 0.2, True)", "F.leaky_relu(self.fc(x), 0.2)", "more than the plan"),
        ("F.leaky_relu(self.fc(x), 0.2, True)", "F.leaky_relu(x, 0.2, True)", "more than the plan"),
        ("F.leaky_relu(", "F.relu(", "more than the plan"),
        ("training=self.training", "training=True", "more than the plan"),
        (", training=self.training", "", "more than the plan"),
        ("F.poisson_nll_loss(input=x, target=y,", "F.poisson_nll_loss(target=y, input=x,", "more than the plan"),
        ("input=x, target=y", "input=y, target=x", "more than the plan"),
        ("return F.relu(x)", "return self.act(x)", "more than the plan"),
        ("self.drop_p = p", "self.drop_p = q", "more than the plan"),
        ("self.drop_p = p", "self.drop_p = p; self.more = 1", "more than the plan"),
        ("        self.drop_p = p  # noqa: E501\n", "        # noqa: E501\n", "more than the plan"),
        (
            "self.fc = nn.Linear(4, 4)\n",
            "self.fc = nn.Linear(4, 4)\n        self.skip = nn.Identity()\n",
            "more than the plan",
        ),
        ("        self.other = nn.ReLU()\n", "", "more than the plan"),
        ("# zero\n", "# zero\n        x = x\n", "more than the plan"),
        (
            "class Blank(nn.Module):\n",
            "class Blank(nn.Module):\n    def __init__(self):\n        pass\n",
            "more than the plan",
        ),
        ("value = 1", "value = True", "more than the plan"),
    ],
)
def test_a_wrong_result_of_the_way_back_is_refused(right: str, wrong: str, message: str) -> None:
    result, plan = convert(MODULES, direction="to-functional")
    assert len(plan.converted) == 6
    assert right in result
    with pytest.raises(CheckError, match=message):
        check(MODULES, result.replace(right, wrong, 1), plan, BACK)


@pytest.mark.parametrize("missing", ["retired", "blank_inits", "idle"])
def test_a_plan_that_leaves_something_out_is_refused(missing: str) -> None:
    result, plan = convert(MODULES, direction="to-functional")
    assert getattr(plan, missing)
    with pytest.raises(CheckError, match=r"more than the plan|a comment would be lost"):
        check(MODULES, result, replace(plan, **{missing: getattr(plan, missing)[1:]}), BACK)


def test_a_plan_for_another_source_is_refused() -> None:
    result, plan = convert(MODULES, direction="to-functional")
    moved = "#\n" + MODULES
    with pytest.raises(CheckError, match="was not found again"):
        check(moved, "#\n" + result, plan, BACK)


def test_a_submodule_that_a_second_run_would_retire_is_refused() -> None:
    source = net("x = self.act(x)\nreturn self.act(x)", init="self.n = 1\nself.act = nn.ReLU()")
    first = source.splitlines().index("        x = self.act(x)") + 1
    partial, plan = convert(source, direction="to-functional", lines=((first, first),))
    with pytest.raises(CheckError, match="a second run would change"):
        check(source, partial, plan, BACK)
