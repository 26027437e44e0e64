"""What becomes of the imports: functional goes when nothing uses it any more, nn comes where it is missing."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.helpers import check_converted

BODY = "\n\nclass Net({module}):\n    def __init__(self):\n        super().__init__()\n{line}\n    def forward(self, x):\n        return {callee}(x)\n"


def check(
    imports: str,
    expected: str,
    *,
    callee: str = "F.relu",
    module: str = "nn.Module",
    constructor: str = "nn.ReLU()",
    name: str = "relu",
) -> None:
    old = imports + BODY.format(module=module, line="", callee=callee)
    line = f"        self.{name} = {constructor}\n"
    check_converted(old, expected + BODY.format(module=module, line=line, callee=f"self.{name}"))


REMOVED = [
    ("import torch.nn as nn\nimport torch.nn.functional as F\n", "import torch.nn as nn\n"),
    ("import torch, torch.nn as nn, torch.nn.functional as F\n", "import torch, torch.nn as nn\n"),
    ("import torch.nn.functional as F, torch.nn as nn\n", "import torch.nn as nn\n"),
    ("from torch import nn\nfrom torch.nn import functional as F\n", "from torch import nn\n"),
    (
        "from torch import nn\nfrom torch.nn import functional as F, init\n",
        "from torch import nn\nfrom torch.nn import init\n",
    ),
    (
        "from torch import nn\nfrom torch.nn import init, functional as F\n",
        "from torch import nn\nfrom torch.nn import init\n",
    ),
    (
        "from torch import nn\nfrom torch.nn import (\n    functional as F,\n    init,\n)\n",
        "from torch import nn\nfrom torch.nn import (\n    init,\n)\n",
    ),
    (
        "from torch import nn\nfrom torch.nn import (\n    init,\n    functional as F,\n)\n",
        "from torch import nn\nfrom torch.nn import (\n    init,\n)\n",
    ),
    ("from torch import nn\nfrom torch.nn import (\n    functional as F,\n)\n", "from torch import nn\n"),
    (
        '"""Press F to go on."""\nimport torch.nn as nn\nimport torch.nn.functional as F\n',
        '"""Press F to go on."""\nimport torch.nn as nn\n',
    ),
    (
        "import torch.nn as nn\nimport torch.nn.functional as F\nimport torch.nn.functional as G\n",
        "import torch.nn as nn\nimport torch.nn.functional as G\n",
    ),
    (
        "import torch.nn as nn\nimport torch.nn.functional as F\ndef f(F):\n    return F.elu\n",
        "import torch.nn as nn\ndef f(F):\n    return F.elu\n",
    ),
]


@pytest.mark.parametrize(("imports", "expected"), REMOVED)
def test_removed(imports: str, expected: str) -> None:
    check(imports, expected)


@pytest.mark.parametrize(
    ("imports", "expected", "callee"),
    [
        ("from torch.nn.functional import relu\n", "", "relu"),
        ("from torch.nn.functional import relu, elu\n", "from torch.nn.functional import elu\n", "relu"),
        ("from torch.nn.functional import relu as r, elu\n", "from torch.nn.functional import elu\n", "r"),
        ("from torch.nn.functional import *\n", "from torch.nn.functional import *\n", "relu"),
    ],
)
def test_removed_functions(imports: str, expected: str, callee: str) -> None:
    check(f"from torch import nn\n{imports}", f"from torch import nn\n{expected}", callee=callee)


KEPT = {
    "used": "import torch.nn.functional as F\ny = F.elu\n",
    "used in a class body": "import torch.nn.functional as F\nclass A:\n    f = F\n",
    "used by a global statement": "import torch.nn.functional as F\ndef f():\n    global F\n    return F\n",
    "used by getattr": "import torch.nn.functional as F\ndef f(n):\n    return getattr(F, n)\n",
    "exported": "import torch.nn.functional as F\n__all__ = ['F', 'Net']\n",
    "in a doctest": "import torch.nn.functional as F\ndef f():\n    '''\n    >>> F.relu(3)\n    '''\n",
    "in an annotation": "import torch.nn.functional as F\ny: 'F.x'\n",
    "in eval": "import torch.nn.functional as F\ny = eval('F')\n",
    "comment": "import torch.nn.functional as F  # noqa: F401\n",
    "comment in a list": "from torch.nn import (\n    functional as F,  # keep\n    init,\n)\n",
    "semicolon": "import os; import torch.nn.functional as F\n",
    "continued": "from torch.nn import init, \\\n    functional as F\n",
    "try": "try:\n    import torch.nn.functional as F\nexcept ImportError:\n    F = None\n",
    "condition": "if 1:\n    import torch.nn.functional as F\n",
    "twice": "import torch.nn.functional as F\nimport torch.nn.functional as F\n",
    "by assignment": "F = nn.functional\n",
}


@pytest.mark.parametrize("imports", KEPT.values(), ids=KEPT)
def test_kept(imports: str) -> None:
    imports = f"import torch.nn as nn\n{imports}"
    check(imports, imports)


@pytest.mark.parametrize("callee", ["torch.relu", "torch.nn.functional.relu"])
@pytest.mark.parametrize(
    "imports",
    ["import torch\n", "import torch.nn.functional\n", "import torch.nn\nimport torch.nn.functional\n"],
)
def test_the_package_itself_stays(imports: str, callee: str) -> None:
    check(imports, imports, callee=callee, module="torch.nn.Module", constructor="torch.nn.ReLU()")


ADDED = [
    ("import torch.nn.functional as F\n", "import torch.nn as nn\n"),
    ("from torch.nn import functional as F\n", "from torch import nn\n"),
    (
        "import torch.nn.functional as F\ny = F.elu\n",
        "import torch.nn as nn\nimport torch.nn.functional as F\ny = F.elu\n",
    ),
    ("import numpy as np, torch.nn.functional as F\n", "import torch.nn as nn\nimport numpy as np\n"),
    (
        "try:\n    import torch.nn.functional as F\nexcept ImportError:\n    F = None\n",
        "from torch import nn\ntry:\n    import torch.nn.functional as F\nexcept ImportError:\n    F = None\n",
    ),
]


@pytest.mark.parametrize(("imports", "expected"), ADDED)
@pytest.mark.parametrize("first", ["", '"""Doc."""\nfrom __future__ import annotations\nimport os\n'])
def test_nn_is_added(imports: str, expected: str, first: str) -> None:
    first += "from torch.nn import Module\n"
    check(first + imports, first + expected, module="Module")


def test_nn_is_added_for_a_function() -> None:
    imports = "from torch.nn import Module\nfrom torch.nn.functional import relu\n"
    check(imports, "from torch.nn import Module\nfrom torch import nn\n", module="Module", callee="relu")


ALIASES = [
    ("import torch.nn as tnn\n", "tnn.Module", "tnn.ReLU()"),
    ("from torch.nn import Module, ReLU\n", "Module", "ReLU()"),
    ("from torch.nn import Module, ReLU as Act\n", "Module", "Act()"),
    ("import torch as th\n", "th.nn.Module", "th.nn.ReLU()"),
    ("import torch\nnn = torch.nn\n", "nn.Module", "nn.ReLU()"),
    ("from torch.nn import *\n", "Module", "ReLU()"),
    ("import torch\nif TYPE_CHECKING:\n    import torch.nn as nn\n", "torch.nn.Module", "torch.nn.ReLU()"),
    ("import torch\ndef f():\n    import torch.nn as nn\n", "torch.nn.Module", "torch.nn.ReLU()"),
]


@pytest.mark.parametrize(("imports", "module", "constructor"), ALIASES)
def test_the_file_s_own_alias(imports: str, module: str, constructor: str) -> None:
    check(imports + "import torch.nn.functional as F\n", imports, module=module, constructor=constructor)


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_newlines(newline: str) -> None:
    old = ("import torch.nn.functional as F\nfrom torch.nn import Module\n" + BODY).replace("\n", newline)
    new = ("import torch.nn as nn\nfrom torch.nn import Module\n" + BODY).replace("\n", newline)
    line = f"        self.relu = nn.ReLU(){newline}"
    check_converted(
        old.format(module="Module", line="", callee="F.relu"),
        new.format(module="Module", line=line, callee="self.relu"),
    )


def test_an_import_inside_of_the_method_stays() -> None:
    method = """import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
{}
    def forward(self, x):
        import torch.nn.functional as F
        return {}(x)
"""

    # ruff: noqa: E501 (sources stand on one line)
    check_converted(method.format("", "F.relu"), method.format("        self.relu = nn.ReLU()\n", "self.relu"))
