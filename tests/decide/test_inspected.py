"""Methods that the __init__ of a base only looks at: they do not run before the submodule exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.projects import HEAD, outcomes, write
from tests.helpers import executes_the_same

INSPECTOR = """
import inspect


class Inspector:
    def __init__(self, cls):
        self.cls = cls
        self.names = {}

    def look(self, func, exclude=None):
        if isinstance(func, str):
            func = getattr(self.cls, func)
        assert callable(func)
        if func.__name__ not in self.names and func != exclude:
            self.names[func.__name__] = self._signature(func=func)
        return self.names[func.__name__]

    def _signature(self, func):
        return inspect.signature(func)

    def run(self, func):
        return func(0)

    def keep(self, func):
        self.func = func
"""


def source(init: str, methods: str = "") -> str:
    lines = "".join(f"        {line}\n" for line in init.splitlines())
    return (
        f"{HEAD}{INSPECTOR.lstrip()}\n\nclass Base(nn.Module):\n    def __init__(self):\n"
        f"        super().__init__()\n{lines}{methods}\n\n"
        "class Net(Base):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(4, 4)\n\n    def forward(self, x):\n        return self.message(x)\n\n"
        "    def message(self, x):\n        return F.relu(self.fc(x))\n"
    )


LOOKED_AT = {
    "its signature": "inspect.signature(self.message)",
    "its name": "self.kind = self.message.__name__",
    "its module": "if not self.forward.__module__.startswith('a'):\n    self.n = 1",
    "compared": "self.own = self.message != Base",
    "tested": "self.own = callable(self.message)",
    "handed to what looks at it": "self.inspector = Inspector(self.__class__)\nself.inspector.look(self.message)",
    "by keyword": "self.inspector = Inspector(type(self))\nself.inspector.look(func=self.message)",
}


@pytest.mark.parametrize("init", LOOKED_AT.values(), ids=LOOKED_AT)
def test_converts(tmp_path: Path, init: str) -> None:
    text = source(init)
    assert "self.relu(self.fc(x))" in executes_the_same(text, "Net", inputs="torch.randn(2, 4)")
    write(tmp_path, {"net.py": text})
    assert outcomes(tmp_path / "net.py") == "relu"


RUN = {
    "called": "self.n = self.message(0)",
    "kept": "self.f = self.message",
    "handed to what runs it": "self.inspector = Inspector(self.__class__)\nself.inspector.run(self.message)",
    "handed to what keeps it": "self.inspector = Inspector(self.__class__)\nself.inspector.keep(self.message)",
    "handed to something unknown": "inspect_all(self.message)",
    "handed to something else by now": (
        "self.inspector = Inspector(self.__class__)\nself.inspector = other()\nself.inspector.look(self.message)"
    ),
    "handed to what is built under a condition": (
        "self.inspector = other()\nif self.training:\n    self.inspector = Inspector(self.__class__)\n"
        "self.inspector.look(self.message)"
    ),
}


@pytest.mark.parametrize("init", RUN.values(), ids=RUN)
def test_left(tmp_path: Path, init: str) -> None:
    write(tmp_path, {"net.py": source(init)})
    assert outcomes(tmp_path / "net.py") == "NNC305"


def test_left_where_another_method_stores_the_object(tmp_path: Path) -> None:
    init = "self.inspector = Inspector(self.__class__)\nself.inspector.look(self.message)"
    write(tmp_path, {"net.py": source(init, "\n    def reset(self):\n        self.inspector = other()\n")})
    assert outcomes(tmp_path / "net.py") == "NNC305"


def test_in_files_of_their_own(tmp_path: Path) -> None:
    whole = source("self.inspector = Inspector(self.__class__)\nself.inspector.look(self.message)")
    head, base, net = whole.partition("class Base")[0], "class Base" + whole.partition("class Base")[2], ""
    base, _, net = base.partition("class Net")
    files = {
        "pkg/inspector.py": head,
        "pkg/base.py": f"{HEAD}from .inspector import Inspector\n\n\n{base}",
        "pkg/net.py": f"{HEAD}from .base import Base\n\n\nclass Net{net}",
    }
    write(tmp_path, files)
    assert outcomes(tmp_path / "pkg/net.py") == "relu"
