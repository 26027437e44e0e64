"""Rule 21 with --parameters: what compiled with torch.jit.script still compiles, and gives the same."""

from __future__ import annotations

import pytest
import torch
from tests.decide.back import BACK
from tests.helpers import net
from tests.weights.both import build, train_alike

pytestmark = pytest.mark.filterwarnings("ignore")

IMAGE = "torch.randn(2, 4, 6, 6)"
IDS = "torch.tensor([[1, 2], [8, 0]])"
SCRIPTED = {
    "nn.Conv2d(4, 6, 3, padding=1)": ("", IMAGE),
    "nn.Conv2d(4, 6, 3, k, padding='same', bias=False)": ("1", IMAGE),
    "nn.Conv2d(4, 6, 3, stride=k, padding=s)": ("2, (1, 1)", IMAGE),
    "nn.Conv2d(4, 6, 3, padding=k)": ("'same'", IMAGE),
    "nn.Conv2d(4, 6, 3, bias=k)": ("False", IMAGE),
    "nn.Conv2d(4, 6, 3, padding=1, padding_mode='circular')": ("", IMAGE),
    "nn.ConvTranspose2d(4, 6, 3, k)": ("2", IMAGE),
    "nn.BatchNorm2d(4, momentum=0.2)": ("", IMAGE),
    "nn.BatchNorm2d(4, eps=k)": ("1e-3", IMAGE),
    "nn.BatchNorm2d(4, affine=False)": ("", IMAGE),
    "nn.BatchNorm2d(4, track_running_stats=False)": ("", IMAGE),
    "nn.LayerNorm(k)": ("6", IMAGE),
    "nn.LayerNorm((6, 6), eps=1e-6)": ("", IMAGE),
    "nn.LayerNorm(k, bias=s)": ("[6, 6], False", IMAGE),
    "nn.GroupNorm(k, 4)": ("2", IMAGE),
    "nn.Linear(6, k)": ("3", IMAGE),
    "nn.PReLU()": ("", IMAGE),
    "nn.Embedding(9, k, padding_idx=s)": ("4, 1", IDS),
    "nn.Embedding(9, 4, max_norm=1.0)": ("", IDS),
    "nn.EmbeddingBag(9, 4, mode=k)": ("'sum'", IDS),
}


@pytest.mark.parametrize(("constructor", "case"), SCRIPTED.items(), ids=SCRIPTED)
def test_it_still_compiles(constructor: str, case: tuple[str, str]) -> None:
    values, inputs = case
    args = ", ".join([name for name in ("k", "s") if f"{name})" in constructor or f"{name}," in constructor])
    source = net("return self.m(x)", init=f"self.m = {constructor}", args=args, after="def f():\n    torch.jit.script")
    both = build(source, values, direction=BACK)
    assert not list(both.new.children())
    both.old, both.new = (torch.jit.script(model) for model in (both.old, both.new))
    train_alike(both, inputs)
