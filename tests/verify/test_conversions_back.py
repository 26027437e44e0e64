"""Right and wrong conversions from submodules to functionals."""

from __future__ import annotations

import pytest

from nnconvert.verification import Expected, ModuleCall

from .checking import HEAD, Case, Check, calls_of, net

CONV = "self.conv = nn.Conv2d(3, 8, 3)"
NOTHING = "self.n = 1"


def back(
    name: str,
    built: str,
    call: str,
    becomes: tuple[str, str],
    reason: str = "",
    *,
    args: str = "",
    removed: tuple[str, ...] = ("m",),
) -> Case:
    """``self.m = <built>`` (or whole lines of ``__init__``) and the lines of forward, before and after."""
    init = built if "self." in built else f"self.m = {built}"
    return Case(name, (init, call), becomes, reason, args, removed)


def away(name: str, built: str, forward: str, reason: str = "") -> Case:
    """The plainest form: ``return self.m(x)`` becomes ``return <forward>``, and ``__init__`` keeps nothing of it."""
    return back(name, built, "return self.m(x)", (NOTHING, f"return {forward}"), reason)


RIGHT = (
    away("in place", "nn.ReLU(inplace=True)", "F.relu(x, inplace=True)"),
    away("a dropout with its mode", "nn.Dropout(0.3)", "F.dropout(x, 0.3, training=self.training)"),
    away("a dropout of whole channels", "nn.Dropout2d()", "F.dropout2d(x, training=self.training)"),
    away("rrelu with its mode", "nn.RReLU(0.1, 0.4)", "F.rrelu(x, 0.1, 0.4, training=self.training)"),
    away("a pooling whose stride was its kernel", "nn.MaxPool2d(2)", "F.max_pool2d(x, 2)"),
    away("a pooling that gives indices, too", "nn.MaxPool2d(2, return_indices=True)",
         "F.max_pool2d(x, 2, return_indices=True)"),
    away("an average without its padding", "nn.AvgPool2d(3, padding=1, count_include_pad=False)",
         "F.avg_pool2d(x, 3, padding=1, count_include_pad=False)"),
    away("softmax over channels", "nn.Softmax2d()", "F.softmax(x, -3)"),
    away("flatten", "nn.Flatten()", "torch.flatten(x, 1)"),
    away("unflatten", "nn.Unflatten(1, (3, 1))", "x.unflatten(1, (3, 1))"),
    away("a scale factor that was made a float", "nn.Upsample(scale_factor=2, mode='bilinear')",
         "F.interpolate(x, scale_factor=2.0, mode='bilinear')"),
    away("nearest", "nn.UpsamplingNearest2d(scale_factor=2)", "F.interpolate(x, scale_factor=2.0, mode='nearest')"),
    away("padding with a mode", "nn.ReflectionPad2d((1, 2, 3, 4))", "F.pad(x, (1, 2, 3, 4), mode='reflect')"),
    away("padding with a number", "nn.ZeroPad2d(2)", "F.pad(x, (2, 2, 2, 2))"),
    back("a parameter of the constructor", "self.m = nn.Dropout(p)\nself.conv = nn.Conv2d(3, 8, 3)",
         "return self.m(self.conv(x))", (f"self.m_p = p\n{CONV}",
         "return F.dropout(self.conv(x), self.m_p, training=self.training)"), args="p=0.3"),
    back("a setting stored before it is rebound", "self.m = nn.LeakyReLU(slope)\nslope = 3.0\nself.n = slope",
         "return self.m(x) * self.n", ("self.m_slope = slope\nslope = 3.0\nself.n = slope",
         "return F.leaky_relu(x, self.m_slope) * self.n"), args="slope=0.2"),
    back("a setting with an effect, evaluated once", "import random\nself.m = nn.Dropout(random.random())",
         "return self.m(x)", ("import random\nself.m_p = random.random()",
         "return F.dropout(x, self.m_p, training=self.training)")),
    back("an identity", f"{CONV}\nself.m = nn.Identity()", "return self.m(self.conv(self.m(x)))",
         (CONV, "return self.conv(x)")),
    back("one submodule called twice", f"{CONV}\nself.m = nn.ReLU()", "return self.m(self.m(self.conv(x)) - 1)",
         (CONV, "return F.relu(F.relu(self.conv(x)) - 1)")),
    back("a dropout in one mode only", "nn.Dropout()", "if self.training:\n    x = self.m(x)\nreturn x",
         (NOTHING, "if self.training:\n    x = F.dropout(x, training=self.training)\nreturn x")),
    back("a loss with its settings", "nn.CrossEntropyLoss(label_smoothing=0.1, reduction='sum')",
         "return self.m(x, x.detach().softmax(1))",
         (NOTHING, "return F.cross_entropy(x, x.detach().softmax(1), reduction='sum', label_smoothing=0.1)")),
    back("batch norm stays", "self.b = nn.BatchNorm2d(3)\nself.m = nn.GELU('tanh')", "return self.m(self.b(x))",
         ("self.b = nn.BatchNorm2d(3)", "return F.gelu(self.b(x), approximate='tanh')")),
    back("a submodule that another call keeps", "nn.ReLU()",
         "y = self.m(x)\nreturn sum(map(self.m, (x, y)))",
         ("self.m = nn.ReLU()", "y = F.relu(x)\nreturn sum(map(self.m, (x, y)))"), removed=()),
    back("a module built on the spot", NOTHING, "return nn.ReLU()(x)", (NOTHING, "return F.relu(x)"), removed=()),
)  # fmt: skip

TWO_ORDERS = "self.m = nn.Dropout(0.5)", "y = self.m(x)\nreturn y + torch.rand_like(x)"
TWICE = "self.m = nn.Dropout(0.5)", "y = self.m(x)\nreturn y + y"
LINEAR = "self.m = nn.Linear(32, 4)", "return self.m(x)"
KEPT = "self.m = nn.LeakyReLU(0.2)", "return self.m(x)"

WRONG = (
    away("another p", "nn.Dropout(0.3)", "F.dropout(x, 0.5, training=self.training)", "train, call 1: output"),
    away("lost training", "nn.Dropout(0.3)", "F.dropout(x, 0.3)", "eval, call 1: output"),
    away("training=True", "nn.Dropout(0.3)", "F.dropout(x, 0.3, training=True)", "eval, call 1: output"),
    away("training turned round", "nn.Dropout(0.3)", "F.dropout(x, 0.3, training=not self.training)", "output"),
    away("lost training of rrelu, off where it is not given", "nn.RReLU()", "F.rrelu(x)", "train, call 1: output"),
    away("dropout of elements for channels", "nn.Dropout2d(0.4)", "F.dropout(x, 0.4, self.training)", "output"),
    away("another kind of dropout", "nn.AlphaDropout(0.4)", "F.dropout(x, 0.4, self.training)", "output"),
    away("lost inplace that only the caller sees", "nn.ReLU(inplace=True)", "F.relu(x)", "input 0 after the call"),
    away("inplace where there was none", "nn.ReLU()", "F.relu(x, inplace=True)", "input 0 after the call"),
    away("another kernel", "nn.MaxPool2d(2, 2)", "F.max_pool2d(x, 3, 2)", "output: shape"),
    away("another stride", "nn.AvgPool2d(3, stride=2)", "F.avg_pool2d(x, 3)", "output: shape"),
    away("another padding", "nn.MaxPool2d(3, 2, 1)", "F.max_pool2d(x, 3, 2)", "output"),
    away("another dilation", "nn.MaxPool2d(3, 2, 1, 2)", "F.max_pool2d(x, 3, 2, 1)", "output"),
    away("lost ceil_mode", "nn.MaxPool2d(3, 2, ceil_mode=True)", "F.max_pool2d(x, 3, 2)", "output: shape"),
    away("lost count_include_pad", "nn.AvgPool2d(3, padding=1, count_include_pad=False)",
         "F.avg_pool2d(x, 3, padding=1)", "output"),
    away("lost indices", "nn.MaxPool2d(2, return_indices=True)", "F.max_pool2d(x, 2)", "output"),
    away("another norm", "nn.LPPool2d(2, 2)", "F.lp_pool2d(x, 1, 2)", "output"),
    away("another dim", "nn.Softmax(dim=1)", "F.softmax(x, dim=-1)", "output"),
    away("softmax over another dim than channels", "nn.Softmax2d()", "F.softmax(x, -1)", "output"),
    away("flatten with the batch", "nn.Flatten()", "torch.flatten(x)", "output: shape"),
    away("another slope", "nn.LeakyReLU(0.2)", "F.leaky_relu(x)", "output"),
    away("another formula", "nn.GELU(approximate='tanh')", "F.gelu(x)", "output"),
    away("a threshold that large numbers show only", "nn.Softplus(1, 9)", "F.softplus(x, 1)", "output"),
    away("bounds swapped", "nn.Hardtanh(-2.0, 0.5)", "F.hardtanh(x, -0.5, 2.0)", "output"),
    away("another mode", "nn.Upsample(scale_factor=2, mode='bilinear')", "F.interpolate(x, scale_factor=2.0)",
         "output"),
    away("lost align_corners", "nn.UpsamplingBilinear2d(scale_factor=2)",
         "F.interpolate(x, scale_factor=2.0, mode='bilinear')", "output"),
    away("another scale factor", "nn.Upsample(scale_factor=2)", "F.interpolate(x, scale_factor=3.0)", "output: shape"),
    away("pads in another order", "nn.ReflectionPad2d((1, 2, 3, 4))", "F.pad(x, (3, 4, 1, 2), mode='reflect')",
         "output: shape"),
    away("pads of equal sums", "nn.ZeroPad2d((1, 2, 3, 0))", "F.pad(x, (2, 1, 0, 3))", "output"),
    away("lost padding mode", "nn.ReplicationPad2d(1)", "F.pad(x, (1, 1, 1, 1))", "output"),
    away("lost padding value", "nn.ConstantPad2d(1, 3.5)", "F.pad(x, (1, 1, 1, 1))", "output"),
    away("a copy for an identity", "nn.Identity()", "x.clone()", "tensors that share memory"),
    back("another reduction", "nn.MSELoss(reduction='sum')", "return self.m(x, x.detach() + 2)",
         (NOTHING, "return F.mse_loss(x, x.detach() + 2)"), "output"),
    back("lost label_smoothing", "nn.CrossEntropyLoss(label_smoothing=0.1)",
         "return self.m(x, x.detach().softmax(1))", (NOTHING, "return F.cross_entropy(x, x.detach().softmax(1))"),
         "output"),
    back("swapped inputs", "nn.KLDivLoss(reduction='sum')", "return self.m(x, x.exp())",
         (NOTHING, "return F.kl_div(x.exp(), x, reduction='sum')"), "output"),
    back("a gradient that is lost", "nn.MSELoss()", "return self.m(x, x.detach() + 2)",
         (NOTHING, "return F.mse_loss(x.detach(), x.detach() + 2)"), "gradients"),
    back("lost inplace, its result unused", "nn.ReLU(inplace=True)", "y = self.m(x)\nreturn x + 1",
         (NOTHING, "y = F.relu(x)\nreturn x + 1"), "output"),
    back("a setting read from a parameter that was rebound", "self.m = nn.LeakyReLU(p)\np = p * 2\nself.n = p",
         "return self.m(x) * self.n", ("p = p * 2\nself.m_p = p\nself.n = p",
         "return F.leaky_relu(x, self.m_p) * self.n"), "output", args="p=0.3"),
    back("a setting that changes between calls", "self.p = 0.2\nself.m = nn.LeakyReLU(self.p)",
         "self.p = self.p * 2\nreturn self.m(x)",
         ("self.p = 0.2", "self.p = self.p * 2\nreturn F.leaky_relu(x, self.p)"), "output"),
    back("a setting with an effect, evaluated at every call", "import random\nself.m = nn.Dropout(random.random())",
         "return self.m(x)",
         ("import random", "import random\nreturn F.dropout(x, random.random(), training=self.training)"),
         "construction: state of Python's random numbers"),
    back("a setting with an effect, evaluated twice", "import random\nself.m = nn.Dropout(random.random())",
         "return self.m(x)", ("import random\nself.m_p = random.random()\nself.m_q = random.random()",
         "return F.dropout(x, self.m_p, training=self.training)"), "construction: state of Python's random numbers"),
    back("a setting stored as a parameter", *KEPT,
         ("self.m_slope = nn.Parameter(torch.tensor(0.2))", "return F.leaky_relu(x, self.m_slope.item())"),
         "does not load"),
    back("a setting stored as a buffer", *KEPT,
         ("self.register_buffer('m_slope', torch.tensor(0.2))", "return F.leaky_relu(x, self.m_slope.item())"),
         "does not load"),
    back("a setting stored as a buffer that is not saved", *KEPT,
         ("self.register_buffer('m_slope', torch.tensor(0.2), persistent=False)",
          "return F.leaky_relu(x, self.m_slope.item())"), "named_buffers"),
    back("a setting stored nowhere", *KEPT, (NOTHING, "return F.leaky_relu(x, self.m_slope)"),
         "the new version raises AttributeError"),
    back("a submodule stored under another name", *KEPT, ("self.act = nn.LeakyReLU(0.2)", "return self.act(x)"),
         "act (LeakyReLU) was added"),
    back("weights of a loss that are no buffer any more", "nn.CrossEntropyLoss(torch.ones(3) / 2)",
         "return self.m(x, x.detach().softmax(1))",
         ("self.m_weight = torch.ones(3) / 2", "return F.cross_entropy(x, x.detach().softmax(1), self.m_weight)"),
         "does not load"),
    back("a layer that became raw weights", *LINEAR,
         ("m = nn.Linear(32, 4)\nself.m_weight, self.m_bias = m.weight, m.bias",
          "return F.linear(x, self.m_weight, self.m_bias)"), "does not load"),
    back("a dropout drawn twice", *TWICE,
         (NOTHING, "return F.dropout(x, 0.5, self.training) + F.dropout(x, 0.5, self.training)"), "output"),
    back("a dropout drawn after something else", *TWO_ORDERS,
         (NOTHING, "r = torch.rand_like(x)\nreturn F.dropout(x, 0.5, self.training) + r"), "output"),
    back("a dropout drawn that nobody saw", "nn.Dropout(0.5)", "self.m(x)\nreturn x * 2", (NOTHING, "return x * 2"),
         "state of torch's random numbers"),
    back("an identity that takes its argument along", f"{CONV}\nself.m = nn.Identity()",
         "return self.m(self.conv(x))", (CONV, "return x"), "output"),
    back("an identity that takes an effect along", "nn.Identity()", "self.m(x.add_(1))\nreturn x * 2",
         (NOTHING, "return x * 2"), "output"),
    back("a wrong site in eval only", "nn.ReLU()",
         "if self.training:\n    return self.m(x)\nreturn self.m(x * 9)",
         (NOTHING, "if self.training:\n    return F.relu(x)\nreturn F.relu6(x * 9)"), "eval, call 1: output"),
    back("a wrong site among several", "nn.ReLU()", "return self.m(self.m(x) + 1)",
         (NOTHING, "return F.relu(F.elu(x) + 1)"), "output"),
    back("one that is gone, which was not planned", "self.m = nn.ReLU()\nself.k = nn.ELU()",
         "return self.m(self.k(x))", (NOTHING, "return F.relu(F.elu(x))"), "k is gone, which was not planned"),
    back("one that should be gone", "nn.ReLU()", "return self.m(x)", ("self.m = nn.ReLU()", "return F.relu(x)"),
         "m should be gone"),
    back("one that should have stayed", "nn.ReLU()", "return self.m(x)", (NOTHING, "return F.relu(x)"),
         "m is gone, which was not planned", removed=()),
    back("an entry taken out of a sequence", "self.s = nn.Sequential(nn.ReLU(), nn.Conv2d(3, 8, 3))",
         "return self.s(x)", ("self.s = nn.Sequential(nn.Conv2d(3, 8, 3))", "return self.s(F.relu(x))"),
         "does not load"),
    back("a walk that misses it", "nn.ELU()", "for child in self.children():\n    x = child(x)\nreturn x + 1",
         (NOTHING, "for child in self.children():\n    x = child(x)\nreturn x + 1"), "output"),
    back("a module built on the spot with other settings", NOTHING, "return nn.LeakyReLU(0.2)(x)",
         (NOTHING, "return F.leaky_relu(x)"), "output", removed=()),
    back("a dropout built on the spot, which is never off", NOTHING, "return nn.Dropout(0.5)(x)",
         (NOTHING, "return F.dropout(x, 0.5, self.training)"), "eval", removed=()),
    back("a model that can no longer be pickled", *KEPT, ("self.f = lambda v: F.leaky_relu(v, 0.2)",
         "return self.f(x)"), "works: pickle"),
)  # fmt: skip


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_right_conversion_is_tested(check: Check, case: Case) -> None:
    check.right(case)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_wrong_conversion_differs(check: Check, case: Case) -> None:
    check.wrong(case)


def test_scripting_must_go_on_working(check: Check) -> None:
    tail = "\n\ndef compiled():\n    return torch.jit.script(Net())\n"
    old = net("self.m = nn.Dropout(0.3)", "return self.m(x)") + tail
    right = net("self.m_p = 0.3", "return F.dropout(x, self.m_p, training=self.training)") + tail
    wrong = net("self.m_p = {'p': [0.3, None]}", "return F.dropout(x, self.m_p['p'][0], training=self.training)") + tail
    plan = Expected("Net", removed=("m",), calls=calls_of("m", old))
    assert check.one(old, right, plan).verdict == "proved"
    evidence = check.one(old, wrong, plan)
    assert evidence.verdict == "differs"
    assert "torch.jit.script" in evidence.reason


def test_a_class_that_is_no_module_class_is_unverified_and_nothing_can_be_given(check: Check) -> None:
    source = HEAD + "class Plain:\n    def run(self, x):\n        return nn.ReLU()(x)\n"
    plan = Expected("Plain", calls=(ModuleCall("", "ReLU", 7),))
    evidence = check.one(source, source.replace("nn.ReLU()", "F.relu"), plan)
    assert (evidence.verdict, evidence.reason) == ("unverified", "the class is not a module class")
    assert evidence.remedy == ""
