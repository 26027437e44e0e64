"""Models that are too large to run: proved by their graphs, without a number of their weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from nnconvert.verification import Expected, Limits, ModuleCall

from .checking import Check, net

LARGE = Path(__file__).parent.parent / "large_transformer.py"
SIZE = 100_000
LIMITS = Limits(time=60, tracing=0)
INIT = f"self.big = nn.Linear({SIZE}, {SIZE})"
INPUTS = f"\n\ndef get_inputs():\n    return [torch.randn(2, {SIZE})]\n"
ALONE = "by the graph alone; too large to run here"


def large(init: str, forward: str) -> str:
    """A model of ten billion parameters."""
    return net(f"{INIT}\n{init}", forward) + INPUTS


def test_the_graph_alone_proves(check: Check) -> None:
    old = large(
        "self.rates = [r.item() for r in torch.linspace(0, 0.5, 3)]", "return F.relu(self.big(x)) * self.rates[1]"
    )
    new = old.replace("self.rates =", "self.relu = nn.ReLU()\n        self.rates =").replace("F.relu", "self.relu")
    gained = (ModuleCall("relu", "ReLU", 12),)
    evidence = check.one(old, new, Expected("Net", (("relu", "nn.ReLU()"),), gained=gained))
    assert (evidence.verdict, evidence.reason, evidence.unreached) == ("proved", ALONE, ()), evidence
    assert evidence.inputs == f"2x{SIZE}"


def test_a_layered_model_is_proved_with_what_it_holds(check: Check) -> None:
    old = LARGE.read_text().replace("layers=32", "layers=2").replace("dim=4096", "dim=16384").replace("11008", "22016")
    new = old.replace("F.silu(", "self.silu(").replace("self.gate =", "self.silu = nn.SiLU()\n        self.gate =")
    evidence = check.verify(old, new, Expected("LanguageModel"), Expected("FeedForward", (("silu", "nn.SiLU()"),)))
    assert [(e.verdict, e.reason) for e in evidence] == [("proved", ALONE), ("proved", "")], evidence


WRONG = {
    "steeper": ("self.n = 1", "F.leaky_relu(self.big(x), 0.1)", "self.n = 1", "F.leaky_relu(self.big(x), 0.2)",
                "aten.leaky_relu.default: negative_slope 0.1 became 0.2"),
    "filled": ("nn.init.zeros_(self.big.weight)", "self.big(x)", "nn.init.ones_(self.big.weight)", "self.big(x)",
               "its tensors are filled in another way"),
    "by value": ("self.n = torch.tensor([0.1])", "self.big(x) * self.n", "self.n = torch.tensor([0.100000009])",
                 "self.big(x) * self.n", "by its graph alone: "),
    "by kind": ("self.n = 1", "self.big(x) if type(x) is torch.Tensor else x * 2", "self.n = 1",
                "-self.big(x) if type(x) is torch.Tensor else x * 2", "takes another way through the code (line 12)"),
    "read": ("self.n = torch.rand(3).sum().item()", "self.big(x)", "self.n = 1", "self.big(x)",
             "for its graph alone: "),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_the_graph_alone_cannot_show_is_unverified(check: Check, case: tuple[str, str, str, str, str]) -> None:
    old_init, old_forward, new_init, new_forward, reason = case
    statement = "if True:\n    y = {}\nreturn y"
    old, new = large(old_init, statement.format(old_forward)), large(new_init, statement.format(new_forward))
    evidence = check.one(old, new, limits=LIMITS)
    assert evidence.verdict == "unverified", evidence
    assert reason in evidence.reason, evidence


def test_another_structure_differs(check: Check) -> None:
    old = large("self.n = 1", "return self.big(x)")
    evidence = check.one(old, large("self.more = nn.Linear(2, 2)", "return self.big(x)"), limits=LIMITS)
    assert (evidence.verdict, "state_dict keys" in evidence.reason) == ("differs", True), evidence


def test_a_new_version_that_raises_differs(check: Check) -> None:
    old = large("self.n = 1", "return self.big(x)")
    evidence = check.one(old, large("self.n = 1", "return self.big(x, y)"), limits=LIMITS)
    assert (evidence.verdict, "NameError" in evidence.reason) == ("differs", True), evidence
