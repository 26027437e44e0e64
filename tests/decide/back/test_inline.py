"""Modules that are built where they are called: ``nn.ReLU()(x)``."""

from __future__ import annotations

import pytest
from tests.decide.back import BACK, check, check_runs, check_stays, converted, decided, source
from tests.helpers import check_converted, check_left

FORMS = {
    "nn.ReLU()(x)": "F.relu(x)",
    "nn.ReLU(inplace=True)(x.clone())": "F.relu(x.clone(), inplace=True)",
    "nn.LeakyReLU(self.slope)(self.fc(x))": "F.leaky_relu(self.fc(x), self.slope)",
    "nn.LeakyReLU(slope)(x)": "F.leaky_relu(x, slope)",
    "nn.Softmax(dim=-1)(input=x)": "F.softmax(input=x, dim=-1)",
    "nn.ReLU()(nn.Tanh()(x))": "F.relu(F.tanh(x))",
    "nn.ReLU()(x) + nn.Identity()(x)": "F.relu(x) + x",
    "nn.Identity(4)(x + 1) * 2": "(x + 1) * 2",
    "nn.Flatten(0)(x)": "torch.flatten(x, 0)",
    "nn.LayerNorm(4, elementwise_affine=False)(x)": "F.layer_norm(x, (4,))",
    "(nn.ReLU())(x)": "(F.relu)(x)",
    "nn.ReLU()(  # why\n    x)": "F.relu(  # why\n    x)",
}


@pytest.mark.parametrize(("call", "expected"), FORMS.items(), ids=FORMS)
def test_it_becomes_the_functional(call: str, expected: str) -> None:
    init = "self.slope = 0.3"
    forward = "slope = 0.2\nreturn {}"
    check(init, forward.format(call), init, forward.format(expected))
    check_runs(init, forward.format(call))


@pytest.mark.parametrize("constructor", ["nn.Dropout(0.5)", "nn.RReLU()", "nn.AlphaDropout(p=0.2)"])
def test_a_module_of_one_call_is_in_training_mode(constructor: str) -> None:
    text = check_runs("", f"return {constructor}(x)")
    assert "training=True)" in text
    assert decided(text) == ""


ANYWHERE = {
    "a free function": "def f(x):\n    return {}(x)\n",
    "the module": "y = {}(1)\n",
    "a class body": "class A:\n    y = {}(1)\n",
    "another class": "class A:\n    def f(self, x):\n        return {}(x)\n",
    "a container": "class A(nn.Sequential):\n    def forward(self, x):\n        return {}(x)\n",
    "an unknown class": "class A(Unknown):\n    def forward(self, x):\n        return {}(x)\n",
}


@pytest.mark.parametrize("text", ANYWHERE.values(), ids=ANYWHERE)
def test_it_needs_no_self(text: str) -> None:
    head = "import torch.nn as nn\nimport torch.nn.functional as F\n\nbase = nn.Module\n"
    check_converted(head + text.format("nn.ReLU()"), head + text.format("F.relu"), direction=BACK)


def test_in_init_it_converts_too() -> None:
    init = "self.n = float(nn.Softplus()(torch.zeros(1)))"
    check(
        init, "return self.fc(x) * self.n", "self.n = float(F.softplus(torch.zeros(1)))", "return self.fc(x) * self.n"
    )


LEFT = {
    "nn.LeakyReLU(f())(x)": "NNC210",
    "nn.LeakyReLU(self.rate)(self.step(x))": "NNC210",
    "nn.LeakyReLU(rate)(rate := x)": "NNC210",
    "nn.ReflectionPad2d(rate)(x)": "NNC207",
    "nn.CrossEntropyLoss(weight=w)(x, x)": "NNC406",
    "nn.Dropout(1.5)(x)": "NNC208",
    "nn.CrossMapLRN2d(2)(x)": "NNC607",
    "nn.ReLU(  # comment\n)(x)": "NNC610",
    "nn.Identity(f())(x)": "NNC202",
    "nn.ReLU()(*x)": "NNC201",
    "nn.ReLU()(x, x)": "NNC213",
    "f'{nn.ReLU()(x)}'": "NNC111",
    "nn.ReLU()(x)  # nnconvert: skip": "NNC501",
    "nn.Sequential(nn.ReLU())(x)": "NNC604",
    "nn.ReLU().to(x)(x)": "NNC603",
}


@pytest.mark.parametrize(("call", "code"), LEFT.items(), ids=LEFT)
def test_left(call: str, code: str) -> None:
    body = "def step(self, x):\n    self.rate = 2.0\n    return x"
    check_stays("self.rate = 0.1", f"rate = w = 1\nreturn {call}", code, body=body)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(nn, x):\n    return nn.ReLU()(x)\n", "NNC101"),
        ("def f(x):\n    relu = nn.ReLU()\n    return relu(x)\n", "NNC103"),
    ],
)
def test_left_in_functions(text: str, code: str) -> None:
    check_left(f"import torch.nn as nn\n\n{text}", code, direction=BACK)


@pytest.mark.parametrize("call", ["nn.Linear(4, 4)(x)", "nn.PReLU()(x)", "nn.LayerNorm(4)(x)", "make()(x)"])
def test_modules_with_parameters_are_no_call_sites(call: str) -> None:
    assert decided(source("", f"return {call}")) == ""


def test_the_import_goes_with_the_last_use() -> None:
    text = "from torch.nn import ReLU\n\n\ndef f(x):\n    return ReLU()(x)\n"
    assert converted(text) == "import torch.nn.functional as F\n\n\ndef f(x):\n    return F.relu(x)\n"
