"""Programs of two files drawn at random: models with what surrounds them in real code, and a script that runs them.

The script changes the models from outside, runs them in train and in eval mode, and prints what comes out, down to
gradients and the next random number, so that two versions of a program can be compared by what they print.
"""

from __future__ import annotations

import io
import random
import sys
import textwrap
import types
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

_IMPORTS = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n",
    "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n",
    "import torch, torch.nn as nn\nfrom torch.nn import functional as F, Module\n",
)
_GLOBALS = (
    "K = 3\n",
    "K = 3\nK = 4\n",
    "P = 0.25\nK = 3\n",
    "K = 3\n\n\ndef helper(v, m=None):\n    return F.relu(v) + 1\n",
    "K = 3\n\n\nclass Mix:\n    relu1 = 7\n\n    def mixed(self, x):\n        return F.relu(x) * 2\n",
)
_RATES = (
    *("0.5", "self.p", "self.p * 0.5", "0.1 if self.flag else 0.2", "self.cfg['p']", "self.ps[0]"),
    *("min(self.p, 0.4)", "self.rate", "self.P"),
)
_EXPRESSIONS = (
    *("F.relu({x})", "torch.relu({x})", "F.relu({x}, inplace=True)", "F.relu_({x} + 0)", "F.relu6({x})", "F.selu({x})"),
    *("F.leaky_relu({x}, self.slope)", "F.leaky_relu({x}, negative_slope={r})", "F.elu({x}, alpha={r})", "F.silu({x})"),
    *("F.dropout({x}, {r}, self.training)", "F.dropout({x}, p={r}, training=self.training)", "F.dropout({x}, {r})"),
    *("F.dropout(p={r}, input={x}, training=self.training)", "F.alpha_dropout({x}, {r}, self.training)"),
    *("F.softmax({x}, dim=-1)", "F.softmax({x}, self.dim)", "F.log_softmax({x}, dim=1)", "F.gelu({x})", "F.tanh({x})"),
    *("F.hardtanh({x}, -1.0, 1.0)", "nn.ReLU()({x})", "nn.Dropout({r})({x})", "F.rrelu({x}, training=self.training)"),
    *("self.act({x})", "self.act(input={x})", "self.drop({x})", "self.lin({x})", "self.helper({x})", "self.sub({x})"),
    *("self.fn({x})", "F.normalize({x}, dim=-1)", "F.pad({x}, (1, -1))", "F.threshold({x}, 0.1, {r})"),
    *("F.layer_norm({x}, (4,))", "F.layer_norm({x}, {x}.shape[1:])", "F.linear({x}, self.weight)"),
    *("F.linear({x}, self.weight, self.bias)", "F.prelu({x}, self.slopes)", "F.celu({x}, self.k)", "F.mish({x})"),
    *("F.softplus({x}, beta=self.k)", "F.softplus({x}, self.k, K)", "F.glu(torch.cat([{x}, {x}], -1))"),
    *("torch.tanh({x})", "torch.sigmoid({x})", "{x}.relu()", "F.logsigmoid({x})", "F.hardswish({x})"),
    *("F.batch_norm({x}, self.mean, self.var, training=self.training)", "F.gumbel_softmax({x}, dim=-1)"),
)
_STATEMENTS = (
    *("x = {e}", "x = {e}", "x = {e}", "x = x + {e}", "y = {e}\nx = y * 0.5", "x = {e}  # why\n# more"),
    *("if self.flag:\n    x = {e}\nelse:\n    x = {f}", "if self.training:\n    x = {e}", "x = (\n    {e}  # in\n)"),
    *("for _ in range(2):\n    x = {e}", "x = sum([{e} for _ in range(2)])", "g = lambda x: {e}\nx = g(x)"),
    *("def inner(x):\n    return {e}\n\nx = inner(x)", "try:\n    x = {e}\nexcept AttributeError:\n    pass"),
    *("with torch.no_grad():\n    y = {e}\nx = x + y", "self.p = self.p * 0.9\nx = {e}", "F = x\nx = F + 1"),
    *("x = x + {e}.detach()", "x = x if self.drop is None else self.drop(x)", "{e}", "x, y = {e}, {f}\nx = x + y"),
    *("x = {e}; x = {f}", "return {e}", "assert (x := {e}) is not None", "x = self.features(x)"),
    *("x = getattr(self, 'act')(x)", "x = x + len(str(self.act))", "self.last = {e}\nx = self.last"),
    "global K\nx = {e}",
    *("p = 0.3\nx = F.dropout(x, p, self.training)", "k = self.k\nx = F.softplus(x, k)"),
    *("for act in [F.relu, F.silu]:\n    x = act(x)", "x = {{'r': F.relu, 's': F.silu}}['r'](x)"),
    *("x = (self.act if self.flag else F.relu)(x)", "x = F.relu(x) if self.flag else {e}"),
    *("while self.flag:\n    x = {e}\n    break", "del self.junk; self.junk = 1; x = {e}", "x = x.clone(); F.relu_(x)"),
    *("F.relu(x, inplace=True)\nx = x + 1", "if not isinstance(self.act, nn.ReLU):\n    x = {e}"),
    *("x = x + sum(q.numel() for q in self.parameters())", "x = x + len(self.state_dict())"),
)
_WALKS = (
    *("for m in self.children():\n    x = m(x)", "x = x + len(list(self.children()))", "x = x + len(self._modules)"),
    *("x = x + len(list(self.modules()))", "x = x + sum(isinstance(m, nn.ReLU) for m in self.modules())"),
    "for n, m in self.named_children():\n    if isinstance(m, nn.Linear):\n        x = m(x)",
    *("x = x + int(hasattr(self, 'relu'))", "x = list(self.children())[-1](x)"),
    "x = nn.Sequential(*self.children())(x)",
    "x = x + len([m for m in self.modules() if isinstance(m, (nn.Linear, nn.Dropout))])",
)
_SUPER = (
    *("super().__init__()", "super().__init__()", "super().__init__()", "super({name}, self).__init__()"),
    *("nn.Module.__init__(self)", "self.p = p\nsuper().__init__()", "if True:\n    super().__init__()"),
    "super().__init__()\nif act is None:\n    act = None",
)
_SUPER_OF_SUBCLASSES = (
    *("super().__init__(p, k, flag, act)", "super().__init__()", "nn.Module.__init__(self)\nself.p, self.k = p, k"),
)
_PLAIN = "self.p = p\nself.k = k\nself.flag = flag\nself.slope = 0.1\nself.dim = -1\nself.lin = nn.Linear(4, 4)"
_SUBMODULES = "self.act = nn.ReLU()\nself.drop = nn.Dropout(p)\nself.sub = nn.Tanh()\nself.fn = torch.tanh"
_WEIGHTS = (
    "self.weight = nn.Parameter(torch.randn(4, 4))\nself.bias = nn.Parameter(torch.zeros(4))\n"
    "self.slopes = nn.Parameter(torch.full((1,), 0.25))\nself.register_buffer('mean', torch.zeros(4))\n"
    "self.register_buffer('var', torch.ones(4))"
)
_CONSTRUCTORS = (
    *("nn.LeakyReLU(self.slope)", "nn.Dropout(p * 0.5)", "nn.Dropout(p=p, inplace=True)", "nn.Softmax(dim=-1)"),
    *("nn.Threshold(0.1, p)", "nn.Softplus(k)", "nn.LayerNorm(4, elementwise_affine=False)", "nn.Hardtanh(-p, p)"),
    *("nn.ReLU(True)", "nn.RReLU()", "nn.Identity()", "nn.AlphaDropout(self.p)", "nn.GELU()", "nn.ELU(alpha=K)"),
    *("nn.MaxPool1d(k, 1)", "nn.AvgPool1d(K, stride=1, padding=1)", "nn.Flatten()", "nn.ConstantPad1d((1, -1), p)"),
    *("nn.Linear(4, 4)", "nn.LayerNorm(4)", "nn.PReLU()", "nn.BatchNorm1d(4)", "nn.Sequential(nn.ReLU())"),
    *("nn.ReLU() if flag else nn.SiLU()", "self.act", "F.relu", "nn.Softmax(self.dim)", "nn.CELU(K, k > 5)"),
)
"""What the attributes ``net0``, ``net1``, ``sub0`` ... are."""
_SETTINGS = "self.cfg = {'p': 0.2}\nself.ps = [0.1]\nself.rate = 0.3\nself.junk = 1"
_IN_INIT = (
    *("self.relu = True", "self.dropout = p", "self.softmax = nn.Softmax(-1)", "self.act = F.relu"),
    "self.act2 = self.act",
    *("self.act = nn.ReLU(inplace=True)", "self.act = act or nn.SiLU()"),
    "self.drop = nn.Dropout(p) if p > 0 else None",
    "if p > 0.1:\n    self.drop = nn.Dropout(p)\nelse:\n    self.drop = nn.Identity()",
    *("self.fn = lambda v: F.relu(v)", "self.sub = nn.Sequential(nn.Linear(4, 4), nn.ReLU())", "self.rr = nn.RReLU()"),
    *("self.add_module('relu', nn.LeakyReLU(0.3))", "self.register_module('dropout', nn.Dropout(p))"),
    *("for i in range(2):\n    setattr(self, f'relu{i}', nn.ELU())", "self.eval()", "self.train(False)", "F = None"),
    "self.apply(lambda m: m.register_forward_hook(lambda m, i, o: o * 1.0))",
    "for m in self.modules():\n    if isinstance(m, nn.Linear):\n        nn.init.ones_(m.weight)",
    "for m in self.modules():\n    if isinstance(m, nn.ReLU):\n        m.inplace = False",
    *("self.count = len(list(self.modules()))", "self.out = self.forward(torch.ones(1, 4)).shape[-1]", "self.build()"),
    *("if not act:\n    return", "super().__init__()", "self.p = p\nself.p = p / 2", "if self.flag:\n    self.p = 0.7"),
    *("self.rate = p", "self.cfg['p'] = 0.6", "self.ps.append(1)", "self.ps[0] = 0.3", "p = 0.9"),
    "k = k + 1\nself.k = k",
    *("self.weight = nn.Parameter(torch.ones(4, 4) / 2)", "nn.init.constant_(self.weight, 0.3)", "self.last = None"),
    *("torch.manual_seed(3)", "self.relus = nn.ModuleList([nn.ReLU() for _ in range(2)])", "self.__dict__['relu'] = 3"),
    *("self.extra = F.relu(torch.ones(1)).item()", "nn.Module.__init__(self)", "self.drop.p = 0.8", "self.drop.eval()"),
    *("self.act.inplace = True", "object.__setattr__(self, 'relu', 4)"),
)
_MEMBERS = (
    *("def helper(self, x):\n    return F.relu(x) + 1", "@staticmethod\ndef helper(x):\n    return F.relu(x)"),
    "def helper(self, v):\n    return F.dropout(v, self.p, self.training)",
    "@classmethod\ndef helper(cls, x):\n    return F.relu(x)",
    "@torch.no_grad()\ndef helper(self, x):\n    return {e}",
    *("def helper(self, x, act=F.relu):\n    return act(x)", "def helper(this, x):\n    return F.relu(x)"),
    *("def helper(self, x):\n    self = x\n    return F.relu(self)", "@property\ndef relu(self):\n    return 3"),
    *("def softmax(self, x):\n    return F.softmax(x, dim=-1)", "rate = 0.4", "P = 0.35", "relu = 5"),
    "def build(self):\n    self.built = nn.Linear(4, 4)",
    "def build(self):\n    self.built = self.helper(torch.ones(1, 4)).sum().item()",
    "def features(self, x):\n    return F.relu(F.dropout(x, self.p, self.training))",
    "def train(self, mode=True):\n    super().train(mode)\n"
    "    for m in self.children():\n        m.eval()\n    return self",
    "def train(self, mode=True):\n    return super().train(mode)",
    "def __getattr__(self, name):\n    return 3 if name == 'ghost' else super().__getattr__(name)",
    "def __setattr__(self, name, value):\n    super().__setattr__(name, value)",
    "@property\ndef rate(self):\n    return 0.3 if self.training else 0.2",
    *("def set_p(self, p):\n    self.p = p", "def sub(self, x):\n    return {e}"),
    "def extra_repr(self):\n    return 'a'",
    *("def children(self):\n    return iter(())", "def _apply(self, fn):\n    return super()._apply(fn)"),
    "def reset(self):\n    for m in self.children():\n"
    "        if hasattr(m, 'reset_parameters'):\n            m.reset_parameters()",
)
_HEADS = (
    *("def forward(self, x):", "def forward(self, x, *args):", "def forward(self, x, y=None):"),
    "def forward(self, x: torch.Tensor) -> torch.Tensor:",
)
_ENDS = ("return x", "return x", "return super().forward(x)", "return F.relu(super().forward(x))")
_FROM_OUTSIDE = (
    *("net.p = 0.9", "net.relu = 4", "net.dropout = None", "net.k = 2", "net.slope = 0.7", "setattr(net, 'p', 0.8)"),
    *("net.eval(); net.training = True", "net.set_p(0.7) if hasattr(net, 'set_p') else None", "net.act = nn.Tanh()"),
    "for m in net.modules():\n    if isinstance(m, nn.Dropout):\n        m.p = 0.9",
    "for m in net.modules():\n    if isinstance(m, nn.ReLU):\n        m.register_forward_hook(lambda m, i, o: o + 1)",
    *("print(len(list(net.children())))", "print(hasattr(net, 'relu'))", "print(net.act)", "net = copy.deepcopy(net)"),
    "print(len([m for m in net.modules() if isinstance(m, nn.Linear)]))",
    *("net.drop = nn.Identity()", "net.drop.p = 0.1", "net = pickle.loads(pickle.dumps(net))", "model.Net.p = 0.2"),
    *("model.K = 5", "net.apply(lambda m: setattr(m, 'training', False) if isinstance(m, nn.Linear) else None)"),
    *("print(type(list(net.children())[-1]).__name__)", "net.lin = nn.Linear(4, 4)", "del net.act"),
    *("net._modules.clear()", "model.Net.helper = lambda self, x: x", "model.Net.forward = lambda self, x: x"),
    *("net.act.eval()", "net.cfg['p'] = 0.8", "net.ps[0] = 0.9", "net.half(); net.float()"),
    "net.requires_grad_(False)",
    "list(net.children())[-1].register_forward_hook(lambda m, i, o: o + 1)",
    *("net.weight = nn.Parameter(torch.ones(4, 4))", "net.load_state_dict(net.state_dict())"),
    "def go(m):\n    for c in m.children():\n        go(c)\n        c.eval()\n\ngo(net)",
)
_ARGUMENTS = ("()", "()", "(0.3)", "(0.3, 3)", "(p=0.2, flag=False)", "(0.2, act=nn.Tanh())")
_SCRIPT = """\
import copy, pickle
import torch
import torch.nn as nn
import model
{far}
BUILDS = [{builds}]


def told(v):
    return (tuple(v.shape), str(v.dtype), repr(v.tolist())) if isinstance(v, torch.Tensor) else type(v).__name__


def run(net):
    x = torch.randn(3, 4, requires_grad=True)
    out = net(x * 1)
    print(told(out))
    if isinstance(out, torch.Tensor) and out.requires_grad:
        net.zero_grad()
        out.sum().backward()
        print(told(x.grad), sorted(str(told(q.grad)) for q in net.parameters()))


def main(with_keys):
    torch.manual_seed(0)
    for build in BUILDS:
        try:
            net = build()
{changes}
        except Exception as error:
            print(type(error).__name__, str(error)[:60])
            continue
        for mode in (True, False, True):
            if {switches}:
                net.train(mode)
            try:
                run(net)
            except Exception as error:
                print(type(error).__name__, str(error)[:60])
        print(torch.rand(1).item())
        if with_keys:
            print([told(b) for b in net.buffers()], list(net.state_dict()))
"""


class _Draw:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.held: list[str] = []

    def one(self, forms: tuple[str, ...]) -> str:
        return self.random.choice(forms)

    def some(self, forms: tuple[str, ...], counts: tuple[int, ...]) -> list[str]:
        return [self.one(forms) for _ in range(self.random.choice(counts))]

    def happens(self, probability: float) -> bool:
        return self.random.random() < probability

    def expression(self) -> str:
        text = "x"
        for form in self.some(_EXPRESSIONS, (1, 1, 1, 2, 2, 3)):
            if self.held and self.happens(0.3):
                form = f"self.{self.random.choice(self.held)}({{x}})"
            text = form.format(x=text, r=self.one(_RATES[:3] if self.happens(0.6) else _RATES))
        return text

    def statement(self) -> str:
        form = self.one(_WALKS if self.happens(0.04) else _STATEMENTS)
        return form.format(e=self.expression(), f=self.expression())

    def init(self, name: str, is_subclass: bool) -> str:
        if is_subclass and self.happens(0.7):
            parts = [self.one(_SUPER_OF_SUBCLASSES)]
        else:
            parts = [self.one(_SUPER).format(name=name), _PLAIN]
            parts += [part for part in (_SUBMODULES, _WEIGHTS, _SETTINGS) if self.happens(0.9)]
        constructors = self.some(_CONSTRUCTORS, (0, 1, 2, 3))
        held = [f"{name.lower()}{i}" for i in range(len(constructors))]
        parts += [f"self.{attribute} = {made}" for attribute, made in zip(held, constructors, strict=True)]
        self.held += held
        parts += self.some(_IN_INIT, (0, 0, 0, 1, 1, 2))
        if self.happens(0.05):
            self.random.shuffle(parts)
        return "def __init__(self, p=0.5, k=2, flag=True, act=None):\n" + _indented("\n".join(parts), 1)

    def forward(self, is_subclass: bool) -> str:
        body = [self.statement() for _ in range(self.random.choice((1, 2, 2, 3)))]
        end = self.one(_ENDS) if is_subclass else "return x"
        return self.one(_HEADS) + "\n" + _indented("\n".join([*body, end]), 1)

    def module_class(self, name: str, bases: str) -> str:
        is_subclass = "nn.Module" not in bases
        members = [self.init(name, is_subclass)] if self.happens(0.4 if is_subclass else 0.95) else []
        members += [member.format(e=self.expression()) for member in self.some(_MEMBERS, (0, 1, 1, 2))]
        if not is_subclass or self.happens(0.6):
            members.append(self.forward(is_subclass))
        return f"\n\nclass {name}({bases}):\n" + _indented("\n\n".join(members) or "pass", 1)

    def program(self) -> dict[str, str]:
        head = self.one(_IMPORTS) + "\n" + self.one(_GLOBALS)
        has_mixin = "class Mix" in head and self.happens(0.7)
        source = head + self.module_class("Net", "Mix, nn.Module" if has_mixin else "nn.Module")
        names, far = ["model.Net"], ""
        if self.happens(0.5):
            names.append("model.Sub")
            source += self.module_class("Sub", self.one(("Net", "Net", "Net", "nn.Sequential", "nn.ModuleList")))
        if self.happens(0.4):
            names.append("Far")
            star = self.one(("from model import Net, F, nn, torch\n", "from model import *\n"))
            far = star + self.module_class("Far", "Net")
        if self.happens(0.2):
            source += "\n\n__all__ = ['Net', 'F', 'nn', 'torch']\n"
        arguments = self.one(_ARGUMENTS)
        builds = [f"lambda: {name}{arguments}" for name in names]
        if self.happens(0.2):
            builds.append(f"lambda: nn.Sequential(model.Net{arguments}, nn.ReLU())")
        changes = "\n".join(self.some(_FROM_OUTSIDE, (0, 0, 0, 1, 1))) or "pass"
        script = _SCRIPT.format(
            far=far, builds=", ".join(builds), changes=_indented(changes, 3), switches=self.happens(0.8)
        )
        return {"model.py": source, "main.py": script}


def program(seed: int) -> dict[str, str]:
    """Name of each file -> its text; the script is ``main.py``. Some do not compile (``global K`` after its use)."""
    return _Draw(seed).program()


def compiles(files: Mapping[str, str]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for name, text in files.items():
                compile(text, name, "exec")
        except SyntaxError:
            return False
    return True


def printed(folder: Path, *, with_keys: bool = True) -> str:
    """What the program in a folder prints in this process. ``with_keys``: the names of its state, too."""
    out = io.StringIO()
    sys.path.insert(0, str(folder))
    try:
        with redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ("model", "main"):
                path = folder / f"{name}.py"
                sys.modules[name] = module = types.ModuleType(name)
                exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
            sys.modules["main"].main(with_keys)
    finally:
        sys.path.remove(str(folder))
        for name in ("model", "main"):
            sys.modules.pop(name, None)
    return out.getvalue()


def _indented(text: str, levels: int) -> str:
    return textwrap.indent(text, "    " * levels) + "\n"
