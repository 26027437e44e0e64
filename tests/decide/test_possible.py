"""The test of words that spares most files a reading: it may only drop what holds no call site."""

from __future__ import annotations

import ast

import pytest

from nnconvert.decide import decide
from nnconvert.decide.possible import may_have_sites
from nnconvert.errors import SourceError
from nnconvert.options import Options

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"

FUNCTIONALS = {
    "plain": f"{HEAD}F.relu(x)",
    "another line": f"{HEAD}y = (F\n    .relu(x))",
    "behind a comment": f"{HEAD}y = (F  # the functionals\n    .  # and one of them\n    relu(x))",
    "behind a backslash": f"{HEAD}y = F. \\\n    relu(x)",
    "in parentheses": f"{HEAD}(torch.nn).functional.relu(x)",
    "long names": f"{HEAD}torch.nn.functional.relu(x)",
    "twins": "import torch as th\nth.relu(x)",
    "by name": "from torch.nn.functional import relu\nrelu(x)",
    "under another name": "from torch.nn.functional import (\n    elu,  # (not used)\n    relu as r,\n)\nr(x)",
    "over a backslash": "from torch.nn.functional import elu, \\\n    relu as r\nr(x)",
    "imported behind a semicolon": "import sys; from torch.nn import functional as G\nG.relu(x)",
    "imported in a function": "def f(x):\n    import torch.nn.functional as G\n    return G.relu(x)",
    "by a star": "from torch.nn.functional import *\nrelu(x)",
    "assigned": f"{HEAD}G = nn.functional\nG.relu(x)",
    "assigned twice": f"{HEAD}G = H = nn.functional\nK: object = G\nK.relu(x)",
    "assigned in parentheses": f"{HEAD}G = (  # short\n    nn.functional\n)\nG.relu(x)",
    "assigned over lines": f"{HEAD}G: dict[\n    str, object\n] = nn.functional\nG.relu(x)",
    "a functional is assigned": f"{HEAD}act = F.relu\nact(x)",
    "bound again": f"{HEAD}def f(F, x):\n    return F.relu(x)",
    "compatibility letters": "import torch.nn.functional as F\n\uff26.\uff52elu(x)",
    "handed on": f"{HEAD}class Net(nn.Module):\n    def forward(self, x):\n        return map(F.relu, x)",
    "with weights": f"{HEAD}F.conv2d(x, w)",
    "built on the spot": f"{HEAD}nn.ReLU()(x)",
    "built with settings": f"{HEAD}nn.Softmax(dim=len('()'))(x)",
    "built in parentheses": f"{HEAD}y = 1 + (nn.ReLU())(x)",
    "built behind a keyword": f"{HEAD}def f(x):\n    return(nn.ReLU())(x)",
    "built by name": "from torch.nn import ReLU as R\nR()(x)",
    "built by another name": f"{HEAD}Act = nn.ReLU\nAct()(x)",
    "built over lines": f"{HEAD}y = (nn.ReLU()  # (built)\n    (x))",
}


@pytest.mark.parametrize("text", FUNCTIONALS.values(), ids=FUNCTIONALS)
def test_what_holds_a_functional_is_read(text: str) -> None:
    ast.parse(text)
    assert decide(text, Options()).decisions


MODULES = {
    "plain": f"{HEAD}act = nn.ReLU()",
    "by name": "from torch.nn import ReLU as R\nact = R()",
    "long names": "import torch\nact = torch.nn.modules.activation.ReLU()",
    "assigned": f"{HEAD}Act = nn.ReLU\nact = Act()",
    "by a star": "from torch.nn import *\nact = ReLU()",
    "without weights": f"{HEAD}norm = nn.LayerNorm(4, elementwise_affine=False)",
    "identity": f"{HEAD}same = nn.Identity()",
    "instance norm": f"{HEAD}norm = nn.InstanceNorm2d(4)",
}


@pytest.mark.parametrize("text", MODULES.values(), ids=MODULES)
def test_what_builds_a_module_is_read(text: str) -> None:
    assert decide(text, Options(direction="to-functional")).decisions


def test_layers_are_modules_to_read_where_parameters_move() -> None:
    text = f"{HEAD}fc = nn.Linear(4, 4)"
    assert decide(text, Options(direction="to-functional", parameters=True)).decisions
    assert not may_have_sites(text, Options(direction="to-functional"))


WITHOUT = {
    "other names": f"{HEAD}x = torch.zeros(3)\nmodel.relu(x)\nattn.softmax(dim=-1)",
    "methods of self": f"{HEAD}class A:\n    def f(self, x):\n        return self.dropout(self.relu(x))",
    "words in text": f'{HEAD}"""Runs relu, then softmax. dropout is off."""\n# relu(x)',
    "factories": f"{HEAD}y = create(3)(x)",
    "other libraries": "import numpy as np\nimport torch\ny = np.pad(x, 3)\nz = x.flatten()",
    "settings": f"{HEAD}def f(x, dropout=0.1, act=nn.GELU):\n    return act",
}


@pytest.mark.parametrize("text", WITHOUT.values(), ids=WITHOUT)
def test_what_cannot_hold_a_site_is_not_read(text: str) -> None:
    assert not may_have_sites(text, Options())
    assert not decide(text, Options()).decisions


def test_what_is_not_read_must_still_be_python() -> None:
    with pytest.raises(SourceError, match="never closed") as error:
        decide("import torch\nx = (1,\n", Options())
    assert (error.value.line, error.value.column) == (2, 5)


def test_names_that_are_used_wrongly_are_not_for_the_parser_to_refuse() -> None:
    assert decide("# coding: latin-1\nimport torch\ndef f(x):\n    global x\n", Options()).decisions == ()
