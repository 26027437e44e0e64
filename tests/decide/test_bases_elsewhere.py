"""Bases in other files mean what bases in the same file mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.projects import HEAD, converted, outcomes, words, write

from nnconvert.api import Index
from nnconvert.source.modules import search_path

BASE = f"{HEAD}class Base(nn.Module):\n    def __init__(self, p=0.5):\n        super().__init__()\n        self.p = p\n"
USE = "    def forward(self, x):\n        return F.relu(x)\n"


def net(imports: str, base: str = "Base", body: str = USE) -> str:
    return f"{HEAD}{imports}\n\n\nclass Net({base}):\n{body}"


FOUND = {
    "relative": {"pkg/net.py": net("from .base import Base"), "pkg/base.py": BASE},
    "of the package": {
        "pkg/net.py": net("from . import Base"),
        "pkg/__init__.py": "from .base import Base\n",
        "pkg/base.py": BASE,
    },
    "two levels up": {
        "pkg/sub/net.py": net("from ..base import Base"),
        "pkg/sub/__init__.py": "",
        "pkg/__init__.py": "",
        "pkg/base.py": BASE,
    },
    "absolute": {"pkg/net.py": net("from pkg.base import Base"), "pkg/__init__.py": "", "pkg/base.py": BASE},
    "by dots": {"pkg/net.py": net("import pkg.base as b", "b.Base"), "pkg/__init__.py": "", "pkg/base.py": BASE},
    "a module of the package": {
        "pkg/net.py": net("from . import base", "base.Base"),
        "pkg/__init__.py": "",
        "pkg/base.py": BASE,
    },
    "re-exported under another name": {
        "pkg/net.py": net("from pkg import Other", "Other"),
        "pkg/__init__.py": "from .base import Base as Other\n",
        "pkg/base.py": BASE,
    },
    "given another name": {
        "pkg/net.py": net("from .base import Alias", "Alias"),
        "pkg/base.py": f"{BASE}\n\nAlias = Base\n",
    },
    "star": {"pkg/net.py": net("from .base import *"), "pkg/base.py": BASE},
    "star of a star's list": {
        "pkg/net.py": net("from .bases import *"),
        "pkg/bases/__init__.py": "from .base import Base\nnames = ['Base']\n__all__ = names + ['other']\nother = 1\n",
        "pkg/bases/base.py": BASE,
    },
    "beside a script": {"net.py": net("from base import Base"), "base.py": BASE},
    "in src": {"tools/net.py": net("from pkg.base import Base"), "src/pkg/base.py": BASE},
    "over two files": {
        "pkg/net.py": net("from .middle import Middle", "Middle"),
        "pkg/middle.py": "from .base import Base\n\n\nclass Middle(Base):\n    pass\n",
        "pkg/base.py": BASE,
    },
    "a nested class": {
        "pkg/net.py": net("from .base import Outer", "Outer.Base"),
        "pkg/base.py": f"{HEAD}class Outer:\n    class Base(nn.Module):\n        pass\n",
    },
    "in a circle": {
        "pkg/net.py": net("from .base import Base"),
        "pkg/base.py": f"{BASE}\n\nfrom .net import Net\n",
    },
    "a generic mixin": {
        "pkg/net.py": net("from .base import Base, Mixin", "Mixin, Base"),
        "pkg/base.py": f"{BASE}\n\nclass Mixin:\n    pass\n",
    },
}


@pytest.mark.parametrize("files", FOUND.values(), ids=FOUND)
def test_found(tmp_path: Path, files: dict[str, str]) -> None:
    root = write(tmp_path, files)
    assert outcomes(root / next(iter(files))) == "relu"


LOST = {
    "no such file": {"pkg/net.py": net("from .base import Base")},
    "no such class": {"pkg/net.py": net("from .base import Base"), "pkg/base.py": HEAD},
    "does not parse": {"pkg/net.py": net("from .base import Base"), "pkg/base.py": f"{BASE}\n\nclass\n"},
    "one of two": {
        "pkg/net.py": net("from .base import Base"),
        "pkg/base.py": "try:\n    from .a import Base\nexcept ImportError:\n    from .b import Base\n",
        "pkg/a.py": BASE,
        "pkg/b.py": BASE,
    },
    "two files of that name": {"a/net.py": net("from base import Base"), "base.py": BASE, "src/base.py": BASE},
    "for type checkers only": {
        "pkg/net.py": net("from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from .base import Base"),
        "pkg/base.py": BASE,
    },
    "a star that may bring anything": {
        "pkg/net.py": net("from .base import *"),
        "pkg/base.py": f"{BASE}\n\n__all__ = [n for n in globals()]\n",
    },
    "its own base is lost": {
        "pkg/net.py": net("from .base import Base"),
        "pkg/base.py": "from elsewhere import Lost\n\n\nclass Base(Lost):\n    pass\n",
    },
}


@pytest.mark.parametrize("files", LOST.values(), ids=LOST)
def test_lost(tmp_path: Path, files: dict[str, str]) -> None:
    root = write(tmp_path, files)
    assert outcomes(root / next(iter(files))) in ("NNC105", "NNC102")


def test_what_is_lost_is_named(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"pkg/net.py": net("from .base import Base"), "pkg/base.py": LOST["its own base is lost"]["pkg/base.py"]},
    )
    assert words(root / "pkg/net.py") == "what `elsewhere.Lost` is and does is not known here"


BODIES = {
    "a container": ("class Base(nn.Sequential):\n    pass", USE, "NNC301"),
    "no module class": ("class Base:\n    pass", USE, "NNC104"),
    "special methods": ("class Base(nn.Module):\n    def __getattr__(self, name): ...", USE, "NNC303"),
    "a dataclass": ("@dataclass\nclass Base(nn.Module):\n    a: int = 1", USE, "NNC303"),
    "no super().__init__": ("class Base(nn.Module):\n    def __init__(self):\n        self.a = 1", USE, "NNC304"),
    "its __init__ runs the call": (
        "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.forward(1)",
        USE,
        "NNC305",
    ),
    "its __init__ hands self on": (
        "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        register(self)",
        USE,
        "NNC305",
    ),
    "it walks": ("class Base(nn.Module):\n    def all(self):\n        return list(self.children())", USE, "NNC302"),
    "it looks for what is to be registered": (
        "class Base(nn.Module):\n    def count(self):\n"
        "        return len([m for m in self.modules() if isinstance(m, (nn.Linear, nn.ReLU))])",
        USE,
        "NNC302",
    ),
    "it walks to initialize": (
        "class Base(nn.Module):\n    def init(self):\n        for m in self.modules():\n"
        "            if isinstance(m, nn.Linear):\n                m.reset_parameters()",
        USE,
        "relu",
    ),
    "a name is taken": ("class Base(nn.Module):\n    def relu(self): ...", USE, "relu1"),
    "a name is stored": ("class Base(nn.Module):\n    def set(self):\n        self.relu = 1", USE, "relu1"),
    "a name is asked for": (
        "class Base(nn.Module):\n    def has(self):\n        return hasattr(self, 'relu')",
        USE,
        "relu1",
    ),
    "names are computed": (
        "class Base(nn.Module):\n    def set(self):\n        setattr(self, f'relu{1}', 1)",
        USE,
        "nn_relu",
    ),
    "it overrides train": (
        "class Base(nn.Module):\n    def train(self, mode=True): ...",
        "    def forward(self, x):\n        return F.dropout(x, 0.1, self.training)\n",
        "NNC405",
    ),
    "its setting": (
        "class Base(nn.Module):\n    def __init__(self, p):\n        super().__init__()\n        self.p = p",
        "    def forward(self, x):\n        return F.leaky_relu(x, self.p)\n",
        "leaky_relu",
    ),
    "its class attribute": (
        "P = 0.1\n\n\nclass Base(nn.Module):\n    p = P",
        "    def forward(self, x):\n        return F.leaky_relu(x, self.p)\n",
        "leaky_relu",
    ),
    "its setting changes": (
        "class Base(nn.Module):\n    def __init__(self, p):\n        super().__init__()\n        self.p = p\n"
        "    def set(self, p):\n        self.p = p",
        "    def forward(self, x):\n        return F.leaky_relu(x, self.p)\n",
        "NNC203",
    ),
    "its setting is a buffer": (
        "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.p = torch.ones(1)",
        "    def forward(self, x):\n        return F.leaky_relu(x, self.p)\n",
        "NNC206",
    ),
    "its class attribute comes from elsewhere": (
        "from settings import P\n\n\nclass Base(nn.Module):\n    p = P",
        "    def forward(self, x):\n        return F.leaky_relu(x, self.p)\n",
        "NNC207",
    ),
}


@pytest.mark.parametrize(("base", "body", "expected"), BODIES.values(), ids=BODIES)
def test_what_a_base_does(tmp_path: Path, base: str, body: str, expected: str) -> None:
    base = f"from dataclasses import dataclass\n{HEAD}{base}\n"
    root = write(tmp_path, {"pkg/net.py": net("from .base import Base", body=body), "pkg/base.py": base})
    assert outcomes(root / "pkg/net.py") == expected
    together = f"{base}\n\nclass Net(Base):\n{body}"
    assert outcomes(write(tmp_path, {"both.py": together}) / "both.py") == expected


def test_the_new_init_has_the_signature_of_that_of_the_project(tmp_path: Path) -> None:
    init = "    def __init__(self, a: Any, b: int = 1) -> None:\n        super().__init__()\n"
    base = f"from typing import Any\n{HEAD}class Base(nn.Module):\n{init}"
    root = write(tmp_path, {"net.py": net("from base import Base"), "base.py": base})
    assert (
        b"    def __init__(self, a, b=1) -> None:\n        super().__init__(a, b)\n" in converted(root / "net.py").new
    )


# -- installed packages ----------------------------------------------------------------------------------------


def test_an_installed_package_is_read(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    write(site, {"lib/__init__.py": "from .base import Base\n", "lib/base.py": BASE})
    root = write(tmp_path / "project", {"net.py": net("from lib import Base")})
    assert outcomes(root / "net.py") == "NNC105"
    assert outcomes(root / "net.py", Index([site])) == "relu"


def test_the_project_comes_before_installed_packages(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    write(site, {"lib/__init__.py": "", "lib/base.py": BASE})
    root = write(
        tmp_path / "project", {"net.py": net("from lib.base import Base"), "lib/base.py": "class Base: pass\n"}
    )
    assert outcomes(root / "net.py", Index([site])) == "NNC104"


def test_a_signature_of_an_installed_package_may_change(tmp_path: Path) -> None:
    site = write(tmp_path / "site-packages", {"lib.py": BASE})
    root = write(tmp_path / "project", {"net.py": net("from lib import Base")})
    assert b"def __init__(self, *args, **kwargs):\n" in converted(root / "net.py", Index([site])).new


def test_what_is_linked_for_editing_is_no_installed_package(tmp_path: Path) -> None:
    sub = "from net import Net\n\n\nclass Sub(Net):\n    def __init__(self): ...\n"
    source = f"{HEAD}class Net(nn.Module):\n{USE}"
    root = write(tmp_path / "project", {"src/net.py": source, "src/sub.py": sub})
    assert outcomes(root / "src/net.py", Index([root / "src"])) == "NNC110"


def test_the_search_path_of_a_virtual_environment(tmp_path: Path) -> None:
    site = tmp_path / "env" / "lib" / "python3.12" / "site-packages"
    linked = tmp_path / "linked"
    for folder in (site, linked, tmp_path / "env" / "lib" / "python3.9" / "site-packages"):
        folder.mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /nowhere/bin\nversion = 3.12.4\n")
    (site / "linked.pth").write_text(f"# a comment\nimport os\n{linked}\n{tmp_path / 'gone'}\n")
    assert search_path(tmp_path / "env" / "bin" / "python") == (site, linked)
