"""Rule 28: a setting stays at the call if it is constant, is read where self holds it, or is stored in its place."""

from __future__ import annotations

import pytest
from tests.decide.back import check, check_runs, check_stays, converted, decided, source

DROP = "self.drop = nn.Dropout({})"
CALL = "return self.drop(x)"


def dropout(p: str) -> str:
    return f"return F.dropout(x, {p}, training=self.training)"


# -- constants stay at the call --------------------------------------------------------------------------------

CONSTANT: dict[str, tuple[str, dict[str, str]]] = {
    "a literal": ("0.25", {}),
    "arithmetic": ("1 / 4", {}),
    "of math": ("math.pi / 8", {}),
    "of the module": ("P", {"before": "P = 0.25"}),
    "of the class": ("self.P", {"body": "P = 0.25"}),
}


@pytest.mark.parametrize(("p", "parts"), CONSTANT.values(), ids=CONSTANT)
def test_a_constant_stays_at_the_call(p: str, parts: dict[str, str]) -> None:
    check(DROP.format(p), CALL, "", dropout(p), **parts)
    check_runs(DROP.format(p), CALL, **parts)


# -- read where self holds it ------------------------------------------------------------------------------

HELD = {
    "before": ("self.p = p\nself.drop = nn.Dropout(p)", "self.p = p"),
    "by its attribute": ("self.p = p\nself.drop = nn.Dropout(self.p)", "self.p = p"),
    "by arithmetic over its attribute": ("self.p = p\nself.drop = nn.Dropout(self.p / 2)", "self.p = p"),
    "behind": ("self.drop = nn.Dropout(p)\nself.p = p", "self.p = p"),
    "a local": ("q = p / 2\nself.p = q\nself.drop = nn.Dropout(q)", "q = p / 2\nself.p = q"),
    "a constant": ("self.p = 0.25\nself.drop = nn.Dropout(self.p)", "self.p = 0.25"),
}


@pytest.mark.parametrize(("init", "new_init"), HELD.values(), ids=HELD)
def test_a_setting_is_read_where_self_holds_it(init: str, new_init: str) -> None:
    wanted = "self.p / 2" if "self.p / 2" in init else "self.p"
    check(init, CALL, new_init, dropout(wanted), args="p")
    check_runs(init, CALL, "0.25", args="p")


# -- stored ----------------------------------------------------------------------------------------------------

STORED: dict[str, tuple[str, dict[str, str]]] = {
    "a parameter": ("p", {"args": "p"}),
    "a keyword-only parameter": ("p", {"args": "*, p=0.25"}),
    "an attribute of a parameter": ("p.real", {"args": "p"}),
    "an expression": ("p * 2 if p < 0.3 else 0.1", {"args": "p"}),
    "a call with an effect": ("p.pop()", {"args": "p"}),
    "an imported name": ("pi", {"before": "from math import tau as pi"}),
    "a global that is bound twice": ("P", {"before": "P = 0.5\nP = 0.25"}),
    "a global that a function changes": ("P", {"before": "P = 0.25\ndef f():\n    global P\n    P = 1"}),
    "an attribute of a class": ("Net.P", {"body": "P = 0.25"}),
    "an attribute that changes": ("self.p", {"body": "p = 0.25\ndef f(self):\n    self.p = 1"}),
    "a walrus": ("(p := 0.25)", {}),
}


@pytest.mark.parametrize(("p", "parts"), STORED.values(), ids=STORED)
def test_what_only_init_knows_is_stored_in_the_place_of_the_submodule(p: str, parts: dict[str, str]) -> None:
    check(DROP.format(p), CALL, f"self.drop_p = {p}", dropout("self.drop_p"), **parts)


RUNS = [
    ("self.drop = nn.Dropout(p)", "0.25"),
    ("self.drop = nn.Dropout(p)\np *= 3\nself.p = p", "0.25"),
    ("self.p = p\np = p / 2\nself.drop = nn.Dropout(p)", "0.5"),
    ("q = 0.1\nif p > 0.2:\n    q = p\nself.drop = nn.Dropout(q)", "0.25"),
    ("for q in (0.1, p):\n    pass\nself.drop = nn.Dropout(q)", "0.25"),
    ("if p:\n    self.p = p\nself.drop = nn.Dropout(p)", "0.25"),
    ("self.p = p\nself.drop = nn.Dropout(self.p)\nself.p = 1.0", "0.25"),
    ("self.cfg = p\nself.drop = nn.Dropout(self.cfg[0])\np[0] = 1.0", "[0.25]"),
    ("self.drop = nn.Dropout(p.pop())\nself.rest = float(p.pop())", "[1.0, 0.25]"),
    ("import random\nrandom.seed(1)\nself.drop = nn.Dropout(random.random())\nself.n = random.random()", "1"),
]


@pytest.mark.parametrize(("init", "value"), RUNS)
def test_the_value_is_the_one_at_construction(init: str, value: str) -> None:
    text = check_runs(init, CALL, value, args="p")
    assert "self.drop_p" in text
    assert "F.dropout(x, self.drop_p, training=self.training)" in text


def test_a_setting_that_init_needs_before_it_is_held_is_stored() -> None:
    init = "self.drop = nn.Dropout(p)\nself.size = self(torch.ones(2, 4)).shape\nself.p = p"
    text = check_runs(init, CALL, "0.25", args="p")
    assert "self.drop_p = p\n        self.size = self(" in text


def test_the_setting_of_an_enclosing_function() -> None:
    text = source(DROP.format("rate"), CALL, before="rate = 0.1\nrate = 0.2")
    assert "self.drop_p = rate" in converted(text)


# -- names -----------------------------------------------------------------------------------------------------

NAMED = {
    "an attribute": ("self.drop_p = 1", {}, "drop_p1"),
    "an attribute of a method": ("", {"body": "def f(self):\n    self.drop_p = 1"}, "drop_p1"),
    "a method": ("", {"body": "def drop_p(self):\n    pass"}, "drop_p1"),
    "a class attribute": ("", {"body": "drop_p = 1"}, "drop_p1"),
    "from outside": ("", {"after": "def f(m):\n    m.drop_p = 1"}, "drop_p1"),
    "the next one, too": ("self.drop_p = self.drop_p1 = 1", {}, "drop_p2"),
    "a local only": ("drop_p = 1", {}, "drop_p"),
    "of another class": ("", {"after": "class Other:\n    drop_p = 1"}, "drop_p"),
}


@pytest.mark.parametrize(("init", "parts", "name"), NAMED.values(), ids=NAMED)
def test_a_name_that_is_taken_by_anything_is_taken(init: str, parts: dict[str, str], name: str) -> None:
    text = source(f"{init}\n{DROP.format('p')}".strip(), CALL, args="p", **parts)
    assert f"        self.{name} = p\n" in converted(text)


SHARING = "self.a = nn.Dropout({0})\nself.n = 1\nself.b = nn.Dropout({0})"


@pytest.mark.parametrize(
    ("parameter", "name"), [("p", "dropout_p"), ("rate", "rate_p"), ("drop_p", "drop_p"), ("drop_rate", "drop_rate")]
)
def test_one_attribute_holds_a_parameter_that_several_submodules_need(parameter: str, name: str) -> None:
    init, forward = SHARING.format(parameter), "return self.b(self.a(x))"
    setting = f"self.{name}, training=self.training"
    check(
        init,
        forward,
        f"self.{name} = {parameter}\nself.n = 1",
        f"return F.dropout(F.dropout(x, {setting}), {setting})",
        args=parameter,
    )
    check_runs(init, forward, "0.25", args=parameter)


def test_settings_of_other_kinds_are_stored_apart() -> None:
    init = "self.drop = nn.Dropout(p)\nself.act = nn.LeakyReLU(p)"
    text = check_runs(init, "return self.act(self.drop(x))", "0.25", args="p")
    assert "self.drop_p = p\n        self.act_negative_slope = p\n" in text


def test_a_parameter_whose_name_nn_module_uses() -> None:
    init = "self.a = nn.LeakyReLU(half)\nself.b = nn.LeakyReLU(half)"
    text = check_runs(init, "return self.a(self.b(x))", "0.25", args="half")
    assert "self.half_negative_slope = half\n" in text


def test_a_parameter_that_is_rebound_between_two_submodules_is_stored_twice() -> None:
    init = "self.a = nn.Dropout(p)\np = p / 2\nself.b = nn.Dropout(p)"
    text = check_runs(init, "return self.b(self.a(x))", "0.5", args="p")
    assert "self.a_p = p\n        p = p / 2\n        self.b_p = p\n" in text


def test_several_settings_of_one_submodule() -> None:
    check(
        "self.act = nn.Hardtanh(low, max_val=high)",
        "return self.act(x)",
        "self.act_min_val = low\nself.act_max_val = high",
        "return F.hardtanh(x, self.act_min_val, max_val=self.act_max_val)",
        args="low, high",
    )


# -- left ------------------------------------------------------------------------------------------------------

LEFT: dict[str, tuple[str, dict[str, str], str]] = {
    "unpacked": ("nn.Dropout(*p)", {}, "NNC201"),
    "unpacked keywords": ("nn.Dropout(**p)", {}, "NNC201"),
    "too many": ("nn.Dropout(0.1, True, 3)", {}, "NNC213"),
    "unknown": ("nn.Dropout(rate=0.1)", {}, "NNC213"),
    "refused by the constructor": ("nn.Dropout(1.5)", {}, "NNC208"),
    "None": ("nn.Dropout(None)", {}, "NNC208"),
    "a parameter": ("nn.Softplus(nn.Parameter(torch.ones(1)))", {}, "NNC206"),
    "a local that is a parameter": ("nn.Softplus(beta)", {"init": "beta = nn.Parameter(torch.ones(1))"}, "NNC206"),
    "an attribute that is a parameter": (
        "nn.Softplus(self.beta)",
        {"init": "self.beta = nn.Parameter(torch.ones(1))"},
        "NNC206",
    ),
    "a buffer": ("nn.Softplus(self.beta)", {"init": "self.register_buffer('beta', torch.ones(1))"}, "NNC206"),
    "annotated as a tensor": ("nn.Softplus(beta)", {"args": "p, beta: torch.Tensor"}, "NNC206"),
    "a module": ("nn.Softplus(nn.Linear(1, 1))", {}, "NNC206"),
    "no functional form": ("nn.CrossMapLRN2d(2)", {}, "NNC607"),
}


@pytest.mark.parametrize(("constructor", "parts", "code"), LEFT.values(), ids=LEFT)
def test_left(constructor: str, parts: dict[str, str], code: str) -> None:
    parts = {"args": "p", **parts}
    init = parts.pop("init", "")
    check_stays(f"{init}\nself.drop = {constructor}".strip(), CALL, code, **parts)


HOLDING = [
    "self.relu = nn.ReLU()\nself.drop = nn.Softplus(float(self.relu(torch.ones(1))))",
    "self.relu = nn.Identity()\nself.drop = nn.Softplus(self.relu(2))",
    "self.drop = nn.Softplus(nn.ReLU()(torch.ones(1)).item())",
]


@pytest.mark.parametrize("init", HOLDING)
def test_a_module_that_is_called_among_the_settings_of_another(init: str) -> None:
    check_stays(init, CALL, "NNC207")


def test_decisions_name_the_settings_that_are_wrong() -> None:
    assert (
        decided(
            source(
                "self.drop = nn.Dropout(p)\nself.act = nn.Softplus(1, 20, 3)", "return self.act(self.drop(x))", args="p"
            )
        )
        == "NNC213 drop"
    )
