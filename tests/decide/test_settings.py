"""Rules 9 and 10: a setting has at every call the value that it has at construction, or the call is left."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, codes, executes_the_same, net, registrations

POOL = "return F.max_pool2d(x, {})"
K = POOL.format("self.k")
GLOBAL = POOL.format("K")
SUB_INIT = "class Sub(Net):\n    def __init__(self):\n        super().__init__()\n        self.k = 3"
DROP = "if self.p:\n    x = F.dropout(x, self.p, self.training)\nreturn x"


@pytest.mark.parametrize(
    ("source", "constructor"),
    [
        (net(POOL.format("2")), "2"),
        (net(POOL.format("(2, 1 + 1)")), "(2, 1 + 1)"),
        (net(POOL.format("[2, 2]")), "[2, 2]"),
        (net(POOL.format("max(2, int(3.5))")), "max(2, int(3.5))"),
        (net(POOL.format("int(math.sqrt(4))")), "int(math.sqrt(4))"),
        (net(GLOBAL, before="K = 2"), "K"),
        (net(GLOBAL, before="import os\nK = int(os.environ.get('KERNEL', 2))"), "K"),
        (net(GLOBAL, before="A = 1\nK = A * 2"), "K"),
        (net(POOL.format("K['h']"), before="K = {'h': 2}"), "K['h']"),
        (net(K, body="k = 2"), "self.k"),
        (net(K, body="a = 1\nk = a + 1"), "self.k"),
        (net(K, body="k: int", init="self.k = k", args="k"), "self.k"),
        (net(K, body="k = 3", init="self.k = k", args="k"), "self.k"),
        (net(K, body="k = 3", init="if k:\n    self.k = k", args="k"), "self.k"),
        (net(K, init="self.k = k or 2", args="k=2"), "self.k"),
        (net(K, init="self.k: int = k", args="k"), "self.k"),
        (net(K, init="self.k, self.j = k, 3", args="k"), "self.k"),
        (net(K, init="self.k, self.j = k", args="k"), "self.k"),
        (net(K, init="if a:\n    self.k = 2\nelse:\n    self.k = 3", args="a"), "self.k"),
        (net(K, init="self.k = 2\nif a:\n    self.k = 3", args="a"), "self.k"),
        (net(POOL.format("self.ks[0]"), init="self.ks = ks", args="ks"), "self.ks[0]"),
        (net(POOL.format("self.cfg['k']"), init="self.cfg = {'k': 2}"), "self.cfg['k']"),
        (net("k = self.k\n" + POOL.format("k"), init="self.k = 2"), "self.k"),
        (net("k = 2\n" + POOL.format("(k, k)")), "(2, 2)"),
    ],
)
def test_a_constant_moves(source: str, constructor: str) -> None:
    assert registrations(source) == [f"max_pool2d = nn.MaxPool2d({constructor})"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (net(POOL.format("x.shape[2]")), "NNC204"),
        (net(POOL.format("x.size()[2:]")), "NNC204"),
        (net("_, _, h, w = x.shape\n" + POOL.format("(h, w)")), "NNC204"),
        (net(POOL.format("k"), inputs="x, k=2"), "NNC204"),
        (net("for k in (2, 3):\n    x = F.max_pool2d(x, k)\nreturn x"), "NNC205"),
        (net("return [F.max_pool2d(x, k) for k in (2, 3)]"), "NNC205"),
        (net("k = 2\nk += 1\n" + POOL.format("k")), "NNC205"),
        (net("y = F.max_pool2d(x, k)\nk = 2\nreturn y"), "NNC205"),
        (net("k = [2, 2]\nk[0] = 3\n" + POOL.format("k")), "NNC205"),
        (net(POOL.format("2 if self.training else 3")), "NNC404"),
        (net(GLOBAL, before="K = 2\nK = 3"), "NNC203"),
        (net(GLOBAL, before="K = 2\ndef f():\n    global K\n    K = 3"), "NNC203"),
        (net(GLOBAL, before="K = [2, 2]\nK[0] = 3"), "NNC203"),
        (net(GLOBAL, before="K = [2, 2]\ndef f():\n    K.append(3)"), "NNC203"),
        (net(GLOBAL, before="from config import K"), "NNC207"),
        (net(GLOBAL, before="K = make()"), "NNC207"),
        (net(GLOBAL, before="K = 2", args="K=3"), "NNC212"),
        (net(GLOBAL, before="K = 2", init="K = 3"), "NNC212"),
        (net(POOL.format("int(2)"), args="int"), "NNC212"),
        (net(POOL.format("math.ceil(2)"), args="math"), "NNC212"),
        (net("import math as m\n" + POOL.format("m.ceil(2)")), "NNC212"),
        (net(K), "NNC207"),
        (net(K, init="self.k = 2", after="net = Net()\nnet.k = 3"), "NNC203"),
        (net(K, init="self.k = 2", after="setattr(Net(), 'k', 3)"), "NNC203"),
        (net(K, init="for n in ('k',):\n    setattr(self, n, 2)"), "NNC203"),
        (net(K, init="if k:\n    self.k = k", args="k"), "NNC203"),
        (net(K, init="self.k = 2", after=SUB_INIT), "NNC203"),
        (net(K, init="self.k = 2\ndel self.k"), "NNC203"),
        (net(K, init="self.k = 2\nself.k += 1"), "NNC203"),
        (net(K, init="self.k = 2\nself.n = self.forward(torch.ones(1, 4, 4))\nself.k = 3"), "NNC209"),
        (net(K, init="for i in range(3):\n    self.k = i"), "NNC203"),
        (
            net(K, init="self.k = 2", after="class Sub(Net):\n    def set(self, k):\n        self.k = k"),
            "NNC203",
        ),
        (
            net(
                K,
                init="self.k = 2",
                after="class Sub(Net):\n    @property\n    def k(self):\n        return 3",
            ),
            "NNC207",
        ),
        (net(K, body="@property\ndef k(self):\n    return 2"), "NNC207"),
        (net(K, body="k = 2", after="Net.k = 3"), "NNC203"),
        (net(K, body="k = [2, 2]", after="Net.k.append(3)"), "NNC203"),
        (net(K, body="k = [2, 2]\ndef f(self):\n    self.k[0] = 3"), "NNC203"),
        (net(K, init="self.k = [[2, 2]]\nself.k[0][1] = 3"), "NNC203"),
        (net(K, init="self.k = 2\ndef later():\n    self.k = 3\nself.later = later"), "NNC203"),
        (net(POOL.format("self.cfg.k"), init="self.cfg = cfg", args="cfg"), "NNC207"),
        (net(POOL.format("self.cfg['k']"), init="self.cfg = cfg", args="cfg"), "NNC207"),
        (net("return F.softplus(x, self.b)", init="self.b = nn.Parameter(torch.ones(1))"), "NNC206"),
        (net("return F.softplus(x, self.b)", init="self.register_buffer('b', torch.ones(1))"), "NNC206"),
        (net("return F.softplus(x, self.b)", init="self.b = torch.ones(1)"), "NNC206"),
        (net("return F.softplus(x, self.b)", init="self.b = b", args="b: nn.Parameter"), "NNC206"),
    ],
)
def test_what_may_differ_is_left(source: str, code: str) -> None:
    check_left(source, code)


def test_a_variable_of_a_function_around_the_class_is_left() -> None:
    source = """\
        import torch.nn as nn
        import torch.nn.functional as F


        def make(k):
            class Net(nn.Module):
                def forward(self, x):
                    return F.max_pool2d(x, k)

            return Net
        """
    check_left(source, "NNC205")


@pytest.mark.parametrize("name", ["self", "args", "kwargs"])
def test_a_constant_named_like_a_parameter_of_the_new_init_is_left(name: str) -> None:
    source = f"""\
        import torch.nn as nn
        import torch.nn.functional as F

        {name} = 2


        class Net(nn.Module):
            def forward(this, x):
                return F.max_pool2d(x, {name})
        """
    check_left(source, "NNC212")


def test_a_setting_of_a_base_class_moves_behind_its_init() -> None:
    source = net(
        "return F.max_pool2d(x, self.k)",
        before="class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.k = 3",
    ).replace("class Net(nn.Module)", "class Net(Base)")
    result = executes_the_same(source, "Net", inputs="torch.randn(1, 2, 7, 7)")
    assert "super().__init__()\n        self.max_pool2d = nn.MaxPool2d(self.k)" in result


def test_both_values_of_a_setting_assigned_in_branches_are_taken() -> None:
    source = net(K, init="if a:\n    self.k = 2\nelse:\n    self.k = 3", args="a")
    for a in ("True", "False"):
        executes_the_same(source, "Net", a, "torch.randn(1, 2, 7, 7)")


# -- values that the constructor checks ------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        net("return F.dropout(x, self.p, self.training)", init="self.p = p", args="p"),
        net(DROP, init="self.p = p", args="p: float"),
        net(DROP, init="self.p = p", args="p: float = 0.1"),
        net(DROP.replace("if self.p:", "if self.p > 0:"), init="self.p = p", args="p=0.1"),
        net(DROP, init="self.p = 0.3"),
        net(DROP, body="p = 0.3"),
    ],
)
def test_a_probability_known_to_be_valid_moves(source: str) -> None:
    assert registrations(source) == ["dropout = nn.Dropout(self.p)"]


@pytest.mark.parametrize(
    "source",
    [
        net(DROP, init="self.p = p", args="p"),
        net(DROP, init="self.p = p", args="p=None"),
        net(DROP, init="self.p = p", args="p: float = None"),
        net(DROP, init="self.p = p", args="p: float | None = 0.1"),
        net(DROP, init="self.p = 1.5"),
        net(DROP, init="self.p = cfg.p", args="cfg"),
        net(DROP, body="p = 0.3", after="class Sub(Net):\n    p = None"),
        net(
            "if x is None:\n    return x\nreturn F.dropout(x, self.p, self.training)",
            init="self.p = p",
            args="p",
        ),
        net(
            "return F.dropout(x, self.p, self.training)",
            init="self.p = p",
            args="p",
            after="class Sub(Net):\n    def forward(self, x):\n        return x",
        ),
        net("return F.hardtanh(x, self.lo, self.hi)", init="self.lo, self.hi = lo, hi", args="lo, hi"),
        net("return F.hardtanh(x, 1.0, 1.0)"),
        net("return F.interpolate(x, scale_factor=[2, 2])"),
        net("return F.dropout(x, 1.5, self.training)"),
    ],
)
def test_a_value_that_the_constructor_may_refuse_is_left(source: str) -> None:
    check_left(source, "NNC208")


# -- padding ---------------------------------------------------------------------------------------------

PAD = "return F.pad(x, {})"


@pytest.mark.parametrize(
    ("source", "constructor"),
    [
        (net(PAD.format("(1, 2)")), "nn.ZeroPad1d((1, 2))"),
        (net(PAD.format("[1] * 4")), "nn.ZeroPad2d([1] * 4)"),
        (net(PAD.format("(1,) + (2,)")), "nn.ZeroPad1d((1,) + (2,))"),
        (net(PAD.format("tuple([1, 2, 3, 4])")), "nn.ZeroPad2d(tuple([1, 2, 3, 4]))"),
        (
            net(PAD.format("self.pad, mode='reflect'"), init="self.pad = (k, k)", args="k"),
            "nn.ReflectionPad1d(self.pad)",
        ),
        (net(PAD.format("P"), before="P = (1, 2, 3, 4, 5, 6)"), "nn.ZeroPad3d(P)"),
        (
            net(PAD.format("(1, 2), value=self.v"), init="self.v = v", args="v"),
            "nn.ConstantPad1d((1, 2), value=self.v)",
        ),
        (net("p = (1, 2)\n" + PAD.format("p")), "nn.ZeroPad1d((1, 2))"),
    ],
)
def test_mode_and_length_choose_the_class(source: str, constructor: str) -> None:
    [registration] = registrations(source)
    assert registration.split(" = ", 1)[1] == constructor


@pytest.mark.parametrize(
    "source",
    [
        net(PAD.format("self.pad"), init="self.pad = pad", args="pad"),
        net(PAD.format("self.pad"), init="self.pad = pad", args="pad", before="pad = (1, 1)"),
        net(PAD.format("self.pad"), init="self.pad = self.pad * 2"),
        net(PAD.format("self.pad"), body="pad = (1, 1)", after="class Sub(Net):\n    pad = (1, 1, 1, 1)"),
        net(PAD.format("self.pad"), body="pad = (1, 1)", init="if a:\n    self.pad = (1, 1, 1, 1)", args="a"),
        net(PAD.format("self.pad"), init="self.pad = (1, 1) if a else (1, 1, 1, 1)", args="a"),
        net(PAD.format("(1, 1), mode=self.mode"), init="self.mode = mode", args="mode"),
        net(PAD.format("(1, 1, 1, 1, 1, 1, 1, 1)")),
        net(PAD.format("(1, 1, 1)")),
        net(PAD.format("(1, 1), mode='wrap'")),
    ],
)
def test_padding_without_a_certain_class_is_left(source: str) -> None:
    check_left(source, "NNC211")


def test_padding_with_a_length_from_the_input_is_left() -> None:
    assert codes(net("n = x.shape[-1] % 4\nreturn F.pad(x, (0, n))")) == ["NNC204"]
