"""Module classes drawn at random: whatever converts passes the checks and executes the same, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import random_submodules
from tests.helpers import convert, executes_the_same, net
from tests.round_trip import execute_the_same, functionals_come_back, submodules_come_back

SETTINGS = ("self.k", "K", "2 + 1", "self.k if FLAG else 3", "int(self.half * 2)", "self.C", "k")
RATES = ("0.5", "self.p", "P", "self.p * 0.5", "p")
ACTS = ("nn.SiLU()", "torch.tanh", "F.gelu")

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
    "F.max_pool2d({x}, {k}, stride=1, padding=({k}) // 2)",
    "F.avg_pool2d(\n            {x},  # in\n            {k},  # kernel\n            1, ({k}) // 2,\n        )",
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
def expressions(draw: st.DrawFn, variable: str = "x", comes_back: bool = False) -> str:
    text = variable
    for _ in range(draw(st.integers(0, 3))):
        form = draw(st.sampled_from(UNARY))
        k = draw(st.sampled_from(SETTINGS[:-1] if comes_back else SETTINGS))
        rate = draw(st.sampled_from(RATES[:-1] if comes_back else RATES))
        text = form.format(x=text, k=k, rate=rate)
    return text


@st.composite
def sources(draw: st.DrawFn, comes_back: bool = False) -> str:
    """``comes_back``: nothing that has another form after there and back.

    A local that stands for a constant is written out then, and a functional held on self is called itself.
    """
    lines = [
        draw(st.sampled_from(STATEMENTS)).format(
            target=draw(st.sampled_from(("x", "y"))),
            e=draw(expressions("x", comes_back)),
            f=draw(expressions(draw(st.sampled_from(("x", "y"))), comes_back)),
            g=draw(expressions("v", comes_back)),
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    act = draw(st.sampled_from(ACTS[:1] if comes_back else ACTS))
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


_INPUTS = "torch.randn(2, 2, 6, 6)"
_moderately = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@_moderately
@given(sources(), st.sampled_from(({}, {"share": True}, {"split_shared": True})))
def test_what_converts_does_the_same(source: str, options: dict[str, Any]) -> None:
    _, plan = convert(source, **options)
    if plan.converted:
        executes_the_same(source, "Net", inputs=_INPUTS, **options)


@_moderately
@given(sources(comes_back=True), st.booleans())
def test_functionals_come_back(source: str, share: bool) -> None:
    trip = functionals_come_back(source, share=share)
    execute_the_same(trip.texts, "Net", "", _INPUTS)


@_moderately
@given(random_submodules.sources(), st.booleans())
def test_submodules_come_back(source: str, share: bool) -> None:
    trip = submodules_come_back(source, reasons=_STAYS, share=share)
    for name in ("Net", "Sub"):
        execute_the_same(trip.texts, name, "0.3", _INPUTS)


_STAYS = {
    "NNC107": "a call in __init__ runs once",
    "NNC208": "the constructor checks a value that is not known here",
    "NNC211": "how many numbers a padding has is not known here",
}
"""Why a functional that was a submodule does not become one again."""


@settings(_moderately, max_examples=30)
@given(random_submodules.sources(), st.booleans())
def test_functionals_beside_submodules_come_back(source: str, share: bool) -> None:
    execute_the_same(functionals_come_back(source, share=share).texts, "Sub", "0.3", _INPUTS)


@pytest.mark.parametrize("constructor", random_submodules.CONSTRUCTORS)
@pytest.mark.parametrize(("rate", "size"), [("0.5", "3"), ("p", "k")])
def test_each_constructor_of_the_grammar_converts_both_ways(constructor: str, rate: str, size: str) -> None:
    """So that the random tests are about conversions."""
    init = f"self.m = {constructor.format(rate=rate, size=size)}"
    arguments = "x, x" if constructor in random_submodules.LOSSES else "x"
    source = net(f"return self.m({arguments})", init=init, args="k: int, p: float", before="FLAG = True")
    trip = submodules_come_back(source, reasons=("NNC208", "NNC211"))
    assert len(trip.plan.retired) == 1
    execute_the_same(trip.texts, "Net", "3, 0.5", _INPUTS)


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
