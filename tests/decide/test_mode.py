"""Rules 13 and 14: what depends on the mode converts where it follows self.training, and nowhere else."""

from __future__ import annotations

import pytest
from tests.helpers import check_left, convert, executes_the_same, net, registrations

from nnconvert.plan import Conversion

DROPOUT = "return F.dropout(x, 0.5, self.training)"


@pytest.mark.parametrize(
    ("call", "constructor"),
    [
        ("F.dropout(x, 0.5, self.training)", "dropout = nn.Dropout(0.5)"),
        ("F.dropout(x, training=self.training)", "dropout = nn.Dropout()"),
        ("F.dropout(x, 0.2, self.training, False)", "dropout = nn.Dropout(0.2, False)"),
        ("F.dropout2d(x, 0.2, training=self.training)", "dropout2d = nn.Dropout2d(0.2)"),
        ("F.alpha_dropout(x, training=self.training)", "alpha_dropout = nn.AlphaDropout()"),
        (
            "F.feature_alpha_dropout(x, 0.2, self.training)",
            "feature_alpha_dropout = nn.FeatureAlphaDropout(0.2)",
        ),
        ("F.rrelu(x, training=self.training)", "rrelu = nn.RReLU()"),
        ("torch.dropout(x, 0.2, self.training)", "dropout = nn.Dropout(0.2)"),
        ("torch.dropout(x, p=0.2, train=self.training)", "dropout = nn.Dropout(p=0.2)"),
    ],
)
def test_what_follows_self_training_converts(call: str, constructor: str) -> None:
    source = net(f"return {call}")
    assert registrations(source) == [constructor]
    executes_the_same(source, "Net", inputs="torch.randn(2, 3, 4, 4)")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("F.dropout(x)", "NNC401"),
        ("F.dropout(x, 0.5)", "NNC401"),
        ("F.dropout(x, training=True)", "NNC402"),
        ("F.dropout(x, 0.5, True)", "NNC402"),
        ("F.dropout(x, 0.5, 1)", "NNC402"),
        ("F.rrelu(x, training=True)", "NNC402"),
        ("F.dropout(x, training=False)", "NNC403"),
        ("F.alpha_dropout(x, 0.5)", "NNC403"),
        ("F.rrelu(x)", "NNC403"),
        ("torch.dropout(x, 0.5, False)", "NNC403"),
        ("F.dropout(x, training=not self.training)", "NNC404"),
        ("F.dropout(x, training=self.training and self.flag)", "NNC404"),
        ("F.dropout(x, training=self.mc)", "NNC404"),
        ("F.dropout(x, training=self.body.training)", "NNC404"),
        ("F.dropout(x, 0.5 if self.training else 0.0, self.training)", "NNC404"),
        ("F.dropout(x, 0.5 * self.training)", "NNC404"),
        ("nn.Dropout(0.5)(x)", "NNC401"),
    ],
)
def test_other_modes_are_left(call: str, code: str) -> None:
    check_left(net(f"return {call}", init="self.mc = True"), code)


@pytest.mark.parametrize(
    "source",
    [
        net(DROPOUT, after="net = Net()\nnet.training = False"),
        net(DROPOUT, after="setattr(Net(), 'training', False)"),
        net(DROPOUT, body="def freeze(self):\n    self.training = False"),
        net(DROPOUT, body="def train(self, mode=True):\n    return self"),
        net(DROPOUT, body="def eval(self):\n    return self"),
        net(
            DROPOUT,
            after="class Sub(Net):\n    def train(self, mode=True):\n        return super().train(False)",
        ),
    ],
)
def test_a_mode_set_by_hand_is_left(source: str) -> None:
    check_left(source, "NNC405")


def test_the_mode_does_not_matter_to_what_does_not_depend_on_it() -> None:
    source = net("return F.relu(x)", body="def train(self, mode=True):\n    return self")
    assert registrations(source) == ["relu = nn.ReLU()"]


@pytest.mark.parametrize("call", ["F.dropout(x)", "F.dropout(x, training=True)", "nn.Dropout(0.5)(x)"])
def test_unsafe_converts_what_is_always_on_and_names_the_change(call: str) -> None:
    text, plan = convert(net(f"return {call}"), unsafe=True)
    [decision] = plan.converted
    assert isinstance(decision.outcome, Conversion)
    assert "eval" in decision.outcome.note
    assert "return self.dropout(x)" in text


@pytest.mark.parametrize("call", ["F.dropout(x, training=False)", "F.dropout(x, training=self.mc)"])
def test_unsafe_leaves_what_follows_another_mode(call: str) -> None:
    _, plan = convert(net(f"return {call}"), unsafe=True)
    assert not plan.converted


@pytest.mark.parametrize(
    "forward",
    [
        "if self.training:\n    x = F.dropout(x, 0.2)\nreturn x",
        "if self.training and x.ndim > 1:\n    x = F.dropout(x, 0.2, True)\nreturn x",
        "return F.dropout(x, 0.2) if self.training else x",
        "if self.training:\n    x = nn.Dropout(0.2)(x)\nreturn x",
    ],
)
def test_always_on_converts_where_it_runs_in_training_only(forward: str) -> None:
    source = net(forward)
    assert registrations(source)[0] in ("dropout = nn.Dropout(0.2)",)
    executes_the_same(source, "Net", inputs="torch.randn(2, 3, 4, 4)")


@pytest.mark.parametrize(
    "forward",
    [
        "if not self.training:\n    x = F.dropout(x, 0.2)\nreturn x",
        "if self.training:\n    pass\nelse:\n    x = F.dropout(x, 0.2)\nreturn x",
        "if self.training or x.ndim > 1:\n    x = F.dropout(x, 0.2)\nreturn x",
        "return x if self.training else F.dropout(x, 0.2)",
        "if self.training:\n    self.f = lambda v: F.dropout(v, 0.2)\nreturn self.f(x)",
        "if self.training:\n    self.eval()\n    x = F.dropout(x, 0.2)\n    self.train()\nreturn x",
    ],
)
def test_other_guards_do_not_make_it_follow_the_mode(forward: str) -> None:
    check_left(net(forward), "NNC401")


@pytest.mark.parametrize(
    "forward",
    [
        "if x.ndim > 1:\n    x = F.dropout(x, self.p, self.training)\nreturn x",
        "if self.p > 0:\n    x = F.dropout(x, self.p, self.training)\nreturn x",
    ],
)
def test_a_valid_default_is_enough_unless_a_guard_asks_for_the_value(forward: str) -> None:
    assert registrations(net(forward, init="self.p = p", args="p=0.1")) == ["dropout = nn.Dropout(self.p)"]
    check_left(net(forward, init="self.p = p", args="p=None"), "NNC208")


@pytest.mark.parametrize(
    "forward",
    [
        "if self.p:\n    x = F.dropout(x, self.p, self.training)\nreturn x",
        "if not self.p:\n    return x\nreturn F.dropout(x, self.p, self.training)",
        "return self.p and F.dropout(x, self.p, self.training)",
        "if self.p is not None and self.p > 0:\n    x = F.dropout(x, self.p, self.training)\nreturn x",
        "if self.p and self.p > 0:\n    x = F.dropout(x, self.p, self.training)\nreturn x",
    ],
)
def test_a_guard_that_asks_for_the_value_says_that_it_may_be_none(forward: str) -> None:
    check_left(net(forward, init="self.p = p", args="p=0.1"), "NNC208")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("float(p)", "dropout = nn.Dropout(self.p)"), ("p", "NNC208"), ("str(p)", "NNC208"), ("make(p)", "NNC208")],
)
def test_what_is_turned_into_a_number_is_one(value: str, expected: str) -> None:
    source = net(
        "if self.p > 0:\n    x = F.dropout(x, self.p, self.training)\nreturn x", init=f"self.p = {value}", args="p"
    )
    if expected == "NNC208":
        check_left(source, expected)
    else:
        assert registrations(source) == [expected]


def test_none_as_default_is_not_trusted_even_where_the_call_seems_to_run() -> None:
    forward = "return F.dropout(x, self.p, self.training)"
    check_left(net(forward, init="self.p = p", args="p=None"), "NNC208")
    assert registrations(net(forward, init="self.p = p", args="p")) == ["dropout = nn.Dropout(self.p)"]


def test_a_local_that_is_self_training_is_followed_unless_the_mode_is_switched_between() -> None:
    forward = "tr = self.training\nreturn F.dropout(x, 0.5, tr)"
    assert registrations(net(forward)) == ["dropout = nn.Dropout(0.5)"]
    check_left(net(forward.replace("\n", "\nself.eval()\n")), "NNC404")
    check_left(net("tr = not self.training\nreturn F.dropout(x, 0.5, tr)"), "NNC404")
