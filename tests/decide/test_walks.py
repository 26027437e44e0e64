"""Walks over children and modules: which of them would notice a submodule without parameters."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.sources import net
from tests.helpers import executes_the_same, outcomes

NOTICED = {
    "children": "for c in self.children():\n    c(x)",
    "named_children": "for n, c in self.named_children():\n    c(x)",
    "super().children": "for c in super().children():\n    c(x)",
    "modules": "for m in self.modules():\n    print(m)",
    "_modules.values": "for c in self._modules.values():\n    c(x)",
    "reversed _modules": "for n, c in reversed(self._modules.items()):\n    c(x)",
    "len of _modules": "y = len(self._modules)",
    "len of children": "y = len(list(self.children()))",
    "next of children": "y = next(self.children())",
    "enumerate": "for i, m in enumerate(self.children()):\n    if isinstance(m, nn.Linear):\n        print(i)",
    "list": "y = [m for m in self.modules()]",
    "dict": "y = dict(self.named_modules())",
    "isinstance Module": "for m in self.modules():\n    if isinstance(m, nn.Module):\n        print(m)",
    "isinstance ReLU": "for m in self.modules():\n    if isinstance(m, nn.ReLU):\n        m.inplace = True",
    "list of ReLU": "y = [m for m in self.modules() if isinstance(m, nn.ReLU)]",
    "negated": "for m in self.modules():\n    if not isinstance(m, nn.Conv2d):\n        print(m)",
    "else": "for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        pass\n    else:\n        print(m)",
    "continue": "for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        continue\n    print(m)",
    "return from the loop": "for m in self.modules():\n    if not isinstance(m, nn.Conv2d):\n        return",
    "break": "for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        print(m)\n    break",
    "identity": "for m in self.modules():\n    if m is self:\n        continue\n    print(m)",
    "attribute inplace": "for m in self.modules():\n    if hasattr(m, 'inplace'):\n        m.inplace = True",
    "name only": "for n, m in self.named_modules():\n    if 'conv' in n:\n        print(m)",
    "or unknown": "self.apply(lambda m: print(m) if isinstance(m, nn.Linear) or odd(m) else None)",
    "mode": "for c in self.children():\n    c.eval()",
    "drawn at every module": "for m in self.modules():\n    if torch.rand(1) > 0:\n        if isinstance(m, nn.Linear):\n"
    "            print(m)",
    "counted": "n = 0\nfor m in self.modules():\n    n += 1",
    "counted by an assignment": "n = 0\nfor m in self.modules():\n    n = n + 1",
    "that there is one": "leaf = True\nfor m in self.children():\n    leaf = False\nreturn leaf",
    "none may be there": "for m in self.children():\n    raise ValueError",
    "the name of the last": "for n, m in self.named_modules():\n    last = n\nreturn last",
    "the class of the last": "for m in self.modules():\n    kind = type(m).__name__\nreturn kind",
    "one after the other": "a = True\nfor m in self.modules():\n    b = a\n    a = False\nreturn b",
    "counted on two lines": "n = 0\nfor m in self.modules():\n    n = (1 +\n        n)",
    "counted in two steps": "n = 0\nfor m in self.modules():\n    k = n + 1\n    n = k",
    "the last of a loop within": "for m in self.children():\n    for k in (1, 2):\n        pass\nreturn k",
    "a global": "global seen\nfor m in self.modules():\n    seen = 1",
    "a loop within": "for m in self.modules():\n    for k in (1, 2):\n        f(m)",
    "classes of a loop, with its own": "for m in self.modules():\n    for k in (nn.Linear, nn.ReLU):\n"
    "        if isinstance(m, k):\n            f(m)",
    "attributes of a loop, with one of its own": "for m in self.modules():\n    for k in ['p', 'inplace']:\n"
    "        if hasattr(m, k):\n            f(m)",
    "caught, but not surely an error": "for m in self.modules():\n    try:\n        f(m)\n    except ValueError:\n        pass",
    "an error for what is not kept": "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        f(m)\n"
    "    else:\n        raise ValueError",
    "an error behind what is kept": "def init(m):\n    if isinstance(m, nn.Linear):\n        return\n    raise ValueError\n"
    "self.apply(init)",
    "printed": "for m in self.modules():\n    print(m)",
    "a result handed on": "def init(m):\n    return f(m)\nself.apply(init)",
    "partial, and the module comes second": "from functools import partial\ndef init(k, m):\n    if isinstance(k, nn.Linear):\n"
    "        f(k)\n    g(m)\nself.apply(partial(init, 1))",
    "decorated": "@twice\ndef init(m):\n    pass\nself.apply(init)",
    "nothing yet, but behind it": "for m in self.modules():\n    if isinstance(m, nn.ReLU):\n        pass\n    else:\n"
    "        continue\n    f(m)",
    "nothing yet in the second branch": "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        k = 1\n"
    "    elif isinstance(m, nn.ReLU):\n        pass\n    else:\n        continue\n    f(m)",
    "a name asked for": "y = dict(self.named_modules())\nif x in y:\n    f(x)",
    "a loop within of the same variable": "for m in self.modules():\n    for m in (1, 2):\n        m = 3",
    "all names": "y = dict(self.named_modules())\nfor n in y:\n    f(n)",
    "a container under another name": "for m in self.layers:\n    if isinstance(m, nn.Sequential):\n"
    "        m = self\n        for c in m.children():\n            f(c)",
    "no module without it": "for m in self.modules():\n    if not hasattr(m, 'stride'):\n        f(m)",
    "a test that fails for it": "for m in self.children():\n    if m.stride > 1:\n        pass\n    elif len(m) > 1:\n"
    "        m.requires_grad_(False)",
}


@pytest.mark.parametrize("walk", NOTICED.values(), ids=NOTICED)
def test_noticed(walk: str) -> None:
    assert outcomes(net(methods=f"def walk(self, x):\n{_in(walk)}")) == "NNC302"


HARMLESS = {
    "locals of one turn": "for m in self.modules():\n    std = 0.02\n    kind = type(m).__name__\n"
    "    if kind == 'Linear':\n        f(m, std)",
    "isinstance": "for m in self.modules():\n    if isinstance(m, nn.Conv2d):\n        f(m)\n"
    "    elif isinstance(m, (nn.BatchNorm2d, nn.Linear)):\n        g(m)",
    "negated, then continue": "for m in self.modules():\n    if not isinstance(m, nn.Conv2d):\n        continue\n    f(m)",
    "type": "for m in self.modules():\n    if type(m) in [nn.Linear, nn.Conv2d]:\n        f(m)",
    "union": "for m in self.modules():\n    if isinstance(m, nn.Linear | nn.Conv2d):\n        f(m)",
    "list first": "for m in list(self.modules()):\n    if isinstance(m, nn.Linear):\n        f(m)",
    "and": "for n, m in self.named_modules():\n    if 'conv' in n and isinstance(m, nn.Conv2d):\n        f(m)",
    "under another test": "for n, m in self.named_modules():\n    if n.startswith('conv'):\n"
    "        if isinstance(m, nn.Conv2d):\n            f(m)",
    "no_grad": "with torch.no_grad():\n    for m in self.modules():\n        if isinstance(m, nn.Linear):\n            f(m)",
    "a local first": "for m in self.modules():\n    std = self.std\n    if isinstance(m, nn.Linear):\n        f(m, std)",
    "private base": "for m in self.modules():\n    if isinstance(m, nn.modules.conv._ConvNd):\n        f(m)",
    "attribute weight": "for m in self.modules():\n    if hasattr(m, 'weight') and m.weight is not None:\n        f(m)",
    "reset_parameters": "for m in self.children():\n    if hasattr(m, 'reset_parameters'):\n        m.reset_parameters()",
    "list": "y = [m for m in self.modules() if isinstance(m, nn.Linear)]",
    "any": "y = any(isinstance(m, nn.Linear) for m in self.modules())",
    "sum": "y = sum(isinstance(m, nn.Linear) for m in self.modules())",
    "filter": "y = filter(lambda m: isinstance(m, nn.Linear), self.modules())",
    "parameters": "for c in self.children():\n    for p in c.parameters():\n        p.requires_grad = False",
    "parameters in a comprehension": "y = sum(p.numel() for c in self.children() for p in c.parameters())",
    "lambda": "self.apply(lambda m: f(m) if isinstance(m, nn.Linear) else None)",
    "lambda with and": "self.apply(lambda m: isinstance(m, nn.Linear) and f(m))",
    "one of _modules": "y = self._modules['fc']",
    "get": "y = self._modules.get(x)",
    "in _modules": "y = x in self._modules",
    "another's children": "for m in self.layers.children():\n    f(m)",
    "torchvision": "y = list(resnet50().children())[:-2]",
    "torchvision by name": "y = list(getattr(models, 'resnet50')().children())[:-2]",
    "pandas": "y = x.apply(lambda row: row.y, axis=1)",
    "autograd function": "y = Fn.apply(x)",
    "torchvision by its table": "y = list(models.__dict__[x]().children())[:-2]",
    "classes of a loop": "kinds = [nn.Linear, nn.Conv2d]\nfor m in self.modules():\n    for k in kinds:\n"
    "        if isinstance(m, k):\n            m.eval()\n            continue",
    "attributes of a loop": "for m in self.modules():\n    for k in ['proj', 'weight']:\n        if hasattr(m, k):\n"
    "            f(getattr(m, k))",
    "getattr": "for m in self.modules():\n    if getattr(m, 'weight', None) is not None:\n        f(m)\n"
    "    if getattr(m, 'is_block', False):\n        g(m)",
    "a function defined": "def init(m):\n    def fill(w):\n        w.zero_()\n    if isinstance(m, nn.Linear):\n"
    "        fill(m.weight)\nself.apply(init)",
    "weight norm removed": "def remove(m):\n    try:\n        logging.debug(f'Removed from {m}.')\n"
    "        torch.nn.utils.remove_weight_norm(m)\n        f(m)\n    except ValueError:\n        return\nself.apply(remove)",
    "requires_grad_": "for m in self.children():\n    m.requires_grad_(False)",
    "_apply": "for m in self.children():\n    m._apply(x)",
    "lambda that hands on": "def init(m, k):\n    if isinstance(m, nn.Linear):\n        f(m)\n"
    "self.apply(lambda m: init(m, k=1))",
    "partial in a local": "from functools import partial\ndef init(k, m):\n    if isinstance(m, nn.Linear):\n        f(m)\n"
    "fill = partial(init, 1)\nself.apply(fill)",
    "a method": "for m in self.modules():\n    self.fill(m)",
    "an error for all": "for m in self.modules():\n    if self.p == 1:\n        if isinstance(m, nn.Linear):\n            f(m)\n"
    "    else:\n        raise ValueError",
    "none but these": "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        k = 1\n"
    "    elif isinstance(m, nn.Conv2d):\n        k = 2\n    else:\n        continue\n    f(m, k)",
    "asked of a name, then of a class": "for n, m in self.named_modules():\n    if not any(k.startswith(n) for k in x):\n"
    "        continue\n    if isinstance(m, nn.Linear):\n        f(m)",
    "one that is there already": "for m in self.modules():\n    if m is x:\n        f(m)",
    "what every module has": "for m in self.modules():\n    if not hasattr(m, '_non_persistent_buffers_set'):\n        f(m)",
    "looked up": "y = dict(self.named_modules())[x]",
    "looked up in a local": "y = dict([*self.named_modules()])\nz = y['fc'](y[x])",
    "children of a container": "for m in x:\n    if isinstance(m, nn.Sequential):\n        for c in m.children():\n"
    "            f(c)",
    "over the children of children": "def look(m, found):\n    if hasattr(m, 'processor'):\n        found.append(m)\n"
    "    for c in m.children():\n        look(c, found)\n    return found\nfor n, c in self.named_children():\n"
    "    look(c, found={})",
    "parameters under a test": "for m in self.modules():\n    if not isinstance(m, nn.Linear):\n"
    "        yield from m.named_parameters()",
}
BEFORE = (
    "import logging\nimport torchvision.models as models\nfrom torchvision.models import resnet50\nfrom fns import Fn\n"
)


@pytest.mark.parametrize("walk", HARMLESS.values(), ids=HARMLESS)
def test_harmless(walk: str) -> None:
    init = "super().__init__()\nself.layers = nn.Sequential()"
    fill = "def fill(self, m):\n    if isinstance(m, nn.Linear):\n        f(m)\n"
    source = net(before=BEFORE, init=init, methods=f"{fill}def walk(self, x):\n{_in(walk)}")
    assert outcomes(source) == "relu"


INITIALISERS = {
    "find": "    classname = m.__class__.__name__\n    if classname.find('Conv') != -1:\n        f(m)\n"
    "    elif classname.find('BatchNorm') != -1:\n        g(m)\n",
    "find from zero": "    name = type(m).__name__\n    if name.find('Conv') >= 0:\n        f(m)\n",
    "class name": "    if m.__class__.__name__ == 'Conv2d':\n        f(m)\n",
    "in class name": "    if 'Conv' in type(m).__name__ or 'Linear' in type(m).__name__:\n        f(m)\n",
    "nested": "    if isinstance(m, nn.Linear):\n        f(m)\n        if m.bias is not None:\n            g(m)\n",
    "return early": "    if not isinstance(m, nn.Linear):\n        return\n    f(m)\n",
    "return late": "    if isinstance(m, nn.Linear):\n        f(m)\n        return\n    return\n",
    "constant classes": "    if isinstance(m, KINDS):\n        f(m)\n",
    "docstring": "    '''Weights.'''\n    if type(m) == nn.Linear:\n        f(m)\n",
}


@pytest.mark.parametrize("body", INITIALISERS.values(), ids=INITIALISERS)
@pytest.mark.parametrize("apply", ["self.apply(init)", "self.apply(partial(init))"])
def test_weight_initialisers(body: str, apply: str) -> None:
    before = f"from functools import partial\nKINDS = (nn.Conv2d, nn.Linear)\ndef init(m):\n{body}"
    assert outcomes(net(before=before, init=f"super().__init__()\n{apply}")) == "relu"


HANDED = {
    "a function that tests": ("if isinstance(m, nn.Linear):\n        f(m)", "init(m)", "relu"),
    "with what has nothing to do with it": ("if isinstance(m, nn.Linear):\n        f(m)", "init(m, 0.1, n)", "relu"),
    "with something of it": ("if isinstance(m, nn.Linear):\n        f(m)", "init(m, m.p)", "NNC302"),
    "a function that does not": ("f(m)", "init(m)", "NNC302"),
    "two that call one another": ("if isinstance(m, nn.Linear):\n        f(m)\n    again(m)", "init(m)", "relu"),
    "two that call one another, one of which does more": ("again(m)\n    m.x = 1", "init(m)", "NNC302"),
    "with a question about it": ("if isinstance(m, nn.Linear):\n        f(m)", "init(m, isinstance(m, A))", "relu"),
    "with a question that may fail": ("if isinstance(m, nn.Linear):\n        f(m)", "init(m, len(m) > 0)", "NNC302"),
    "as another argument": ("if isinstance(o, nn.Linear):\n        f(o)", "init(n, o=m)", "relu"),
    "unpacked": ("if isinstance(m, nn.Linear):\n        f(m)", "init(*n, m)", "NNC302"),
    "one that is not to be found": ("", "imported(m)", "NNC302"),
}


@pytest.mark.parametrize(("body", "call", "expected"), HANDED.values(), ids=HANDED)
def test_handed_to_a_function_of_the_file(body: str, call: str, expected: str) -> None:
    before = f"from other import imported\ndef again(m):\n    init(m)\ndef init(m, o=0, *_):\n    {body or 'pass'}\n"
    walk = f"for n, m in self.named_modules():\n    {call}"
    assert outcomes(net(before=before, init=f"super().__init__()\n{walk}")) == expected


UNKNOWN_CLASS = {
    "read first": ("nn.init.ones_(m.weight)\nm.x = 1", "relu"),
    "read on both ways": ("if self.p:\n    f(m.weight)\nelse:\n    g(m.weight)", "relu"),
    "read on one way, and an error else": ("if self.p:\n    f(m.weight)\nelse:\n    raise ValueError", "relu"),
    "read on one way": ("if self.p:\n    f(m.weight)", "NNC302"),
    "read late": ("f(m)\ng(m.weight)", "NNC302"),
    "read perhaps": ("f(m.weight if m.p else 0)", "NNC302"),
    "what every module has": ("f(m.training)", "NNC302"),
    "what this one has": ("f(m.inplace)", "NNC302"),
    "only stored": ("m.weight = 0", "NNC302"),
}


@pytest.mark.parametrize(("body", "expected"), UNKNOWN_CLASS.values(), ids=UNKNOWN_CLASS)
def test_a_class_that_is_not_known_but_what_it_must_have(body: str, expected: str) -> None:
    walk = f"kind = kinds[2]\nfor m in self.modules():\n    if isinstance(m, kind):\n{_in(_in(body))}"
    assert outcomes(net(init=f"super().__init__()\n{walk}")) == expected


@pytest.mark.parametrize("decorator", ["", "@staticmethod\n"])
def test_weight_initialisers_that_are_methods(decorator: str) -> None:
    parameters = "m" if decorator else "self, m"
    method = f"{decorator}def _init(%s):\n    if isinstance(m, nn.Linear):\n        f(m)" % parameters
    assert outcomes(net(init="super().__init__()\nself.apply(self._init)", methods=method)) == "relu"


@pytest.mark.parametrize("apply", ["self.apply(imported)", "self.apply(lambda m: m.f())", "self.apply(make())"])
def test_applied_to_everything(apply: str) -> None:
    source = net(before="from other import imported, make\n", init=f"super().__init__()\n{apply}")
    assert outcomes(source) == "NNC302"


ELSEWHERE = [
    ("def f(model):\n    return list(model.children())[:-1]\n", "NNC302"),
    ("body = list(Net().children())\n", "NNC302"),
    ("model = Net()\nbody = list(model.children())\n", "NNC302"),
    ("class Other(nn.Module): pass\nmodel = Other()\nbody = list(model.children())\n", "relu"),
    ("class Other(nn.Module):\n    def g(self):\n        return list(self.children())\n", "relu"),
    ("class Other(nn.Module):\n    def g(self):\n        return list(self.modules())\n", "NNC302"),
    ("class Sub(Net):\n    def g(self):\n        return list(self.children())\n", "NNC302"),
    ("def f(model):\n    return model.apply(init)\n", "NNC302"),
    ("parts = list(nn.Sequential(nn.Linear(2, 2), Net()).modules())\n", "NNC302"),
    ("parts = list(nn.Sequential(*layers).modules())\n", "NNC302"),
    ("parts = list(nn.Sequential(nn.Linear(2, 2)).modules())\n", "relu"),
    ("parts = list(nn.Sequential(nn.Linear(2, 2), Net()).children())\n", "relu"),
    (
        "class Top(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = nn.Sequential(Net())\n"
        "def f(top: Top):\n    return list(top.layers.children())\n",
        "relu",
    ),
    (
        "class Top(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.net = Net()\n"
        "def f(top: Top):\n    return list(top.net.children())\n",
        "NNC302",
    ),
]


@pytest.mark.parametrize(("after", "expected"), ELSEWHERE)
def test_walks_outside_of_the_class(after: str, expected: str) -> None:
    assert outcomes(net(after=after)) == expected


REPLACING = """
def replace(model):
    for name, module in model.named_children():
        if isinstance(module, nn.BatchNorm2d):
            model._modules[name] = frozen(module)
{}
"""
RECURSIONS = [
    ("        if len(list(module.children())) > 0:\n            replace(module)", "relu"),
    ("        replace(module)", "relu"),
    ("        else:\n            replace(module)", "relu"),
    ("        replace(module)\n    return model", "relu"),
    ("        replace(module)\n    count(model)", "NNC302"),
    ("        replace(module)\n    for i in range(3):\n        count(i)", "NNC302"),
    ("        other(module)", "NNC302"),
    ("        if len(list(module.children())) == 0:\n            replace(module)", "NNC302"),
    ("        if len(list(module.children())) > 0:\n            print(module)", "NNC302"),
    (
        "        if len(list(module.children())) > 0:\n            replace(module)\n        else:\n            f(module)",
        "NNC302",
    ),
]


@pytest.mark.parametrize(("step", "expected"), RECURSIONS)
def test_recursive_replacement(step: str, expected: str) -> None:
    assert outcomes(net(after=REPLACING.format(step))) == expected


def test_what_a_walk_notices_depends_on_the_module() -> None:
    walk = "for m in self.modules():\n    if isinstance(m, {}):\n        m.p = 0"
    body = "return F.dropout(F.relu(x), 0.5, self.training)"
    for kept, expected in [
        ("nn.ReLU", "dropout NNC302"),
        ("nn.Dropout", "NNC302 relu"),
        ("nn.modules.dropout._DropoutNd", "NNC302 relu"),
    ]:
        assert outcomes(net(body, methods=f"def walk(self):\n{_in(walk.format(kept))}")) == expected


def test_initialised_nets_execute_the_same() -> None:
    before = """

# ruff: noqa: E501 (sources stand on one line)
def init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        nn.init.normal_(m.weight)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight, 1.0, 0.02)
"""
    init = "super().__init__()\nself.fc = nn.Linear(4, 4)\nself.bn = nn.BatchNorm1d(4)\nself.apply(init)"
    source = net("return F.relu(self.bn(self.fc(x)))", before=before, init=init)
    executes_the_same(source, "Net", inputs="torch.randn(3, 4)")


def _in(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
