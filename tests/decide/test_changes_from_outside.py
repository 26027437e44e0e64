"""Settings and modes that something else than a plain assignment to ``self.x`` may change."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, net, registrations

DROPOUT = "return F.dropout(x, self.p, self.training)"
PAD = "return F.pad(x, self.pad)"


@pytest.mark.parametrize(
    "after",
    [
        "def tune(m, cfg):\n    for k, v in cfg.items():\n        setattr(m, k, v)\n",
        "def tune(m):\n    m.__dict__['p'] = 0.1\n",
        "def tune(m, cfg):\n    m.__dict__.update(cfg)\n",
        "def tune(m):\n    vars(m)['p'] = 0.1\n",
        "def tune(m, cfg):\n    vars(m).update(cfg)\n",
        "def tune(m, cfg):\n    m.__dict__ = cfg\n",
        "def tune(m, i, v):\n    setattr(m, f'p{i}', v)\n",
        "from unittest import mock\ndef tune(m):\n    mock.patch.object(m, 'p', 0.0).start()\n",
    ],
)
def test_attributes_stored_on_other_objects(after: str) -> None:
    check_left(net("return F.elu(x, self.p)", init="self.p = p", args="p", after=after), "NNC203")


@pytest.mark.parametrize(
    "body",
    [
        "def tune(self, v):\n    vars(self)['p'] = v\n",
        "def tune(self, cfg):\n    self.__dict__ |= cfg\n",
        "def tune(self, cfg):\n    self.__dict__ = {**cfg}\n",
        "def tune(self, v):\n    f = self.__setattr__\n    f('p', v)\n",
    ],
)
def test_attributes_stored_on_self_by_other_means(body: str) -> None:
    check_left(net("return F.elu(x, self.p)", init="self.p = p", args="p", body=body), "NNC203")


@pytest.mark.parametrize(
    "after",
    [
        "import argparse\nargs = argparse.Namespace()\nfor k in 'ab':\n    setattr(args, k, 1)\n",
        "import config\nfor k in 'ab':\n    setattr(config, k, 1)\n",
        "class Other:\n    pass\nfor k in 'ab':\n    setattr(Other, k, 1)\n",
    ],
)
def test_what_is_no_instance_may_be_stored_on(after: str) -> None:
    source = net("return F.elu(x, self.p)", init="self.p = p", args="p", after=after)
    assert registrations(source) == ["elu = nn.ELU(self.p)"]


SLICE = "self.p = p\nself.s = %s\nfor i in range(9):\n    self.s.add_module(str(i), p[i])"


@pytest.mark.parametrize(
    ("layer", "left"),
    [("nn.Sequential()", False), ("torch.nn.Sequential(nn.Linear(1, 1))", False), ("p", True), ("make()", True)],
)
def test_a_layer_of_torch_is_no_instance(layer: str, left: bool) -> None:
    source = net("return F.elu(x, self.p)", init=SLICE % layer, args="p")
    if left:
        check_left(source, "NNC203")
    else:
        assert registrations(source)[-1] == "elu = nn.ELU(self.p)"


@pytest.mark.parametrize(
    ("init", "after"),
    [
        ("self.pad = [1, 1]", "def widen(p):\n    p[0] = 4\ndef all(m):\n    widen(m.pad)\n"),
        ("self.pad = [1, 1]\np = self.pad\np[0] = 5", ""),
        ("self.pad = list(k)", "def all(m):\n    p = m.pad\n    p.append(5)\n"),
    ],
)
def test_lists_that_others_get_hold_of(init: str, after: str) -> None:
    check_left(net(PAD, init=init, args="k=(1, 1)", after=after), "NNC203")


def test_lists_that_are_only_read() -> None:
    forward = "pad = self.pad\nx = x * len(self.pad)\nreturn F.pad(x, pad)"
    assert registrations(net(forward, init="self.pad = [1, 1]")) == ["pad1 = nn.ZeroPad1d(self.pad)"]


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("@property\ndef training(self):\n    return True\n", ""),
        ("training = True", ""),
        ("", "def freeze(m, cfg):\n    for k, v in cfg.items():\n        setattr(m, k, v)\n"),
        ("def load(self, cfg):\n    self.__dict__.update(cfg)\n", ""),
    ],
)
def test_modes_that_may_not_reach_a_submodule(body: str, after: str) -> None:
    check_left(net("return F.dropout(x, 0.5, self.training)", body=body, after=after), "NNC405")


@pytest.mark.parametrize(
    "change",
    [
        "globals()['K'] = 4",
        "globals().update(K=4)",
        "exec('K = 4', globals())",
        "import sys\n    sys.modules[__name__].K = 4",
        "import sys\n    setattr(sys.modules[__name__], 'K', 4)",
    ],
)
def test_globals_changed_by_other_means(change: str) -> None:
    source = net("return F.avg_pool1d(x, K)", before="K = 2", after=f"def bump():\n    {change}\n")
    check_left(source, "NNC203")


@pytest.mark.parametrize(
    "change",
    [
        "exec('m.p = 0')",
        "sa = setattr\n    sa(m, 'p', 0)",
        "m.__dict__.__setitem__('p', 0)",
        "list(map(setattr, [m], 'p', [0]))",
    ],
)
def test_stores_that_hide(change: str) -> None:
    source = net("return F.elu(x, self.p)", init="self.p = p", args="p", after=f"def tune(m):\n    {change}\n")
    check_left(source, "NNC203")


def test_modules_named_by_string_are_walked_over() -> None:
    check_left(net("return F.relu(x)", after="def count(m):\n    return len(vars(m)['_modules'])\n"), "NNC302")
