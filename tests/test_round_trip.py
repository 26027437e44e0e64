"""Converting there and back gives the first source again, up to names, and the same runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers import net
from tests.round_trip import (
    convert,
    execute_the_same,
    functionals_come_back,
    left,
    submodules_come_back,
    there_and_back,
)
from tests.same_source import assert_same, normal_form

from nnconvert.plan import Direction, Plan

_TESTS = Path(__file__).parent
_MODELS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "lenet.py": (("LeNet", "", "torch.randn(2, 1, 28, 28)"),),
    "mixer.py": (
        ("Mixing", "8, 16, 0.5", "torch.randn(2, 4, 8)"),
        ("Mixer", "", "torch.randn(2, 3, 32, 32)"),
    ),
    "resnet.py": (
        ("Block", "4, 8, 2", "torch.randn(2, 4, 8, 8)"),
        ("ResNet", "(2, 4)", "torch.randn(2, 3, 8, 8)"),
    ),
    "transformer.py": (
        ("SelfAttention", "", "torch.randn(2, 5, 32), torch.rand(5, 5) > 0.7"),
        ("EncoderLayer", "", "torch.randn(2, 5, 32)"),
        ("Encoder", "", "torch.randint(0, 100, (2, 12))"),
    ),
    "back_cnn.txt": (
        ("ConvBlock", "2, 3", "torch.randn(2, 2, 6, 6)"),
        ("Pool", "", "torch.randn(2, 2, 6, 6)"),
        ("Net", "3, 4", "torch.randn(2, 3, 9, 9)"),
    ),
    "back_left.txt": (
        ("Base", "0.5", "torch.randn(3, 8)"),
        ("Conditions", "drop=0.5", "torch.randn(3, 8)"),
        ("Walked", "", "torch.randn(3, 8)"),
        ("OwnMode", "", "torch.randn(3, 8)"),
        ("Derived", "0.5", "torch.randn(3, 8)"),
        ("Asked", "", "torch.randn(3, 8)"),
    ),
    "back_shapes.txt": (
        ("Decoder", "8, 3, size=4", "torch.randn(2, 8, 7, 7)"),
        ("Decoder", "8, 3, 4, 2", "torch.randn(2, 8, 7, 7), torch.tensor([0, 1] * 64).view(2, 8, 8)"),
    ),
    "back_transformer.txt": (
        ("Attention", "Config()", "torch.randn(2, 5, 32), torch.rand(5, 5) > 0.7"),
        ("MLP", "8, 16, 0.5", "torch.randn(3, 8)"),
        ("Block", "Config()", "torch.randn(2, 5, 32)"),
    ),
    "back_weights.txt": (
        ("Block", "3, 4, 2", "torch.randn(2, 3, 8, 8)"),
        ("Attention", "8, 2", "torch.randn(2, 5, 8)"),
        ("Language", "9, 8, 2", "torch.randint(0, 9, (2, 5))"),
        ("Periodic", "", "torch.randn(2, 1, 8), torch.zeros(2, 17, dtype=torch.long)"),
    ),
    "settings_and_comments.txt": (
        ("Block", "4", "torch.randn(2, 4, 8, 8)"),
        ("Head", "16, mode='bilinear'", "torch.randn(2, 16, 8, 8)"),
    ),
    "shared.txt": (("Residual", "6, 0.3", "torch.randn(3, 6)"),),
}
"""The classes of each file, what they are built with, and what they are given."""

_STAY = {"back_shapes.txt": ("NNC208", "NNC211")}
"""Why functionals stay ones: their settings come from ``__init__``, and a constructor could refuse them."""


def _text(name: str) -> str:
    folder = _TESTS.parent / "examples" if name.endswith(".py") else _TESTS / "fixtures"
    return (folder / name).read_text(encoding="utf-8").partition("# output\n")[0]


def test_every_example_and_fixture_is_here() -> None:
    found = {path.name for path in (*_TESTS.parent.glob("examples/*.py"), *_TESTS.glob("fixtures/*.txt"))}
    assert found == _MODELS.keys()


@pytest.mark.parametrize("name", _MODELS)
def test_the_functionals_of_a_file_come_back(name: str) -> None:
    trip = functionals_come_back(_text(name))
    for model in _MODELS[name]:
        execute_the_same(trip.texts, *model)


@pytest.mark.parametrize("name", _MODELS)
def test_the_submodules_of_a_file_come_back(name: str) -> None:
    trip = submodules_come_back(_text(name), _STAY.get(name, ()))
    for model in _MODELS[name]:
        execute_the_same(trip.texts, *model)


@pytest.mark.parametrize("name", _MODELS)
@pytest.mark.parametrize("direction", ["to-module", "to-functional"])
def test_a_second_run_changes_nothing(name: str, direction: Direction) -> None:
    there, _ = convert(_text(name), direction)
    again, plan = convert(there, direction)
    assert again == there
    assert not plan.converted


@pytest.mark.parametrize("name", ["lenet.py", "resnet.py", "transformer.py", "settings_and_comments.txt"])
def test_lines_without_a_converted_call_come_back_as_they_were(name: str) -> None:
    trip = there_and_back(_text(name), "to-module")
    touched = _lines(trip.source, trip.plan)
    untouched = [line for number, line in enumerate(trip.source.splitlines(keepends=True), 1) if number not in touched]
    remaining = iter(trip.back.splitlines(keepends=True))
    assert [line for line in untouched if line not in remaining] == []
    assert len(trip.back.splitlines()) == len(trip.source.splitlines())


def _lines(text: str, plan: Plan) -> set[int]:
    """The lines on which converted calls stand."""
    ends = ((text.count("\n", 0, d.site.span.start), text.count("\n", 0, d.site.span.end)) for d in plan.converted)
    return {number + 1 for first, last in ends for number in range(first, last + 1)}


# -- what comes back in another form -------------------------------------------------------------------------

_INIT = "self.n = 1"
_TRAINED = "F.dropout(x, 0.5, training=self.training)"
_OTHER_FORMS = {
    "a local that stands for a constant is written out": (
        (_INIT, "k = 2 + 1\nreturn F.max_pool2d(x, k)"),
        (_INIT, "k = 2 + 1\nreturn F.max_pool2d(x, 2 + 1)"),
    ),
    "a local that holds the mode is written out": (
        (_INIT, "t = self.training\nreturn F.dropout(x, 0.5, t)"),
        (_INIT, f"t = self.training\nreturn {_TRAINED}"),
    ),
    "the mode is named where a guard speaks of it": (
        (_INIT, "if self.training:\n    x = F.dropout(x)\nreturn x"),
        (_INIT, "if self.training:\n    x = F.dropout(x, training=self.training)\nreturn x"),
    ),
    "a module built on the spot is called as a functional": (
        (_INIT, "return nn.Tanh()(x)"),
        (_INIT, "return F.tanh(x)"),
    ),
    "a functional held on self is called itself": (
        (f"self.act = F.relu\n{_INIT}", "return self.act(x)"),
        (_INIT, "return F.relu(x)"),
    ),
    "an __init__ that does nothing else goes": (("", "return F.relu(x)"), (None, "return F.relu(x)")),
}


@pytest.mark.parametrize("reason", _OTHER_FORMS)
def test_comes_back_in_another_form(reason: str) -> None:
    (init, forward), (back_init, back) = _OTHER_FORMS[reason]
    trip = there_and_back(net(forward, init=init), "to-module")
    expected = net(back, init=back_init or "")
    if back_init is None:
        expected = expected.replace("    def __init__(self):\n        super().__init__()\n", "")
    assert trip.back == expected
    execute_the_same(trip.texts, "Net", "", "torch.randn(2, 3, 6, 6)")


def test_a_tuple_of_submodules_for_the_turns_of_a_loop_stays() -> None:
    trip = there_and_back(_text("shared.txt"), "to-module", split_shared=True)
    assert left(trip.back_plan) == {"NNC603": 2}
    execute_the_same(trip.texts, *_MODELS["shared.txt"][0])


# -- the comparison ------------------------------------------------------------------------------------------

_SAME = (
    ("F.relu(x)", "torch.relu(x)"),
    ("F.relu(x)", "nn.functional.relu(input=x)"),
    ("F.relu(x)", "x.relu()"),
    ("F.relu_(x)", "F.relu(x, inplace=True)"),
    ("F.dropout(x, 0.5, self.training)", "F.dropout(x, training=self.training)"),
    ("F.max_pool2d(x, 2, None)", "torch.max_pool2d(x, kernel_size=2)"),
    ("F.max_pool2d_with_indices(x, 2)", "F.max_pool2d(x, 2, return_indices=True)"),
    ("F.upsample_nearest(x, scale_factor=2)", "F.interpolate(x, None, 2, mode='nearest')"),
    ("x.flatten(1)", "torch.flatten(x, start_dim=1)"),
    ("nn.Dropout(0.5)(x)", "nn.Dropout(p=0.5)(x)"),
    ("F.mse_loss(target=y, input=x)", "F.mse_loss(x, y)"),
    ("F.relu(x)", "F.relu(\n    x,\n)"),
)
_DIFFERENT = (
    ("F.relu(x)", "F.relu6(x)"),
    ("F.relu(x)", "F.relu(y)"),
    ("F.relu(x)", "F.relu(x, inplace=True)"),
    ("F.relu(x)", "self.relu(x)"),
    ("F.relu(x)", "G.relu(x)"),
    ("F.dropout(x, 0.5, self.training)", "F.dropout(x, 0.5)"),
    ("F.dropout(x, 0.4, self.training)", "F.dropout(x, 0.5, self.training)"),
    ("torch.flatten(x)", "torch.flatten(x, 1)"),
    ("nn.Flatten()(x)", "nn.Flatten(0)(x)"),
    ("F.mse_loss(x, y)", "F.mse_loss(y, x)"),
    ("F.relu(x)", "F.relu(*x)"),
    ("F.relu(x)  # one", "F.relu(x)  # two"),
)


@pytest.mark.parametrize(("first", "second"), _SAME)
def test_same_calls(first: str, second: str) -> None:
    assert_same(net(f"return {first}"), net(f"return {second}"))


@pytest.mark.parametrize(("first", "second"), _DIFFERENT)
def test_different_calls(first: str, second: str) -> None:
    assert normal_form(net(f"return {first}")) != normal_form(net(f"return {second}"))


_INITS = {
    "names of submodules without state": ("self.{0} = nn.ReLU()\nself.{1} = nn.Tanh()", True),
    "names of settings": ("self.{0} = p\nself.{1} = p * 2", True),
    "names of layers with parameters": ("self.{0} = nn.Linear(2, 2)\nself.{1} = nn.Linear(2, 2)", False),
    "names of other modules": ("self.{0} = Block()\nself.{1} = nn.LayerNorm(2)", False),
}


@pytest.mark.parametrize(("init", "is_same"), _INITS.values(), ids=_INITS)
def test_names_of_attributes(init: str, is_same: bool) -> None:
    def text(first: str, second: str, forward: str = "self.{0}(self.{1}(x))") -> str:
        return net(f"return {forward.format(first, second)}", init=init.format(first, second), args="p")

    assert (normal_form(text("a", "b")) == normal_form(text("act", "norm"))) == is_same
    assert normal_form(text("a", "b")) != normal_form(text("a", "b", "self.{1}(self.{0}(x))"))
    assert normal_form(text("a", "b")) != normal_form(text("a", "b").replace("self.b = ", "self.c = "))


def test_an_import_that_is_missing_makes_a_difference() -> None:
    text = net("return F.relu(x)")
    assert normal_form(text) != normal_form(text.replace("import torch.nn.functional as F\n", ""))
    assert normal_form(text) == normal_form(text.replace("import math\n", ""))
