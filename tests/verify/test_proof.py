"""What is proved and for which sizes, and what is not although everything that ran agrees."""

from __future__ import annotations

from nnconvert.verification import Evidence, Expected, Hints, Limits, ModuleCall

from .checking import HEAD, Check, net

OPEN = Limits(time=300)


def classes(**bodies: tuple[str, str]) -> str:
    """A file of classes from the lines of ``__init__`` and of ``forward``, fed what their names ask for."""
    return HEAD + "".join(net(*body, name).removeprefix(HEAD) for name, body in bodies.items())


def by_name(evidence: tuple[Evidence, ...]) -> dict[str, Evidence]:
    return {e.class_name: e for e in evidence}


FREE = "any batch size from 2 on, any size of dimensions 2 and 3"
PROVABLE = {
    "Plain": ("self.n = 1", "return F.relu(x)", FREE),
    "Interpolated": ("self.n = 1", "return F.interpolate(x, scale_factor=2.0)", FREE),
    "Padded": ("self.n = 1", "return F.pad(x, (1, 1, 1, 1))", FREE),
    "Statistics": ("self.b = nn.BatchNorm2d(3)", "return self.b(x)", FREE),
    "Recurrent": ("self.l = nn.LSTM(4, 8, batch_first=True)", "return self.l(x)[0]", "any batch size from 2 on"),
    "Tied": ("self.a = nn.Linear(4, 4)\nself.b = nn.Linear(4, 4)\nself.b.weight = self.a.weight",
             "return self.b(self.a(x))", "any batch size from 2 on"),
    "Moved": ("self.register_buffer('r', torch.zeros(1))", "self.r = self.r * 0.9 + x.mean()\nreturn x * self.r", FREE),
    "Constant": ("self.t = torch.tensor([1.0, 2.0])", "return x * self.t[0] + torch.tensor(3.0)", FREE),
    "Branched": ("self.n = 1", "return x + 1 if x.shape[0] < 4 else x", FREE.replace("on,", "to 3,")),
    "Fixed": ("self.n = 1", "return x.reshape(2, -1) if x.shape[0] == 2 else x + 1", ""),
}  # fmt: skip


def test_models_are_proved_for_open_sizes(check: Check) -> None:
    source = classes(**{name: (init, forward) for name, (init, forward, _) in PROVABLE.items()})
    found = by_name(check.verify(source, source, limits=OPEN))
    assert {name: e.verdict for name, e in found.items()} == dict.fromkeys(PROVABLE, "proved")
    for name, (_, _, sizes) in PROVABLE.items():
        assert sizes in found[name].proof, found[name]
    assert "batch" not in found["Fixed"].proof


NOT_STEADY = {
    "Counting": ("self.n = 0", "self.n += 1\nreturn x + 1", "changes what it holds (self.n)"),
    "Collecting": ("self.seen = []", "self.seen.append(x.shape)\nreturn x + 1", "changes what it holds (self.seen)"),
    "Caching": ("self.last = None", "self.last = x\nreturn x + 1", "changes what it holds (self.last)"),
    "Nested": ("self.cfg = {'at': [0]}", "self.cfg['at'][0] += 1\nreturn x + 1", "changes what it holds (self.cfg"),
    "OnTheClass": ("self.n = 1", "type(self).calls = getattr(type(self), 'calls', 0) + 1\nreturn x + 1",
                   "changes what it holds (OnTheClass.calls)"),
    "Drawing": ("import random", "import random\nreturn x * random.random()", "uses Python's random numbers"),
    "Numpy": ("import numpy", "import numpy\nreturn x * float(numpy.random.rand())", "uses NumPy's random numbers"),
    "OwnNumpy": ("import numpy\nself.g = numpy.random.default_rng(0)", "return x * float(self.g.random())",
                 "changes what it holds (self.g)"),
    "Reseeding": ("self.n = 1", "torch.manual_seed(3)\nreturn x + torch.rand_like(x)", "uses torch's random numbers"),
    "Reading": ("self.n = 1", "return x * x.sum().item()", "reads the values of a tensor"),
    "Deciding": ("self.n = 1", "return x + 1 if x.sum() > 0 else x", "reads the values of a tensor"),
    "Choosing": ("self.n = 1", "return x[x > 0]", "reads the values of a tensor (aten.nonzero"),
    "Hiding": ("self.w = nn.Parameter(torch.ones(1))\nself.list = [self.w]", "return x * self.list[0]",
               "w is used without its name"),
    "Suspicious": ("self.n = 1", "if type(x) is torch.Tensor:\n    x = x * 2\nreturn x + 1",
                   "a run on real tensors takes another way through the code"),
    "Numbering": ("self.n = 1", "return torch.from_numpy(x.detach().numpy()) + x", "it cannot be traced"),
}  # fmt: skip


def test_what_one_graph_cannot_show_is_not_proved(check: Check) -> None:
    source = classes(**{name: (init, forward) for name, (init, forward, _) in NOT_STEADY.items()})
    found = by_name(check.verify(source, source))
    assert {name: e.verdict for name, e in found.items()} == dict.fromkeys(NOT_STEADY, "tested")
    for name, (_, _, reason) in NOT_STEADY.items():
        assert reason in found[name].not_proved, found[name]


FAR = "torch.where(x > 1e6, {}, x)"
PARTING = {
    "Doubled": ("self.n = 1", "return x * 2", "self.n = 1", "return x + x",
                "aten.mul.Tensor, became aten.add.Tensor"),
    "PrintsTheSame": ("self.t = torch.tensor([0.1])", f"return {FAR.format('x * self.t')}",
                      "self.t = torch.tensor([0.100000009])", f"return {FAR.format('x * self.t')}",
                      "a constant of shape [1] became a constant of shape [1]"),
    "Steeper": ("self.n = 1", f"return {FAR.format('x * 2')}", "self.n = 1", f"return {FAR.format('x * 3')}",
                "aten.mul.Tensor: other 2.0 became 3.0"),
    "Stopped": ("self.n = 1", f"return {FAR.format('x * 2')}", "self.n = 1", f"return {FAR.format('x.detach() * 2')}",
                "the graphs differ (train)"),
    "Larger": ("self.n = 1", "return x * 3 if x.shape[0] > 3 else x + 1", "self.n = 1", "return x + 1",
               "the graphs hold for other sizes (train): batch <= 3 is asked by the old version only"),
    "LargerInEval": ("self.n = 1", "return x * 3 if not self.training and x.shape[0] > 3 else x + 1", "self.n = 1",
                     "return x + 1", "the graphs hold for other sizes (eval)"),
    "Wider": ("self.n = 1", "return x * 3 if x.shape[-1] > 300 else x + 1", "self.n = 1", "return x + 1",
              "the graphs hold for other sizes (train)"),
}  # fmt: skip


def test_graphs_that_differ_where_all_that_ran_agrees(check: Check) -> None:
    old = classes(**{name: (init, forward) for name, (init, forward, *_) in PARTING.items()})
    new = classes(**{name: (init, forward) for name, (_, _, init, forward, _) in PARTING.items()})
    found = by_name(check.verify(old, new, limits=OPEN))
    assert {name: e.verdict for name, e in found.items()} == dict.fromkeys(PARTING, "tested"), found
    for name, (*_, reason) in PARTING.items():
        assert reason in found[name].not_proved, found[name]


LEFT = (
    HEAD
    + """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, found):
        found["y"] = F.relu(self.linear(x))
        found.update({"z": found["y"] * 2})
        return None
"""
)


def test_what_forward_leaves_in_its_arguments_is_a_result(check: Check) -> None:
    evidence = check.one(LEFT, LEFT)
    assert (evidence.verdict, evidence.reason, evidence.unreached) == ("proved", "", ())
    evidence = check.one(LEFT, LEFT.replace("F.relu", "F.elu"))
    assert evidence.verdict == "differs"
    # As much, for all that is fed.
    evidence = check.one(LEFT, LEFT.replace("* 2", "* torch.tensor(2.0)"))
    assert evidence.verdict == "tested"
    assert "the graphs differ (train)" in evidence.not_proved


def test_a_crash_in_eval_only_is_unverified(check: Check) -> None:
    old = "import os\n" + net("self.n = 1", "return x + 1")
    evidence = check.one(old, old.replace("return x + 1", "self.training or os._exit(3)\n        return x + 1"))
    assert (evidence.verdict, evidence.reason) == (
        "unverified", "the new version ended the process with exit code 3",
    )  # fmt: skip


def test_a_crash_while_tracing_leaves_the_class_tested(check: Check) -> None:
    crash = "if type(x) is not torch.Tensor:\n    os._exit(4)\nreturn x + 1"
    source = "import os\n" + net("self.n = 1", crash)
    evidence = check.one(source, source)
    assert evidence.verdict == "tested"
    assert evidence.not_proved.endswith("ended the process with exit code 4")


GATED = """\
self.relu(x) if x.dim() == 9 else x
for _ in range(0):
    if not self.deep:
        y = self.relu(x)
return self.relu(x) + 1
"""


def test_what_would_reach_a_call_site_is_said(check: Check) -> None:
    old = net("self.deep = deep", GATED.replace("self.relu", "F.relu"), args="deep=True")
    lines = GATED
    for number in (1, 2, 3):
        lines = lines.replace("self.relu(", f"self.relu{number}(", 1)
    init = "self.deep = deep\n" + "\n".join(f"self.relu{number} = nn.ReLU()" for number in (1, 2, 3))
    names = tuple((f"relu{number}", "nn.ReLU()") for number in (1, 2, 3))
    gained = tuple(ModuleCall(f"relu{n}", "ReLU", line) for n, line in ((1, 10), (2, 13), (3, 14)))
    evidence = check.one(old, net(init, lines, args="deep=True"), Expected("Net", names, gained=gained))
    assert (evidence.verdict, evidence.unreached) == ("proved", ("relu1", "relu2"))
    assert evidence.would_reach == (
        "line 10 (relu1): only where one side of x.dim() == 9",
        "line 13 (relu2): only where not self.deep (deep=True by default)",
    )


def test_a_call_site_of_one_mode_is_told(check: Check) -> None:
    old = net("self.n = 1", "if self.training:\n    x = F.relu(x)\nreturn x + 1")
    new = net("self.relu = nn.ReLU()", "if self.training:\n    x = self.relu(x)\nreturn x + 1")
    evidence = check.one(old, new, Expected("Net", (("relu", "nn.ReLU()"),)))
    assert (evidence.verdict, evidence.one_mode, evidence.unreached) == ("proved", ("relu (train)",), ())


def test_a_call_site_that_ran_outside_of_the_graph_is_told(check: Check) -> None:
    body = "y = {}(x) if len(x) == 3 else x\nreturn {}(y) + 1"
    old = net("self.n = 1", body.format("F.relu", "F.relu"))
    new = net("self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()", body.format("self.relu1", "self.relu2"))
    plan = Expected("Net", (("relu1", "nn.ReLU()"), ("relu2", "nn.ReLU()")))
    evidence = check.one(old, new, plan)
    assert (evidence.verdict, evidence.unreached, evidence.unproved) == ("proved", (), ("relu1",))


def test_a_size_that_is_left_out_is_a_condition(check: Check) -> None:
    source = HEAD + net("self.n = 1", "return x.reshape(2, 3, -1) if x.shape[0] == 2 else x + 1").removeprefix(HEAD)
    evidence = check.verify(source, source, hints=Hints("", "", "torch.randn(3, 4)"), limits=OPEN)[0]
    assert evidence.verdict == "proved"
    assert "Ne(batch, 2)" in evidence.conditions
