"""Which call sites of the old version's submodules ran is measured, and what did not run is named."""

from __future__ import annotations

import pytest

from nnconvert.verification import Expected, ModuleCall

from .checking import HEAD, Check, calls_of, net

NOTHING = "self.n = 1"
NEVER = "x.dim() == 9"
SPOT = ModuleCall("", "ReLU", 10)
BUILT_ON_THE_SPOT = """\
class Net(nn.Module):
    def forward(self, x):
        y = nn.ReLU()(x) if CONDITION else nn.ELU()(x)
        return nn.GELU(
            "tanh"
        )(y)
"""


def functional(source: str) -> str:
    return source.replace("self.relu(", "F.relu(").replace("self.relu = nn.ReLU()", NOTHING)


def plan(source: str, *, name: str = "Net", stays: bool = False) -> Expected:
    """All calls of ``self.relu`` convert, and it goes unless something else needs it."""
    return Expected(name, removed=() if stays else ("relu",), calls=calls_of("relu", source))


@pytest.mark.parametrize(
    ("forward", "unreached"),
    [
        ("return self.relu(x) - 1", ()),
        (f"return self.relu(x) if {NEVER} else x + 1", ("relu",)),
        (f"if {NEVER}:\n    x = self.relu(x)\nreturn self.relu(x) - 1", ("relu",)),
        ("if self.training:\n    x = self.relu(x)\nreturn x + 1", ()),
        ("if not self.training:\n    x = self.relu(x)\nreturn x + 1", ()),
        ("x = self.relu(\n    x\n)\nreturn torch.cat([\n    self.relu(x), x], 1)", ()),
        ("return torch.stack([self.relu(row) for row in x])", ()),
        (f"later = lambda v: self.relu(v)\nreturn later(x) if {NEVER} else x + 1", ("relu",)),
    ],
)
def test_calls_of_a_submodule(check: Check, forward: str, unreached: tuple[str, ...]) -> None:
    old = net("self.relu = nn.ReLU()", forward)
    evidence = check.one(old, functional(old), plan(old))
    assert (evidence.verdict, evidence.unreached) == ("tested" if unreached else "proved", unreached)


def test_a_call_on_several_lines(check: Check) -> None:
    old = net("self.relu = nn.ReLU()", "y = (\n    self\n    .relu(x)\n)\nreturn y - 1")
    new = net(NOTHING, "y = F.relu(x)\nreturn y - 1")
    expected = Expected("Net", removed=("relu",), calls=(ModuleCall("relu", "ReLU", 11),))
    evidence = check.one(old, new, expected)
    assert (evidence.verdict, evidence.unreached) == ("proved", ())


def test_a_submodule_that_stays_must_have_run_where_its_call_converts(check: Check) -> None:
    kept = "y = sum(map(self.relu, (x, x)))\n"
    for call, unreached in (("return y + self.relu(x)", ()), (f"return y + self.relu(x) if {NEVER} else y", ("relu",))):
        old = net("self.relu = nn.ReLU()", kept + call)
        evidence = check.one(old, old.replace("self.relu(", "F.relu("), plan(old, stays=True))
        assert (evidence.verdict, evidence.unreached) == ("tested" if unreached else "proved", unreached)


def test_a_method_that_forward_does_not_use_is_called_by_itself(check: Check) -> None:
    old = net("self.m = nn.Identity()", "return x + 1") + "    def other(self, x):\n        return self.m(x)\n"
    new = old.replace("self.m = nn.Identity()", NOTHING).replace("self.m(x)", "x")
    evidence = check.one(old, new, Expected("Net", removed=("m",), calls=calls_of("m", old)))
    assert (evidence.verdict, evidence.unreached) == ("tested", ())
    assert evidence.methods[0].startswith("other(torch.randn(")
    refusing = [
        source.replace("self, x):\n        return ", "self, x):\n        return 1 // 0, ") for source in (old, new)
    ]
    unused = [source.replace("1 // 0, x + 1", "x + 1") for source in refusing]
    evidence = check.one(*unused, Expected("Net", removed=("m",), calls=calls_of("m", unused[0])))
    assert (evidence.verdict, evidence.unreached, evidence.methods) == ("tested", ("m",), ())


@pytest.mark.parametrize(
    ("condition", "unreached"), [(NEVER, ("line 7",)), ("x.dim() > 0", ("line 7",)), ("self.training", ())]
)
def test_modules_built_on_the_spot(check: Check, condition: str, unreached: tuple[str, ...]) -> None:
    old = HEAD + BUILT_ON_THE_SPOT.replace("CONDITION", condition)
    new = old.replace("nn.ReLU()(x)", "F.relu(x)").replace("nn.ELU()(x)", "F.elu(x)")
    new = new.replace('nn.GELU(\n            "tanh"\n        )(y)', 'F.gelu(y, approximate="tanh")')
    calls = tuple(ModuleCall("", module, line) for module, line in (("ReLU", 7), ("ELU", 7), ("GELU", 8)))
    evidence = check.one(old, new, Expected("Net", calls=calls))
    assert (evidence.verdict, evidence.unreached) == ("proved", unreached)


def test_a_module_built_on_the_spot_is_not_the_submodule_beside_it(check: Check) -> None:
    old = net("self.act = nn.ReLU()", f"y = nn.ReLU()(x) if {NEVER} else self.act(x)\nreturn y - 1")
    evidence = check.one(old, old.replace("nn.ReLU()(x)", "F.relu(x)"), Expected("Net", calls=(SPOT,)))
    assert (evidence.verdict, evidence.unreached) == ("tested", ("line 10",))


def test_every_instance_in_a_model_must_have_called_its_own(check: Check) -> None:
    block = net("self.relu = nn.ReLU()", "return self.relu(x)", "Block")
    top = net("self.a = Block()\nself.b = Block()", "return self.a(x) - 1", "Top")
    old = block + top
    of_block, of_top = check.verify(old, functional(old), plan(old, name="Block"), Expected("Top"))
    assert (of_block.verdict, of_block.unreached) == ("proved", ())
    assert (of_top.verdict, of_top.unreached) == ("proved", ("b.relu",))


def test_a_branch_that_one_instance_takes_is_reached(check: Check) -> None:
    forward = "if self.deep:\n    x = self.relu(x - 1)\nreturn self.relu(x) - 1"
    block = net("self.relu = nn.ReLU()\nself.deep = deep", forward, "Block", "deep")
    top = "self.blocks = nn.Sequential(Block(False), Block(DEEP))"
    old = block + net(top, "return self.blocks(x)", "Top")
    for deep, unreached in (("True", ()), ("False", ("blocks.0.relu", "blocks.1.relu"))):
        version = old.replace("DEEP", deep)
        of_top = check.verify(version, functional(version), plan(version, name="Block"), Expected("Top"))[1]
        assert (of_top.verdict, of_top.unreached) == ("proved", unreached)


def test_a_class_that_only_runs_inside_another(check: Check) -> None:
    inner = net("self.relu = nn.ReLU()\nself.by = spec['n']", "return self.relu(x[0]['x']) * self.by", "Inner", "spec")
    old = inner + net("self.inner = Inner({'n': 2})", "return self.inner([{'x': x + 1}])", "Top")
    evidence = check.one(old, functional(old), plan(old, name="Inner"))
    assert (evidence.verdict, evidence.inside, evidence.unreached) == ("proved", "Top", ())
    evidence = check.one(old, functional(old).replace("F.relu(", "F.elu("), plan(old, name="Inner"))
    assert (evidence.verdict, evidence.inside) == ("differs", "Top")


def test_a_subclass_runs_the_calls_of_its_base(check: Check) -> None:
    base = net("self.relu = nn.ReLU()", "return self.relu(x)", "Base")
    old = base + "class Net(Base):\n    def forward(self, x):\n        return super().forward(x) - 1\n"
    evidence = check.verify(old, functional(old), plan(old, name="Base"), Expected("Net"))[1]
    assert (evidence.verdict, evidence.unreached) == ("proved", ())


@pytest.mark.parametrize("condition", ["self.gate", "x.dim() == 2", "mask is not None"])
def test_a_call_behind_a_branch_is_looked_for(check: Check, condition: str) -> None:
    forward = f"if {condition}:\n    return self.relu(x)\nreturn x * 2"
    old = net("self.relu = nn.ReLU()\nself.gate = gate", forward, args="gate=False")
    old = old.replace("forward(self, x)", "forward(self, x, mask=None)")
    evidence = check.one(old, functional(old), plan(old))
    assert (evidence.verdict, evidence.unreached) == ("proved", ())
    assert check.one(old, functional(old).replace("F.relu(", "F.elu("), plan(old)).verdict == "differs"


def test_what_an_attribute_was_not_is_not_reached(check: Check) -> None:
    old = net("self.act = F.relu if not self.training else F.gelu if self.p else F.elu", "return self.act(x)")
    new = old.replace("F.relu", "nn.ReLU()").replace("F.gelu", "nn.GELU()").replace("F.elu", "nn.ELU()")
    added = (("act", "nn.ReLU()"), ("act", "nn.GELU()"), ("act", "nn.ELU()"))
    evidence = check.one(_with_p(old), _with_p(new), Expected("Net", added))
    assert (evidence.verdict, evidence.unreached) == ("proved", ("act (ReLU)", "act (GELU)"))
    other = _with_p(new.replace("nn.ELU()", "nn.Tanh()"))
    assert check.one(_with_p(old), other, Expected("Net", added)).verdict == "differs"


def _with_p(source: str) -> str:
    return source.replace("self.act =", "self.p = 0\n        self.act =")
