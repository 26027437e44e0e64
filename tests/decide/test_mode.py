"""Rules 13 and 14: what depends on the mode converts where it follows self.training, and nowhere else."""

from __future__ import annotations

import pytest

from helpers import check_left, convert, executes_the_same, net, registrations
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
