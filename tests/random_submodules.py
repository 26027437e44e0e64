"""Module classes with submodules that have no state, drawn at random."""

from __future__ import annotations

from random import Random
from textwrap import indent

from hypothesis import strategies as st

RATES = (
    *("p", "p", "p", "q", "q", "rate", "0.5", "P", "self.p", "self.RATE", "p * 0.5", "max(p, q)", "P if FLAG else p"),
    *("rates[0]", "float(torch.rand(1))", "math.sqrt(q)", "0.1 + 0.2", "None or q", "(lambda: p)()"),
)
SIZES = (
    *("k", "k", "size", "size", "3", "K", "K", "self.k", "self.C", "(2 + 1)", "int(k)", "self.kernel()"),
    *("(k if q else 5)", "(len(rates) + 2)"),
)
"""Each is 3 where the submodule is built."""

FORMS = (
    "nn.ReLU()",
    "nn.ReLU(FLAG)",
    "nn.LeakyReLU({rate}, not FLAG)",
    "nn.ELU(alpha={rate})",
    "nn.Hardtanh(-1.0, max_val={rate})",
    "nn.Softplus(threshold={size})",
    "nn.RReLU(0.0, {rate})",
    "nn.Dropout({rate})",
    "nn.Dropout(inplace=not FLAG, p={rate})",
    "nn.Dropout2d()",
    "nn.AlphaDropout({rate})",
    "nn.MaxPool2d({size}, 1, {size} // 2)",
    "nn.MaxPool2d(\n    kernel_size={size},\n    stride=1,\n    padding=1,\n)",
    "nn.AvgPool2d({size}, 1, padding=1, count_include_pad=FLAG)",
    "nn.LocalResponseNorm({size})",
    "nn.LayerNorm(6, elementwise_affine=False)",
    "nn.LayerNorm([2 * {size}], elementwise_affine=False, eps=1e-3)",
    "nn.LayerNorm(2 * {size}, elementwise_affine=False)",
    "nn.Identity()",
    "nn.Identity({size}, unused=p)",
    "nn.Softmax(dim=-1)",
    "nn.Softmax(dim=1 - {size})",
    "nn.Softmax2d()",
    "nn.Upsample(scale_factor=1)",
    "nn.UpsamplingNearest2d(scale_factor=1)",
)
"""Constructors whose modules keep the shape of what they are given."""

CHANGING = (
    ("nn.Flatten()", ".unflatten(1, (2, 6, 6))"),
    ("nn.Flatten(start_dim={size} - 1)", ".unflatten(2, (6, 6))"),
    ("nn.Unflatten(1, (1, 2))", ".flatten(1, 2)"),
    ("nn.ZeroPad2d({size})", "[..., 3:-3, 3:-3]"),
    ("nn.ConstantPad2d({size}, {rate})", "[..., 1:-5, 3:-3]"),
    ("nn.ReflectionPad2d((1, 0, 1, 0))", "[..., 1:, 1:]"),
    ("nn.ReplicationPad2d({size})", "[..., 0:6, 0:6]"),
    ("nn.MaxPool2d({size}, stride=1, padding=1, return_indices=True)", "[0]"),
)
"""Others, and what brings the shape back."""

LOSSES = ("nn.MSELoss()", "nn.SmoothL1Loss(beta={rate})", "nn.L1Loss(reduction='none')", "nn.CosineSimilarity(dim=-1)")
"""Called with two inputs; what they return is added."""

CONSTRUCTORS = (*FORMS, *(constructor for constructor, _ in CHANGING), *LOSSES)

FUNCTIONALS = ("F.relu({x})", "F.dropout({x}, self.p, self.training)", "F.max_pool2d({x}, 3, 1, padding=1)")

ASSIGNMENTS = (
    "self.{name} = {value}",
    "self.{name} = {value}  # a comment",
    "self.{name} = {value}  # noqa: E501",
    "# above\nself.{name} = {value}",
    "self.{name}: nn.Module = {value}",
    "self.{name} = (  # in parentheses\n    {value}\n)",
    "self.{name} = {value}; self.number = 3",
    "self.number = 3; self.{name} = {value}",
    "self.{name} = self.other = {value}",
    "self.{name}, self.number = {value}, 3",
    "if k > 2:\n    self.{name} = {value}\nelse:\n    self.{name} = nn.Tanh()",
    "if k > 2:\n    self.{name} = {value}",
    "with torch.no_grad():\n    self.{name} = {value}",
    "self.add_module('{name}', {value})",
    "self.{name} = {value}\nself.other = self.{name}",
    "self.{name} = {value}\nself.{name}.eval()",
    "self.{name} = {value}\nself.{name}.register_forward_hook(lambda *_: None)",
    "self.{name} = nn.Sequential({value})",
    "self.{name} = {value}\nself.shape = self.{name}(torch.ones(2, 2, 6, 6))[0].shape",
)
"""The first ones are drawn more often, the last two are only for what takes one input."""

HELD = ("self.held = p", "self.held_size = size", "self.held = q", "self.kept = rate", "self.act_p = self.drop1_p = q")
CHANGED = (
    "p = p * 0.5",
    "p += 0.1",
    "k, size = size, k",
    "rate = q",
    "if FLAG:\n    q = 0.2",
    "for q in (0.1, 0.2):\n    pass",
)
OTHERS = (
    "self.conv = nn.Conv2d(2, 2, 1)",
    "rates.append(q)\nrates.pop(0)",
    "def later():\n    return p, q",
    "# a line for itself",
)
"""Statements of ``__init__`` between the submodules."""

BEGINNINGS = (
    "y = x",
    "y = x",
    "y, K, P, FLAG = x, 5, 0.9, False",
    "y = x\nq = p = rate = 0.9\nk = size = 5",
    "y = x\nself.k, self.p = 5, 0.9",
    "y = x\nself.held, self.held_size, self.kept = 0.9, 5, 0.9",
)
"""Of forward. The settings of a submodule do not change with names that stood for them in ``__init__``."""

STATEMENTS = (
    "{target} = {e}",
    "{target} = {e} + {f}",
    "{target} = {e}  # a comment",
    "{target} = self.helper({e}, {f})",
    "if x.sum() > 0:\n    {target} = {e}\nelse:\n    {target} = {f}",
    "for _ in range(2):\n    {target} = {e}",
    "while x.sum() > 1000:\n    x = {e} * 0\n    break",
    "{target} = sum([{e} for _ in range(2)])",
    "{target} = (lambda v: {g})({e})",
    "def inner(v):\n    return {g}\n{target} = inner({e})",
    "{target} = {e} if self.training else {f}",
    "try:\n    {target} = {e}\nfinally:\n    y = {f}",
    "{target} = (\n    {e}  # inside\n    + 1\n)",
    "{target} = {e} \\\n    + 1",
    "{e}",
    "{target} += {e}; y = {f}",
    "{target}: torch.Tensor = -{e} ** 2",
    "x, {target} = {e}, {f}",
    "{target} = (z := {e}) + z",
    "assert {e} is not None, f'{{x}}'",
    "{target} = [{e}, {f}][1].clone()",
    "{target} = (lambda K, P: {e})(7, 0.9)",
)

INITS = (
    "    def __init__(self, q):\n        super().__init__(q)\n",
    "    def __init__(self, q, k=3, p: float = 0.5):\n        super().__init__(q, k, p)\n",
    "    def __init__(self, q, k=3, p: float = 0.5):\n        super(Sub, self).__init__(q, k=k, p=p)\n        # kept\n",
)
"""Of the subclass; the second does nothing by itself."""


def sources() -> st.SearchStrategy[str]:
    """Files with ``Net`` and ``Sub``, which derives from it; both are built with a rate.

    Drawn by their number: hypothesis would rather vary what it has drawn before.
    """
    return st.integers(0, 2**64 - 1).map(lambda number: _source(Random(number)))


def _source(random: Random) -> str:
    init: list[str] = []
    calls: list[str] = []
    between = random.choice((HELD, HELD + OTHERS, HELD + CHANGED, HELD + CHANGED + OTHERS))
    for number in range(random.randint(2, 6)):
        init += random.sample(between, random.randint(0, 2))
        name = random.choice(("act", "drop", "relu")) + str(number or "")
        value, call = _constructor(random)
        style = random.choice(
            ASSIGNMENTS[: -2 if "detach" in call else None] if random.random() < 0.2 else ASSIGNMENTS[:2]
        )
        init.append(style.format(name=name, value=value))
        calls.append(call.replace("self.m", f"self.{name}"))
    init += random.sample(between, random.randint(0, 2))
    once = [f"y = {call.format(x='x')}" for call in calls]
    others = random.choice(((), (), FUNCTIONALS))
    several = [_statement(random, [*calls, *others]) for _ in range(random.randint(1, 3))]
    last = _statement(random, [*random.choice(([], [], [], calls)), "self.last({x})"])
    net = _net(init, _expression(random, calls, "v"), [random.choice(BEGINNINGS), *once, *several])
    return random.choice(HEADERS) + _styled(net + _sub(random.choice(INITS), last), random)


def _constructor(random: Random) -> tuple[str, str]:
    """The text, and how the module is called: ``self.m({x})[0]``."""
    value, call = random.choice(FORMS), "self.m({x})"
    kind = random.random()
    if kind < 0.2:
        value, behind = random.choice(CHANGING)
        call += behind
    elif kind < 0.3:
        value = random.choice(LOSSES)
        call = "(y + self.m({x}, y.detach()).mean())"
    elif kind < 0.4 and "LayerNorm" not in value:
        call = "self.m(input={x})"
    return value.format(rate=random.choice(RATES), size=random.choice(SIZES)), call


def _expression(random: Random, calls: list[str], variable: str) -> str:
    text = variable
    for call in random.choices(calls, k=random.randint(1, 3)):
        text = call.format(x=text)
    return text


def _statement(random: Random, calls: list[str]) -> str:
    return random.choice(STATEMENTS).format(
        target=random.choice("xy"),
        e=_expression(random, calls, "x"),
        f=_expression(random, calls, random.choice("xy")),
        g=_expression(random, calls, "v"),
    )


def _styled(text: str, random: Random) -> str:
    """Perhaps with another name for self, or tabs."""
    name, unit = random.choice(("self", "self", "this")), random.choice(("    ", "    ", "\t"))
    return text.replace("self", name).replace("    ", unit)


def _net(init: list[str], helper: str, forward: list[str]) -> str:
    first = ["super().__init__()", "self.k = k", "self.p = p", "rate = q / 2", "rates = [q]", "size = 3"]
    return BODY + "\n".join(
        (
            _method("__init__(self, q, k=3, p: float = 0.5)", [*first, *init]),
            _method("kernel(self)", ["return 3"]),
            _method("helper(self, v, y)", [f"return {helper}"]),
            _method("forward(self, x)", [*forward, "return x, y"]),
        )
    )


def _sub(init: str, last: str) -> str:
    forward = _method("forward(self, x)", ["x, y = super().forward(x)", last, "return self.last(x), y"])
    return f"\n\nclass Sub(Net):\n{init}        self.last = nn.ReLU()\n\n{forward}"


def _method(header: str, body: list[str]) -> str:
    return f"    def {header}:\n" + indent("\n".join(body) + "\n", " " * 8)


HEADERS = (
    "import math\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n",
    "import math\n\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport torch\n",
    "import math, torch, torch.nn as nn, torch.nn.functional as F\n",
)
BODY = """
K = 3
P = 0.25
FLAG = True


class Net(nn.Module):
    C = 3
    RATE = 0.4

"""
