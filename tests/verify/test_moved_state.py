"""Classes whose state_dict keys are planned to move: right moves are tested, wrong ones are found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nnconvert.verification import Evidence, Expected

from .checking import HEAD, Check, net

LINEAR_OLD = (
    "self.first = nn.Linear(4, 4)\n"
    "self.weight = nn.Parameter(torch.randn(5, 4))\n"
    "self.bias = nn.Parameter(torch.zeros(5))\n"
    "self.last = nn.Linear(5, 2)"
)
LINEAR_NEW = (
    "self.first = nn.Linear(4, 4)\n"
    "self.linear = nn.Linear(4, 5, device='meta')\n"
    "self.linear.weight = nn.Parameter(torch.randn(5, 4))\n"
    "self.linear.bias = nn.Parameter(torch.zeros(5))\n"
    "self.last = nn.Linear(5, 2)"
)
F_LINEAR = "return self.last(F.linear(self.first(x), self.weight, self.bias))"
M_LINEAR = "return self.last(self.linear(self.first(x)))"
KEYS = (("weight", "linear.weight"), ("bias", "linear.bias"))
LINEAR = Expected("Net", (("linear", "nn.Linear(4, 5)"),), keys=KEYS)

NORM_OLD = (
    "self.register_buffer('mean', torch.zeros(3))\nself.register_buffer('var', torch.ones(3))\n"
    "self.gamma = nn.Parameter(torch.ones(3))\nself.beta = nn.Parameter(torch.zeros(3))"
)
F_NORM = "return F.batch_norm(F.conv2d(x, self.kernel), self.mean, self.var, self.gamma, self.beta, self.training)"
NORM = Expected(
    "Net",
    (("conv2d", "nn.Conv2d(2, 3, 3, bias=False)"), ("norm", "nn.BatchNorm2d(3)")),
    keys=(
        ("kernel", "conv2d.weight"),
        ("mean", "norm.running_mean"),
        ("var", "norm.running_var"),
        ("gamma", "norm.weight"),
        ("beta", "norm.bias"),
    ),
    added_keys=("norm.num_batches_tracked",),
)
CONV_OLD = "self.kernel = nn.Parameter(torch.randn(3, 2, 3, 3))\n"
CONV_NEW = (
    "self.conv2d = nn.Conv2d(2, 3, 3, bias=False, device='meta')\n"
    "self.conv2d.weight = nn.Parameter(torch.randn(3, 2, 3, 3))\n"
)
M_NORM = "return self.norm(self.conv2d(x))"


def block(init: str, forward: str) -> str:
    return net(init, forward, "Block").removeprefix(HEAD)


def right(evidence: Evidence) -> Evidence:
    assert evidence.verdict in ("proved", "tested"), evidence
    assert (evidence.reason, evidence.unreached) == ("", ()), evidence
    return evidence


def wrong(check: Check, old: str, new: str, planned: Expected, reason: str) -> None:
    evidence = check.one(old, new, planned)
    assert evidence.verdict == "differs", evidence
    assert any(reason in difference for difference in evidence.differences), evidence


# -- right -----------------------------------------------------------------------------------------------


def test_the_order_of_parameters_may_change(check: Check) -> None:
    evidence = right(check.one(net(LINEAR_OLD, F_LINEAR), net(LINEAR_NEW, M_LINEAR), LINEAR))
    assert (evidence.model, evidence.keys, evidence.added, evidence.removed) == ("net:Net", KEYS, (), ())
    assert evidence.order == (
        ("weight", "bias", "first.weight", "first.bias", "last.weight", "last.bias"),
        ("first.weight", "first.bias", "linear.weight", "linear.bias", "last.weight", "last.bias"),
    )


def test_a_convolution_and_a_batch_norm_with_its_counter(check: Check) -> None:
    old, new = net(CONV_OLD + NORM_OLD, F_NORM), net(CONV_NEW + "self.norm = nn.BatchNorm2d(3)", M_NORM)
    evidence = right(check.one(old, new, NORM))
    assert evidence.added == ("norm.num_batches_tracked",)
    assert dict(evidence.keys)["mean"] == "norm.running_mean"


def test_the_way_back(check: Check) -> None:
    planned = Expected(
        "Net",
        removed=("conv2d", "norm"),
        keys=tuple((new, old) for old, new in NORM.keys),
        removed_keys=NORM.added_keys,
    )
    old, new = net(CONV_OLD + NORM_OLD, F_NORM), net(CONV_NEW + "self.norm = nn.BatchNorm2d(3)", M_NORM)
    evidence = right(check.one(new, old, planned))
    assert (evidence.added, evidence.removed) == ((), ("norm.num_batches_tracked",))


PLAIN_OLD = block("self.w = nn.Parameter(torch.randn(4, 4))", "return F.linear(x, self.w)")
PLAIN_NEW = block(
    "self.linear = nn.Linear(4, 4, bias=False, device='meta')\nself.linear.weight = nn.Parameter(torch.randn(4, 4))",
    "return self.linear(x)",
)
PLAIN = Expected("Block", (("linear", "nn.Linear(4, 4, bias=False)"),), keys=(("w", "linear.weight"),))
NESTED = {
    "under prefixes": (
        "self.one = nn.Sequential(Block(), nn.ReLU())\nself.two = Block()",
        "return self.two(self.one(x))",
        {"one.0.w", "two.w"},
        ["one.0.w", "two.w"],
    ),
    "in a list": (
        "self.all = nn.ModuleList(Block() for _ in range(3))",
        "for part in self.all:\n    x = part(x)\nreturn x",
        {"all.0.w", "all.1.w", "all.2.w"},
        ["all.0.w", "all.1.w", "all.2.w"],
    ),
    "shared": (
        "self.one = Block()\nself.two = self.one",
        "return self.two(self.one(x))",
        {"one.w", "two.w"},
        ["one.w"],
    ),
    "of a subclass": (
        "class Other(Block):\n    def extra(self):\n        return self\nself.one = Other()",
        "return self.one(x)",
        {"one.w"},
        ["one.w"],
    ),
}


@pytest.mark.parametrize(("init", "forward", "moved", "order"), NESTED.values(), ids=NESTED)
def test_instances_inside_a_model(check: Check, init: str, forward: str, moved: set[str], order: list[str]) -> None:
    top = net(init, forward).removeprefix(HEAD)
    inside = check.verify(HEAD + PLAIN_OLD + top, HEAD + PLAIN_NEW + top, Expected("Net"), PLAIN)
    host = right(inside[0])
    assert {old for old, _ in host.keys} == moved
    assert all(new == old.removesuffix("w") + "linear.weight" for old, new in host.keys)
    assert host.order is not None
    assert list(host.order[0]) == order
    assert right(inside[1]).model == "net:Block"


def test_classes_that_only_run_inside_another_share_its_evidence(check: Check) -> None:
    top = net("self.given = {'secret': 7}\nself.block = Block(self.given)", "return self.block(x)").removeprefix(HEAD)
    guarded = "def __init__(self, options):\n        assert options['secret'] == 7"
    old, new = (text.replace("def __init__(self):", guarded) for text in (PLAIN_OLD, PLAIN_NEW))
    (evidence,) = check.verify(HEAD + old + top, HEAD + new + top, PLAIN)
    assert (right(evidence).inside, evidence.model) == ("Net", "net:Net")
    assert evidence.keys == (("block.w", "block.linear.weight"),)


def test_statistics_that_are_named_otherwise_do_not_start_as_the_identity(check: Check) -> None:
    """The old names do not say that these are a mean and a variance; the new ones do."""
    old, new = net(CONV_OLD + NORM_OLD, F_NORM), net(CONV_NEW + "self.norm = nn.BatchNorm2d(3)", M_NORM)
    wrong(check, old, new.replace("self.norm(self", "self.norm.train()(self"), NORM, "eval, call 1: output")


def test_a_buffer_that_no_state_dict_holds_gets_the_same_numbers(check: Check) -> None:
    """What is drawn for the others, in whatever order, must not change it."""
    more = "\nself.register_buffer('running_mean', torch.zeros(2), persistent=False)"
    old, new = (text[:-1] + " + self.running_mean" for text in (F_LINEAR + ";", M_LINEAR + ";"))
    right(check.one(net(LINEAR_OLD + more, old), net(LINEAR_NEW + more, new), LINEAR))


LOADER = """
    def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):
        for old, new in (("weight", "linear.weight"), ("bias", "linear.bias")):
            if prefix + old in state_dict:
                state_dict[prefix + new] = state_dict.pop(prefix + old)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)
"""


def test_an_old_state_dict_loads_as_it_is_where_that_is_planned(check: Check) -> None:
    old, new = net(LINEAR_OLD, F_LINEAR), net(LINEAR_NEW, M_LINEAR)
    planned = replace(LINEAR, loads_old=True)
    right(check.one(old, new + LOADER, planned))
    wrong(check, old, new, planned, "does not load as it is: Error(s) in loading state_dict for Net: Missing key(s)")
    lost = LOADER.replace("state_dict.pop(prefix + old)", "state_dict.pop(prefix + old) * 2")
    wrong(check, old, new + lost, planned, "weight of an old state_dict does not arrive as linear.weight")


# -- wrong -----------------------------------------------------------------------------------------------

TWO_OLD = "self.a = nn.Parameter(torch.randn(4, 4))\nself.b = nn.Parameter(torch.randn(4, 4))"
TWO_NEW = (
    "self.one = nn.Linear(4, 4, bias=False, device='meta')\nself.two = nn.Linear(4, 4, bias=False, device='meta')\n"
    "self.one.weight = nn.Parameter(torch.randn(4, 4))\nself.two.weight = nn.Parameter(torch.randn(4, 4))"
)
TWO = Expected(
    "Net",
    (("one", "nn.Linear(4, 4, bias=False)"), ("two", "nn.Linear(4, 4, bias=False)")),
    keys=(("a", "one.weight"), ("b", "two.weight")),
)
F_TWO, M_TWO = "return F.linear(F.linear(x, self.a).relu(), self.b)", "return self.two(self.one(x).relu())"


def test_weights_that_are_swapped(check: Check) -> None:
    old = net(TWO_OLD, F_TWO)
    right(check.one(old, net(TWO_NEW, M_TWO), TWO))
    wrong(check, old, net(TWO_NEW, "return self.one(self.two(x).relu())"), TWO, "train, call 1: output")
    swapped = replace(TWO, keys=(("a", "two.weight"), ("b", "one.weight")))
    wrong(check, old, net(TWO_NEW, M_TWO), swapped, "initial value of a")
    equal = [text.replace("torch.randn(4, 4)", "torch.ones(4, 4)") for text in (TWO_OLD, TWO_NEW)]
    wrong(check, net(equal[0], F_TWO), net(equal[1], M_TWO), swapped, "gradient of parameter a")


WRONG: dict[str, tuple[Any, ...]] = {
    "a key is missing in the map": (LINEAR_OLD, LINEAR_NEW, replace(LINEAR, keys=KEYS[:1]), "does not load"),
    "a key that is not there": (
        LINEAR_OLD,
        LINEAR_NEW,
        replace(LINEAR, added_keys=("linear.count",)),
        "the key linear.count was planned, but is missing",
    ),
    "another initial value": (
        LINEAR_OLD,
        LINEAR_NEW.replace("zeros(5)", "ones(5)"),
        LINEAR,
        "initial value of bias: 5 of 5 values differ",
    ),
    "numbers drawn while constructing": (
        LINEAR_OLD,
        LINEAR_NEW.replace(", device='meta'", ""),
        LINEAR,
        "construction: state of torch's random numbers",
    ),
    "requires_grad": (
        LINEAR_OLD,
        LINEAR_NEW.replace("torch.zeros(5))", "torch.zeros(5), requires_grad=False)"),
        LINEAR,
        "order of named_parameters",
    ),
    "the order of what stays": (
        LINEAR_OLD,
        "self.last = nn.Linear(5, 2)\n" + LINEAR_NEW.rpartition("\n")[0],
        LINEAR,
        "order of the parameters that stay",
    ),
    "moved without a plan": (LINEAR_OLD, LINEAR_NEW, replace(LINEAR, keys=()), "does not load"),
}


@pytest.mark.parametrize(("old", "new", "planned", "reason"), WRONG.values(), ids=WRONG)
def test_wrong_moves_are_found(check: Check, old: str, new: str, planned: Expected, reason: str) -> None:
    wrong(check, net(old, F_LINEAR), net(new, M_LINEAR), planned, reason)


def test_a_changed_order_is_a_difference_where_no_key_is_planned_to_move(check: Check) -> None:
    old = net("self.a = nn.Linear(4, 4)\nself.b = nn.Linear(4, 4)", "return self.b(self.a(x))")
    new = net("self.b = nn.Linear(4, 4)\nself.a = nn.Linear(4, 4)", "return self.b(self.a(x))")
    wrong(check, old, new, Expected("Net"), "order of named_parameters")


BUFFER_OLD = "self.register_buffer('w', torch.ones(4, 4))"
BUFFER_NEW = (
    "self.linear = nn.Linear(4, 4, bias=False, device='meta')\n"
    "del self.linear.weight\nself.linear.register_buffer('weight', torch.ones(4, 4))"
)
BUFFER = Expected("Net", (("linear", "nn.Linear(4, 4, bias=False)"),), keys=(("w", "linear.weight"),))
F_W, M_W = "return F.linear(x, self.w)", "return self.linear(x)"


def test_a_buffer_stays_a_buffer_and_as_persistent_as_it_was(check: Check) -> None:
    right(check.one(net(BUFFER_OLD, F_W), net(BUFFER_NEW, M_W), BUFFER))
    parameter = BUFFER_NEW.partition("\n")[0] + "\nself.linear.weight = nn.Parameter(torch.ones(4, 4))"
    wrong(check, net(BUFFER_OLD, F_W), net(parameter, M_W), BUFFER, "named_buffers")
    hidden = BUFFER_OLD.replace("4, 4))", "4, 4), persistent=False)")
    wrong(check, net(hidden, F_W), net(BUFFER_NEW, M_W), BUFFER, "does not load")
    gone = BUFFER_NEW.replace("4, 4))", "4, 4), persistent=False)")
    wrong(check, net(BUFFER_OLD, F_W), net(gone, M_W), BUFFER, "does not load")


def test_an_added_key_is_no_parameter(check: Check) -> None:
    new = LINEAR_NEW + "\nself.linear.extra = nn.Parameter(torch.zeros(1))"
    planned = replace(LINEAR, added_keys=("linear.extra",))
    evidence = check.one(net(LINEAR_OLD, F_LINEAR), net(new, M_LINEAR), planned)
    assert evidence.verdict == "differs", evidence


def test_a_buffer_that_moves_must_change_as_before(check: Check) -> None:
    old, new = net(CONV_OLD + NORM_OLD, F_NORM), net(CONV_NEW + "self.norm = nn.BatchNorm2d(3, momentum=0.2)", M_NORM)
    planned = replace(NORM, added=(NORM.added[0], ("norm", "nn.BatchNorm2d(3, momentum=0.2)")))
    wrong(check, old, new, planned, "train, call 1: buffer mean after the call")
