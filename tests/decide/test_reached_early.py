"""What runs before it could: a call reached by __init__ itself, a name or a constant bound too late."""

from __future__ import annotations

import inspect
from textwrap import dedent

import pytest
from tests.helpers import check_left, codes, convert, executes_the_same, load, net, outcomes

FEAT = "def feat(self, x):\n    return F.relu(x)\n"


@pytest.mark.parametrize(
    ("body", "init"),
    [
        (FEAT, "self.n = getattr(self, 'feat')(torch.ones(2))"),
        (FEAT, "self.n = getattr(self, 'fe' + 'at')(torch.ones(2))"),
        ("def __len__(self):\n    return int(F.relu(torch.ones(1)))\n", "self.n = len(self)"),
        ("def extra_repr(self):\n    return str(F.relu(torch.ones(1)))\n", "self.n = repr(self)"),
        (FEAT + "ml = lambda self, x: self.feat(x)\n", "self.n = self.ml(torch.ones(2))"),
    ],
)
def test_methods_that_init_runs_by_other_names(body: str, init: str) -> None:
    source = net("return x", body=body, init=f"{init}\nself.fc = nn.Linear(2, 2)")
    text = executes_the_same(source, "Net", inputs="torch.randn(3, 2)")
    assert text.index("nn.ReLU()") < text.index("self.n =") < text.index("nn.Linear")


def test_call_dunder_runs_forward() -> None:
    source = net("return F.relu(x)", init="self.n = self.__call__(torch.ones(2))\nself.fc = nn.Linear(2, 2)")
    text = executes_the_same(source, "Net", inputs="torch.randn(3, 2)")
    assert text.index("nn.ReLU()") < text.index("self.n =")


def test_base_init_that_runs_a_method_by_a_computed_name() -> None:
    source = """
        import torch, torch.nn as nn, torch.nn.functional as F

        class Base(nn.Module):
            def __init__(self, mode="a"):
                super().__init__()
                self.n = getattr(self, f"feat_{mode}")(torch.ones(2))

        class Net(Base):
            def feat_a(self, x):
                return F.relu(x)
    """
    assert codes(source) == ["NNC305"]


@pytest.mark.parametrize(
    "binding",
    [
        "try:\n    import apex\n    import torch.nn as nn\nexcept ImportError:\n    pass\n",
        "if FLAG:\n    import torch.nn as nn\n",
    ],
)
def test_nn_bound_on_some_paths_only_is_not_used(binding: str) -> None:
    head = "import torch\nimport torch.nn.functional as F\nfrom torch.nn import Module\nFLAG = False\n"
    source = f"{head}{binding}class Net(Module):\n    def forward(self, x):\n        return F.relu(x)\n"
    result, _ = convert(source)
    assert "self.relu = torch.nn.ReLU()" in result


def test_nn_bound_below_the_class_is_not_used() -> None:
    head = "import torch\nimport torch.nn.functional as F\nfrom torch.nn import Module\n"
    body = "class Net(Module):\n    def forward(self, x):\n        return F.relu(x)\nnet = Net()\n"
    result, _ = convert(f"{head}{body}import torch.nn as nn\n")
    assert "self.relu = torch.nn.ReLU()" in result


def test_nn_that_the_class_statement_uses_is_bound() -> None:
    imports = "import torch.nn.functional as F\ntry:\n    import apex\n    import torch.nn as nn\n"
    head = f"{imports}except ImportError:\n    pass\n"
    result, _ = convert(f"{head}class Net(nn.Module):\n    def forward(self, x):\n        return F.relu(x)\n")
    assert "self.relu = nn.ReLU()" in result


@pytest.mark.parametrize("between", ["net = Net()\n", "class Top:\n    def f(self, net=Net()): ...\n"])
def test_constant_bound_behind_a_first_construction(between: str) -> None:
    check_left(net("return F.leaky_relu(x, SLOPE)", after=f"{between}SLOPE = 0.3\n"), "NNC212")


def test_constant_bound_behind_the_class_where_nothing_is_built_between() -> None:
    source = net("return F.leaky_relu(x, SLOPE)", after="def build():\n    return Net()\nSLOPE = 0.3\n")
    assert outcomes(source) == "leaky_relu"


INHERITED = """
    import torch, torch.nn as nn, torch.nn.functional as F

    class Base(nn.Module):
        def __init__(self, d: int = 4, *, bias=True, **more):
            super().__init__()
            self.l = nn.Linear(d, d, bias=bias)

    class Net(Base):
        def forward(self, x):
            return F.relu(self.l(x))
"""


def test_inherited_signature_stays() -> None:
    text = executes_the_same(INHERITED, "Net", "d=6, bias=False", "torch.randn(2, 6)")
    net_class, base = load(text)["Net"], load(text)["Base"]
    assert str(inspect.signature(net_class)) == str(inspect.signature(base))
    assert "super().__init__(d, bias=bias, **more)" in text


def test_several_bases_get_everything_passed_on() -> None:
    text, _ = convert(dedent(INHERITED) + "\nclass Mixed(Net, Base):\n    pass\n")
    assert "def __init__(self, *args, **kwargs):" in text
