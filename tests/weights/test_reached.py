"""Parameters that other code finds by name, by place or as a module's own: they stay."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, convert, load, net, outcomes
from tests.weights.both import build

LINEAR = "return F.linear(self.fc(x), self.head_w)"
INIT = (
    "self.head_w = nn.Parameter(torch.randn(5, 4))\nself.fc = nn.Linear(4, 4)\nself.scale = nn.Parameter(torch.ones(1))"
)


def model(after: str = "", before: str = "", body: str = "", init: str = INIT) -> str:
    return net(LINEAR, init=init, after=after, before=before, body=body)


@pytest.mark.parametrize(
    "after",
    [
        "def f(m):\n    return [p for n, p in m.named_parameters() if n.startswith('head')]",
        "def f(m):\n    return [p for n, p in m.named_parameters() if 'head_' in n]",
        "def f(m):\n    return [p for n, p in m.named_parameters() if n.endswith('.weight')]",
        "def f(m, slow=('cls_token', 'linear.weight')):\n"
        "    return [p for n, p in m.named_parameters() if any(s in n for s in slow)]",
        "import re\nHEAD = re.compile('^head.*')\n\ndef f(m):\n"
        "    return [p for n, p in m.named_parameters() if HEAD.match(n)]",
        "def f(m, state):\n    m.load_state_dict({k.replace('classifier_', 'head_'): v for k, v in state.items()})",
        "def f(m, i):\n    return getattr(m, f'head_{i}')",
        "def f(m):\n    return [n for n in m._parameters if n]",
    ],
)
def test_found_by_name(after: str) -> None:
    check_left(model(after), "NNC415", parameters=True)


@pytest.mark.parametrize(
    "after",
    [
        "def f(m):\n    return next(m.parameters()).sum()",
        "def f(m):\n    first = next(m.parameters())\n    return first.sum()",
        "def f(m):\n    return nn.utils.parameters_to_vector(m.parameters())",
        "def f(m):\n    return torch.cat([p.flatten() for p in m.parameters()])",
        "def f(m):\n    for i, p in enumerate(m.parameters()):\n        p.requires_grad = i > 2",
        "def f(m):\n    params = list(m.parameters())\n    return params[0]",
        "def f(m):\n    params = [p for p in m.parameters()]\n    for p in params:\n        nn.init.normal_(p)",
        "def one(p):\n    p.data.normal_()\n\ndef f(m):\n    for p in m.parameters():\n        one(p)",
        "import random\n\ndef f(m):\n    for p in m.parameters():\n        p.data.fill_(random.random())",
        "def f(m):\n    return [p for p in m.parameters(recurse=False)]",
        "def f(m):\n    return dict(m.named_parameters('', False))",
    ],
)
def test_found_by_place(after: str) -> None:
    check_left(model(after), "NNC417", parameters=True)


@pytest.mark.parametrize(
    "after",
    [
        "def f(m):\n    return next(m.parameters()).device",
        "def f(m):\n    first = next(m.parameters())\n    return first.device, first.dtype",
        "def f(m):\n    for p in m.parameters():\n        p.requires_grad = False",
        "def f(m):\n    params = [p for p in m.parameters() if p.requires_grad]\n    return torch.optim.SGD(params)",
        "def f(x, how):\n    return x * 2 if how == 'linear' else x",
        "def f(m):\n    return [n for n, p in m.named_parameters() if n.startswith('fc')]",
        "import inspect\n\ndef f(g):\n    return list(inspect.signature(g).parameters)[0]",
        "lin = nn.Linear(2, 2)\nfirst = list(lin.parameters())[0]",
    ],
)
def test_code_that_does_not_notice(after: str) -> None:
    assert outcomes(model(after), parameters=True) == "linear"


@pytest.mark.parametrize(
    "made", ["Net().to('cpu')", "Net().double().eval()", "copy.deepcopy(Net())", "copy.deepcopy(Net().float()).train()"]
)
def test_what_is_an_instance_still(made: str) -> None:
    after = f"def f():\n    made = {made}\n    made.head_w.data.fill_(2.0)\n    return made.head_w.sum().item()"
    both = build(model(after, before="import copy"))
    assert load(model(after, before="import copy"))["f"]() == load(both.text)["f"]() == 40.0


@pytest.mark.parametrize(
    "made", ["torch.load('net.pt')", "torch.jit.script(Net())", "nn.DataParallel(Net())", "Net().train()"]
)
def test_what_may_be_an_instance(made: str) -> None:
    body = "def train(self, mode=True):\n    return self.fc"
    check_left(model(f"made = {made}\nprint(made.head_w)", body=body), "NNC415", parameters=True)


def test_two_classes_of_one_name_both_load_old_checkpoints() -> None:
    classes = [f"    class Net(nn.Module):\n        def __init__(self):\n            super().__init__()\n"
               f"            self.{name} = nn.Parameter(torch.randn(5, 4))\n\n        def forward(self, x):\n"
               f"            return F.linear(x, self.{name})" for name in ("first", "second")]  # fmt: skip
    start = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\nWHICH = 0\n"
    source = start + f"if WHICH == 0:\n{classes[0]}\nelse:\n{classes[1]}\n"
    for which, name in enumerate(("first", "second")):
        chosen = source.replace("WHICH = 0\n", f"WHICH = {which}\n")
        text, _ = convert(chosen, parameters=True, load_old=True)
        load(text)["Net"]().load_state_dict(load(chosen)["Net"]().state_dict(), strict=True)
        assert name in load(chosen)["Net"]().state_dict()


@pytest.mark.parametrize(
    ("init", "call"),
    [
        ("self.g = nn.Parameter(torch.ones(4))", "F.rms_norm(x, self.g.shape, self.g)"),
        ("self.g = nn.Parameter(torch.randn(7, 4))", "F.embedding(x, self.g, -1)"),
    ],
)
def test_a_shape_that_may_change_later(init: str, call: str) -> None:
    grows = "def grow(self):\n    self.g.data = torch.cat([self.g.data, self.g.data])"
    stays = "def halve(self):\n    self.g.data /= 2"
    check_left(net(f"return {call}", init=init, body=grows), "NNC412", parameters=True)
    assert outcomes(net(f"return {call}", init=init, body=stays), parameters=True) in ("rms_norm", "embedding")
