"""Functions of other files that a walk gives its modules to."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.projects import HEAD, outcomes, write

TESTING = "import torch.nn as nn\n\n\ndef init(m, std=0.1):\n    if isinstance(m, nn.Linear):\n        m.weight.data.fill_(std)\n"
ALL = "def init(m, std=0.1):\n    m.std = std\n"


def net(imports: str, walk: str) -> str:
    return (
        f"{HEAD}{imports}\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.fc = nn.Linear(2, 2)\n        {walk}\n\n    def forward(self, x):\n        return F.relu(self.fc(x))\n"
    )


WALKS = {
    "applied": ("from .init import init", "self.apply(init)"),
    "of a module": ("from . import init as fill", "self.apply(fill.init)"),
    "by a lambda": ("from .init import init", "self.apply(lambda m: init(m, std=0.2))"),
    "partial": ("from functools import partial\nfrom .init import init", "self.apply(partial(init, std=0.2))"),
    "in a loop": ("from .init import init", "for m in self.modules(): init(m)"),
    "handed on by the package": ("from . import fill", "self.apply(fill)"),
}


@pytest.mark.parametrize(("imports", "walk"), WALKS.values(), ids=WALKS)
@pytest.mark.parametrize(("function", "expected"), [(TESTING, "relu"), (ALL, "NNC302")])
def test_a_function_of_another_file(tmp_path: Path, imports: str, walk: str, function: str, expected: str) -> None:
    files = {
        "pkg/__init__.py": "from .init import init as fill\n" if "import fill" in imports else "",
        "pkg/init.py": function,
        "pkg/net.py": net(imports, walk),
    }
    assert outcomes(write(tmp_path, files) / "pkg" / "net.py") == expected


def test_a_function_that_hands_on_to_a_third_file(tmp_path: Path) -> None:
    files = {
        "third.py": TESTING,
        "second.py": "from third import init\n\n\ndef fill(m):\n    init(m)\n    again(m)\n\n\ndef again(m):\n    init(m, 0.2)\n",
        "net.py": net("from second import fill", "self.apply(fill)"),
    }
    assert outcomes(write(tmp_path / "a", files) / "net.py") == "relu"
    files["third.py"] = ALL
    assert outcomes(write(tmp_path / "b", files) / "net.py") == "NNC302"


def test_two_functions_of_a_name(tmp_path: Path) -> None:
    files = {"init.py": f"{TESTING}\n\n{ALL}", "net.py": net("from init import init", "self.apply(init)")}
    assert outcomes(write(tmp_path, files) / "net.py") == "NNC302"
