"""Rule 27, names: what reaches a submodule from outside of its class, or by its name in a string."""

from __future__ import annotations

import pytest
from tests.decide.back import BACK, check_stays, decided, source
from tests.helpers import convert

from nnconvert.plan import Leave

ACT = "self.act = nn.ReLU()"
CALL = "return self.act(self.fc(x))"

REACHED = {
    "a hook": "net = Net()\nnet.act.register_forward_hook(print)",
    "of a parameter": "def f(model):\n    return model.act",
    "called": "def f(model, x):\n    return model.act(x)",
    "assigned": "Net().act = None",
    "of the class": "Net.act = print",
    "of a subclass": "class Sub(Net):\n    pass\nSub.act = print",
    "of its type": "def f(model):\n    type(model).act = print",
    "patched": "mock.patch.object(Net, 'act', print)",
    "in a class that holds one": (
        "class Top(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.net = Net()\n"
        "    def forward(self, x):\n        return self.net.act(x)"
    ),
    "getattr": "def f(model):\n    return getattr(model, 'act')",
    "getattr of a constant": "NAME = 'act'\ndef f(model):\n    return getattr(model, NAME)",
    "getattr of a built name": "def f(model, i):\n    return getattr(model, f'ac{i}')",
    "getattr of any name, and the name elsewhere": "def f(model, name):\n    return getattr(model, name)\nf(1, 'act')",
    "get_submodule with a path": "def f(model):\n    return model.get_submodule('body.0.act')",
    "attrgetter": "from operator import attrgetter\nf = attrgetter('net.act')",
    "_modules": "def f(model):\n    return model._modules['act']",
    "_modules that are replaced": "def f(model):\n    model._modules['act'] = None",
    "_modules in a loop": "def f(model):\n    for name in ('fc', 'act'):\n        model._modules[name] = None",
    "setattr": "def f(model):\n    setattr(model, 'act', None)",
    "fused": "torch.ao.quantization.fuse_modules(Net(), [['fc', 'act']])",
    "traced to": "extract(Net(), return_nodes={'act': 'out'})",
    "a path to it": "class Top(nn.Module):\n    def f(self):\n        self.hooks = [dict(module='net.act')]",
    "a path through it": "HOOKS = {'body.0.act.out': 1}",
    "stored under computed names": "def f(model, name):\n    setattr(model, name, None)",
}


@pytest.mark.parametrize("after", REACHED.values(), ids=REACHED)
def test_reached(after: str) -> None:
    check_stays(ACT, CALL, "NNC605", after=after, before="from unittest import mock\nfrom fx import extract")


METHODS = {
    "stores by name": "def f(self, name):\n    setattr(self, name, 1)",
    "updates its __dict__": "def f(self, state):\n    self.__dict__.update(state)",
    "asks for a name like it": "def f(self, i):\n    return getattr(self, f'act{i}')",
    "evaluates its name": "def f(self, x):\n    return eval('self.act')(x)",
    "evaluates a name like it": "def f(self, x, i):\n    return eval(f'self.act{i}')(x)",
    "looks it up": "def f(self):\n    return 'act' in self._modules",
    "of another instance": "def f(self, other, x):\n    return other.act(x)",
    "of another name for self": "def f(self, x):\n    me = self\n    return me.act(x)",
    "without self": "@staticmethod\ndef f(self, x):\n    return self.act(x)",
    "of the class": "@classmethod\ndef f(cls, x):\n    return cls().act(x)",
    "in __constants__": "__constants__ = ['act']",
    "where self is another": "def f(self, x):\n    self = x\n    return self.act(x)",
}


@pytest.mark.parametrize("body", METHODS.values(), ids=METHODS)
def test_reached_in_the_class_by_other_ways(body: str) -> None:
    check_stays(ACT, CALL, "NNC605", body=body)


HARMLESS = {
    "a tensor's method of that name": "def f(x):\n    return x.act()",
    "a tensor's method with a number": "def f(x):\n    return x.act(-1)",
    "a configuration": "def f(cfg):\n    return cfg.act",
    "a number": "def f(m):\n    return nn.Linear(4, m.act)",
    "an annotated configuration": "def f(m: NetConfig):\n    return m.act",
    "an instance of something else": "other = nn.Linear(4, 4)\ny = other.act",
    "a class without relation": "class Other(nn.Module):\n    def f(self, x):\n        return self.act + x",
    "a string": "ACTS = {'act': 1}",
    "a path to something else": "HOOKS = {'act.fc': 1, 'body.react': 2}",
    "a path that begins with it": "HOOKS = {'act.weight': 1}",
    "a sentence": "TEXT = 'see net.act. Or not.'",
    "a name of torch": "FUNCTION = 'torch.act'",
    "a docstring": "def f():\n    '''See Net.act.'''",
    "other names of modules": "def f(model, i):\n    return getattr(model, f'layer{i}')",
    "stores of other names": "def f(model, i):\n    setattr(model, f'layer{i}', 1)",
    "any name, but never this one": "def f(model, name):\n    return getattr(model, name)\nf(1, 'fc')",
}


@pytest.mark.parametrize("after", HARMLESS.values(), ids=HARMLESS)
def test_what_only_looks_like_it(after: str) -> None:
    assert decided(source(ACT, CALL, after=after)) == "act"


@pytest.mark.parametrize(
    "body", ["def f(self, i):\n    return getattr(self, f'fc{i}')", "def f(self, x):\n    return x.act()"]
)
def test_what_only_looks_like_it_in_the_class(body: str) -> None:
    assert decided(source(ACT, CALL, body=body)) == "act"


def test_the_line_is_named() -> None:
    text = source(ACT, CALL, after="def f(model):\n    return model.act\n")
    [decision] = convert(text, direction=BACK)[1].left
    assert isinstance(decision.outcome, Leave)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if "model.act" in line)
    assert f"line {line}" in decision.outcome.words
    assert "model.act" in decision.outcome.words
