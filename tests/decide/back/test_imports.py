"""Rule 22 in reverse: functional is imported in the file's own style and place, and what nothing uses any more goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.back import BACK, decided
from tests.helpers import check_converted, check_left, convert, load

from nnconvert.decide import decide
from nnconvert.options import Options
from nnconvert.source.project import Neighbours

BODY = (
    "\n\nclass Net({module}):\n    def __init__(self):\n        super().__init__()\n        self.n = 1\n{line}\n"
    "    def forward(self, x{inputs}):\n        return {call}\n"
)


def check(
    imports: str,
    expected: str,
    call: str = "F.relu(x)",
    *,
    module: str = "nn.Module",
    constructor: str = "nn.ReLU()",
    inputs: str = "",
) -> None:
    line = f"        self.act = {constructor}\n"
    before = imports + BODY.format(module=module, line=line, call="self.act(x)", inputs=inputs)
    after = expected + BODY.format(module=module, line="", call=call, inputs=inputs)
    check_converted(before, after, direction=BACK)


T, N = "import torch\n", "from torch import nn\n"
ADDED = {
    "from torch import nn": (N, f"{N}from torch.nn import functional as F\n"),
    "import torch.nn as nn": ("import torch.nn as nn\n", "import torch.nn as nn\nimport torch.nn.functional as F\n"),
    "between torch's": (
        "import numpy\nimport torch\nimport torch.nn as nn\nimport torch.optim\n",
        "import numpy\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport torch.optim\n",
    ),
    "behind a docstring and __future__": (
        f'"""Doc."""\nfrom __future__ import annotations\n\n{N}',
        f'"""Doc."""\nfrom __future__ import annotations\n\n{N}from torch.nn import functional as F\n',
    ),
    "on lines": (
        "from torch import (\n    Tensor,\n    nn,\n)\n",
        "from torch import (\n    Tensor,\n    nn,\n)\nfrom torch.nn import functional as F\n",
    ),
    "with a comment": (
        "from torch import nn  # layers\n",
        "from torch import nn  # layers\nfrom torch.nn import functional as F\n",
    ),
    "beside another statement": (
        "from torch import nn; n = 1\n",
        "from torch import nn; n = 1\nfrom torch.nn import functional as F\n",
    ),
}


@pytest.mark.parametrize(("imports", "expected"), ADDED.values(), ids=ADDED)
def test_added(imports: str, expected: str) -> None:
    check(imports, expected)


THERE = {
    "import torch.nn.functional as F": (f"{N}import torch.nn.functional as F\n", "F.relu(x)"),
    "another alias": (f"{N}import torch.nn.functional as tf\n", "tf.relu(x)"),
    "the function": (f"{N}from torch.nn.functional import relu\n", "relu(x)"),
    "the function under another name": (f"{N}from torch.nn.functional import relu as r, elu\n", "r(x)"),
    "its attribute": (f"{N}F = nn.functional\n", "F.relu(x)"),
    "the long spelling": (f"{N}y = nn.functional.elu\n", "nn.functional.relu(x)"),
    "all names taken": (f"{N}F = functional = nn_functional = torch_functional = 1\n", "nn.functional.relu(x)"),
    "in the class body's scope": (f"{N}import torch.nn.functional as F\nclass A:\n    F = 1\n", "F.relu(x)"),
}


@pytest.mark.parametrize(("imports", "call"), THERE.values(), ids=THERE)
def test_what_the_file_has_is_used(imports: str, call: str) -> None:
    check(imports, imports, call)


FREE = {
    "a global": (f"{N}F = 1\n", ""),
    "a global elsewhere": (f"{N}def f():\n    global F\n    F = 1\n", ""),
    "a parameter elsewhere": (f"{N}def f(F):\n    return F\n", ""),
    "a parameter here": (N, ", F=1"),
    "a parameter here, though imported": (f"{N}import torch.nn.functional as F\n", ", F=1"),
}


@pytest.mark.parametrize(("imports", "inputs"), FREE.values(), ids=FREE)
def test_a_free_name_is_found(imports: str, inputs: str) -> None:
    added = "from torch.nn import functional\n"
    check(imports, imports.replace(N, N + added), "functional.relu(x)", inputs=inputs)
    check(
        imports.replace(N, "import torch.nn as nn\n"),
        imports.replace(N, f"import torch.nn as nn\n{added}"),
        "functional.relu(x)",
        inputs=inputs,
    )


OF_TORCH = {
    "import torch": (f"{T}{N}", f"{T}{N}", "torch.flatten(x, 1)"),
    "an alias": (f"import torch as th\n{N}", f"import torch as th\n{N}", "th.flatten(x, 1)"),
    "the function": ("from torch import flatten, nn\n", "from torch import flatten, nn\n", "flatten(x, 1)"),
    "missing": (N, f"import torch\n{N}", "torch.flatten(x, 1)"),
}


@pytest.mark.parametrize(("imports", "expected", "call"), OF_TORCH.values(), ids=OF_TORCH)
def test_functions_of_torch(imports: str, expected: str, call: str) -> None:
    check(imports, expected, call, constructor="nn.Flatten()")


def test_torch_is_hidden() -> None:
    text = N + BODY.format(
        module="nn.Module", line="        self.act = nn.Flatten()\n", call="self.act(x)", inputs=", torch=1"
    )
    check_left(text, "NNC212", direction=BACK)


REMOVED = {
    "the class": (f"{N}from torch.nn import ReLU\n", f"{N}from torch.nn import functional as F\n"),
    "the class of its module": (
        f"{N}from torch.nn.modules.activation import ReLU\n",
        f"{N}from torch.nn import functional as F\n",
    ),
    "one of several on lines": (
        f"{N}from torch.nn import (\n    ReLU,\n    Tanh,\n)\n",
        f"{N}from torch.nn import functional as F\nfrom torch.nn import (\n    Tanh,\n)\n",
    ),
}


@pytest.mark.parametrize(("imports", "expected"), REMOVED.values(), ids=REMOVED)
def test_an_import_that_only_the_constructor_needed_goes(imports: str, expected: str) -> None:
    check(imports, expected, constructor="ReLU()")


KEPT = {
    "used elsewhere": "from torch.nn import ReLU\ny = ReLU\n",
    "used by a test": "from torch.nn import ReLU\ndef f(m):\n    return isinstance(m, ReLU)\n",
    "in __all__": "from torch.nn import ReLU\n__all__ = ['Net', 'ReLU']\n",
    "in a string": "from torch.nn import ReLU\ny = 'ReLU'\n",
    "with a comment": "from torch.nn import ReLU  # noqa: F401\n",
    "under a condition": "if True:\n    from torch.nn import ReLU\n",
}


@pytest.mark.parametrize("imports", KEPT.values(), ids=KEPT)
def test_other_imports_stay(imports: str) -> None:
    check(f"{N}{imports}", f"{N}from torch.nn import functional as F\n{imports}", constructor="ReLU()")


def test_an_import_that_other_files_read_stays(tmp_path: Path) -> None:
    text = f"{N}from torch.nn import ReLU\n" + BODY.format(
        module="nn.Module", line="        self.act = ReLU()\n", call="self.act(x)", inputs=""
    )
    for number, (imported, removed) in enumerate((("", True), ("ReLU", False), ("*", False), ("Tanh", True))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "other.py").write_text(f"from net import {imported}\n" if imported else "")
        plan = decide(text, Options(direction=BACK), Neighbours(folder / "net.py"))
        assert any(not edit.text for edit in plan.imports) is removed, imported


def test_what_only_a_class_needed_becomes_what_its_calls_need() -> None:
    check(
        "from torch.nn import Module, ReLU\n",
        "from torch.nn import Module\nimport torch.nn.functional as F\n",
        module="Module",
        constructor="ReLU()",
    )
    check(T, f"{T}import torch.nn.functional as F\n", module="torch.nn.Module", constructor="torch.nn.ReLU()")


# -- torch that may be missing, and names that stand for something else -----------------------------------------

OPTIONAL = {
    "try": "try:\n    from torch import nn\nexcept ImportError:\n    nn = None\n",
    "a condition": "if available():\n    import torch\n    from torch import nn\n",
}


@pytest.mark.parametrize("imports", OPTIONAL.values(), ids=OPTIONAL)
def test_a_file_that_does_without_torch_gets_no_import_of_it(imports: str) -> None:
    check(imports, imports, "nn.functional.relu(x)")


def test_a_class_under_a_condition_with_its_imports() -> None:
    text = (
        "try:\n    import torch.nn as nn\n    there = True\nexcept ImportError:\n    there = False\n\nif there:\n"
        + "".join(
            f"    {line}\n"
            for line in BODY.format(
                module="nn.Module", line="        self.act = nn.ReLU()", call="self.act(x)", inputs=""
            ).splitlines()
        )
    )
    result, _ = convert(text, direction=BACK)
    assert "nn.functional.relu(x)" in result
    assert result.startswith("try:\n    import torch.nn as nn\n    there")
    load(result)


REBOUND = {
    "the class": f"{N}nn.ReLU = nn.GELU\n",
    "the function": f"{N}import torch.nn.functional as F\nF.relu = F.gelu\n",
    "the name of the class": f"{N}from torch.nn import ReLU\nfrom other import ReLU\n",
}


@pytest.mark.parametrize("imports", REBOUND.values(), ids=REBOUND)
def test_names_that_may_be_something_else(imports: str) -> None:
    constructor = "ReLU()" if "import ReLU" in imports else "nn.ReLU()"
    text = imports + BODY.format(
        module="nn.Module", line=f"        self.act = {constructor}\n", call="self.act(x)", inputs=""
    )
    check_left(text, "NNC101", direction=BACK)


@pytest.mark.parametrize("imports", [f"{N}class ReLU(nn.Module):\n    pass\n", f"{N}from other import ReLU\n", N])
def test_other_classes_of_that_name(imports: str) -> None:
    text = imports + BODY.format(module="nn.Module", line="        self.act = ReLU()\n", call="self.act(x)", inputs="")
    assert decided(text) == ""


def test_names_of_star_imports() -> None:
    check(
        "from torch.nn import *\n",
        "from torch.nn import *\nimport torch.nn.functional as F\n",
        module="Module",
        constructor="ReLU()",
    )
    check(f"from layers import *\n{N}", f"from layers import *\n{N}", "nn.functional.relu(x)")
