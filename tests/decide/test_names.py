"""Which name is it: shadowed, aliased and starred imports."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.sources import IMPORTS, net
from tests.helpers import executes_the_same, outcomes

SHADOWED_IN_FORWARD = {
    "local": "F = x.shape[1]\nreturn F.relu(x)",
    "local after the call": "y = F.relu(x)\nF = 3\nreturn y",
    "tuple": "B, F = x.shape\nreturn F.relu(x)",
    "starred": "B, *F = x.shape\nreturn F.relu(x)",
    "annotation": "F: int\nreturn F.relu(x)",
    "walrus": "if (F := x.mean()):\n    return F.relu(x)",
    "walrus in a comprehension": "y = [F := q for q in x]\nreturn F.relu(x)",
    "comprehension": "return [F.relu(x) for F in x]",
    "dict comprehension": "return {F: F.relu(x) for F in x}",
    "second iterable of a comprehension": "return [1 for a in x for F in F.relu(x)]",
    "for": "for F in x:\n    pass\nreturn F.relu(x)",
    "with": "with x as F:\n    return F.relu(x)",
    "except": "try:\n    y = 1\nexcept Exception as F:\n    pass\nreturn F.relu(x)",
    "except group": "try:\n    y = 1\nexcept* ValueError as F:\n    pass\nreturn F.relu(x)",
    "match capture": "match x:\n    case F:\n        return F.relu(x)",
    "match star": "match x:\n    case [*F]:\n        return F.relu(x)",
    "match rest": "match x:\n    case {**F}:\n        return F.relu(x)",
    "match as": "match x:\n    case [1] as F:\n        return F.relu(x)",
    "match keyword": "match x:\n    case int(real=F):\n        return F.relu(x)",
    "nested function": "def F(): pass\nreturn F.relu(x)",
    "nested class": "class F: pass\nreturn F.relu(x)",
    "parameter of a nested function": "def g(F):\n    return F.relu(x)\nreturn g(3)",
    "lambda": "return (lambda F: F.relu(x))(x)",
    "nonlocal": "F = 3\ndef g():\n    nonlocal F\n    F = 4\n    return F.relu(x)\nreturn g()",
    "global": "global F\nF = 1\nreturn F.relu(x)",
    "del": "y = F.relu(x)\ndel F\nreturn y",
}


@pytest.mark.parametrize("body", SHADOWED_IN_FORWARD.values(), ids=SHADOWED_IN_FORWARD)
def test_shadowed_in_the_method(body: str) -> None:
    assert outcomes(net(body)) == "NNC101"


@pytest.mark.parametrize("signature", ["self, x, F", "self, x, *, F=None", "self, x, *F", "self, x, **F", "F, x"])
def test_shadowed_by_a_parameter(signature: str) -> None:
    assert outcomes(net(signature=signature)) == "NNC101"


SHADOWED_IN_MODULE = {
    "function": "def F(): pass\n",
    "loop": "for F in range(3): pass\n",
    "augmented": "F += 1\n",
    "del": "del F\n",
    "global": "def swap(other):\n    global F\n    F = other\n",
    "second import": "import other as F\n",
    "replaced function": "F.relu = lambda x: x\n",
    "replaced by its full name": "torch.nn.functional.relu = lambda x: x\n",
    "setattr": "setattr(F, 'relu', None)\n",
    "replaced module class": "nn.ReLU = object\n",
}


@pytest.mark.parametrize("before", SHADOWED_IN_MODULE.values(), ids=SHADOWED_IN_MODULE)
def test_shadowed_or_replaced_in_the_file(before: str) -> None:
    assert outcomes(net(before=before)) == "NNC101"


def test_shadowed_by_a_function_around_the_class() -> None:
    body = "    class Net(nn.Module):\n        def forward(self, x):\n            return F.relu(x)\n"
    assert outcomes(f"{IMPORTS}def make(F):\n{body}    return Net\n") == "NNC101"


NOT_SHADOWED = {
    "comprehension elsewhere": net("y = [F for F in x]\nreturn F.relu(x)"),
    "first iterable of a comprehension": net("return [F for F in F.relu(x)]"),
    "class attribute": net(attributes="F = 3"),
    "global without a binding": net("global F\nreturn F.relu(x)"),
    "the same import again": net("import torch.nn.functional as F\nreturn F.relu(x)"),
    "global import": net(before="def f():\n    global F\n    import torch.nn.functional as F\n"),
    "another method's local": net(methods="def other(self):\n    F = 3\n"),
    "keyword of that name": net("return F.relu(x) + dict(F=1)['F']"),
}


@pytest.mark.parametrize("source", NOT_SHADOWED.values(), ids=NOT_SHADOWED)
def test_not_shadowed(source: str) -> None:
    assert outcomes(source) == "relu"


SPELLED = [
    ("import torch.nn as nn\nF = nn.functional\n", "F.relu"),
    ("from torch import nn\nfrom torch.nn import functional as G\n", "G.relu"),
    ("from torch import nn\nfrom torch.nn.functional import relu as r\n", "r"),
    ("from torch import nn\nfrom torch.nn.functional import relu\n", "relu"),
    ("from torch import nn\nfrom torch.nn.functional import *\n", "relu"),
    ("import torch as th\nnn = th.nn\n", "th.relu"),
    ("import torch as th\nnn = th.nn\n", "th.nn.functional.relu"),
    ("import torch\nimport torch.nn.functional\nnn = torch.nn\n", "torch.nn.functional.relu"),
    ("import torch.nn as nn\nact = nn.functional.relu\n", "act"),
    (
        "import torch.nn as nn\ntry:\n    import torch.nn.functional as F\nexcept ImportError:\n    F = None\n",
        "F.relu",
    ),
    (
        "import torch.nn as nn\nif 1:\n    import torch.nn.functional as F\nelse:\n    F = nn.functional\n",
        "F.relu",
    ),
    ("import torch.nn as nn\nif not TYPE_CHECKING:\n    import torch.nn.functional as F\n", "F.relu"),
    ("from layers import *\nimport torch.nn as nn\nimport torch.nn.functional as F\n", "F.relu"),
]


@pytest.mark.parametrize(("imports", "callee"), SPELLED)
def test_spellings(imports: str, callee: str) -> None:
    assert outcomes(net(f"return {callee}(x)", imports=imports)) == "relu"


@pytest.mark.parametrize(
    "base",
    ["nn.modules.Module", "torch.nn.modules.module.Module", "torch.nn.Module"],
)
def test_spellings_of_the_base(base: str) -> None:
    assert outcomes(net(bases=base)) == "relu"


def test_star_import_of_torch_nn_names_the_class_itself() -> None:
    source = net(bases="Module", imports="from torch.nn import *\nimport torch.nn.functional as F\n")
    assert "self.relu = ReLU()" in executes_the_same(source, "Net", inputs="torch.randn(3)")


UNCERTAIN = [
    (f"{IMPORTS}from layers import *\n", "NNC102"),
    ("import torch.nn as nn\nfrom layers import *\n", "NNC102"),
    ("import torch.nn as nn\nif TYPE_CHECKING:\n    import torch.nn.functional as F\n", "NNC101"),
    (
        "import torch.nn as nn\ntry:\n    import torch.nn.functional as F\nexcept ImportError:\n    import other as F\n",
        "NNC101",
    ),
]


@pytest.mark.parametrize(("imports", "code"), UNCERTAIN)
def test_uncertain_imports(imports: str, code: str) -> None:
    source = net(imports=imports, bases="torch.nn.Module", before="import torch.nn\nimport torch.nn as nn\n")
    assert outcomes(source) == code


def test_another_module_of_that_name_is_no_call_site() -> None:
    assert outcomes(net("import other as F\nreturn F.relu(x)")) == ""


def test_names_hidden_in_init() -> None:
    hidden = net(init_signature="self, nn=None, torch=None")
    assert outcomes(hidden) == "NNC212"
    other_alias = net(init_signature="self, nn=None")
    assert "self.relu = torch.nn.ReLU()" in executes_the_same(other_alias, "Net", inputs="torch.randn(3)")


def test_a_name_imported_inside_init_is_not_used() -> None:
    init = "super().__init__()\nself.p = 3\nimport torch.nn as nn\nself.fc = nn.Linear(2, 2)"
    source = net(init=init, bases="Module", imports="import torch.nn.functional as F\nfrom torch.nn import Module\n")
    assert outcomes(source) == "NNC212"
