"""Rule 30: nn.Identity becomes its argument, and a statement that would do nothing goes with it."""

from __future__ import annotations

import pytest
from tests.decide.back import check, check_runs, check_stays

SKIP = "self.skip = nn.Identity()"

ARGUMENTS = {
    "self.skip(x)": "x",
    "self.skip(input=x)": "x",
    "self.skip(self.fc(x))": "self.fc(x)",
    "self.skip(self.skip(x))": "x",
    "self.skip(x + 1) * 2": "(x + 1) * 2",
    "self.skip((x + 1)) * 2": "(x + 1) * 2",
    "self.skip((x) + (1)) * 2": "((x) + (1)) * 2",
    "self.skip(x if x.sum() else -x).abs()": "(x if x.sum() else -x).abs()",
    "self.skip((x, -x))[1]": "(x, -x)[1]",
    "self.skip(lambda v: v)(x)": "(lambda v: v)(x)",
    "self.skip(y := x) + y": "(y := x) + y",
    "x * self.skip(2).bit_length()": "x * (2).bit_length()",
    "x if self.skip(self.training)else -x": "x if self.training else -x",
    "[self.skip(v)for v in self.skip(x)]": "[v for v in x]",
    "self.skip(\n    x\n)": "(\n    x\n)",
    "self.skip(\n    x,  # the input\n)": "(\n    x  # the input\n)",
    "(self  # of this block\n    .skip(x))": "((  # of this block\n        x))",
    "self.skip(input=  # named\n    x)": "(  # named\n    x)",
}


@pytest.mark.parametrize(("call", "expected"), ARGUMENTS.items(), ids=ARGUMENTS)
def test_the_argument_takes_the_place_of_the_call(call: str, expected: str) -> None:
    check(SKIP, f"return {call}", "", f"return {expected}")
    check_runs(SKIP, f"return {call}")


IDLE = {
    "first": ("x = self.skip(x)\nreturn x", "return x"),
    "twice": ("x = self.skip(x)\nx = self.skip(x)\nreturn x", "return x"),
    "nested": ("x = self.skip(self.skip(x))\nreturn x", "x = x\nreturn x"),
    "alone in its block": (
        "if x.sum() > 0:\n    x = self.skip(x)\nelse:\n    x = -x\nreturn x",
        "if x.sum() > 0:\n    x = x\nelse:\n    x = -x\nreturn x",
    ),
    "all of its block": (
        "for _ in x:\n    x = self.skip(x)\n    x = self.skip(x)\nreturn x",
        "for _ in x:\n    x = x\nreturn x",
    ),
    "with a comment": ("x = self.skip(x)  # the shortcut\nreturn x", "x = x  # the shortcut\nreturn x"),
    "beside others": ("x = self.skip(x); y = x\nreturn y", "x = x; y = x\nreturn y"),
    "between blank lines": ("y = x\n\nx = self.skip(x)\n\nreturn y", "y = x\n\nreturn y"),
    "another name": ("y = self.skip(x)\nreturn y", "y = x\nreturn y"),
    "an attribute": ("self.n = self.skip(self.n)\nreturn x", "self.n = self.n\nreturn x"),
    "not assigned": ("self.skip(x)\nreturn x", "x\nreturn x"),
}


@pytest.mark.parametrize(("forward", "expected"), IDLE.values(), ids=IDLE)
def test_a_statement_that_would_do_nothing_goes_where_the_block_allows_it(forward: str, expected: str) -> None:
    init = f"{SKIP}\nself.n = 1"
    check(init, forward, "self.n = 1", expected)
    check_runs(init, forward)


@pytest.mark.parametrize("settings", ["54, unused=1.5", "'a', None", "p", "p, q=p", "-1"])
def test_what_the_constructor_is_given_does_not_matter(settings: str) -> None:
    check(f"self.skip = nn.Identity({settings})", "return self.skip(x)", "", "return x", args="p")


@pytest.mark.parametrize("settings", ["f()", "p.pop()", "*p", "(q := 1)", "[*p]"])
def test_unless_evaluating_it_may_have_an_effect(settings: str) -> None:
    check_stays(f"self.skip = nn.Identity({settings})", "return self.skip(x)", "NNC202", args="p")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("self.skip()", "NNC213"),
        ("self.skip(x, x)", "NNC213"),
        ("self.skip(other=x)", "NNC213"),
        ("self.skip(*x)", "NNC201"),
        ("self.skip(**x)", "NNC201"),
        ("list(self.skip(v for v in x))", "NNC213"),
    ],
)
def test_calls_without_one_argument(call: str, code: str) -> None:
    check_stays(SKIP, f"return {call}", code)


@pytest.mark.parametrize(
    ("init", "code"),
    [
        ("self.skip = nn.Identity() if p else nn.Linear(4, 4)", "NNC601"),
        ("if p:\n    self.skip = nn.Linear(4, 4)\nelse:\n    self.skip = nn.Identity()", "NNC602"),
        ("self.skip = nn.Linear(4, 4)\nif p:\n    self.skip = nn.Identity()", "NNC602"),
        ("self.skip = p or nn.Identity()", "NNC601"),
    ],
)
def test_an_identity_that_stands_in_for_another_module_stays(init: str, code: str) -> None:
    check_stays(init, "return self.skip(x)", code, args="p")


def test_comments_of_identities_whose_calls_go() -> None:
    check(
        "self.a = nn.Identity()  # before\nself.b = nn.Identity()  # after",
        "y = x\n\nx = self.a(x)\nx = self.b(x)\nreturn x + y",
        "",
        "y = x\n\n# before\n# after\nreturn x + y",
    )
    check("self.a = nn.Identity()  # last", "y = x\n\nx = self.a(x)", "", "y = x\n\n# last")
