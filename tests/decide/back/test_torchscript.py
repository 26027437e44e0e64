"""Rule 21 in reverse: what compiled with torch.jit.script still compiles, and gives the same."""

from __future__ import annotations

import pytest
import torch
from tests.decide.back import BACK, source
from tests.helpers import convert, load, run

pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = "torch.randn(2, 4, 6, 6)"
SCRIPTED = {
    "relu": ("nn.ReLU()", "", {}),
    "in place": ("nn.ReLU(inplace=True)", "", {}),
    "dropout": ("nn.Dropout(0.5)", "", {}),
    "dropout from init": ("nn.Dropout(k)", "0.5", {"args": "k: float"}),
    "a global": ("nn.Dropout(P)", "", {"before": "P = 0.25"}),
    "a global that is computed with": ("nn.LeakyReLU(P / 2)", "", {"before": "P = 0.25"}),
    "a class attribute": ("nn.Dropout(self.P)", "", {"body": "P = 0.25"}),
    "math": ("nn.LeakyReLU(math.pi / 8)", "", {}),
    "softmax": ("nn.Softmax(dim=k)", "1", {"args": "k"}),
    "gelu": ("nn.GELU(k)", "'tanh'", {"args": "k"}),
    "pooling": ("nn.MaxPool2d(k)", "2", {"args": "k"}),
    "pooling with a tuple": ("nn.AvgPool2d(k, stride=1)", "(2, 2)", {"args": "k"}),
    "flatten": ("nn.Flatten(k)", "2", {"args": "k"}),
    "unflatten": ("nn.Unflatten(1, (2, 2))", "", {}),
    "padding": ("nn.ReflectionPad2d(k)", "1", {"args": "k"}),
    "padding with a global": ("nn.ReflectionPad2d(P)", "", {"before": "P = 1"}),
    "padding with an annotated number": ("nn.ReplicationPad2d(k)", "1", {"args": "k: int"}),
    "upsampling to a size": ("nn.Upsample(size=k)", "(9, 7)", {"args": "k"}),
    "upsampling by a number": ("nn.Upsample(scale_factor=2)", "", {}),
    "upsampling by a tuple": ("nn.Upsample(scale_factor=(2, 3))", "", {}),
    "upsampling by a float": ("nn.Upsample(scale_factor=1.5, mode='bilinear')", "", {}),
    "layer norm": ("nn.LayerNorm(k, elementwise_affine=False)", "6", {"args": "k"}),
    "identity": ("nn.Identity()", "", {}),
}


@pytest.mark.parametrize(("constructor", "values", "parts"), SCRIPTED.values(), ids=SCRIPTED)
def test_it_still_compiles(constructor: str, values: str, parts: dict[str, str]) -> None:
    after = "def compiled(*args):\n    return torch.jit.script(Net(*args))"
    text = source(f"self.m = {constructor}", "return self.m(x)", after=after, **parts)
    result, plan = convert(text, direction=BACK)
    assert plan.converted
    old, new = (eval(f"compiled({values})", load(version)) for version in (text, result))
    for training in (True, False):
        assert run(old, IMAGE, training=training) == run(new, IMAGE, training=training)


def test_a_constant_is_stored_for_the_compiler_only() -> None:
    parts = {"before": "P = 0.25"}
    text = source("self.m = nn.Dropout(P)", "return self.m(x)", **parts)
    assert "F.dropout(x, P, training=self.training)" in convert(text, direction=BACK)[0]
    scripted = source("self.m = nn.Dropout(P)", "return self.m(x)", after="net = torch.jit.script(Net())", **parts)
    assert "self.m_p = P" in convert(scripted, direction=BACK)[0]


def test_losses_compile() -> None:
    text = source("self.loss = nn.CrossEntropyLoss(label_smoothing=k)", "return self.loss(x, x)", args="k: float")
    versions = (text, convert(text, direction=BACK)[0])
    old, new = (torch.jit.script(load(version)["Net"](0.1)) for version in versions)
    assert run(old, "torch.randn(3, 4)", training=True) == run(new, "torch.randn(3, 4)", training=True)
