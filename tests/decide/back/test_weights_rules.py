"""Rule 32: which submodules with parameters move, what the file looks like then, and how keys change."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.catalog.installed import is_installed
from tests.decide.back import BACK
from tests.helpers import check_converted, check_left, codes, convert, net
from tests.weights.both import build, train_alike

CONV = "self.conv = nn.Conv2d(3, 8, 3)"
CALL = "return self.conv(x)"
IMAGE = "torch.randn(2, 3, 6, 6)"
KEPT = "self.conv_weight = conv.weight\nself.conv_bias = conv.bias"
FUNCTIONAL = "return F.conv2d(x, self.conv_weight, self.conv_bias)"


def check(init: str, forward: str, new_init: str, new_forward: str, **parts: str) -> None:
    old, new = net(forward, init=init, **parts), net(new_forward, init=new_init, **parts)
    check_converted(old, new, direction=BACK, parameters=True)


def check_stays(init: str, forward: str, code: str, **parts: str) -> None:
    check_left(net(forward, init=init, **parts), code, direction=BACK, parameters=True)


# -- without --parameters -------------------------------------------------------------------------------------


def test_without_the_option_it_is_no_call_site() -> None:
    source = net("return self.norm(self.conv(x))", init=f"{CONV}\nself.norm = nn.LayerNorm(4)")
    result, plan = convert(source, direction=BACK)
    assert result == source
    assert not plan.decisions


def test_a_layer_norm_without_parameters_is_what_it_was() -> None:
    init = "self.norm = nn.LayerNorm(4, elementwise_affine=False)"
    source = net("return self.norm(x)", init=init)
    assert convert(source, direction=BACK)[0] == convert(source, direction=BACK, parameters=True)[0]


def test_a_norm_without_any_state_is_no_call_site() -> None:
    init = (
        "self.a = nn.GroupNorm(2, 4, affine=False)\nself.b = nn.BatchNorm1d(4, affine=False, track_running_stats=False)"
    )
    _, plan = convert(net("return self.b(self.a(x))", init=init), direction=BACK, parameters=True)
    assert not plan.decisions


# -- what it looks like ----------------------------------------------------------------------------------------


def test_the_constructor_stays_and_its_parameters_move() -> None:
    check(CONV, CALL, f"conv = nn.Conv2d(3, 8, 3)\n{KEPT}", FUNCTIONAL)


def test_lines_and_comments_of_the_constructor_stay() -> None:
    constructor = "nn.Conv2d(\n    3,  # colours\n    8,\n    3,\n)  # noqa: E501"
    check(f"self.conv = {constructor}", CALL, f"conv = {constructor}\n{KEPT}", FUNCTIONAL)


def test_an_annotation_stays() -> None:
    check(
        "self.conv: nn.Module = nn.Conv2d(3, 8, 3)", CALL, f"conv: nn.Module = nn.Conv2d(3, 8, 3)\n{KEPT}", FUNCTIONAL
    )


def test_statements_on_one_line() -> None:
    kept = "; ".join(KEPT.splitlines())
    check(f"{CONV}; y = 1", CALL, f"conv = nn.Conv2d(3, 8, 3); {kept}; y = 1", FUNCTIONAL)


def test_an_init_on_one_line_at_the_end_of_a_file_without_a_newline() -> None:
    head = "from torch import nn\nfrom torch.nn import functional as F\n\n\nclass Net(nn.Module):\n"
    forward = "    def forward(self, x):\n        return {}\n\n"
    init = "    def __init__(self): super().__init__(); {}"
    old = head + forward.format("self.fc(x)") + init.format("self.fc = nn.Linear(2, 2, bias=False)")
    new = forward.format("F.linear(x, self.fc_weight)")
    new += init.format("fc = nn.Linear(2, 2, bias=False); self.fc_weight = fc.weight")
    check_converted(old, head + new, direction=BACK, parameters=True)


def test_the_last_statement_of_a_file_without_a_newline() -> None:
    head = "from torch import nn\nfrom torch.nn import functional as F\n\n\nclass Net(nn.Module):\n"
    forward = "    def forward(self, x):\n        return {}\n\n    def __init__(self):\n        super().__init__()\n"
    old = head + forward.format("self.fc(x)") + "        self.fc = nn.Linear(2, 2, bias=False)"
    new = head + forward.format("F.linear(x, self.fc_weight)")
    new += "        fc = nn.Linear(2, 2, bias=False)\n        self.fc_weight = fc.weight"
    check_converted(old, new, direction=BACK, parameters=True)


@pytest.mark.parametrize(
    ("before", "args", "init"),
    [
        ("", "conv", "self.width = conv"),
        ("", "", "self.depth = [conv for conv in (1, 2)]"),
        ("def conv():\n    return 1", "", "self.depth = conv()"),
        ("", "", "def conv():\n    return 1\nself.depth = conv()"),
        ("", "", "import math as conv"),
    ],
)
def test_the_local_has_a_free_name(before: str, args: str, init: str) -> None:
    kept = "conv1 = nn.Conv2d(3, 8, 3)\nself.conv_weight = conv1.weight\nself.conv_bias = conv1.bias"
    check(f"{init}\n{CONV}", CALL, f"{init}\n{kept}", FUNCTIONAL, before=before, args=args)


def test_the_attribute_has_a_free_name() -> None:
    taken = "self.conv_weight = 1"
    new = f"{taken}\nconv = nn.Conv2d(3, 8, 3)\nself.conv_weight1 = conv.weight\nself.conv_bias = conv.bias"
    check(f"{taken}\n{CONV}", CALL, new, "return F.conv2d(x, self.conv_weight1, self.conv_bias)")


def test_a_setting_that_self_holds_is_read_there() -> None:
    init = "self.stride = stride\nself.conv = nn.Conv2d(3, 8, 3, stride=stride)"
    new = f"self.stride = stride\nconv = nn.Conv2d(3, 8, 3, stride=stride)\n{KEPT}"
    functional = "return F.conv2d(x, self.conv_weight, self.conv_bias, stride=self.stride)"
    check(init, CALL, new, functional, args="stride")


def test_a_setting_that_only_init_knows_is_evaluated_once() -> None:
    init = "self.conv = nn.Conv2d(3, 8, 3, stride=steps.pop())"
    new = f"conv = nn.Conv2d(3, 8, 3, stride=steps.pop())\n{KEPT}\nself.conv_stride = conv.stride"
    functional = "return F.conv2d(x, self.conv_weight, self.conv_bias, stride=self.conv_stride)"
    check(init, CALL, new, functional, args="steps")


def test_padding_of_another_kind_goes_in_front() -> None:
    init = "self.conv = nn.Conv2d(3, 8, 3, padding=1, padding_mode='reflect', bias=False)"
    new = init.replace("self.conv = ", "conv = ") + "\nself.conv_weight = conv.weight"
    check(
        f"{init}\nself.act = nn.ReLU()",
        "return self.conv(\n    # padded\n    self.act(x),  # the input\n)",
        new,
        "return F.conv2d(\n    # padded\n    F.pad(F.relu(x), (1, 1, 1, 1), mode='reflect'), self.conv_weight,"
        "  # the input\n)",
    )


def test_several_receivers() -> None:
    source = (
        net(CALL, init=CONV)
        .replace("def forward(self, x)", "def forward(this, x)")
        .replace(CALL, "return this.conv(x)")
    )
    result, _ = convert(source, direction=BACK, parameters=True)
    assert "return F.conv2d(x, this.conv_weight, this.conv_bias)" in result


# -- keys ------------------------------------------------------------------------------------------------------


def test_the_plan_says_how_keys_change() -> None:
    init = f"{CONV}\nself.bn = nn.BatchNorm2d(8)\nself.fc = nn.Linear(2, 2, bias=flag)"
    _, plan = convert(
        net("x = self.bn(self.conv(x))\nreturn self.fc(x)", init=init, args="flag"), direction=BACK, parameters=True
    )
    [change] = plan.state
    assert change.class_name == "Net"
    assert dict(change.keys) == {
        "conv.weight": "conv_weight",
        "conv.bias": "conv_bias",
        "bn.weight": "bn_weight",
        "bn.bias": "bn_bias",
        "bn.running_mean": "bn_running_mean",
        "bn.running_var": "bn_running_var",
        "bn.num_batches_tracked": "bn_num_batches_tracked",
        "fc.weight": "fc_weight",
        "fc.bias": "fc_bias",
    }


def test_a_private_name() -> None:
    both = build(net("return self.__bn(x)", init="self.__bn = nn.BatchNorm1d(3)"), direction=BACK)
    assert both.keys["_Net__bn.running_mean"] == "_bn_running_mean"
    train_alike(both, "torch.randn(4, 3)")


def test_with_load_old_old_checkpoints_fit() -> None:
    both = build(net("return self.bn(x)", init="self.bn = nn.BatchNorm1d(3)"), direction=BACK, load_old=True)
    train_alike(both, "torch.randn(4, 3)")
    both.new.load_state_dict(both.old.state_dict(), strict=True)


def test_a_model_within_a_model_and_a_subclass() -> None:
    after = """
    class Sub(Net):
        def forward(self, x):
            return super().forward(x) + 1

    class Top(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList([Net(), Sub()])
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            return self.head(self.parts[0](x) + self.parts[1](x))
    """
    source = net(
        "return self.norm(self.fc(x))", init="self.fc = nn.Linear(4, 8)\nself.norm = nn.LayerNorm(8)", after=after
    )
    both = build(source, class_name="Top", direction=BACK)
    assert both.keys["parts.1.fc.weight"] == "parts.1.fc_weight"
    assert both.keys["head.bias"] == "head_bias"
    train_alike(both, "torch.randn(3, 4)")


# -- a second run ------------------------------------------------------------------------------------------


def test_a_second_run_finds_nothing_more() -> None:
    init = f"{CONV}\nself.bn = nn.BatchNorm2d(8)"
    first, _ = convert(net("return self.bn(self.conv(x))", init=init), direction=BACK, parameters=True)
    second, plan = convert(first, direction=BACK, parameters=True)
    assert second == first
    assert not plan.decisions


# -- left --------------------------------------------------------------------------------------------------

OTHER_USES = {
    "its weight": ("NNC603", {"forward": "return self.conv(x) + self.conv.weight.sum()"}),
    "initialised": ("NNC603", {"init": "nn.init.zeros_(self.conv.weight)"}),
    "tied": ("NNC603", {"init": "self.other = nn.Conv2d(3, 8, 3)\nself.other.weight = self.conv.weight"}),
    "normalised": ("NNC603", {"init": "nn.utils.weight_norm(self.conv)"}),
    "hooked": ("NNC603", {"init": "self.conv.register_forward_hook(print)"}),
    "in a list": ("NNC603", {"init": "self.all = nn.ModuleList([self.conv])"}),
    "from outside": ("NNC605", {"after": "def first(net):\n    return net.conv.weight"}),
    "replaced": ("NNC605", {"after": "def swap(net):\n    net.conv = nn.Conv2d(3, 4, 1)"}),
    "assigned twice": ("NNC602", {"init": "self.conv = nn.Conv2d(3, 8, 5)"}),
    "in a subclass": ("NNC606", {"after": "class Sub(Net):\n    def forward(self, x):\n        return self.conv(x)"}),
    "its own mode": ("NNC603", {"init": "self.conv.eval()"}),
}


@pytest.mark.parametrize(("code", "parts"), OTHER_USES.values(), ids=OTHER_USES)
def test_what_is_used_for_more_than_calls_stays(code: str, parts: dict[str, str]) -> None:
    parts = dict(parts)
    init, forward = parts.pop("init", ""), parts.pop("forward", CALL)
    source = net(forward, init=f"{CONV}\n{init}", **parts)
    assert code in codes(source, direction=BACK, parameters=True)
    assert f"        {CONV}\n" in convert(source, direction=BACK, parameters=True)[0]


def test_a_class_that_is_a_convolution_keeps_its_own_parameters() -> None:
    source = net("return super().forward(x)", args="width").replace("nn.Module", "nn.Conv2d")
    assert convert(source, direction=BACK, parameters=True)[0] == source


@pytest.mark.parametrize(
    ("constructor", "code"),
    [
        ("nn.BatchNorm2d(8, affine=flag)", "NNC423"),
        ("nn.BatchNorm2d(8, track_running_stats=flag)", "NNC423"),
        ("nn.GroupNorm(2, 8, affine=flag)", "NNC423"),
        ("nn.BatchNorm2d(8, momentum=None)", "NNC423"),
        ("nn.BatchNorm2d(8, momentum=flag)", "NNC423"),
        ("nn.Conv2d(8, 8, 3, padding=1, padding_mode=flag)", "NNC423"),
        ("nn.Conv2d(8, 8, 3, padding=flag, padding_mode='circular')", "NNC423"),
        ("nn.Conv2d(8, 8, 3, padding='same', padding_mode='circular')", "NNC423"),
        ("nn.CrossEntropyLoss(torch.ones(3), size_average=flag)", "NNC423"),
        ("nn.Linear(8, 8, **flag)", "NNC201"),
        ("nn.Linear(*flag)", "NNC201"),
        ("nn.InstanceNorm2d(8, affine=True)", "NNC607"),
        ("nn.InstanceNorm1d(8, track_running_stats=True)", "NNC607"),
    ],
)
def test_what_only_init_knows_may_decide_the_form(constructor: str, code: str) -> None:
    check_stays(f"self.m = {constructor}", "return self.m(x)", code, args="flag")


@pytest.mark.parametrize("args", ["momentum=0.1", "momentum: float", "*, momentum=0.2"])
def test_a_momentum_that_is_a_number(args: str) -> None:
    both = build(
        net("return self.m(x)", init="self.m = nn.BatchNorm1d(3, momentum=momentum)", args=args),
        "momentum=0.5",
        direction=BACK,
    )
    train_alike(both, "torch.randn(4, 3)")


@pytest.mark.parametrize("arguments", ["x, [9, 9]", "x, output_size=(9, 9)"])
def test_an_output_size_has_no_place_in_the_functional(arguments: str) -> None:
    check_stays("self.up = nn.ConvTranspose2d(3, 3, 2)", f"return self.up({arguments})", "NNC202")


def test_all_calls_or_none() -> None:
    source = net("x = self.fc(x)\ny = self.fc(x)  # nnconvert: skip\nreturn x + y", init="self.fc = nn.Linear(4, 4)")
    assert sorted(codes(source, direction=BACK, parameters=True)) == ["NNC501", "NNC609"]


def test_a_module_built_on_the_spot_draws_new_weights() -> None:
    check_stays("pass", "return nn.Linear(4, 4)(x)", "NNC407")


def test_an_entry_of_a_container() -> None:
    check_stays("self.body = nn.Sequential(nn.Linear(4, 4))", "return self.body(x)", "NNC604")


def test_a_local_that_is_called_is_no_attribute() -> None:
    check_stays("fc = nn.Linear(4, 4)\nself.body = lambda x: fc(x)", "return self.body(x)", "NNC603")


@pytest.mark.parametrize("looking", ["self.settings = locals()", "eval('1')", "self.settings = vars()"])
def test_an_init_that_looks_at_all_its_locals(looking: str) -> None:
    check_stays(f"{CONV}\n{looking}", CALL, "NNC425")


def test_the_counter_needs_the_mode_of_the_class() -> None:
    check_stays("self.bn = nn.BatchNorm2d(3)\nself.training = False", "return self.bn(x)", "NNC405")


def test_factory_arguments_stay_in_the_constructor() -> None:
    init = "self.fc = nn.Linear(4, 4, device=device, dtype=dtype)"
    both = build(net("return self.fc(x)", init=init, args="device, dtype"), "'cpu', torch.float64", direction=BACK)
    assert "fc = nn.Linear(4, 4, device=device, dtype=dtype)" in both.text
    train_alike(both, "torch.randn(2, 4, dtype=torch.float64)")


@pytest.mark.skipif(not is_installed("2.4"), reason="nn.RMSNorm is newer")
def test_every_spelling_of_the_class() -> None:
    source = (
        "import torch as th\nfrom torch.nn import Linear, Module, RMSNorm as Norm\n\n\nclass Net(Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.a = Linear(4, 4)\n        self.b = Norm(4)\n"
        "        self.c = th.nn.PReLU()\n\n    def forward(self, x):\n        return self.c(self.b(self.a(x)))\n"
    )
    both = build(source, direction=BACK)
    assert not list(both.new.children())
    train_alike(both, "torch.randn(3, 4)")


@pytest.mark.parametrize(
    ("class_name", "args", "inputs"),
    [
        ("Block", "3, 4, stride=2", "torch.randn(2, 3, 8, 8)"),
        ("Block", "3, 4, bias=True", "torch.randn(2, 3, 8, 8)"),
        ("Attention", "8, 2", "torch.randn(2, 5, 8)"),
        ("Language", "9, 8, 2", "torch.randint(0, 9, (2, 5))"),
        ("Periodic", "", "torch.randn(2, 1, 8), torch.zeros(2, 17, dtype=torch.long)"),
        ("Periodic", "torch.tensor([0.5])", "torch.randn(2, 1, 8), torch.zeros(2, 17, dtype=torch.long)"),
    ],
)
def test_whole_models_start_and_train_as_they_did(class_name: str, args: str, inputs: str) -> None:
    text = (Path(__file__).parents[2] / "fixtures" / "back_weights.txt").read_text(encoding="utf-8")
    both = build(text.partition("# output\n")[0], args, class_name, direction=BACK)
    train_alike(both, inputs)
