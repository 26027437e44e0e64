"""Rules 15, 17 and 18: which operands move into a module, with all their uses, and which calls are left."""

from __future__ import annotations

import pytest
import torch
from tests.helpers import check_converted, check_left, codes, convert, net, outcomes, registrations
from tests.weights.both import build, train_alike

LINEAR = "return F.linear(x, self.weight, self.bias)"
W = "self.weight = nn.Parameter(torch.randn(5, 4))"
WB = f"{W}\nself.bias = nn.Parameter(torch.zeros(5))"
X = "torch.randn(3, 4)"
BN = "return F.batch_norm({}, self.mean, self.var, self.gamma, self.beta, self.training)"
STATE = (
    "self.register_buffer('mean', torch.zeros(4))\nself.register_buffer('var', torch.ones(4))\n"
    "self.gamma = nn.Parameter(torch.ones(4))\nself.beta = nn.Parameter(torch.zeros(4))"
)


def left(source: str, code: str, **options: object) -> None:
    check_left(source, code, parameters=True, **options)


def test_nothing_moves_without_the_option() -> None:
    check_left(net(LINEAR, init=WB), "NNC406")
    check_left(net("return F.group_norm(x, 2)"), "NNC406")
    check_left(net("return F.cross_entropy(x, y, self.w)", init="self.register_buffer('w', torch.ones(3))"), "NNC406")


def test_the_whole_text() -> None:
    check_converted(
        """
        import torch
        import torch.nn as nn
        import torch.nn.functional as F


        class Net(nn.Module):
            def __init__(self, width, classes=10):
                super().__init__()
                self.fc = nn.Linear(width, width)
                # starts small
                self.weight = nn.Parameter(
                    torch.randn(classes, width) * 0.02  # as in the paper
                )
                self.bias = nn.Parameter(torch.zeros(classes))
                self.scale = nn.Parameter(torch.ones(width))

            def forward(self, x):
                x = self.fc(x) * self.scale
                return F.linear(x, self.weight, self.bias)  # logits

            def penalty(self):
                return self.weight.norm()


        def show(width):
            model = Net(width)
            print(model.weight.shape)
        """,
        """
        import torch
        import torch.nn as nn


        class Net(nn.Module):
            def __init__(self, width, classes=10):
                super().__init__()
                self.fc = nn.Linear(width, width)
                # starts small
                self.linear = nn.Linear(width, classes, device="meta")
                self.linear.weight = nn.Parameter(
                    torch.randn(classes, width) * 0.02  # as in the paper
                )
                self.linear.bias = nn.Parameter(torch.zeros(classes))
                self.scale = nn.Parameter(torch.ones(width))

            def forward(self, x):
                x = self.fc(x) * self.scale
                return self.linear(x)  # logits

            def penalty(self):
                return self.linear.weight.norm()


        def show(width):
            model = Net(width)
            print(model.linear.weight.shape)
        """,
        parameters=True,
    )


def test_the_plan_says_how_the_keys_change() -> None:
    init = f"self.k = nn.Parameter(torch.rand(4, 4, 1, 1))\n{STATE}"
    _, plan = convert(net(BN.format("F.conv2d(x, self.k)"), init=init), parameters=True)
    [change] = plan.state
    assert dict(change.keys) == {
        "mean": "batch_norm.running_mean",
        "var": "batch_norm.running_var",
        "gamma": "batch_norm.weight",
        "beta": "batch_norm.bias",
        "k": "conv2d.weight",
    }
    assert change.added == ("batch_norm.num_batches_tracked",)


# -- shapes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tensor", "sizes"),
    [
        ("torch.empty(o, i)", "i, o"),
        ("torch.empty((o, i))", "i, o"),
        ("torch.zeros([o, i])", "i, o"),
        ("torch.zeros(size=(o, i), dtype=torch.float32)", "i, o"),
        ("torch.Tensor(o, i)", "i, o"),
        ("torch.FloatTensor(o, i).uniform_(-1, 1)", "i, o"),
        ("torch.full((o, i), 0.5)", "i, o"),
        ("torch.normal(0.0, 1.0, (o, i))", "i, o"),
        ("torch.normal(0.0, 1.0, size=(o, i))", "i, o"),
        ("torch.eye(o, i)", "i, o"),
        ("torch.eye(i)", "i, i"),
        ("torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.5, 0.1, 0.2, 0.3]])", "4, 2"),
        ("torch.randn(o, i) * 0.02", "i, o"),
        ("0.02 * torch.randn(o, i)", "i, o"),
        ("torch.randn(o, i) / math.sqrt(i)", "i, o"),
        ("torch.randn(o, i) * i ** -0.5", "i, o"),
        ("-torch.rand(o, i).mul_(2)", "i, o"),
        ("torch.ones(1).new_zeros(o, i)", "i, o"),
        ("torch.ones(1).new_full((o, i), 2.0)", "i, o"),
        ("nn.init.xavier_uniform_(torch.empty(o, i))", "i, o"),
        ("torch.nn.init.normal_(torch.empty(o, i), std=0.02)", "i, o"),
        ("torch.empty(o, 2 * i)", "2 * i, o"),
        ("torch.empty(int(o), max(i, 2))", "max(i, 2), int(o)"),
        ("torch.empty(K, self.i)", "self.i, K"),
    ],
)
def test_sizes_are_read_from_what_makes_the_parameter(tensor: str, sizes: str) -> None:
    source = net("return F.linear(x, self.weight)", args="i, o", before="K = 3",
                 init=f"self.i = i\nself.weight = nn.Parameter({tensor})")  # fmt: skip
    assert registrations(source, parameters=True) == [f'linear = nn.Linear({sizes}, bias=False, device="meta")']


@pytest.mark.parametrize(
    "init",
    [
        "w = torch.empty(o, i)\nnn.init.orthogonal_(w)\nself.weight = nn.Parameter(w)",
        "self.register_parameter('weight', nn.Parameter(torch.empty(o, i)))",
        "self.register_parameter(name='weight', param=nn.Parameter(torch.empty(o, i)))",
        "self.weight: nn.Parameter = nn.Parameter(data=torch.empty(o, i), requires_grad=False)",
        "self.weight = torch.nn.parameter.Parameter(torch.empty(o, i))",
    ],
)
def test_ways_to_register(init: str) -> None:
    both = build(
        net("return F.linear(x, self.weight)", init=f"{init}\nnn.init.ones_(self.weight)", args="i, o"), "4, 5"
    )
    [registration] = both.plan.classes[0].registrations
    assert registration.constructor.replace("'", '"') == 'nn.Linear(i, o, bias=False, device="meta")'
    assert {n: p.requires_grad for n, p in both.new.named_parameters()} == {
        both.new_name(n): p.requires_grad for n, p in both.old.named_parameters()
    }


@pytest.mark.parametrize(
    ("weight", "groups", "sizes"),
    [
        ("o, i // groups, 3, 3", "self.groups", "i, o, 3"),
        ("o, i // self.groups, 3, 3", "self.groups", "i, o, 3"),
        ("o, int(i / groups), 3, 3", "self.groups", "i, o, 3"),
        ("o, 1, 3, 3", "self.o", "self.o, o, 3"),
        ("8, 4, 3, 3", "2", "8, 8, 3"),
        ("o, i, k, k", "1", "i, o, k"),
        ("o, i, k, 1", "1", "i, o, (k, 1)"),
        ("o, i, 1, 1", "self.groups", "i * self.groups, o, 1"),
        ("o, i // 2, 1, 1", "self.groups", "i // 2 * self.groups, o, 1"),
    ],
)
def test_channels(weight: str, groups: str, sizes: str) -> None:
    init = f"self.groups = groups\nself.o = o\nself.weight = nn.Parameter(torch.rand({weight}))"
    source = net(f"return F.conv2d(x, self.weight, groups={groups})", args="i, o, k, groups", init=init)
    wanted = f'conv2d = nn.Conv2d({sizes}, groups={groups}, bias=False, device="meta")'
    assert registrations(source, parameters=True) == [wanted]


def test_a_setting_that_self_gets_later_is_taken_from_its_source() -> None:
    init = "self.weight = nn.Parameter(torch.randn(4, 4, 3))\nself.stride = stride\nself.padding = 1"
    both = build(net("return F.conv1d(x, self.weight, None, self.stride, self.padding)", init=init, args="stride=2"))
    assert [r.constructor for r in both.plan.classes[0].registrations] == [
        'nn.Conv1d(4, 4, 3, stride, 1, bias=False, device="meta")'
    ]
    late = "self.weight = nn.Parameter(torch.randn(4, 4, 3))\nself.stride = compute(stride)"
    left(net("return F.conv1d(x, self.weight, None, self.stride)", init=late, args="stride=2"), "NNC209")


def test_a_shape_that_self_gets_later() -> None:
    init = (
        "self.weight = nn.Parameter(torch.ones(n))\nself.bias = nn.Parameter(torch.zeros(n))\nself.eps = eps\n"
        "if eps < 0:\n    raise ValueError\nself.shape = (n,)"
    )
    forward = "return F.layer_norm(x, self.shape, self.weight, self.bias, self.eps)"
    both = build(net(forward, init=init, args="n, eps=1e-6"), "4")
    assert [r.constructor for r in both.plan.classes[0].registrations] == ["nn.LayerNorm((n,), eps)"]
    train_alike(both, "torch.randn(2, 4)")


@pytest.mark.parametrize(
    "init",
    [
        "self.weight = nn.Parameter(make(5, 4))",
        "self.weight = nn.Parameter(torch.load('w.pt'))",
        "self.weight = nn.Parameter(torch.randn(*shape))",
        "self.weight = nn.Parameter(torch.randn(shape))",
        "self.weight = nn.Parameter(torch.randn(20).view(5, 4))",
        "self.weight = nn.Parameter(torch.randn(5, 4) * scale)",
        "self.weight = nn.Parameter(torch.randn(4))",
        "n = 5\nif shape:\n    n = 6\nself.weight = nn.Parameter(torch.randn(n, 4))",
        "self.weight = nn.Parameter(torch.randn(next(shape), 4))",
        "self.weight = nn.Parameter(torch.randn(self.n, 4))\nself.n = 3",
    ],
)
def test_sizes_that_cannot_be_read(init: str) -> None:
    left(net("return F.linear(x, self.weight)", init=init, args="shape, scale"), "NNC412")


# -- which operands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "F.linear(x, self.weight * self.mask)",
        "F.linear(x, self.weight - self.weight.mean())",
        "F.linear(x, self.weight.t())",
        "F.linear(x, self.weight[0])",
        "F.linear(x, self.weights[0])",
        "F.linear(x, self.table['a'])",
        "F.linear(x, self.other.weight)",
        "F.linear(x, weight)",
        "F.linear(x, self.weight.detach())",
        "F.linear(x, self.standardised())",
        "F.linear(x, torch.ones(4, 4))",
        "F.linear(x, self.weight, self.bias + 1)",
    ],
)
def test_computed_and_foreign_weights(call: str) -> None:
    init = (
        f"{WB}\nself.mask = torch.ones(5, 4)\nself.other = nn.Linear(4, 4)\nself.weights = nn.ParameterList()\n"
        "self.table = nn.ParameterDict()"
    )
    left(net(f"return {call}", init=init, inputs="x, weight=None"), "NNC410")


@pytest.mark.parametrize(
    ("init", "code"),
    [
        ("if bias:\n    self.weight = nn.Parameter(torch.randn(5, 4))", "NNC411"),
        ("for _ in range(1):\n    self.weight = nn.Parameter(torch.randn(5, 4))", "NNC411"),
        (f"{W}\n{W}", "NNC411"),
        ("self.weight = nn.Parameter(torch.randn(5, 4)) if bias else None", "NNC410"),
        ("self.weight = torch.randn(5, 4)", "NNC410"),
        ("self.weight = bias", "NNC410"),
        ("self.weight = self.other = nn.Parameter(torch.randn(5, 4))", "NNC413"),
        ("self.weight, self.other = nn.Parameter(torch.randn(5, 4)), 1", "NNC411"),
        ("self.register_buffer('weight', torch.randn(5, 4))", "NNC416"),
        ("if bias:\n    return\n" + W, "NNC411"),
        ("", "NNC411"),
    ],
)
def test_registered_otherwise(init: str, code: str) -> None:
    left(net("return F.linear(x, self.weight)", init=init or "pass", args="bias=None"), code)


def test_a_bias_under_a_condition_leaves_the_whole_call() -> None:
    init = (
        f"{W}\nif bias:\n    self.bias = nn.Parameter(torch.zeros(5))\nelse:\n    self.register_parameter('bias', None)"
    )
    left(net(LINEAR, init=init, args="bias=True"), "NNC411")


@pytest.mark.parametrize("none", ["self.bias = None", "self.register_parameter('bias', None)"])
def test_a_bias_that_is_none_for_good(none: str) -> None:
    both = build(net(LINEAR, init=f"{W}\n{none}"))
    train_alike(both, X)
    assert "bias=False" in both.plan.classes[0].registrations[0].constructor


def test_a_parameter_of_another_class_or_method() -> None:
    base = f"class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {W}\n"
    sub = "class Net(Base):\n    def forward(self, x):\n        return F.linear(x, self.weight)\n"
    left(f"import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n{base}\n{sub}", "NNC411")
    left(net("return F.linear(x, self.weight)", init="self.reset()",
             body=f"def reset(self):\n    {W}"), "NNC411")  # fmt: skip


@pytest.mark.parametrize("base", ["nn.Linear", "nn.Conv2d"])
def test_a_subclass_of_a_class_with_parameters(base: str) -> None:
    source = (
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
        f"class Net({base}):\n    def forward(self, x):\n        return F.linear(x, self.weight, self.bias)\n"
    )
    left(source, "NNC411")


@pytest.mark.parametrize(
    "forward",
    [
        "return F.linear(F.linear(x, self.weight), self.weight)",
        "y = F.linear(x, self.weight)\nreturn F.linear(y, self.weight.t())",
        "return F.linear(x, self.weight) + F.embedding(y, self.weight)",
        "w = self.weight\nreturn F.linear(F.linear(x, self.weight), w)",
    ],
)
def test_tied_weights(forward: str) -> None:
    source = net(forward, init=W, inputs="x, y=None")
    _, plan = convert(source, parameters=True)
    assert not plan.converted
    assert "NNC413" in codes(source, parameters=True)


@pytest.mark.parametrize(
    "alias",
    [
        "self.tied = self.weight",
        "self.emb.weight = self.weight",
        "w = self.weight\nself.tied = w",
    ],
)
def test_a_second_name(alias: str) -> None:
    left(net("return F.linear(x, self.weight)", init=f"self.emb = nn.Embedding(5, 4)\n{W}\n{alias}"), "NNC413")


@pytest.mark.parametrize(
    ("init", "call"),
    [
        (f"self.bias = nn.Parameter(torch.zeros(4))\n{W}", "F.layer_norm(x, (4,), None, self.bias)"),
        ("self.g = nn.Parameter(torch.ones(4))", "F.group_norm(x, 2, self.g)"),
        ("self.g = nn.Parameter(torch.ones(4))", "F.instance_norm(x, weight=self.g)"),
        ("self.w = nn.Parameter(torch.ones(3))", "F.cross_entropy(x, y, self.w)"),
        ("self.register_buffer('w', torch.ones(3), persistent=False)", "F.cross_entropy(x, y, self.w)"),
    ],
)
def test_operands_that_the_class_does_not_have(init: str, call: str) -> None:
    left(net(f"return {call}", init=init, inputs="x, y=None"), "NNC416")


# -- other uses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ({"after": "def f(net):\n    return net.state_dict()['weight']"}, "NNC415"),
        ({"after": "def f(net):\n    return getattr(net, 'weight')"}, "NNC415"),
        ({"after": "def f(net):\n    return net.weight"}, "NNC415"),
        ({"after": "def f(net):\n    net.weight = None"}, "NNC415"),
        ({"after": "def f(net):\n    return [p for n, p in net.named_parameters() if n == 'weight']"}, "NNC415"),
        ({"after": "net = torch.nn.utils.weight_norm(Net())"}, "NNC415"),
        ({"init": f"{W}\nnn.utils.parametrizations.spectral_norm(self)"}, "NNC415"),
        ({"init": f"{W}\nnn.utils.weight_norm(self, 'weight')"}, "NNC415"),
        ({"body": "def state_dict(self, *a, **k):\n    return {}"}, "NNC415"),
        ({"body": "def _load_from_state_dict(self, *a):\n    pass"}, "NNC415"),
        ({"init": f"{W}\nself._register_load_state_dict_pre_hook(print)"}, "NNC415"),
        ({"body": "weight: torch.Tensor"}, "NNC411"),
        ({"after": "def f(net):\n    for p in net.parameters():\n        nn.init.normal_(p)"}, "NNC417"),
        ({"after": "def f(net):\n    return list(net.parameters())[0]"}, "NNC417"),
        ({"after": "def init(m):\n    if isinstance(m, nn.Linear):\n        nn.init.ones_(m.weight)"}, "NNC302"),
        ({"after": "def f(net):\n    net.apply(lambda m: nn.init.ones_(m.weight) if hasattr(m, 'weight') else None)"},
         "NNC415"),
        ({"body": "def init(self):\n    for m in self.modules():\n        if isinstance(m, nn.Linear):\n"
                  "            m.reset_parameters()"}, "NNC302"),
    ],
)  # fmt: skip
def test_reached_by_other_means(where: dict[str, str], code: str) -> None:
    left(net("return F.linear(x, self.weight)", **{"init": W, **where}), code)


@pytest.mark.parametrize(
    "after",
    [
        "def init(m):\n    if isinstance(m, nn.Conv2d):\n        nn.init.ones_(m.weight)",
        "def f(net):\n    return sum(p.numel() for p in net.parameters())",
        "class Other(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.register_parameter('weight', None)",
        "def f():\n    nn.utils.clip_grad_norm_(Net().parameters(), 1.0)",
        "def f(weight):\n    return torch.optim.SGD([weight], lr=0.1).weight.mean()",
        "def f():\n    return nn.utils.weight_norm(nn.Conv2d(1, 1, 1))",
    ],
)
def test_code_that_is_not_about_it(after: str) -> None:
    assert outcomes(net("return F.linear(x, self.weight)", init=W, after=after), parameters=True) == "linear"


def test_a_local_name_is_no_tie() -> None:
    body = "def norm(self):\n    w = self.weight\n    return (w * w).sum()"
    both = build(net("return F.linear(x, self.weight) + self.norm()", init=W, body=body))
    assert "w = self.linear.weight" in both.text
    train_alike(both, X)


def test_uses_in_f_strings_move_where_python_tells_their_place() -> None:
    plain = "def extra_repr(self):\n    return f'{self.weight.shape[1]} to {self.weight.shape[0]}'"
    text, _ = convert(net("return F.linear(x, self.weight)", init=W, body=plain), parameters=True)
    assert "return f'{self.linear.weight.shape[1]} to {self.linear.weight.shape[0]}'" in text
    odd = (
        "def extra_repr(self):\n    return ('a'\n        f'b {self.weight.shape[1]:>{self.weight.dim()}}'\n        'c')"
    )
    source = net("return F.linear(x, self.weight)", init=W, body=odd)
    text, plan = convert(source, parameters=True)
    assert text == source or text.count("self.linear.weight") == 3
    assert bool(plan.converted) == (text != source)


def test_all_uses_move() -> None:
    body = "def reset(self):\n    self.weight.data.normal_()\n    with torch.no_grad():\n        self.weight.mul_(2)"
    after = "class Sub(Net):\n    def forward(self, x):\n        return super().forward(x) + self.weight.sum()"
    both = build(net("return F.linear(x, self.weight)", init=f"{W}\nself.reset()", body=body, after=after), "", "Sub")
    assert both.text.count("self.linear.weight") == 4
    train_alike(both, X)


@pytest.mark.parametrize(
    ("test", "moved"),
    [
        ("isinstance(m, Net)", "net.linear.weight"),
        ("isinstance(m, (Net, Sub))", "net.linear.weight"),
        ("m is not None and isinstance(m, Net)", "net.linear.weight"),
        ("isinstance(m, Other)", "net.weight"),
        ("isinstance(m, (nn.Conv2d, nn.Conv1d))", "net.weight"),
    ],
)
def test_a_test_tells_whose_parameter_it_is(test: str, moved: str) -> None:
    after = (
        "class Sub(Net):\n    pass\n\n\nclass Other(nn.Module):\n    pass\n\n\n"
        f"def init(m):\n    if {test}:\n        nn.init.ones_(m.weight)\n"
    )
    text, _ = convert(net("return F.linear(x, self.weight)", init=W, after=after), parameters=True)
    assert f"nn.init.ones_({moved.replace('net', 'm')})" in text
    assert "return self.linear(x)" in text


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("isinstance(m, (Net, Other))", "NNC415"),
        ("isinstance(m, Net) or m", "NNC415"),
        ("m", "NNC415"),
        ("isinstance(m, Base)", "NNC302"),  # Base may be nn.Linear
    ],
)
def test_a_test_that_does_not_tell(test: str, code: str) -> None:
    after = f"class Other(nn.Module):\n    pass\n\n\ndef init(m):\n    if {test}:\n        print(m.weight)\n"
    left(net("return F.linear(x, self.weight)", init=W, after=after), code)


def test_instances_with_prefixes_and_subclasses() -> None:
    after = (
        "class Sub(Net):\n    pass\n\n\nclass Top(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.body = nn.Sequential(Net(), nn.Linear(5, 4), Sub())\n\n"
        "    def forward(self, x):\n        return self.body(x)\n"
    )
    both = build(net(LINEAR, init=WB, after=after), "", "Top")
    assert both.keys == {
        "body.0.weight": "body.0.linear.weight",
        "body.0.bias": "body.0.linear.bias",
        "body.2.weight": "body.2.linear.weight",
        "body.2.bias": "body.2.linear.bias",
    }
    train_alike(both, X)


def test_a_surrounding_device_is_honoured() -> None:
    both = build(net(LINEAR, init=WB))
    with torch.device("meta"):
        assert {p.device.type for p in type(both.new)().parameters()} == {"meta"}
    assert {p.device.type for p in both.new.parameters()} == {"cpu"}


def test_values_that_the_constructor_makes_itself() -> None:
    init = "self.weight = nn.Parameter(torch.ones(n))\nself.bias = nn.Parameter(torch.zeros(n))"
    source = net("return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-6)", init=init, args="n")
    both = build(source, "4")
    assert "nn.Parameter" not in both.text
    train_alike(both, "torch.randn(2, 4)")
    for other in (
        "nn.Parameter(torch.ones(n, dtype=torch.float64))",
        "nn.Parameter(torch.zeros(n))",
        "nn.Parameter(torch.ones(n), requires_grad=False)",
        "nn.Parameter(torch.ones(n))  # gain",
    ):
        changed, _ = convert(source.replace("nn.Parameter(torch.ones(n))", other), parameters=True)
        assert f"self.layer_norm.weight = {other}" in changed


# -- rank and mode ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forward", "init", "module"),
    [
        ("x = self.conv(x)\n" + BN.format("x"), "self.conv = nn.Conv2d(4, 4, 1)", "BatchNorm2d"),
        ("x = F.relu(self.conv(x))\n" + BN.format("x"), "self.conv = nn.Conv1d(4, 4, 1)", "BatchNorm1d"),
        (BN.format("F.max_pool3d(x, 1)"), "pass", "BatchNorm3d"),
        ("y = self.conv(x)\nif y:\n    print(y)\n" + BN.format("y"), "self.conv = nn.Conv2d(4, 4, 1)", "BatchNorm2d"),
    ],
)
def test_the_rank_is_read_where_the_source_tells(forward: str, init: str, module: str) -> None:
    assert f"batch_norm = nn.{module}(4)" in registrations(net(forward, init=f"{init}\n{STATE}"), parameters=True)


@pytest.mark.parametrize(
    "forward",
    [
        BN.format("x"),
        "x = self.conv(x)\nif y:\n    x = x.flatten(1)\n" + BN.format("x"),
        "x = self.conv(x)\nx = x.mean(-1)\n" + BN.format("x"),
        "for _ in range(2):\n    x = self.conv(x)\n" + BN.format("x"),
    ],
)
def test_a_rank_that_only_a_run_would_tell(forward: str) -> None:
    source = net(forward, init=f"self.conv = nn.Conv2d(4, 4, 1)\n{STATE}", inputs="x, y=None")
    left(source, "NNC414")
    line = next(n for n, text in enumerate(source.splitlines(), 1) if "batch_norm" in text)
    found = registrations(source, parameters=True, ranks=((line, 3),))
    assert found == ["batch_norm = nn.BatchNorm1d(4)"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("self.mean, self.var, self.gamma, self.beta", "NNC403"),
        ("self.mean, self.var, self.gamma, self.beta, True", "NNC402"),
        ("self.mean, self.var, self.gamma, self.beta, False", "NNC403"),
        ("self.mean, self.var, self.gamma, self.beta, self.on", "NNC404"),
        ("None, None, self.gamma, self.beta, self.training", "NNC404"),
        ("self.mean, None, self.gamma, self.beta, self.training", "NNC416"),
        ("None, None, training=True", "NNC412"),
    ],
)
def test_statistics_and_the_mode(arguments: str, code: str) -> None:
    source = net(f"return F.batch_norm(F.max_pool2d(x, 1), {arguments})", init=f"{STATE}\nself.on = True")
    assert codes(source, parameters=True) == [code]


# -- old checkpoints -------------------------------------------------------------------------------------------------


def test_load_old_accepts_both_kinds_of_checkpoint() -> None:
    conv = "self.k = nn.Parameter(torch.rand(4, 4, 1, 1))"
    after = (
        "class Top(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.one, self.two = Net(), nn.ModuleList([Net()])\n\n"
        "    def forward(self, x):\n        return self.two[0](self.one(x))\n"
    )
    source = net(BN.format("F.conv2d(x, self.k)"), init=f"{conv}\n{STATE}", after=after)
    both = build(source, "", "Top", load_old=True)
    train_alike(both, "torch.randn(2, 4, 3, 3)")
    fresh = type(both.new)()
    fresh.load_state_dict(both.old.state_dict(), strict=True)
    mapped = {both.new_name(name): value for name, value in both.old.state_dict().items()}
    for name, value in fresh.state_dict().items():
        assert name in both.added or torch.equal(value, mapped[name])
    again = type(both.new)()
    again.load_state_dict(both.new.state_dict(), strict=True)
    assert all(torch.equal(v, again.state_dict()[n]) for n, v in both.new.state_dict().items())
    assert both.text.count("def _load_from_state_dict(") == 1


def test_load_old_changes_nothing_where_no_key_changes() -> None:
    text, _ = convert(net("return F.relu(x)"), parameters=True, load_old=True)
    assert "_load_from_state_dict" not in text


def test_a_scripted_class_still_compiles() -> None:
    both = build(net(LINEAR, init=WB, after="scripted = torch.jit.script"))
    assert torch.equal(torch.jit.script(both.new)(torch.ones(2, 4)), both.new(torch.ones(2, 4)))


# -- weights of a module that self has already -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "call"),
    [
        ("nn.Conv2d(4, 5, 3, padding=1)", "F.conv2d(x, self.c.weight, self.c.bias, padding=1)"),
        ("nn.Conv2d(4, 5, 3, 2, (1, 1))", "F.conv2d(x, self.c.weight, self.c.bias, (2, 2), 1)"),
        ("nn.Conv2d(4, 5, 3, stride=stride, bias=False)", "F.conv2d(x, self.c.weight, None, self.stride)"),
        ("nn.Conv2d(4, 4, 3, groups=2)", "F.conv2d(x, self.c.weight, bias=self.c.bias, groups=2)"),
    ],
)
def test_a_module_with_just_these_settings_is_called(held: str, call: str) -> None:
    source = net(f"return {call}", init=f"self.c = {held}\nself.stride = stride", args="stride=1")
    both = build(source)
    assert not both.keys
    assert "return self.c(x)" in both.text
    train_alike(both, "torch.randn(2, 4, 6, 6)")


@pytest.mark.parametrize(
    ("held", "call"),
    [
        ("nn.Conv2d(4, 5, 3)", "F.conv2d(x, self.c.weight, self.c.bias, padding=1)"),
        ("nn.Conv2d(4, 5, 3)", "F.conv2d(x, self.c.weight)"),
        ("nn.Conv2d(4, 5, 3, bias=False)", "F.conv2d(x, self.c.weight, self.d.bias)"),
        ("nn.Conv2d(4, 5, 3, padding_mode='circular')", "F.conv2d(x, self.c.weight, self.c.bias)"),
        ("nn.Conv2d(4, 5, 3, padding=padding)", "F.conv2d(x, self.c.weight, self.c.bias, padding=self.other)"),
        ("nn.Conv2d(4, 5, 3)", "F.conv2d(x, self.c.weight * 2, self.c.bias)"),
        ("nn.Conv2d(4, 5, 3)", "F.conv2d(x, self.c.weight.flip(-1), self.c.bias)"),
        ("nn.Embedding(4, 5)", "F.linear(x, self.c.weight)"),
        ("nn.utils.weight_norm(nn.Conv2d(4, 5, 3))", "F.conv2d(x, self.c.weight, self.c.bias)"),
        ("nn.Conv2d(4, 5, 3)\nself.c.register_forward_hook(print)", "F.conv2d(x, self.c.weight, self.c.bias)"),
        ("nn.Conv2d(4, 5, 3)\nself.c.weight = self.d", "F.conv2d(x, self.c.weight, self.c.bias)"),
        ("nn.Conv2d(4, 5, 3) if padding else None", "F.conv2d(x, self.c.weight, self.c.bias)"),
        ("nn.Conv2d(4, 5, 3)\nnn.utils.spectral_norm(self.c)", "F.conv2d(x, self.c.weight, self.c.bias)"),
    ],
)
def test_a_module_that_would_do_something_else(held: str, call: str) -> None:
    init = f"self.d, self.other = None, 1\nself.c = {held}"
    left(net(f"return {call}", init=init, args="padding=1"), "NNC410")
