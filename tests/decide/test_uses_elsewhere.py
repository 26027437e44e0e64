"""Subclasses in other files of the project, and what other files do to instances."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.decide.projects import HEAD, outcomes, words, write

NET = f"""{HEAD}class Net(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.p = p

    def forward(self, x):
        return F.leaky_relu(x, self.p)


def build():
    return Net()
"""
MODE = f"{HEAD}class Net(nn.Module):\n    def forward(self, x):\n        return F.dropout(x, 0.1, self.training)\n"
TRAIN = "from net import Net\n\nmodel = Net()\n"


def other(text: str, imports: str = "from net import Net") -> str:
    return f"{imports}\n\n\n{text}\n"


SUBCLASSES = {
    "calls super().__init__": ("class Sub(Net):\n    def __init__(self):\n        super().__init__()", "leaky_relu"),
    "skips __init__": ("class Sub(Net):\n    def __init__(self):\n        self.q = 1", "NNC110"),
    "takes the name": ("class Sub(Net):\n    def set(self):\n        self.leaky_relu = 1", "leaky_relu1"),
    "defines the name": ("class Sub(Net):\n    def leaky_relu(self): ...", "leaky_relu1"),
    "changes the setting": ("class Sub(Net):\n    def set(self):\n        self.p = 1", "NNC203"),
    "is a container": ("from torch import nn\n\n\nclass Sub(Net, nn.Sequential):\n    pass", "NNC301"),
    "has special methods": ("class Sub(Net):\n    def __setattr__(self, name, value): ...", "NNC303"),
    "walks": ("class Sub(Net):\n    def last(self):\n        return list(self.children())[-1]", "NNC302"),
    "below another": (
        "class Sub(Net):\n    pass\n\n\nclass Low(Sub):\n    def __init__(self):\n        self.q = 1",
        "NNC110",
    ),
}


@pytest.mark.parametrize(("text", "expected"), SUBCLASSES.values(), ids=SUBCLASSES)
def test_subclasses(tmp_path: Path, text: str, expected: str) -> None:
    root = write(tmp_path, {"net.py": NET, "sub.py": other(text)})
    assert outcomes(root / "net.py") == expected


SUBCLASS_OF = {
    "under another name": other("class Sub(N):\n    def __init__(self): ...", "from net import Net as N"),
    "by dots": other("class Sub(net.Net):\n    def __init__(self): ...", "import net"),
    "through a third file": other("class Sub(Base):\n    def __init__(self): ...", "from bases import Base"),
    "by a star": other("class Sub(Net):\n    def __init__(self): ...", "from net import *"),
}


@pytest.mark.parametrize("text", SUBCLASS_OF.values(), ids=SUBCLASS_OF)
def test_subclasses_are_found(tmp_path: Path, text: str) -> None:
    root = write(tmp_path, {"net.py": NET, "bases.py": "from net import Net as Base\n", "models/sub.py": text})
    assert outcomes(root / "net.py") == "NNC110"


def test_a_subclass_of_another_class_of_that_name(tmp_path: Path) -> None:
    sub = other("class Sub(Net):\n    def __init__(self): ...", "from others import Net")
    root = write(tmp_path, {"net.py": NET, "others.py": "class Net:\n    pass\n", "sub.py": sub})
    assert outcomes(root / "net.py") == "leaky_relu"


STORES = {
    "on an instance": ("from net import Net\n\nmodel = Net()\nmodel.p = 0.2\n", "NNC203"),
    "on what a factory gives": ("from net import build\n\nmodel = build()\nmodel.p = 0.2\n", "NNC203"),
    "on what a factory's factory gives": ("from models import get\n\nmodel = get()\nmodel.p = 0.2\n", "NNC203"),
    "on an attribute": (
        "from net import build\n\n\nclass Trainer:\n    def __init__(self):\n        self.model = build()\n\n"
        "    def run(self):\n        self.model.p = 0.2\n",
        "NNC203",
    ),
    "on an annotated argument": ("from net import Net\n\n\ndef off(m: Net):\n    m.p = 0\n", "NNC203"),
    "on an argument, where the class is named": ("from net import Net\n\n\ndef off(m):\n    m.p = 0\n", "NNC203"),
    "on what was tested": (
        "import net\n\n\ndef off(m):\n    if isinstance(m, net.Net):\n        m.p = 0\n",
        "NNC203",
    ),
    "by setattr": ("from net import Net\n\nsetattr(Net(), 'p', 0.2)\n", "NNC203"),
    "under a computed name": ("from net import Net\n\nfor name in names:\n    setattr(Net(), name, 0.2)\n", "NNC203"),
    "on the class": ("from net import Net\n\nNet.p = 0.2\n", "NNC203"),
    "by an operator": ("from net import Net\n\nmodel = Net()\nmodel.p *= 2\n", "NNC203"),
    "on an argument, where the class is not named": ("def off(m):\n    m.p = 0\n", "leaky_relu"),
    "on a configuration": ("from net import Net\n\n\ndef set(config):\n    config.p = 0\n", "leaky_relu"),
    "on another class": (
        "from net import Net\n\n\nclass Other:\n    pass\n\n\nother = Other()\nother.p = 1\n",
        "leaky_relu",
    ),
    "on another class's self": (
        "from net import Net\n\n\nclass Other:\n    def __init__(self):\n        self.p = 1\n",
        "leaky_relu",
    ),
    "on what was tested for another class": (
        "from torch import nn\nfrom net import Net\n\n\ndef f(m):\n    if isinstance(m, nn.GELU):\n        m.p = 0\n",
        "leaky_relu",
    ),
    "on what an installed package gives": (
        "import argparse\nfrom net import Net\n\nx = argparse.X()\nx.p = 1\n",
        "leaky_relu",
    ),
    "on what another file gives": (
        "from net import Net\nfrom others import make\n\nx = make()\nx.p = 1\n",
        "leaky_relu",
    ),
    "on another class of that name": ("from others import Net\n\nmodel = Net()\nmodel.p = 0.2\n", "leaky_relu"),
    "nothing, only read": ("from net import Net\n\nprint(Net().p == 1)\n", "leaky_relu"),
}
MODELS = {
    "models.py": "import net\n\n\ndef get():\n    return net.Net()\n",
    "others.py": "class Net:\n    pass\n\n\ndef make(): ...\n",
}


@pytest.mark.parametrize(("text", "expected"), STORES.values(), ids=STORES)
def test_settings_stored_elsewhere(tmp_path: Path, text: str, expected: str) -> None:
    root = write(tmp_path, {"net.py": NET, **MODELS, "train.py": text})
    assert outcomes(root / "net.py") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import net\n\nnet.P = 0.2\n", "NNC203"),
        ("from . import net as n\n\nn.P = 0.2\n", "NNC203"),
        ("import others\n\nothers.P = 0.2\n", "leaky_relu"),
        ("from net import P\n\nP = 0.2\n", "leaky_relu"),
    ],
)
def test_globals_that_other_files_bind_again(tmp_path: Path, text: str, expected: str) -> None:
    net = f"{HEAD}P = 0.1\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return F.leaky_relu(x, P)\n"
    root = write(tmp_path, {"net.py": net, **MODELS, "train.py": text})
    assert outcomes(root / "net.py") == expected


def test_where_it_is_stored_is_said(tmp_path: Path) -> None:
    root = write(tmp_path, {"net.py": NET, "train.py": f"{TRAIN}model.p = 0.2\n"})
    assert words(root / "net.py").endswith("self.p may be assigned from outside of the class: train.py line 4")


WALKS = {
    "children of an instance": (f"{TRAIN}last = list(model.children())[-1]\n", "NNC302"),
    "modules of an instance": (f"{TRAIN}last = list(model.modules())[-1]\n", "NNC302"),
    "for this very module": (
        "from torch import nn\n\n\ndef change(m):\n    for c in m.modules():\n        if isinstance(c, nn.LeakyReLU):\n"
        "            c.negative_slope = 1\n",
        "NNC302",
    ),
    "for this very module, in a model of parts": (
        "from torch import nn\nfrom net import Net\n\n\nclass Whole(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.net = Net()\n\n    def count(self):\n        n = 0\n"
        "        for m in self.modules():\n            if isinstance(m, nn.LeakyReLU):\n                n += 1\n",
        "NNC302",
    ),
    "for this very module, in another model": (
        "from torch import nn\nimport zoo\n\nn = 0\nfor m in zoo.get().modules():\n"
        "    if isinstance(m, nn.LeakyReLU):\n        n += 1\n",
        "leaky_relu",
    ),
    "for another module": (
        f"from torch import nn\n{TRAIN}for c in model.modules():\n    if isinstance(c, nn.Linear):\n        print(c)\n",
        "leaky_relu",
    ),
    "of anything": ("def count(m):\n    return len(list(m.modules()))\n", "leaky_relu"),
    "of something else": ("from net import Net\nimport zoo\n\nlast = list(zoo.get().children())\n", "leaky_relu"),
}


@pytest.mark.parametrize(("text", "expected"), WALKS.values(), ids=WALKS)
def test_walks_elsewhere(tmp_path: Path, text: str, expected: str) -> None:
    root = write(tmp_path, {"net.py": NET, "train.py": text})
    assert outcomes(root / "net.py") == expected


BORROWED = {
    "a method is replaced": ("from net import Net\n\nNet.forward = lambda self, x: x\n", "NNC110"),
    "a method is lent": ("from net import Net\n\n\nclass Other:\n    forward = Net.forward\n", "NNC110"),
    "by string": ("import net\n\nf = getattr(net.Net, 'forward')\n", "NNC110"),
    "a subclass calls it": (
        "from net import Net\n\n\nclass Sub(Net):\n    def forward(self, x):\n        return Net.forward(self, x)\n",
        "leaky_relu",
    ),
    "a method that runs it is lent": ("from net import Net\n\n\nclass Other:\n    act = Net.act\n", "NNC110"),
    "a method that runs it by the class is lent": (
        "from net import Net\n\n\nclass Other:\n    f = Net.by_class\n",
        "NNC110",
    ),
    "a method that may run it is lent": ("from net import Net\n\n\nclass Other:\n    f = Net.by_name\n", "NNC110"),
    "a method that does not run it is lent": (
        "from net import Net\n\n\nclass Other:\n    size = Net.size\n",
        "leaky_relu",
    ),
    "a method that does not run it is replaced": ("from net import Net\n\nNet.size = 3\n", "leaky_relu"),
    "__init__ is replaced": ("from net import Net\n\nNet.__init__ = lambda self: None\n", "NNC110"),
    "it is compared": ("from net import Net\n\nprint(Net.forward is None)\n", "leaky_relu"),
    "of another class": ("from others import Net\n\nf = Net.forward\n", "leaky_relu"),
}


@pytest.mark.parametrize(("text", "expected"), BORROWED.values(), ids=BORROWED)
def test_borrowed_elsewhere(tmp_path: Path, text: str, expected: str) -> None:
    methods = "\n    def act(self, x):\n        return self(x)\n\n    def size(self):\n        return 1\n"
    methods += "\n    def by_class(self, x):\n        return Net.forward(self, x)\n"
    methods += "\n    def by_name(self, n, x):\n        return getattr(self, n)(x)\n\n\ndef build"
    root = write(tmp_path, {"net.py": NET.replace("\n\ndef build", methods), **MODELS, "train.py": text})
    assert outcomes(root / "net.py") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{TRAIN}model.training = False\n", "NNC405"),
        (f"{TRAIN}model.eval()\n", "dropout"),
        ("class State:\n    pass\n\n\nstate = State()\nstate.training = True\n", "dropout"),
    ],
)
def test_the_mode_set_elsewhere(tmp_path: Path, text: str, expected: str) -> None:
    root = write(tmp_path, {"net.py": MODE, "train.py": text})
    assert outcomes(root / "net.py") == expected


# -- to functional ---------------------------------------------------------------------------------------------

BACK = f"""{HEAD}class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.act = nn.Dropout(0.1)

    def forward(self, x):
        return self.act(x)
"""
REACHED = {
    "a hook": (f"{TRAIN}model.act.register_forward_hook(print)\n", "NNC605"),
    "a setting": (f"{TRAIN}model.act.p = 0.5\n", "NNC605"),
    "another module in its place": (f"{TRAIN}model.act = None\n", "NNC605"),
    "by string": (f"{TRAIN}getattr(model, 'act')\n", "NNC605"),
    "a subclass": (
        "from net import Net\n\n\nclass Sub(Net):\n    def f(self, x):\n        return self.act(x)\n",
        "NNC606",
    ),
    "a subclass's own": (
        "from net import Net\n\n\nclass Sub(Net):\n    def f(self):\n        self.act = None\n",
        "NNC602",
    ),
    "every dropout is changed": (
        "from torch import nn\n\n\ndef off(net):\n    for m in net.modules():\n        if isinstance(m, nn.Dropout):\n"
        "            m.p = 0\n",
        "NNC302",
    ),
    "children": (f"{TRAIN}list(model.children())[-1]\n", "NNC302"),
    "of another class": (
        "from net import Net\n\n\nclass Other:\n    def f(self):\n        self.act.register_forward_hook(1)\n",
        "act",
    ),
    "of who knows what": ("def hook(m):\n    m.act.register_forward_hook(print)\n", "act"),
    "a word": (f"{TRAIN}act = 1\n", "act"),
}


@pytest.mark.parametrize(("text", "expected"), REACHED.values(), ids=REACHED)
def test_submodules_reached_elsewhere(tmp_path: Path, text: str, expected: str) -> None:
    root = write(tmp_path, {"net.py": BACK, "train.py": text})
    assert outcomes(root / "net.py", direction="to-functional") == expected


def test_a_base_in_another_file_uses_it(tmp_path: Path) -> None:
    base = f"{HEAD}class Base(nn.Module):\n    def run(self, x):\n        return self.act(x)\n"
    net = BACK.replace("class Net(nn.Module)", "from base import Base\n\n\nclass Net(Base)")
    root = write(tmp_path, {"net.py": net, "base.py": base})
    assert outcomes(root / "net.py", direction="to-functional") == "NNC606"


NAMES = {
    "stored": ("model = Net()\nmodel.leaky_relu = print", "leaky_relu1"),
    "stored on what was just built": ("Net().leaky_relu = print", "leaky_relu1"),
    "stored in a function": ("def set(model):\n    model.leaky_relu = print", "leaky_relu1"),
    "stored by string": ('setattr(Net(), "leaky_relu", 1)', "leaky_relu1"),
    "stored by a name that holds it": ('name = "leaky_relu"\nsetattr(Net(), name, 1)', "leaky_relu1"),
    "asked for": ('model = Net()\nprint(hasattr(model, "leaky_relu"))', "leaky_relu1"),
    "asked for with a default": ('print(getattr(Net(), "leaky_relu", None))', "leaky_relu1"),
    "asked for by a path": ('Net().get_submodule("leaky_relu.part")', "leaky_relu1"),
    "two of them": ("model = Net()\nmodel.leaky_relu = model.leaky_relu1 = print", "leaky_relu2"),
    "of another class": ("class Other: ...\n\n\nOther().leaky_relu = print", "leaky_relu"),
    "asked of another class": ('class Other: ...\n\n\nprint(Net, hasattr(Other(), "leaky_relu"))', "leaky_relu"),
    "another name": ('model = Net()\nmodel.relu = print(hasattr(model, "elu"))', "leaky_relu"),
    "a functional": ("from torch.nn import functional as F\nF.leaky_relu = print\nprint(Net)", "leaky_relu"),
}


@pytest.mark.parametrize(("text", "expected"), NAMES.values(), ids=NAMES)
def test_names_that_other_files_use_are_taken(tmp_path: Path, text: str, expected: str) -> None:
    root = write(tmp_path, {"net.py": NET, "use.py": other(text)})
    assert outcomes(root / "net.py") == expected


def test_names_in_files_that_never_see_an_instance_are_free(tmp_path: Path) -> None:
    root = write(tmp_path, {"net.py": NET, "use.py": other("model = load()\nmodel.leaky_relu = print", "import json")})
    assert outcomes(root / "net.py") == "leaky_relu"


STORES = "from net import Net\n\n\ndef weaken(model):\n    model.p = 1\n"
SAME_NAMES = {
    "another module of that name": (NET, "leaky_relu"),
    "one that hands it on": ("from a.net import Net\n", "NNC203"),
    "one that hands on all": ("from a.net import *\n", "NNC203"),
    "one that has it from where nobody finds it": ("from elsewhere.net import Net\n", "NNC203"),
}


@pytest.mark.parametrize(("beside", "expected"), SAME_NAMES.values(), ids=SAME_NAMES)
def test_a_module_of_the_same_name(tmp_path: Path, beside: str, expected: str) -> None:
    root = write(tmp_path, {"a/net.py": NET, "b/net.py": beside, "b/train.py": STORES})
    assert outcomes(root / "a" / "net.py") == expected


WALKS = {
    "of self": ("def f(self):\n        return list(self.children())", "dropout"),
    "of an instance": ("def f(self):\n        return list(Net().children())", "NNC302"),
    "of an instance that is called self": (
        "def f(self):\n        self = Net()\n        return list(self.children())",
        "NNC302",
    ),
    "of what an attribute is": (
        "def f(self):\n        self.self = Net()\n        return list(self.self.children())",
        "NNC302",
    ),
}


@pytest.mark.parametrize(("method", "expected"), WALKS.values(), ids=WALKS)
def test_walks_of_classes_that_are_no_relatives(tmp_path: Path, method: str, expected: str) -> None:
    text = other(f"class Trainer:\n    {method}", "from net import Net")
    assert outcomes(write(tmp_path, {"net.py": MODE, "train.py": text}) / "net.py") == expected


@pytest.mark.parametrize("text", ['"relu"', '"a.relu"', '"relu.b"'])
def test_a_name_that_is_asked_for_by_string(tmp_path: Path, text: str) -> None:
    source = f"{HEAD}class Net(nn.Module):\n    def forward(self, x):\n        return F.relu(x)\n"
    asks = other(f"def f():\n    return Net().get_submodule({text})")
    assert outcomes(write(tmp_path, {"net.py": source, "ask.py": asks}) / "net.py") == "relu1"


CONSTANTS = {
    "imported": ("from values import P", "P", "P = 0.1\n", "leaky_relu"),
    "of a module": ("import values", "values.P", "P = 0.1\n", "leaky_relu"),
    "handed on": ("from more import P", "P", "P = -(1 / 8)\n", "leaky_relu"),
    "two values": ("from values import P", "P", "P = 0.1\nP = 0.2\n", "NNC207"),
    "changed by a function": ("import values", "values.P", "P = 0.1\ndef f():\n    global P\n    P = 1\n", "NNC207"),
    "computed": ("from values import P", "P", "P = f()\n", "NNC207"),
    "a list": ("from values import P", "P[0]", "P = [0.1]\n", "NNC207"),
    "changed from outside": ("import values", "values.P", "P = 0.1\n# stored\n", "NNC207"),
    "changed here": ("from values import P\n\nP = 2", "P", "P = 0.1\n", "NNC203"),
}


def using(imports: str, call: str) -> str:
    return f"{HEAD}{imports}\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return {call}\n"


@pytest.mark.parametrize(("imports", "setting", "values", "expected"), CONSTANTS.values(), ids=CONSTANTS)
def test_constants_of_other_files(tmp_path: Path, imports: str, setting: str, values: str, expected: str) -> None:
    net = using(imports, f"F.leaky_relu(x, {setting})")
    files = {"net.py": net, "values.py": values, "more.py": "from values import P\n"}
    if "stored" in values:
        files["train.py"] = "import values\n\nvalues.P = 0.3\n"
    assert outcomes(write(tmp_path, files) / "net.py") == expected


def test_a_constant_of_another_file_that_is_changed_through_a_third(tmp_path: Path) -> None:
    net = using("import values", "F.leaky_relu(x, values.P)")
    files = {"net.py": net, "values.py": "P = 0.1\n", "train.py": "import net\n\nnet.values.P = 0.3\n"}
    assert outcomes(write(tmp_path, files) / "net.py") == "NNC207"


@pytest.mark.parametrize(("value", "expected"), [("0.1", "dropout"), ("2", "NNC208")])
def test_a_constant_of_another_file_that_is_checked_at_construction(tmp_path: Path, value: str, expected: str) -> None:
    net = using("from values import P", "F.dropout(x, P, self.training) if x.ndim else x")
    assert outcomes(write(tmp_path, {"net.py": net, "values.py": f"P = {value}\n"}) / "net.py") == expected
