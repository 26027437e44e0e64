"""Rule 23 in reverse: comments on lines that go move to what they speak of, and blank lines stay even."""

from __future__ import annotations

import pytest
from tests.decide.back import check, converted, source

CALL = "x = self.fc(x)\nreturn self.act(x)"
FUNCTIONAL = "return F.relu(x)"

MOVED = {
    "behind the assignment": ("self.act = nn.ReLU()  # as in the paper", ("# as in the paper",)),
    "inside of it": ("self.act = nn.ReLU(  # a\n    # b\n)  # c", ("# a", "# b", "# c")),
}


@pytest.mark.parametrize(("init", "comments"), MOVED.values(), ids=MOVED)
def test_a_comment_moves_above_the_first_call(init: str, comments: tuple[str, ...]) -> None:
    moved = "\n".join(comments)
    check(init, CALL, "", f"x = self.fc(x)\n{moved}\n{FUNCTIONAL}")


PLACES = {
    "the first of several": ("y = self.act(x)\nreturn self.act(y)", "# c\ny = F.relu(x)\nreturn F.relu(y)"),
    "inside of a block": (
        "if x.ndim:\n    y = x\n    x = self.act(y)\nreturn self.act(x)",
        "if x.ndim:\n    y = x\n    # c\n    x = F.relu(y)\nreturn F.relu(x)",
    ),
    "a statement on many lines": ("y = [\n    self.act(x),\n]\nreturn y", "# c\ny = [\n    F.relu(x),\n]\nreturn y"),
    "a condition": ("if self.act(x).sum():\n    return x", "# c\nif F.relu(x).sum():\n    return x"),
    "an else branch on one line": (
        "if x.ndim: y = x\nelse: y = self.act(x)\nreturn y",
        "# c\nif x.ndim: y = x\nelse: y = F.relu(x)\nreturn y",
    ),
    "an elif": (
        "if x.ndim:\n    y = x\nelif self.act(x):\n    y = 1\nreturn y",
        "if x.ndim:\n    y = x\n# c\nelif F.relu(x):\n    y = 1\nreturn y",
    ),
    "behind a semicolon": ("y = x; x = self.act(y)\nreturn x", "# c\ny = x; x = F.relu(y)\nreturn x"),
    "behind semicolons in a block": (
        "for _ in x:\n    y = x; z = y; x = self.act(z)\nreturn x",
        "for _ in x:\n    # c\n    y = x; z = y; x = F.relu(z)\nreturn x",
    ),
    "behind a string of many lines": (
        "y = '''\n  # no comment\n'''; return self.act(x)",
        "# c\ny = '''\n  # no comment\n'''; return F.relu(x)",
    ),
    "a nested function": (
        "def g(v):\n    return self.act(v)\nreturn g(x)",
        "def g(v):\n    # c\n    return F.relu(v)\nreturn g(x)",
    ),
}


@pytest.mark.parametrize(("forward", "expected"), PLACES.values(), ids=PLACES)
def test_above_the_statement_whose_line_it_is(forward: str, expected: str) -> None:
    check("self.act = nn.ReLU()  # c", forward, "", expected)


@pytest.mark.parametrize(
    "comment", ["# noqa", "# noqa: E501", "# type: ignore[x]", "# pylint: disable=all", "# fmt: skip"]
)
def test_a_word_for_tools_goes_with_its_line(comment: str) -> None:
    check(f"self.act = nn.ReLU()  {comment}", CALL, "", f"x = self.fc(x)\n{FUNCTIONAL}")


KEPT = {
    "behind": ("self.drop = nn.Dropout(p)  # rate", "self.drop_p = p  # rate"),
    "for tools": ("self.drop = nn.Dropout(p)  # noqa: E501", "self.drop_p = p  # noqa: E501"),
    "inside": ("self.drop = nn.Dropout(  # a\n    p,  # b\n    # c\n)  # d", "# a\n# b\n# c\nself.drop_p = p  # d"),
    "inside of the value": ("self.drop = nn.Dropout(\n    p /  # half\n    2)", "# half\nself.drop_p = p / 2"),
    "beside others": ("self.n = 1; self.drop = nn.Dropout(p)  # rate", "self.n = 1; self.drop_p = p  # rate"),
    "before others": ("self.drop = nn.Dropout(p); self.n = 1  # rate", "self.drop_p = p; self.n = 1  # rate"),
}


@pytest.mark.parametrize(("init", "expected"), KEPT.values(), ids=KEPT)
def test_where_a_value_is_stored_comments_stay_with_it(init: str, expected: str) -> None:
    forward = "return F.dropout(x, self.drop_p, training=self.training)"
    check(init, "return self.drop(x)", expected, forward, args="p")


HEADINGS: dict[str, tuple[str, str, bool]] = {
    "of the one that goes": ("\n# Activation.\nself.act = nn.ReLU()\n\nself.n = 1", "\nself.n = 1", True),
    "on two lines": ("# Activation.\n# Activation.\nself.act = nn.ReLU()\n\nself.n = 1", "\nself.n = 1", True),
    "of several that go": (
        "# Activation.\nself.act = nn.ReLU()\nself.b = nn.Tanh()\n\nself.n = 1",
        "\nself.n = 1",
        True,
    ),
    "before another": ("# Activation.\nself.act = nn.ReLU()\n# The rest.\nself.n = 1", "# The rest.\nself.n = 1", True),
    "at the end": ("self.n = 1\n# Activation.\nself.act = nn.ReLU()", "self.n = 1", True),
    "of others, too": ("# Activation.\nself.act = nn.ReLU()\nself.n = 1", "# Activation.\nself.n = 1", False),
    "behind one that stays": (
        "# Activation.\nself.n = 1\nself.act = nn.ReLU()\n\nself.o = 1",
        "# Activation.\nself.n = 1\n\nself.o = 1",
        False,
    ),
    "a ruler": ("# ----\nself.act = nn.ReLU()\n\nself.n = 1", "# ----\n\nself.n = 1", False),
    "a region": ("# region Activation\nself.act = nn.ReLU()\n\nself.n = 1", "# region Activation\n\nself.n = 1", False),
    "apart": ("# Activation.\n\nself.act = nn.ReLU()\n\nself.n = 1", "# Activation.\n\nself.n = 1", False),
}


@pytest.mark.parametrize(("init", "expected", "moves"), HEADINGS.values(), ids=HEADINGS)
def test_a_comment_that_would_head_nothing_moves(init: str, expected: str, moves: bool) -> None:
    both = "self.b" in init
    call, new = ("self.b(self.act(x))", "F.tanh(F.relu(x))") if both else ("self.act(x)", "F.relu(x)")
    moved = "# Activation.\n" * init.count("# Activation.") if moves else ""
    check(init, f"return {call}", expected, f"{moved}return {new}")


def test_comments_of_two_submodules_stay_apart() -> None:
    check(
        "self.act = nn.ReLU()  # first\nself.drop = nn.Dropout()  # second",
        "return self.drop(self.act(x))",
        "",
        "# first\n# second\nreturn F.dropout(F.relu(x), training=self.training)",
    )


# -- statements that share their line ----------------------------------------------------------------------

SHARED = {
    "before another": ("self.act = nn.ReLU(); self.n = 1", "self.n = 1"),
    "behind another": ("self.n = 1; self.act = nn.ReLU()", "self.n = 1"),
    "between others": ("self.n = 1; self.act = nn.ReLU(); self.m = 2", "self.n = 1; self.m = 2"),
    "with a comment": ("self.n = 1; self.act = nn.ReLU()  # both", "self.n = 1  # both"),
    "before another, with a comment": ("self.act = nn.ReLU(); self.n = 1  # both", "self.n = 1  # both"),
    "two": ("self.act = nn.ReLU(); self.b = nn.Tanh()", ""),
    "two with a comment": ("self.act = nn.ReLU(); self.b = nn.Tanh()  # both", "# both"),
    "a semicolon at the end": ("self.n = 1; self.act = nn.ReLU() ;", "self.n = 1"),
    "a continued line": ("self.n = 1; self.act = \\\n    nn.ReLU()", "self.n = 1"),
}


@pytest.mark.parametrize(("init", "expected"), SHARED.values(), ids=SHARED)
def test_statements_on_one_line(init: str, expected: str) -> None:
    if "self.b" in init:
        check(init, "return self.b(self.act(x))", expected, "return F.tanh(F.relu(x))")
    else:
        check(init, "return self.act(x)", expected, FUNCTIONAL)


# -- blank lines -------------------------------------------------------------------------------------------

BLANK = {
    "none": ("self.act = nn.ReLU()\nself.n = 1", "self.n = 1"),
    "before": ("\nself.act = nn.ReLU()\nself.n = 1", "\nself.n = 1"),
    "behind": ("self.act = nn.ReLU()\n\nself.n = 1", "\nself.n = 1"),
    "on both sides": ("\nself.act = nn.ReLU()\n\nself.n = 1", "\nself.n = 1"),
    "two in a row": ("\nself.act = nn.ReLU()\nself.b = nn.Tanh()\n\nself.n = 1", "\nself.n = 1"),
    "between two": ("\nself.act = nn.ReLU()\n\nself.b = nn.Tanh()\n\nself.n = 1", "\nself.n = 1"),
    "at the end": ("self.n = 1\n\nself.act = nn.ReLU()", "self.n = 1"),
}


@pytest.mark.parametrize(("init", "expected"), BLANK.values(), ids=BLANK)
def test_no_two_blank_lines_where_there_was_one(init: str, expected: str) -> None:
    both = "self.b" in init
    call, new = ("self.b(self.act(x))", "F.tanh(F.relu(x))") if both else ("self.act(x)", "F.relu(x)")
    text = source(init, f"return {call}").replace("    def forward", "\n    def forward")
    assert converted(text) == source(expected, f"return {new}").replace("    def forward", "\n    def forward")
