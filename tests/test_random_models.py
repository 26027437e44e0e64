"""Module classes drawn at random: whatever converts passes the checks and executes the same, bit for bit."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.helpers import convert, executes_the_same

SETTINGS = ("self.k", "K", "k", "2 + 1", "self.k if FLAG else 3", "int(self.half * 2)", "self.C")
RATES = ("0.5", "self.p", "P", "p", "self.p * 0.5")

UNARY = (
    "F.relu({x})",
    "F.relu(input={x})",
    "torch.relu({x})",
    "F.relu({x}, inplace=False)",
    "nn.ReLU()({x})",
    "F.leaky_relu({x}, {rate})",
    "F.elu(alpha={rate}, input={x})",
    "F.softplus({x}, threshold={k})",
    "F.hardtanh({x}, -1., {k})",
    "F.dropout({x}, {rate}, self.training)",
    "F.dropout({x}, p={rate}, training=self.training)",
    "F.dropout2d(training=self.training, input={x})",
    "F.alpha_dropout({x}, training=self.training)",
    "F.max_pool2d({x}, {k}, stride=1, padding={k} // 2)",
    "F.avg_pool2d(\n            {x},  # in\n            {k},  # kernel\n            1, {k} // 2,\n        )",
    "F.pad({x}, (1, -1, -1, 1))",
    "F.pad({x}, (1, -1), mode='constant', value={rate})",
    "F.softmax({x}, dim=-1)",
    "torch.log_softmax({x}, 1)",
    "F.interpolate({x}, scale_factor=1, mode='nearest')",
    "F.local_response_norm({x}, {k})",
    "self.act({x})",
    "self.conv({x})",
)
STATEMENTS = (
    "{target} = {e}",
    "{target} = {e} + {f}",
    "{target} = {e}  # a comment",
    "if x.sum() > 0:\n            {target} = {e}\n        else:\n            {target} = {f}",
    "for _ in range(2):\n            {target} = {e}",
    "{target} = sum([{e} for _ in range(2)])",
    "{target} = (lambda v: {g})({e})",
    "{target} = {e} if self.training else {f}",
    "{e}",
    "x, {target} = {e}, {f}",
)


@st.composite
def expressions(draw: st.DrawFn, variable: str = "x") -> str:
    text = variable
    for _ in range(draw(st.integers(0, 3))):
        form = draw(st.sampled_from(UNARY))
        k, rate = draw(st.sampled_from(SETTINGS)), draw(st.sampled_from(RATES))
        text = form.format(x=text, k=k, rate=rate)
    return text


@st.composite
def sources(draw: st.DrawFn) -> str:
    lines = [
        draw(st.sampled_from(STATEMENTS)).format(
            target=draw(st.sampled_from(("x", "y"))),
            e=draw(expressions()),
            f=draw(expressions(draw(st.sampled_from(("x", "y"))))),
            g=draw(expressions("v")),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    act = draw(st.sampled_from(("F.gelu", "nn.SiLU()", "torch.tanh")))
    own = draw(st.sampled_from(("", "        self.relu = 3\n", "        self.dropout = self.p\n")))
    return (
        "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\nK = 3\nP = 0.25\nFLAG = True\n\n\n"
        "class Net(nn.Module):\n    C = 3\n\n    def __init__(self, k=3, p=0.5):\n        super().__init__()\n"
        "        self.k = k\n        self.half = k / 2\n        self.p = p\n        self.conv = nn.Conv2d(2, 2, 1)\n"
        f"        self.act = {act}\n{own}\n    def forward(self, x):\n"
        "        k = self.k\n        p = 0.1\n        y = x\n"
        + "".join(f"        {line}\n" for line in lines)
        + "        return x, y\n"
    )


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sources(), st.sampled_from(({}, {"share": True}, {"split_shared": True})))
def test_what_converts_does_the_same(source: str, options: dict[str, bool]) -> None:
    _, plan = convert(source, **options)
    if plan.converted:
        executes_the_same(source, "Net", inputs="torch.randn(2, 2, 6, 6)", **options)


def test_nothing_of_the_grammar_is_left_without_a_reason() -> None:
    """Each form on its own converts, so that the random test is about conversions.

    But for Hardtanh, whose constructor refuses bounds that the source does not tell, and what holds no functional.
    """
    for form in (form for form in UNARY if "hardtanh" not in form and not form.startswith("self.")):
        for k in SETTINGS:
            text = form.format(x="x", k=k, rate="self.p")
            source = (
                "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\nK = 3\nFLAG = True\n\n\n"
                "class Net(nn.Module):\n    C = 3\n\n    def __init__(self, k: int = 3, p=0.5):\n"
                "        super().__init__()\n        self.k = k\n        self.half = k / 2\n        self.p = p\n\n"
                f"    def forward(self, x):\n        k = self.k\n        return {text}\n"
            )
            _, plan = convert(source)
            assert len(plan.converted) == 1, (text, [d.outcome for d in plan.left])
