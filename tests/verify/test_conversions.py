"""Right and wrong conversions: a verifier that cannot fail is worthless."""

from __future__ import annotations

import pytest

from nnconvert.verification import Expected

from .checking import Case, Check, net

CONV = "self.conv = nn.Conv2d(3, 8, 3)"


RIGHT = (
    Case("relu", (CONV, "return F.relu(self.conv(x))"),
         (f"{CONV}\nself.relu = nn.ReLU()", "return self.relu(self.conv(x))")),
    Case("relu in place of the input", ("self.n = 1", "F.relu_(x)\nreturn x * 2"),
         ("self.relu = nn.ReLU(inplace=True)", "self.relu(x)\nreturn x * 2")),
    Case("dropout", (CONV, "return F.dropout(self.conv(x), 0.3, self.training)"),
         (f"{CONV}\nself.dropout = nn.Dropout(0.3)", "return self.dropout(self.conv(x))")),
    Case("dropout in place", (CONV, "return F.dropout(self.conv(x), 0.3, self.training, True)"),
         (f"{CONV}\nself.dropout = nn.Dropout(0.3, inplace=True)", "return self.dropout(self.conv(x))")),
    Case("max_pool2d without its stride", ("self.n = 1", "return F.max_pool2d(x, 2)"),
         ("self.pool = nn.MaxPool2d(2, 2)", "return self.pool(x)")),
    Case("nested outputs", (CONV, "y = self.conv(x)\nreturn {'a': [F.elu(y), None], 'b': (y, 3)}"),
         (f"{CONV}\nself.elu = nn.ELU()",
          "y = self.conv(x)\nreturn {'a': [self.elu(y), None], 'b': (y, 3)}")),
    Case("batch norm and lazy layers", ("self.l = nn.LazyLinear(4)\nself.b = nn.BatchNorm1d(4)",
         "return F.gelu(self.b(self.l(x)))"), ("self.l = nn.LazyLinear(4)\nself.b = nn.BatchNorm1d(4)\n"
         "self.gelu = nn.GELU()", "return self.gelu(self.b(self.l(x)))")),
)  # fmt: skip

WRONG = (
    Case("another p", ("self.n = 1", "return F.dropout(x, 0.3, self.training)"),
         ("self.d = nn.Dropout(0.5)", "return self.d(x)"), "output"),
    Case("another kernel", ("self.n = 1", "return F.max_pool2d(x, 2)"),
         ("self.p = nn.MaxPool2d(3, 2)", "return self.p(x)"), "output: shape"),
    Case("another stride", ("self.n = 1", "return F.avg_pool2d(x, 2)"),
         ("self.p = nn.AvgPool2d(2, stride=1)", "return self.p(x)"), "output: shape"),
    Case("another padding", ("self.n = 1", "return F.max_pool2d(x, 3, 2)"),
         ("self.p = nn.MaxPool2d(3, 2, 1)", "return self.p(x)"), "output"),
    Case("another dim", ("self.n = 1", "return F.softmax(x, dim=1)"),
         ("self.s = nn.Softmax(dim=-1)", "return self.s(x)"), "output"),
    Case("another slope", ("self.n = 1", "return F.leaky_relu(x, 0.2)"),
         ("self.r = nn.LeakyReLU()", "return self.r(x)"), "output"),
    Case("another threshold, seen by large numbers only", ("self.n = 1", "return F.softplus(x, 1, 9)"),
         ("self.r = nn.Softplus()", "return self.r(x)"), "output"),
    Case("lost inplace", ("self.n = 1", "y = F.relu(x, inplace=True)\nreturn x + 1"),
         ("self.r = nn.ReLU()", "y = self.r(x)\nreturn x + 1"), "output"),
    Case("lost inplace that only the caller sees", ("self.n = 1", "return F.relu(x, inplace=True) + 1"),
         ("self.r = nn.ReLU()", "return self.r(x) + 1"), "input 0 after the call"),
    Case("a dropout that stays on in eval", (CONV, "return F.dropout(self.conv(x), 0.5, self.training)"),
         (f"{CONV}\nself.d = nn.Dropout(0.5)", "self.d.train()\nreturn self.d(self.conv(x))"), "eval"),
    Case("a dropout that is now off in eval", (CONV, "return F.dropout(self.conv(x), 0.5)"),
         (f"{CONV}\nself.d = nn.Dropout(0.5)", "return self.d(self.conv(x))"), "eval"),
    Case("swapped arguments", ("self.l = nn.KLDivLoss()", "return F.kl_div(x, x.exp(), reduction='sum')"),
         ("self.l = nn.KLDivLoss(reduction='sum')", "return self.l(x.exp(), x)"), "output"),
    Case("a renamed key", (CONV, "return self.conv(x)"),
         ("self.conv1 = nn.Conv2d(3, 8, 3)", "return self.conv1(x)"), "does not load"),
    Case("a changed parameter order",
         ("self.a = nn.Linear(4, 4)\nself.b = nn.Linear(4, 4)", "return self.a(self.b(x))"),
         ("self.b = nn.Linear(4, 4)\nself.a = nn.Linear(4, 4)", "return self.a(self.b(x))"),
         "state_dict keys"),
    Case("an extra buffer", (CONV, "return self.conv(x)"),
         (f"{CONV}\nself.register_buffer('b', torch.zeros(1))", "return self.conv(x)"), "does not load"),
    Case("an extra buffer that is not saved", (CONV, "return self.conv(x)"),
         (f"{CONV}\nself.register_buffer('b', torch.zeros(1), persistent=False)", "return self.conv(x)"),
         "named_buffers"),
    Case("a difference only in the gradient", ("self.n = 1", "return x * 2"),
         ("self.n = 1", "return x.detach() * 2 + x - x.detach()"), "gradient of input 0"),
    Case("a gradient that is lost", (CONV, "return self.conv(x)"),
         (CONV, "return self.conv(x.detach())"), "gradient of input 0"),
    Case("only in the second call", ("self.n = 0", "self.n += 1\nreturn x + 1"),
         ("self.n = 0", "self.n += 1\nreturn x + (1 if self.n != 2 else 2)"), "train, call 2"),
    Case("only in a buffer", ("self.b = nn.BatchNorm2d(3)", "return self.b(x)"),
         ("self.b = nn.BatchNorm2d(3, momentum=0.2)", "return self.b(x)"), "buffer b.running_mean"),
    Case("only in torch's random state", ("self.n = 1", "return x + 1"),
         ("self.n = 1", "torch.rand(1)\nreturn x + 1"), "state of torch's random numbers"),
    Case("only in Python's random state", ("self.n = 1", "return x + 1"),
         ("self.n = 1", "import random\nrandom.random()\nreturn x + 1"), "state of Python's random numbers"),
    Case("only in NumPy's random state", ("import numpy", "return x + 1"),
         ("import numpy\nnumpy.random.rand(1)", "return x + 1"), "state of NumPy's random numbers"),
    Case("only in eval", ("self.n = 1", "return x + 1"),
         ("self.n = 1", "return x + 1 if self.training else x + 2"), "eval"),
    Case("an epsilon that shows in real statistics", ("self.b = nn.BatchNorm2d(3)", "return self.b(x)"),
         ("self.b = nn.BatchNorm2d(3, eps=1e-3)", "return self.b(x)"), "output"),
    Case("an exception", ("self.n = 1", "return x + 1"),
         ("self.n = 1", "return x + self.bias"), "the new version raises AttributeError"),
    Case("an exception at construction", ("self.n = 1", "return x + 1"),
         ("self.n = missing", "return x + 1"), "the new version raises NameError"),
    Case("another dtype", ("self.n = 1", "return x + 1"), ("self.n = 1", "return (x + 1).double()"), "dtype"),
    Case("an int for a float", ("self.n = 1", "return x, torch.tensor(1.0)"),
         ("self.n = 1", "return x, torch.tensor(1)"), "dtype"),
    Case("a Python int for a float",
         ("self.n = 1", "return x, 1.0"), ("self.n = 1", "return x, 1"), "output[1]"),
    Case("zero and minus zero", ("self.n = 1", "return x.detach() * 0.0 + 0.0"),
         ("self.n = 1", "return -(x.detach() * 0.0 + 0.0)"), "-0 and 0"),
    Case("a list for a tuple", ("self.n = 1", "return (x,)"), ("self.n = 1", "return [x]"), "output"),
    Case("another key of a dict",
         ("self.n = 1", "return {'a': x}"), ("self.n = 1", "return {'b': x}"), "output"),
    Case("a copy where the input itself came back", ("self.n = 1", "return x"),
         ("self.n = 1", "return x.clone()"), "tensors that share memory"),
    Case("a view where a copy came back", ("self.n = 1", "return x.flatten(1).clone()"),
         ("self.n = 1", "return x.flatten(1)"), "tensors that share memory"),
    Case("other initial values", ("self.l = nn.Linear(4, 4)", "return self.l(x)"),
         ("torch.rand(1)\nself.l = nn.Linear(4, 4)", "return self.l(x)"), "construction: state of torch"),
    Case("frozen parameters", ("self.l = nn.Linear(4, 4)", "return self.l(x)"),
         ("self.l = nn.Linear(4, 4).requires_grad_(False)", "return self.l(x)"), "named_parameters"),
    Case("a model that can no longer be pickled", ("self.n = 1", "return x + 1"),
         ("self.n = lambda: 1", "return x + 1"), "works: pickle"),
)  # fmt: skip


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_right_conversion_is_tested(check: Check, case: Case) -> None:
    check.right(case)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_wrong_conversion_differs(check: Check, case: Case) -> None:
    check.wrong(case)


def test_wrong_class_does_not_taint_its_neighbour(check: Check) -> None:
    good = net("self.n = 1", "return x + 1", "Good")
    old, new = (good + net("self.n = 1", f"return x + {n}", "Bad").replace("import", "import") for n in (1, 2))
    verdicts = {e.class_name: e.verdict for e in check.verify(old, new)}
    assert verdicts == {"Good": "proved", "Bad": "differs"}


def test_scripting_must_go_on_working(check: Check) -> None:
    tail = "\n\ndef compiled():\n    return torch.jit.script(Net())\n"
    old = net("self.n = 1", "return F.relu(x)") + tail
    right = net("self.r = nn.ReLU()", "return self.r(x)") + tail
    wrong = net("self.r = nn.ReLU()", "return getattr(self, 'r' + '')(x)") + tail
    assert check.one(old, right).verdict == "proved"
    evidence = check.one(old, wrong)
    assert evidence.verdict == "differs"
    assert "torch.jit.script" in evidence.reason


OLD = net(CONV, "return F.relu(F.relu(self.conv(x)) + 1)")


def planned(*added: tuple[str, str], removed: tuple[str, ...] = ()) -> Expected:
    return Expected("Net", added, removed)


TWO = (("relu1", "nn.ReLU()"), ("relu2", "nn.ReLU()"))
FORWARD = "return self.relu2(self.relu1(self.conv(x)) + 1)"


def test_the_planned_submodules_pass(check: Check) -> None:
    new = net(f"{CONV}\nself.relu1 = nn.ReLU()\nself.relu2 = nn.ReLU()", FORWARD)
    evidence = check.one(OLD, new, planned(*TWO))
    assert (evidence.verdict, evidence.unreached) == ("proved", ())


@pytest.mark.parametrize(
    ("init", "reason"),
    [
        ("self.relu1 = nn.ReLU()\nself.relu2 = self.relu1", "are one object"),
        ("self.relu1 = nn.ReLU()\nself.relu2 = nn.ReLU(inplace=True)", "inplace is True, planned was False"),
        ("self.relu1 = nn.ReLU()\nself.relu2 = nn.Hardtanh(0.0, float('inf'))", "a Hardtanh, not nn.ReLU()"),
        ("self.relu1 = nn.ReLU()\nself.relu2 = nn.ReLU()\nself.relu3 = nn.ReLU()", "relu3 (ReLU) was added"),
        ("self.relu1 = nn.ReLU()\nself.__dict__['relu2'] = nn.ReLU()", "relu2 was planned, but is missing"),
    ],
)
def test_unplanned_submodules_differ(check: Check, init: str, reason: str) -> None:
    evidence = check.one(OLD, net(f"{CONV}\n{init}", FORWARD), planned(*TWO))
    assert evidence.verdict == "differs"
    assert reason in evidence.differences[0]


def test_settings_of_the_plan_may_use_the_instance(check: Check) -> None:
    old = net("self.p = 0.3", "return F.dropout(x, self.p, self.training)")
    new = net("self.p = 0.3\nself.d = nn.Dropout(self.p)", "return self.d(x)")
    assert check.one(old, new, planned(("d", "nn.Dropout(self.p)"))).verdict == "proved"
    assert check.one(old, new, planned(("d", "nn.Dropout(self.p / 2)"))).verdict == "differs"


def test_settings_of_the_plan_may_be_locals(check: Check) -> None:
    old = net("p = 0.3\nself.p = p", "return F.dropout(x, self.p, self.training)")
    new = net("p = 0.3\nself.p = p\nself.d = nn.Dropout(p)", "return self.d(x)")
    assert check.one(old, new, planned(("d", "nn.Dropout(p)"))).verdict == "proved"
    evidence = check.one(old, new, planned(("d", "nn.AlphaDropout(p)")))
    assert "a Dropout, not nn.AlphaDropout(p)" in evidence.reason


def test_removed_submodules_must_be_gone(check: Check) -> None:
    old = net("self.r = nn.ReLU()", "return self.r(x)")
    new = net("self.n = 1", "return F.relu(x)")
    assert check.one(old, new, planned(removed=("r",))).verdict == "proved"
    assert "r should be gone" in check.one(old, old, planned(removed=("r",))).reason
    assert "r is gone, which was not planned" in check.one(old, new, planned()).reason


def test_planned_submodules_that_never_run_are_named(check: Check) -> None:
    body = "return self.relu(x) if x.dim() == 9 else x + 1"
    old = net("self.n = 1", body.replace("self.relu", "F.relu"))
    new = net("self.relu = nn.ReLU()", body)
    assert check.one(old, new, planned(("relu", "nn.ReLU()"))).unreached == ("relu",)


def test_blocks_inside_a_model_are_checked_against_their_plan(check: Check) -> None:
    def source(init: str, forward: str) -> str:
        block = net(f"self.bn = nn.BatchNorm2d(3)\n{init}", forward, "Block")
        return block + net("self.blocks = nn.Sequential(Block(), Block())", "return self.blocks(x)", "Top")

    old = source("self.n = 1", "return F.relu(self.bn(x))")
    new = source("self.relu = nn.ReLU()", "return self.relu(self.bn(x))")
    block = Expected("Block", (("relu", "nn.ReLU()"),))
    assert [e.verdict for e in check.verify(old, new, block, Expected("Top"))] == ["proved", "proved"]
    wrong = Expected("Block", (("relu", "nn.ReLU(inplace=True)"),))
    reasons = [e.reason for e in check.verify(old, new, wrong, Expected("Top"))]
    assert "blocks.1.relu" in " ".join(check.verify(old, new, wrong, Expected("Top"))[1].differences)
    assert all("planned was True" in reason for reason in reasons)
