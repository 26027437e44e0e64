"""Rule 27, the assignment: one plain statement that every run of ``__init__`` passes, after super().__init__()."""

from __future__ import annotations

import pytest
from tests.decide.back import BACK, FC, check, check_runs, check_stays, decided, source
from tests.helpers import check_left

ACT = "self.act = nn.ReLU()"
CALL = "return self.act(self.fc(x))"
PLAIN = {
    "one statement": ACT,
    "in parentheses": "(self.act) = nn.ReLU()",
    "annotated": "self.act: nn.Module = nn.ReLU()",
    "on two lines": "self.act = \\\n    nn.ReLU()",
    "without an alias": "self.act = torch.nn.ReLU()",
    "through a local name of the class": "relu = nn.ReLU\nself.act = relu()",
    "ended by a semicolon": "self.act = nn.ReLU();",
}


@pytest.mark.parametrize("init", PLAIN.values(), ids=PLAIN)
def test_a_plain_statement_goes(init: str) -> None:
    kept = "relu = nn.ReLU" if init.startswith("relu") else ""
    check(init, CALL, kept, "return F.relu(self.fc(x))")


FINE = {
    "a condition elsewhere": f"if torch:\n    self.n = 1\n{ACT}",
    "a return behind it": f"{ACT}\nif not torch:\n    return\nself.n = 1",
    "a raise before it": f"if not torch:\n    raise ValueError\n{ACT}",
    "a second call of super().__init__()": f"super().__init__()\n{FC}{ACT}",
    "under another name in the same class": f"{ACT}\nself.act2 = nn.ReLU()\nself.n = self.act2",
    "eval behind it, for what has no mode": f"{ACT}\nself.eval()",
}


@pytest.mark.parametrize("init", FINE.values(), ids=FINE)
def test_what_stands_around_it_does_not_matter(init: str) -> None:
    text = check_runs(init, CALL)
    assert "return F.relu(self.fc(x))" in text
    assert ACT not in text


LEFT = {
    "under a condition": ("if torch:\n    self.act = nn.ReLU()", "NNC601"),
    "a conditional expression": ("self.act = nn.ReLU() if torch else None", "NNC601"),
    "in a loop": ("for _ in range(1):\n    self.act = nn.ReLU()", "NNC601"),
    "behind a return": (f"if not torch:\n    return\n{ACT}", "NNC601"),
    "in a nested function": ("def build():\n    self.act = nn.ReLU()\nbuild()", "NNC601"),
    "together with others": ("self.act, self.n = nn.ReLU(), 1", "NNC601"),
    "with a name of its own": ("self.act = (relu := nn.ReLU())", "NNC601"),
    "to a local, too": ("relu = self.act = nn.ReLU()", "NNC603"),
    "twice": (f"{ACT}\n{ACT}", "NNC602"),
    "again under a condition": (f"{ACT}\nif not torch:\n    self.act = nn.GELU()", "NNC602"),
    "in both branches": ("if act:\n    self.act = nn.ReLU()\nelse:\n    self.act = nn.GELU()", "NNC602"),
    "set to None first": (f"self.act = None\n{ACT}", "NNC602"),
    "registered again by its name": (f"{ACT}\nself.add_module('act', nn.GELU())", "NNC604 NNC602"),
}


@pytest.mark.parametrize(("init", "outcome"), LEFT.values(), ids=LEFT)
def test_left(init: str, outcome: str) -> None:
    assert decided(source(init, CALL, args="act=None")) == outcome


METHODS = {
    "built in another method": ("self.build()", "def build(self):\n    self.act = nn.ReLU()", "NNC601"),
    "assigned again in another method": (ACT, "def reset(self):\n    self.act = nn.ReLU()", "NNC602"),
    "a class attribute": (ACT, "act = None", "NNC605"),
    "declared in the class body": (ACT, "act: nn.Module", "NNC605"),
    "a method": (ACT, "def act(self, x):\n    return x", "NNC605"),
    "a property": (ACT, "@property\ndef act(self):\n    return 1", "NNC605"),
}


@pytest.mark.parametrize(("init", "body", "code"), METHODS.values(), ids=METHODS)
def test_what_the_rest_of_the_class_says(init: str, body: str, code: str) -> None:
    check_stays(init, CALL, code, body=body)


def test_a_class_of_several_names_is_not_told_apart() -> None:
    found = decided(source("self.act = self.relu = nn.ReLU()", CALL))
    assert found == "NNC603 NNC603"  # nobody calls self.relu: the constructor stands for it


# -- the call of the base's __init__ -----------------------------------------------------------------------

INIT = "    def __init__(self):\n        super().__init__()\n"
CONSTRUCTION = {
    "before super().__init__()": "    def __init__(self):\n        self.act = nn.ReLU()\n        super().__init__()\n",
    "between two of them": f"{INIT}        self.act = nn.ReLU()\n        super().__init__()\n",
    "no super().__init__()": "    def __init__(self):\n        self.act = nn.ReLU()\n",
    "super().__init__() on one path": (
        "    def __init__(self):\n        if torch:\n            super().__init__()\n        self.act = nn.ReLU()\n"
    ),
    "two of them": f"    def __init__(self, old):\n        pass\n\n{INIT}        self.act = nn.ReLU()\n",
    "under a condition": (
        "    if torch:\n        def __init__(self):\n            super().__init__()\n            self.act = nn.ReLU()\n"
    ),
}


@pytest.mark.parametrize("init", CONSTRUCTION.values(), ids=CONSTRUCTION)
def test_an_init_that_is_not_understood(init: str) -> None:
    head = "import torch\nimport torch.nn as nn\n\n\nclass Net(nn.Module):\n"
    check_left(f"{head}{init}\n    def forward(self, x):\n        return self.act(x)\n", "NNC304", direction=BACK)


@pytest.mark.parametrize(
    "base_call",
    ["super(Net, self).__init__()", "nn.Module.__init__(self)", "super(__class__, self).__init__()"],
)
def test_other_spellings_of_the_base_call(base_call: str) -> None:
    head = (
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n    def __init__(self):\n"
    )
    text = f"{head}        {base_call}\n        self.n = 1\n        self.act = nn.ReLU()\n"
    assert decided(f"{text}\n    def forward(self, x):\n        return self.act(x)\n") == "act"


# -- what is no assignment of a submodule to self ----------------------------------------------------------

ELSEWHERE = {
    "an entry of a Sequential": ("self.seq = nn.Sequential(nn.Linear(4, 4), nn.ReLU())", "NNC604"),
    "an entry of an OrderedDict": ("self.seq = nn.Sequential(dict(a=1, b=nn.ReLU()))", "NNC603"),
    "an entry of a ModuleList": ("self.seq = nn.ModuleList([nn.ReLU() for _ in range(2)])", "NNC604"),
    "an entry of a list": ("self.seq = [nn.ReLU()]", "NNC604"),
    "appended to a container": ("self.seq = nn.Sequential()\nself.seq.append(nn.ReLU())", "NNC604"),
    "set under a name": ("setattr(self, 'seq', nn.ReLU())", "NNC604"),
    "handed to a function": ("self.seq = wrap(nn.ReLU())", "NNC603"),
    "a method is called": ("self.seq = nn.ReLU().eval()", "NNC603"),
    "of another object": ("self.fc.act = nn.ReLU()", "NNC603"),
    "an argument of another module": ("self.seq = nn.TransformerEncoderLayer(4, 2, activation=nn.ReLU())", "NNC603"),
    "thrown away": ("nn.ReLU()", "NNC603"),
}


@pytest.mark.parametrize(("init", "code"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_modules_that_are_held_otherwise_are_listed(init: str, code: str) -> None:
    check_stays(init, "return self.seq(x)", code)


@pytest.mark.parametrize(
    "text",
    [
        "act = nn.ReLU()",
        "def make():\n    return nn.ReLU()",
        "class Holder:\n    act = nn.ReLU()",
        "def make(act=nn.ReLU()):\n    return act",
    ],
)
def test_modules_built_outside_of_methods(text: str) -> None:
    check_left(f"import torch.nn as nn\n\n{text}\n", "NNC103", direction=BACK)


@pytest.mark.parametrize(
    "init",
    [
        "self.act = getattr(nn, 'ReLU')()",
        "self.act = ACTS['relu']()",
        "self.act = nn.ReLU",
        "self.act = make()",
        "self.act = nn.PReLU()",
        "self.act = nn.Linear(4, 4)",
        "self.act = nn.BatchNorm1d(4, affine=False)",
        "self.act = nn.LayerNorm(4)",
        "self.act = nn.LayerNorm(4, elementwise_affine=affine)",
    ],
)
def test_what_has_parameters_or_is_not_known_is_no_call_site(init: str) -> None:
    parts = {"before": "ACTS = {'relu': nn.ReLU}", "args": "affine=False"}
    assert decided(source(init, "return self.act(x)", **parts)) == ""
