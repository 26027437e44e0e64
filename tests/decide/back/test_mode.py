"""Rule 29: what depends on the mode follows self.training, so the mode must reach both in the same way."""

# ruff: noqa: E501 (sources stand on one line)

from __future__ import annotations

import pytest
from tests.decide.back import check, check_runs, check_stays, decided, source

DROP = "self.drop = nn.Dropout(0.5)"
CALL = "return self.drop(x)"
MAPS = "torch.randn(2, 3, 4, 4)"

FORMS = {
    "nn.Dropout(0.2)": "F.dropout(x, 0.2, training=self.training)",
    "nn.Dropout()": "F.dropout(x, training=self.training)",
    "nn.Dropout(0.2, True)": "F.dropout(x, 0.2, training=self.training, inplace=True)",
    "nn.Dropout1d(0.2)": "F.dropout1d(x, 0.2, training=self.training)",
    "nn.AlphaDropout(0.2, True)": "F.alpha_dropout(x, 0.2, training=self.training)",
    "nn.FeatureAlphaDropout()": "F.feature_alpha_dropout(x, training=self.training)",
    "nn.RReLU(0.1, 0.3, True)": "F.rrelu(x, 0.1, 0.3, training=self.training, inplace=True)",
}


@pytest.mark.parametrize(("constructor", "call"), FORMS.items(), ids=FORMS)
def test_the_flag_is_always_given(constructor: str, call: str) -> None:
    init = f"self.drop = {constructor}"
    check(init, CALL, "", f"return {call}")
    check_runs(init, CALL, tensors="torch.randn(2, 3, 4)" if "1d" in constructor else MAPS)


GUARDED = [
    "if self.training:\n    x = self.drop(x)\nreturn x",
    "return self.drop(x) if self.training else -x",
    "was = self.training\nself.eval()\ny = self.drop(x)\nself.train(was)\nreturn y + self.drop(x)",
    "return self.drop(self.drop(x))",
    "return [self.drop(v) for v in x]",
]


@pytest.mark.parametrize("forward", GUARDED)
def test_the_mode_at_the_call_counts(forward: str) -> None:
    text = check_runs(DROP, forward)
    assert "0.5, training=self.training)" in text
    assert "self.drop" not in text


FOLLOWS = [
    "net = Net().eval()\nnet.train(False)",
    "def freeze(model):\n    model.body.eval()",
    "class Top(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.net = Net()\n        self.net.eval()",
    "def freeze(model):\n    for m in model.modules():\n        if isinstance(m, nn.BatchNorm2d):\n            m.eval()",
]


@pytest.mark.parametrize("after", FOLLOWS)
def test_modes_that_reach_self_reach_what_it_held(after: str) -> None:
    assert decided(source(DROP, CALL, after=after)) == "drop"


SWITCHED = {
    "the submodule's": ("", "net = Net()\nnet.drop.eval()", "NNC605"),
    "a subclass's train": ("", "class Sub(Net):\n    def train(self, mode=True):\n        return self", "NNC405"),
    "directly": ("", "net = Net()\nnet.training = False", "NNC405"),
    "by name": ("", "setattr(Net(), 'training', False)", "NNC405"),
    "its own train": ("def train(self, mode=True):\n    return super().train(False)", "", "NNC405"),
    "its own flag": ("training = False", "", "NNC405"),
    "its own property": ("@property\ndef training(self):\n    return True", "", "NNC405"),
    "of all children": ("def freeze(self):\n    for m in self.children():\n        m.eval()", "", "NNC302"),
    "of dropouts by name": (
        "def mc(self):\n    for m in self.modules():\n        if 'Dropout' in type(m).__name__:\n            m.train()",
        "",
        "NNC302",
    ),
    "by applying a function": ("def mc(self):\n    self.apply(lambda m: m.train())", "", "NNC302"),
}


@pytest.mark.parametrize(("body", "after", "code"), SWITCHED.values(), ids=SWITCHED)
def test_a_mode_of_its_own_is_left(body: str, after: str, code: str) -> None:
    check_stays(DROP, CALL, code, body=body, after=after)


@pytest.mark.parametrize(
    "line",
    ["self.drop.eval()", "self.drop.train(False)", "self.drop.training = False", "self.drop.apply(print)"],
)
def test_a_mode_of_its_own_in_the_class_is_a_use(line: str) -> None:
    check_stays(f"{DROP}\n{line}", CALL, "NNC603")
    check_stays(DROP, f"{line}\n{CALL}", "NNC603")


def test_a_submodule_that_was_built_in_eval_mode() -> None:
    check_stays("self.drop = nn.Dropout(0.5).eval()", "return self.fc(x)", "NNC603")


# -- a mode that __init__ sets -----------------------------------------------------------------------------

BUILT = {
    "before it": ("self.eval()\n" + DROP, "", "NNC405"),
    "before it, by a method": ("self.freeze()\n" + DROP, "", "NNC405"),
    "before it, by others": ("freeze(self)\n" + DROP, "def freeze(net):\n    net.eval()", "NNC405"),
    "behind it": (DROP + "\nself.eval()", "", "drop"),
    "behind it, by a method": (DROP + "\nself.freeze()", "", "drop"),
}


@pytest.mark.parametrize(("init", "before", "expected"), BUILT.values(), ids=BUILT)
def test_a_mode_that_init_sets(init: str, before: str, expected: str) -> None:
    text = source(init, CALL, before=before, body="def freeze(self):\n    self.eval()")
    assert decided(text) == expected


def test_a_mode_that_the_init_of_a_base_sets() -> None:
    base = "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.eval()\n"
    text = source(DROP, CALL, before=base).replace("Net(nn.Module)", "Net(Base)")
    assert decided(text) == "NNC405"
    assert decided(text.replace("Net(Base)", "Net(nn.Module)")) == "drop"


@pytest.mark.parametrize(
    "constructor", ["nn.ReLU()", "nn.Softmax(-1)", "nn.FractionalMaxPool2d(2, 2)", "nn.Identity()"]
)
@pytest.mark.parametrize("body", ["def train(self, mode=True):\n    return self", "training = False"])
def test_the_mode_does_not_matter_to_what_does_not_depend_on_it(constructor: str, body: str) -> None:
    assert decided(source(f"self.eval()\nself.act = {constructor}", "return self.act(x)", body=body)) == "act"
