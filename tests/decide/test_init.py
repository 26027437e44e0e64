"""Where in ``__init__`` a submodule is registered, and the ``__init__`` that is written where there is none."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.sources import IMPORTS, net
from tests.helpers import convert, executes_the_same, outcomes

S = "super().__init__()\n"

# Source of __init__'s body; a line `# HERE` shows where the registration goes, and is not in the source itself.
PLACED = {
    "behind the submodules": f"{S}self.fc = nn.Linear(2, 2)\n# HERE\nself.d = 3",
    "behind what sets one up": f"{S}self.fc = nn.Linear(2, 2)\nself.fc.stddev = 0.1\n# HERE\nself.d = 3",
    "behind what a factory makes": f"{S}self.a = 1\nself.layer = layer(2)\n# HERE\nself.d = abs(3)",
    "first": f"{S}# HERE",
    "in the middle": f"self.a = 1\n{S}self.fc = nn.Linear(2, 2)\n# HERE\nself.d = 3",
    "twice": f"{S}self.a = 3\n{S}# HERE\nself.d = 3",
    "every branch": "if torch:\n    super().__init__()\nelse:\n    nn.Module.__init__(self)\n# HERE\nself.d = 3",
    "try": "try:\n    super().__init__()\nexcept TypeError:\n    nn.Module.__init__(self)\n# HERE\nself.d = 3",
    "with": "with torch.no_grad():\n    super().__init__()\n# HERE\nself.d = 3",
    "raise before": f"if not torch:\n    raise ValueError\n{S}# HERE\nself.d = 3",
    "by name": "nn.Module.__init__(self)\n# HERE",
    "by type": "super(type(self), self).__init__()\n# HERE",
    "early return": f"{S}# HERE\nif not torch:\n    return\nself.fc = nn.Linear(2, 2)",
    "return in a loop": f"{S}# HERE\nfor i in range(2):\n    return",
    "return at the end": f"{S}self.fc = nn.Linear(2, 2)\n# HERE\nreturn",
    "a function with a keyword of its own": f"{S}# HERE\ndef g(*, a):\n    return a\nself.g = g",
    "nested return": f"{S}def g():\n    return 1\nself.fc = nn.Linear(2, 2)\n# HERE\nself.d = g()",
    "eval": f"{S}self.a = 1\n# HERE\nself.eval()\nself.fc = nn.Linear(2, 2)",
    "train": f"{S}# HERE\nself.train(False)\nself.fc = nn.Linear(2, 2)",
    "train of super": f"{S}# HERE\nsuper().train(False)\nself.fc = nn.Linear(2, 2)",
    "eval by name": f"{S}# HERE\nnn.Module.eval(self)\nself.fc = nn.Linear(2, 2)",
    "a method that evals": f"{S}# HERE\nself.freeze()\nself.fc = nn.Linear(2, 2)",
    "calls itself": f"{S}self.c = 2\n# HERE\nn = self(torch.zeros(1))\nself.fc = nn.Linear(2, 2)",
    "calls forward": f"{S}# HERE\nn = self.forward(torch.zeros(1))\nself.fc = nn.Linear(2, 2)",
    "calls a method that reaches it": f"{S}# HERE\nn = self.size()\nself.fc = nn.Linear(n, 2)",
    "hands on the method": f"{S}# HERE\nprobe(self.forward)\nself.fc = nn.Linear(2, 2)",
    "hands on self": f"{S}# HERE\nprobe(self)\nself.fc = nn.Linear(2, 2)",
    "hands on self in a list": f"{S}# HERE\nprobe([self])\nself.fc = nn.Linear(2, 2)",
    "another name for self": f"{S}# HERE\nme = self\nme.forward(torch.ones(1))\nself.fc = nn.Linear(2, 2)",
    "a closure": f"{S}# HERE\ndef g():\n    return self.forward(torch.ones(1))\ng()\nself.fc = nn.Linear(2, 2)",
    "base method by name": f"{S}# HERE\nNet.size(self)\nself.fc = nn.Linear(2, 2)",
    "another method by name": f"{S}Net.other(self)\nself.fc = nn.Linear(2, 2)\n# HERE",
    "harmless with self": f"{S}n = len(repr(type(self))) + id(self)\nself.fc = nn.Linear(2, 2)\n# HERE",
    "comments": f"{S}# The layers.\nself.fc = nn.Linear(2, 2)  # here\n# HERE\n# That is all.",
    "continued line": f"{S}self.fc = \\\n    nn.Linear(2, 2)\n# HERE\nself.d = 3",
    "semicolons": f"self.a = 1; {S}# HERE\nself.d = 3",
    "two on the line of a submodule": f"{S}self.fc = nn.Linear(2, 2); self.d = 3\n# HERE",
    "string that ends the line": f"{S}self.t = '''\n  text\n'''; self.fc = nn.Linear(2, 2)\n# HERE",
    "under a condition": f"{S}if torch:\n    self.fc = nn.Linear(2, 2)\nelse:\n    self.fc = None\n# HERE\nself.d = 3",
}
METHODS = """

# ruff: noqa: E501 (sources stand on one line)
def size(self):
    return self.forward(torch.ones(2)).numel()

def freeze(self):
    self.eval()

def other(self):
    pass

def run(self, x):
    return self.layer(x)
"""
BEFORE = "def layer(n):\n    return nn.Linear(n, n)\n"
BEFORE += "def probe(net):\n    (net.forward if isinstance(net, nn.Module) else net[0] if isinstance(net, list) else net)(torch.ones(1))\n"


@pytest.mark.parametrize("init", PLACED.values(), ids=PLACED)
def test_placed(init: str) -> None:
    source = net(init=init.replace("# HERE\n", "").replace("\n# HERE", ""), methods=METHODS, before=BEFORE)
    expected = net(
        "return self.relu(x)",
        init=init.replace("# HERE", "self.relu = nn.ReLU()"),
        methods=METHODS,
        before=BEFORE,
    )
    assert executes_the_same(source, "Net", inputs="torch.randn(3)") == expected.replace(
        "import torch.nn.functional as F\n", ""
    )


NO_PLACE = {
    "no super": "self.d = 3",
    "one branch": "if torch:\n    super().__init__()\nself.d = 3",
    "swallowed": "try:\n    super().__init__()\nexcept TypeError:\n    pass",
    "loop": "for i in range(1):\n    super().__init__()",
    "return before": f"if torch:\n    return\n{S}",
    "held back": "base = super()\nbase.__init__()",
    "needed on the same line": "super().__init__(); self.b = 2; self(torch.ones(1))",
    "needed before": f"self.a = 1\nn = self.size()\n{S}",
    "bound before": f"g = self.forward\n{S}g(torch.ones(1))\nself.fc = nn.Linear(2, 2)",
    "lambda before": f"g = lambda: self.forward(torch.ones(1))\n{S}g()\nself.fc = nn.Linear(2, 2)",
    "handed on before": f"probe(self)\n{S}self.fc = nn.Linear(2, 2)",
    "needed before a second call": f"{S}n = self.size()\n{S}",
}


@pytest.mark.parametrize("init", NO_PLACE.values(), ids=NO_PLACE)
def test_no_place(init: str) -> None:
    assert outcomes(net(init=init, methods=METHODS)) == "NNC304"


ODD = {
    "defined twice": (net(methods="def __init__(self, a):\n    super().__init__()"), "NNC304"),
    "defined under a condition": (
        f"{IMPORTS}class Net(nn.Module):\n    if torch:\n        def __init__(self):\n            super().__init__()\n"
        "    def forward(self, x): return F.relu(x)\n",
        "NNC304",
    ),
    "assigned": (
        f"{IMPORTS}class Net(nn.Module):\n    __init__ = other\n    def forward(self, x): return F.relu(x)\n",
        "NNC304",
    ),
    "without a name for self": (net(init_signature="*args", init="super(Net, args[0]).__init__()"), "NNC304"),
    "overloads": (
        net().replace(
            "    def __init__", "    @typing.overload\n    def __init__(self, a): ...\n\n    def __init__", 1
        ),
        "relu",
    ),
    "decorated": (net().replace("    def __init__", "    @wrapped\n    def __init__", 1), "relu"),
}


@pytest.mark.parametrize(("source", "expected"), ODD.values(), ids=ODD)
def test_odd_inits(source: str, expected: str) -> None:
    assert outcomes(source) == expected


RESETS = {
    "on some paths only": "class Base(nn.Module):\n    def __init__(self):\n        if flag:\n            super().__init__()\n",
    "from the class behind it": "class Mix:\n    def __init__(self):\n        super().__init__()\n\nclass Base(Mix, nn.Module): pass\n",
}


@pytest.mark.parametrize("base", RESETS.values(), ids=RESETS)
def test_registered_after_what_may_run_the_init_of_modules_again(base: str) -> None:
    source = net(before=base, init="nn.Module.__init__(self)\nself.fc = nn.Linear(2, 2)\nBase.__init__(self)")
    text, _ = convert(
        source.replace("Net(nn.Module)", "Net(Base)").replace("        super().__init__()\n        nn", "        nn")
    )
    assert "Base.__init__(self)\n        self.relu = nn.ReLU()\n" in text


def test_left_where_a_subclass_may_run_the_init_of_modules_again() -> None:
    base = "class Other(nn.Module):\n    def __init__(self, flag):\n        if flag:\n            super().__init__()\n"
    after = (
        "class Sub(Net, Other):\n    def __init__(self):\n        Net.__init__(self)\n        Other.__init__(self, 1)\n"
    )
    assert outcomes(net(before=base) + after) == "NNC110"


def test_a_base_that_runs_the_call() -> None:
    base = "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {}\n    def other(self):\n        pass\n"
    method = "def build(self):\n    return F.relu(torch.ones(1))\n"
    assert outcomes(net("return x", bases="Base", before=base.format("self.build()"), methods=method)) == "NNC305"
    assert outcomes(net("return x", bases="Base", before=base.format("register(self)"), methods=method)) == "NNC305"
    assert outcomes(net("return x", bases="Base", before=base.format("Base.other(self)"), methods=method)) == "relu"


BODIES = [
    (
        "    def __init__(self): super().__init__()\n",
        "    def __init__(self):\n        super().__init__()\n        self.relu = nn.ReLU()\n",
    ),
    (
        "    def __init__(self): super().__init__(); self.a = 1  # one\n",
        "    def __init__(self):\n        super().__init__(); self.a = 1  # one\n        self.relu = nn.ReLU()\n",
    ),
    (
        "    def __init__(\n        self\n    ): super().__init__()\n",
        "    def __init__(\n        self\n    ):\n        super().__init__()\n        self.relu = nn.ReLU()\n",
    ),
    (
        '    """Doc."""\n',
        '    """Doc."""\n    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n'
        "        self.relu = nn.ReLU()\n\n",
    ),
    (
        "    a = 1; b = 2\n\n    # about\n    # forward\n",
        "    a = 1; b = 2\n\n    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n"
        "        self.relu = nn.ReLU()\n\n    # about\n    # forward\n",
    ),
]


@pytest.mark.parametrize(("body", "expected"), BODIES)
@pytest.mark.parametrize("unit", ["    ", "\t", "  "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_layout(body: str, expected: str, unit: str, newline: str) -> None:
    start, end = (
        "import torch.nn as nn\n{}class Net(nn.Module):\n",
        "    def forward(self, x):\n        return {}(x)",
    )
    functional = "import torch.nn.functional as F\n"

    def text(imports: str, init: str, callee: str) -> str:
        return (start.format(imports) + init + end.format(callee)).replace("    ", unit).replace("\n", newline)

    assert convert(text(functional, body, "F.relu"))[0] == text("", expected, "self.relu")


def test_written_init_passes_everything_on() -> None:
    source = f"""{IMPORTS}
class Net(nn.Conv2d):
    class Config:
        def read(self):
            pass

    def forward(self, x):
        return F.relu(super().forward(x))
"""
    text = executes_the_same(source, "Net", "3, 4, kernel_size=3, padding=1", "torch.randn(2, 3, 8, 8)")
    assert text.index("def __init__(self, *args") < text.index("class Config")


@pytest.mark.parametrize("call", ["super().act(torch.ones(2))", "Base.act(self, torch.ones(2))"])
def test_a_method_of_a_base_that_init_reaches(call: str) -> None:
    base = "class Base(nn.Module):\n    def act(self, x):\n        return self.inner(x)\n"
    source = net(
        "return F.relu(x)",
        bases="Base",
        before=base,
        init=f"{S}self.n = self.size()\nself.fc = nn.Linear(2, 2)",
        methods=f"def size(self):\n    return {call}.numel()\ndef inner(self, x):\n    return F.elu(x)",
    )
    text = executes_the_same(source, "Net", inputs="torch.randn(3)")
    assert text.index("self.elu = ") < text.index("self.n = ")


def test_a_probe_of_the_size_in_init() -> None:
    source = """
    import torch
    import torch.nn as nn
    import torch.nn.functional as F


    class Net(nn.Module):
        def __init__(self, shape, p):
            super().__init__()
            self.conv = nn.Conv2d(shape[0], 4, 3)
            self.p = p
            self.fc = nn.Linear(self._features(shape), 2)
            self.eval()

        def _features(self, shape):
            return self._body(torch.zeros(1, *shape)).numel()

        def _body(self, x):
            return F.max_pool2d(F.relu(self.conv(x)), 2)

        def forward(self, x):
            return F.dropout(self.fc(self._body(x).flatten(1)), float(self.p), self.training)
    """
    text = executes_the_same(source, "Net", "(3, 8, 8), 0.5", "torch.randn(2, 3, 8, 8)")
    assert text.index("self.dropout = ") < text.index("self.fc = ")
    assert "nn.Dropout(float(self.p))" in text
