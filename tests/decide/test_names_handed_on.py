"""Names of torch that a file has from another file of the project: they are what they are there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.projects import converted, outcomes, write

from nnconvert.api import Index, convert_paths
from nnconvert.options import Options

COMMON = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def net(head: str, call: str = "F.relu(x)", base: str = "nn.Module") -> str:
    return f"{head}\n\n\nclass Net({base}):\n    def forward(self, x):\n        return {call}\n"


@pytest.mark.parametrize(
    ("head", "files"),
    [
        ("from pkg.common import F, nn", {}),
        ("from .common import F as F, nn", {}),
        ("from .common import *", {}),
        ("from pkg import F, nn", {"pkg/__init__.py": "from .common import F, nn\n"}),
        ("from . import F, nn", {"pkg/__init__.py": "from .common import *\n"}),
        ("from .stars import *", {"pkg/stars.py": "from .common import *\nfrom math import pi\n"}),
        (
            "from .common import *",
            {"pkg/common.py": f"{COMMON}__all__ = ['F', 'nn']\nfirst = __all__[:1]\nplace = __all__.index('nn')\n"},
        ),
        ("from torch import nn\nfrom .again import F", {"pkg/again.py": "from pkg.common import F\n"}),
        ("from torch import nn\nfrom .again import F", {"pkg/again.py": "import torch\n\nF = torch.nn.functional\n"}),
        (
            "from torch import nn\nfrom .again import (\n    F,\n)",
            {"pkg/again.py": "from .common import (\n    F,\n)\n"},
        ),
    ],
)
def test_converts(tmp_path: Path, head: str, files: dict[str, str]) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/common.py": COMMON, **files, "pkg/net.py": net(head)})
    assert outcomes(tmp_path / "pkg/net.py") == "relu"


def test_a_functional_itself_and_a_module_by_dots(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/common.py": f"{COMMON}from torch.nn.functional import relu\n"}
    files["pkg/one.py"] = net("from .common import nn, relu", "relu(x)")
    files["pkg/two.py"] = net("from . import common", "common.F.relu(x)", "common.nn.Module")
    files["pkg/three.py"] = net("import pkg.common as c", "c.torch.relu(x)", "c.nn.Module")
    write(tmp_path, files)
    assert [outcomes(tmp_path / f"pkg/{name}.py") for name in ("one", "two", "three")] == ["relu"] * 3


def test_of_an_installed_package(tmp_path: Path) -> None:
    site = write(tmp_path / "site-packages", {"lib/__init__.py": COMMON})
    write(tmp_path / "project", {"net.py": net("from lib import F, nn")})
    assert outcomes(tmp_path / "project/net.py", Index((site,))) == "relu"


@pytest.mark.parametrize(
    "common",
    [
        "from torch import nn\nimport mine as F\n",
        "from torch import nn\nimport torch.nn.functional as F\n\nF = F if nn else None\n",
        "from torch import nn\n\n\nclass F:\n    relu = None\n",
        "from torch import nn\nimport torch.nn.functional as F\n\nF.relu = len\n",
        "from torch import nn\n\n\ndef F():\n    import torch.nn.functional as F\n",
        "from torch import nn\nfrom .net import F\n",
    ],
)
def test_left_where_the_other_file_means_something_else(tmp_path: Path, common: str) -> None:
    write(tmp_path, {"pkg/__init__.py": "", "pkg/common.py": common, "pkg/net.py": net("from .common import F, nn")})
    assert outcomes(tmp_path / "pkg/net.py") == ""


def test_left_where_stars_lead_in_a_circle(tmp_path: Path) -> None:
    stars = "from .net import *\nfrom .common import F, nn\n"
    files = {"pkg/__init__.py": "", "pkg/common.py": COMMON, "pkg/stars.py": stars}
    write(tmp_path, {**files, "pkg/net.py": net("from .stars import *")})
    assert outcomes(tmp_path / "pkg/net.py") == "NNC102"


def test_left_where_the_star_does_not_bring_it(tmp_path: Path) -> None:
    common = f"{COMMON}__all__ = ['nn']\n"
    write(tmp_path, {"pkg/__init__.py": "", "pkg/common.py": common, "pkg/net.py": net("from .common import *")})
    assert outcomes(tmp_path / "pkg/net.py") == ""


def test_imports(tmp_path: Path) -> None:
    """A name that nothing uses any more goes from a list; the last one stays, for what its import does."""
    files = {"pkg/__init__.py": "", "pkg/common.py": COMMON}
    files["pkg/listed.py"] = net("from .common import F, nn")
    files["pkg/alone.py"] = net("from torch import nn\nfrom .common import F")
    files["pkg/starred.py"] = net("from .common import *")
    write(tmp_path, files)
    heads = {
        name: converted(tmp_path / f"pkg/{name}.py").new.decode().partition("\n\n\n")[0]
        for name in ("listed", "alone", "starred")
    }
    assert heads == {
        "listed": "from .common import nn",
        "alone": "from torch import nn\nfrom .common import F",
        "starred": "from .common import *",
    }
    assert "self.relu = nn.ReLU()" in converted(tmp_path / "pkg/starred.py").new.decode()


def test_to_functional(tmp_path: Path) -> None:
    text = """\
        from .common import *


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)
                self.act = nn.ReLU()

            def forward(self, x):
                return self.act(self.fc(x))
        """
    write(tmp_path, {"pkg/__init__.py": "", "pkg/common.py": COMMON, "pkg/net.py": text})
    new = converted(tmp_path / "pkg/net.py", direction="to-functional").new.decode()
    assert new.startswith("from .common import *\n\n\nclass")
    assert "return F.relu(self.fc(x))" in new


def test_a_run_over_a_folder_reads_files_that_do_not_name_torch(tmp_path: Path) -> None:
    text = net("from .common import *")
    write(tmp_path, {"pkg/__init__.py": "", "pkg/common.py": COMMON, "pkg/net.py": text})
    changed = [result.path.name for result in convert_paths([tmp_path], Options()) if result.status == "changed"]
    assert changed == ["net.py"]
    back = {"direction": "to-functional"}
    write(tmp_path, {"pkg/net.py": net("from .common import *", "nn.ReLU()(x)")})
    changed = [r.path.name for r in convert_paths([tmp_path], Options(**back)) if r.status == "changed"]  # type: ignore[arg-type]
    assert changed == ["net.py"]
