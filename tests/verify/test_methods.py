"""Converted call sites in methods that forward does not call."""

from __future__ import annotations

from nnconvert.verification import Evidence, Expected, Limits, ModuleCall

from .checking import HEAD, Check

CODER = (
    HEAD
    + """\
class Coder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(16, 4)
        self.up = nn.Linear(4, 16)

    def forward(self, x):
        return self.up(self.down(x))

    def encode(self, x):
        return F.relu(self.down(x))

    def sample(self, z, *, scale=1.0):
        return torch.sigmoid(self.up(z)) * scale

    def give_up(self, x):
        raise NotImplementedError(F.relu(x))
"""
)
SITES = (("relu1", "F.relu", "ReLU", 15), ("sigmoid", "torch.sigmoid", "Sigmoid", 18), ("relu2", "F.relu", "ReLU", 21))


def converted(check: Check, sigmoid: str = "nn.Sigmoid()") -> Evidence:
    new, submodules = CODER, {"relu1": "nn.ReLU()", "sigmoid": sigmoid, "relu2": "nn.ReLU()"}
    for name, spelled, *_ in SITES:
        new = new.replace(f"{spelled}(", f"self.{name}(", 1)
    lines = "".join(f"        self.{name} = {text}\n" for name, text in submodules.items())
    new = new.replace("        self.up = nn.Linear(4, 16)\n", f"        self.up = nn.Linear(4, 16)\n{lines}")
    gained = tuple(ModuleCall(name, module, line) for name, _, module, line in SITES)
    planned = Expected("Coder", tuple(submodules.items()), gained=gained)
    return check.one(CODER, new, planned, limits=Limits(time=60))


def test_methods_are_called_and_the_evidence_says_so(check: Check) -> None:
    evidence = converted(check)
    assert (evidence.verdict, evidence.reason) == ("tested", "")
    assert [call.partition("(")[0] for call in evidence.methods] == ["encode", "sample"]
    assert "torch.randn(" in evidence.methods[1]
    assert evidence.unreached == ("relu2",)
    assert evidence.not_proved == "no converted call site is in the graph of forward"


def test_a_difference_in_a_method_is_found(check: Check) -> None:
    evidence = converted(check, sigmoid="nn.Hardsigmoid()")
    assert evidence.verdict == "differs"
    assert any(d.startswith("train, sample(): output: ") for d in evidence.differences), evidence
