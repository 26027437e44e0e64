"""Whose self is it: methods and their parameters, nested functions, what runs without an instance."""

from __future__ import annotations

import pytest
from tests.decide.sources import IMPORTS, net
from tests.helpers import executes_the_same, outcomes

CONVERTED = {
    "another name": (net(signature="this, x"), "relu"),
    "positional only": (net(signature="self, /, x"), "relu"),
    "comprehension": (net("return [F.relu(b) for a in x for b in a]"), "relu"),
    "generator expression": (net("return sum(F.relu(b) for b in x)"), "relu"),
    "lambda": (net("return (lambda a: F.relu(a))(x)"), "relu"),
    "nested function": (net("def g(y):\n    return F.relu(y)\nreturn g(x)"), "relu"),
    "default of a nested function": (net("def g(y=F.relu(x)):\n    return y\nreturn g()"), "relu"),
    "decorated": (net(decorator="@torch.no_grad()"), "relu"),
    "property": (net("return F.relu(self.w)", decorator="@property", signature="self"), "relu"),
    "generator": (net("yield F.relu(x)"), "relu"),
    "coroutine": (net("return F.relu(await x)").replace("def forward", "async def forward"), "relu"),
    "setter": (net("return x", methods="@q.setter\ndef q(self, v):\n    self.v = F.relu(v)"), "relu"),
    "one of two definitions": (
        net("return x", methods="if torch:\n    def act(self, x): return F.relu(x)\nelse:\n    act = None"),
        "relu",
    ),
    "class in a function": (
        f"{IMPORTS}def make():\n    class Net(nn.Module):\n        def forward(self, x): return F.relu(x)\n",
        "relu",
    ),
    "nested class": (
        f"{IMPORTS}class Outer(nn.Module):\n    class Net(nn.Module):\n        def forward(self, x): return F.relu(x)\n"
        "    def forward(self, x): return F.relu(x)\n",
        "relu relu",
    ),
}


@pytest.mark.parametrize(("source", "expected"), CONVERTED.values(), ids=CONVERTED)
def test_converted(source: str, expected: str) -> None:
    assert outcomes(source) == expected


LEFT = {
    "no named first parameter": (net("return F.relu(args[1])", signature="*args"), "NNC108"),
    "keyword only": (net(signature="*, self, x"), "NNC108"),
    "bound again": (net("self = x\nreturn F.relu(x)"), "NNC108"),
    "bound in a tuple": (net("self, y = x\nreturn F.relu(x)"), "NNC108"),
    "bound by nonlocal": (net("def g():\n    nonlocal self\n    self = 3\nreturn F.relu(x)"), "NNC108"),
    "bound by a match": (net("match x:\n    case self:\n        pass\nreturn F.relu(x)"), "NNC108"),
    "deleted": (net("y = F.relu(x)\ndel self\nreturn y"), "NNC108"),
    "hidden in a nested function": (net("def g(self):\n    return F.relu(x)\nreturn g(x)"), "NNC108"),
    "hidden in a lambda": (net("return (lambda self: F.relu(self))(x)"), "NNC108"),
    "hidden in a comprehension": (net("return [F.relu(x) for self in x]"), "NNC108"),
    "default value": (net("return x", signature="self, x=F.relu(torch.ones(1))"), "NNC106"),
    "decorator": (net("return x", decorator="@foo(F.relu(torch.ones(1)))"), "NNC106"),
    "class body": (net("return x", attributes="y = F.relu(torch.ones(1))"), "NNC106"),
    "lambda in the class body": (net("return x", attributes="y = lambda self, x: F.relu(x)"), "NNC106"),
    "static": (net(decorator="@staticmethod"), "NNC106"),
    "class method": (net(decorator="@classmethod"), "NNC106"),
    "abstract class method": (net(decorator="@abc.abstractclassmethod"), "NNC106"),
    "abstract static method": (net(decorator="@abc.abstractstaticmethod"), "NNC106"),
    "made static": (net(methods="forward = staticmethod(forward)"), "NNC106"),
    "implicit class method": (
        net("return x", methods="def __init_subclass__(cls, x):\n    F.relu(x)"),
        "NNC106",
    ),
    "free function": (f"{IMPORTS}def f(self, x): return F.relu(x)\n", "NNC103"),
    "module level": (f"{IMPORTS}y = F.relu(torch.ones(1))\n", "NNC103"),
    "other class": (f"{IMPORTS}class Net:\n    def forward(self, x): return F.relu(x)\n", "NNC104"),
    "class in the method": (net("class H:\n    def g(s, y): return F.relu(y)\nreturn H().g(x)"), "NNC104"),
    "autograd function": (
        f"{IMPORTS}class Fn(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return F.relu(x)\n",
        "NNC106",
    ),
    "init": (net("return x", init="super().__init__()\nself.w = F.relu(torch.ones(1))"), "NNC107"),
    "f-string": (net('return f"{F.relu(x)}"'), "NNC111"),
}


@pytest.mark.parametrize(("source", "code"), LEFT.values(), ids=LEFT)
def test_left(source: str, code: str) -> None:
    assert outcomes(source) == code


def test_nested_functions_execute_the_same() -> None:
    body = "def g(y, z=F.relu(x)):\n    return F.elu(y) + z\nreturn [(lambda a: F.gelu(a))(g(v)) for v in F.silu(x)]"
    text = executes_the_same(net(body, signature="me, x"), "Net", inputs="torch.randn(3, 2)")
    assert text.count("me.") == 4
