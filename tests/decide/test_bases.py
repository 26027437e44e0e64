"""Which classes are module classes, and whose ``__init__`` certainly runs."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.sources import IMPORTS, bare, net
from tests.helpers import executes_the_same, outcomes

SEQUENTIAL = "class Seq(nn.Sequential): pass\n"
MIX = "class Mix:\n    def __init__(self, **kw):\n        {}\n"
DATACLASS = "from dataclasses import dataclass\n@dataclass(eq=False)"

BASES = {
    "abc": (bare("nn.Module, ABC", before="from abc import ABC"), "relu"),
    "metaclass ABCMeta": (bare("nn.Module, metaclass=abc.ABCMeta", before="import abc"), "relu"),
    "generic": (bare("Generic[T], nn.Module", before="from typing import Generic, T"), "relu"),
    "class of torch.nn": (bare("nn.Conv2d"), "relu"),
    "mixin": (bare("Mix, nn.Module", before="class Mix: pass"), "relu"),
    "cooperative mixin": (bare("Mix, nn.Module", before=MIX.format("super().__init__(**kw)")), "relu"),
    "mixin that comes second": (bare("nn.Module, Mix", before=MIX.format("self.a = 1")), "relu"),
    "mixin that stops the chain": (bare("Mix, nn.Module", before=MIX.format("self.a = 1")), "NNC304"),
    "call in a mixin": (
        f"{IMPORTS}class Mix:\n    def act(self, x): return F.relu(x)\nclass Net(Mix, nn.Module): pass\n",
        "NNC104",
    ),
    "metaclass": (bare("nn.Module, metaclass=Meta", before="class Meta(type): pass"), "NNC105"),
    "unknown": (bare("Base", before="from base import Base"), "NNC105"),
    "computed": (bare("make(nn.Module)"), "NNC105"),
    "unpacked": (bare("*bases"), "NNC105"),
    "class keyword": (bare("nn.Module, extra=1"), "NNC105"),
    "script module": (bare("torch.jit.ScriptModule"), "NNC105"),
    "one of two": (
        bare("B", before="if x:\n    class B(nn.Module): pass\nelse:\n    class B(nn.Sequential): pass"),
        "NNC301",
    ),
    "sequential": (bare("nn.Sequential"), "NNC301"),
    "sequential in between": (bare("Seq", before=SEQUENTIAL), "NNC301"),
    "sequential below": (bare(after="class Sub(Net, nn.Sequential): pass\n"), "NNC301"),
    "torch.nn runs it": (
        bare("nn.Linear", after="").replace("def forward(self, x)", "def reset_parameters(self, x=0)"),
        "NNC305",
    ),
}


@pytest.mark.parametrize(("source", "expected"), BASES.values(), ids=BASES)
def test_bases(source: str, expected: str) -> None:
    assert outcomes(source) == expected


SPECIAL = {
    "dataclass": bare(before=DATACLASS).replace("eq=False)\n\n\n", "eq=False)\n"),
    "dataclass by another name": f"{IMPORTS}import dataclasses as dc\n@dc.dataclass\n{bare()[len(IMPORTS) :].strip()}\n",
    "slots": net(attributes="__slots__ = ('a',)"),
    "getattr": net(methods="def __getattr__(self, name): return 3"),
    "children, which train() walks": net(methods="def children(self): return iter(())"),
    "named_children of a subclass": bare(after="class Sub(Net):\n    def named_children(self): return iter(())\n"),
    "setattr by assignment": net(attributes="__setattr__ = object.__setattr__"),
    "getattr of a subclass": bare(after="class Sub(Net):\n    def __getattr__(self, name): return 3\n"),
    "setattr of a subclass": bare(after="class Sub(Net):\n    def __setattr__(self, name, value): pass\n"),
    "setattr of a subclass's mixin": bare(
        after="class Mix:\n    def __setattr__(self, name, value): pass\nclass Sub(Mix, Net): pass\n"
    ),
}


@pytest.mark.parametrize("source", SPECIAL.values(), ids=SPECIAL)
def test_special_classes(source: str) -> None:
    assert outcomes(source) == "NNC303"


def subclass(init: str, bases: str = "Net", before: str = "") -> str:
    body = "\n".join(f"        {line}" for line in init.splitlines())
    return f"{before}class Sub({bases}):\n    def __init__(self, q=0):\n{body}\n"


RUNS = {
    "super": subclass("super().__init__()"),
    "super with names": subclass("super(Sub, self).__init__()"),
    "super with its own class": subclass("super(__class__, self).__init__()"),
    "the class by name": subclass("Net.__init__(self)"),
    "every branch": subclass("if q:\n    super().__init__()\nelse:\n    Net.__init__(self)"),
    "a branch that raises": subclass("if q:\n    raise ValueError\nelse:\n    super().__init__()"),
    "a class in between": "class Mid(Net): pass\n" + subclass("super(Mid, self).__init__()", "Mid"),
    "cooperative mixin": MIX.format("super().__init__(**kw)") + "class Sub(Mix, Net): pass\n",
    "mixin behind": MIX.format("self.a = 1") + "class Sub(Net, Mix): pass\n",
    "class of torch.nn before": "class Sub(nn.Identity, Net): pass\n",
    "overloads": subclass("super().__init__()").replace(
        "    def", "    @overload\n    def __init__(self): ...\n    def", 1
    ),
}


@pytest.mark.parametrize("after", RUNS.values(), ids=RUNS)
def test_subclass_runs_init(after: str) -> None:
    assert outcomes(bare(after=after)) == "relu"


SKIPS = {
    "nn.Module.__init__": subclass("nn.Module.__init__(self)"),
    "object.__init__": subclass("object.__init__(self)"),
    "super of the class": subclass("super(Net, self).__init__()"),
    "no call": subclass("self.q = q"),
    "one branch": subclass("if q:\n    super().__init__()\nelse:\n    nn.Module.__init__(self)"),
    "no else": subclass("if q:\n    super().__init__()"),
    "early return": subclass("if q:\n    return\nsuper().__init__()"),
    "in a loop": subclass("for _ in range(q):\n    super().__init__()"),
    "in a nested function": subclass("def g():\n    super(Sub, self).__init__()\ng()"),
    "reset behind": subclass("super().__init__()\nnn.Module.__init__(self)"),
    "reset behind, by another base": "class Other(nn.Module): pass\n"
    + subclass("Net.__init__(self)\nOther.__init__(self)", "Net, Other"),
    "diamond": "class Other(nn.Module):\n    def __init__(self):\n        nn.Module.__init__(self)\n"
    "class Sub(Other, Net): pass\n",
    "mixin in front": MIX.format("self.a = 1") + "class Sub(Mix, Net): pass\n",
    "unknown base in front": "from base import Base\nclass Sub(Base, Net): pass\n",
    "dataclass": f"{DATACLASS}\nclass Sub(Net):\n    a: int = 3\n",
    "init by assignment": "class Sub(Net):\n    __init__ = nn.Module.__init__\n",
    "new": "net = Net.__new__(Net)\n",
    "new of the class at hand": "class Sub(Net):\n    def copy(self):\n        return self.__class__.__new__(type(self))\n",
    "reset in a method": "class Sub(Net):\n    def reset(self):\n        nn.Module.__init__(self)\n",
}


@pytest.mark.parametrize("after", SKIPS.values(), ids=SKIPS)
def test_subclass_skips_init(after: str) -> None:
    assert outcomes(bare(after=after)) == "NNC110"


BORROWED = {
    "class attribute": "class Other(nn.Module):\n    forward = Net.forward\n",
    "called on another object": "def f(o, x):\n    return Net.forward(o, x)\n",
    "assigned": "Other.forward = Net.forward\n",
    "by map": "y = map(Net.forward, objects)\n",
    "function of a bound method": "def f(o, n):\n    o.forward = n.forward.__func__\n",
    "getattr of the class": "def f(o, x):\n    return getattr(Net, 'forward')(o, x)\n",
    "dict of the class": "def f(o, x):\n    return Net.__dict__['forward'](o, x)\n",
    "another class of an object": "def f(o):\n    o.__class__ = Net\n",
    "patched init": "def init(self): pass\nNet.__init__ = init\n",
    "patched by setattr": "setattr(Net, '__init__', lambda self: None)\n",
}


@pytest.mark.parametrize("after", BORROWED.values(), ids=BORROWED)
def test_borrowed(after: str) -> None:
    assert outcomes(bare(after=after)) == "NNC110"


@pytest.mark.parametrize(
    "after",
    [
        "class Sub(Net):\n    def forward(self, x):\n        return Net.forward(self, x)\n",
        "def f(o):\n    n = Net()\n    o.forward = n.forward\n",
        "def f(o):\n    return isinstance(o, Net)\n",
        "n = Net()\nn.forward(3)\n",
    ],
)
def test_not_borrowed(after: str) -> None:
    assert outcomes(bare(after=after)) == "relu"


def test_a_helper_that_is_no_base_does_not_initialise_the_module() -> None:
    helper = "class Helper:\n    def __init__(self):\n        self.x = 1\n"
    assert outcomes(net(before=helper, init="Helper.__init__(self)")) == "NNC304"
    both = net(before=helper, init="super().__init__()\nHelper.__init__(self)")
    executes_the_same(both, "Net", inputs="torch.randn(3)")


def test_two_classes_of_one_name() -> None:
    first, second = (bare()[len(IMPORTS) :], bare()[len(IMPORTS) :].replace("relu", "elu"))
    source = f"{IMPORTS}{first}{second}"
    assert outcomes(source) == "relu elu"
    executes_the_same(source, "Net", inputs="torch.randn(3)")


def test_diamond_executes_the_same() -> None:
    source = f"""{IMPORTS}
class A(nn.Module):
    def a(self, x):
        return F.relu(x)

class B(A):
    def b(self, x):
        return F.dropout(self.a(x), 0.3, self.training)

class C(A):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def c(self, x):
        return F.max_pool2d(x, self.k)

class D(B, C):
    def forward(self, x):
        return F.relu(self.b(self.c(x)))
"""

    # ruff: noqa: E501 (sources stand on one line)
    text = executes_the_same(source, "D", "2", "torch.randn(2, 3, 8, 8)")
    assert text.count("def __init__(self, *args, **kwargs):") == 3


def test_base_that_follows_its_subclass_and_takes_arguments() -> None:
    source = f"""{IMPORTS}
class Base(nn.Module):
    def __init__(self, width, *, bias=True):
        super().__init__()
        self.fc = nn.Linear(width, width, bias=bias)

class Net(Base):
    \"\"\"A net.\"\"\"

    scale = 2

    # What runs.
    @torch.no_grad()
    def forward(self, x):
        return F.relu(self.fc(x)) * self.scale
"""
    text = executes_the_same(source, "Net", "4, bias=False", "torch.randn(3, 4)")
    assert (
        text.index("scale = 2") < text.rindex("def __init__(self, width, *, bias=True):") < text.index("# What runs.")
    )


@pytest.mark.parametrize("base", ["_Loss", "_WeightedLoss"])
def test_private_bases_of_torch_are_known(base: str) -> None:
    source = f"""{IMPORTS}
from torch.nn.modules.loss import {base}

class Net({base}):
    def forward(self, x):
        return F.relu(x) * len(self.reduction)
"""
    executes_the_same(source, "Net", "reduction='sum'", "torch.randn(3, 4)")
