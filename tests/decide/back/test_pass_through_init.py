"""Rule 33: an ``__init__`` that is left with a mere call of its base goes, anything else stays."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.decide.back import BACK, converted
from tests.helpers import check_converted, executes_the_same

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
FORWARD = "\n    def forward(self, x):\n        return {}(x)\n"


def net(init: str, bases: str = "nn.Module", body: str = "", after: str = FORWARD.format("self.act")) -> str:
    return f"class Net({bases}):\n{body}{init}{after}"


def init(signature: str = "self", call: str = "super().__init__()", rest: str = "") -> str:
    return f"    def __init__({signature}):\n        {call}\n        self.act = nn.ReLU(){rest}\n"


GONE = {
    "nothing else": (HEAD + net(init()), HEAD + net("", after=FORWARD.format("F.relu")[1:])),
    "super(Net, self)": (
        HEAD + net(init(call="super(Net, self).__init__()")),
        HEAD + net("", after=FORWARD.format("F.relu")[1:]),
    ),
    "everything passed on": (
        HEAD + net(init("self, *args, **kwargs", "super().__init__(*args, **kwargs)")),
        HEAD + net("", after=FORWARD.format("F.relu")[1:]),
    ),
    "behind a docstring": (
        HEAD + net("\n" + init(), body='    """A net."""\n'),
        HEAD + net("", body='    """A net."""\n', after=FORWARD.format("F.relu")),
    ),
    "behind a comment": (
        HEAD + net(init(), body="    # What it does.\n"),
        HEAD + net("", body="    # What it does.\n", after=FORWARD.format("F.relu")[1:]),
    ),
    "the last method": (
        HEAD + net(FORWARD.format("self.act")[1:] + "\n" + init(), after=""),
        HEAD + net(FORWARD.format("F.relu")[1:], after=""),
    ),
    "the last method, with a comment": (
        HEAD + net(FORWARD.format("self.act")[1:] + "\n" + init(rest="  # c"), after=""),
        HEAD + net(FORWARD.format("F.relu")[1:].replace("        return", "        # c\n        return"), after=""),
    ),
    "before another class": (
        HEAD + net(FORWARD.format("self.act")[1:] + "\n" + init(), after="\n\nclass Other:\n    pass\n"),
        HEAD + net(FORWARD.format("F.relu")[1:], after="\n\nclass Other:\n    pass\n"),
    ),
    "blank lines in it": (
        HEAD + net(init().replace("):\n", "):\n\n", 1).replace("()\n", "()\n\n", 1)),
        HEAD + net("", after=FORWARD.format("F.relu")[1:]),
    ),
    "on one line": (
        HEAD + net("    def __init__(self): super().__init__(); self.act = nn.ReLU()\n"),
        HEAD + net("", after=FORWARD.format("F.relu")[1:]),
    ),
}


@pytest.mark.parametrize(("before", "expected"), GONE.values(), ids=GONE)
def test_it_goes(before: str, expected: str) -> None:
    check_converted(before, expected, direction=BACK)
    executes_the_same(before, "Net", inputs="torch.randn(2)", direction=BACK)


BASE = """\
class Base(nn.Module):
    def __init__({}):
        super().__init__()
        self.fc = nn.Linear(4, 4)


"""
BASES = {
    "no parameters": ("self", "self", "super().__init__()", True),
    "the same": ("self, width, p=0.1", "self, width, p=0.1", "super().__init__(width, p)", True),
    "by keyword": ("self, width, *, p=0.1", "self, width, *, p=0.1", "super().__init__(width, p=p)", True),
    "annotated": ("self, width: int = 4", "self, width: int = 4", "super().__init__(width)", True),
    "another default": ("self, width=4", "self, width=8", "super().__init__(width)", False),
    "another name": ("self, width=4", "self, size=4", "super().__init__(size)", False),
    "fewer": ("self, width=4", "self", "super().__init__()", False),
    "something fixed": ("self, width=4", "self, width=4", "super().__init__(4)", False),
    "another kind": ("self, width=4", "self, *, width=4", "super().__init__(width)", False),
}


@pytest.mark.parametrize(("base", "signature", "call", "goes"), BASES.values(), ids=BASES)
def test_with_a_base_it_goes_where_it_passes_everything_on(base: str, signature: str, call: str, goes: bool) -> None:
    text = HEAD + BASE.format(base) + net(init(signature, call), "Base")
    result = converted(text)
    assert ("class Net(Base):\n    def forward" in result) is goes
    assert "return F.relu(x)" in result
    executes_the_same(text, "Net", "8" if "width," in base else "", "torch.randn(2, 4)", direction=BACK)


STAYS = {
    "a docstring": init().replace("        super()", '        """Build."""\n        super()'),
    "a comment": init().replace("        super()", "        # Build.\n        super()"),
    "a comment behind the call": init(call="super().__init__()  # first"),
    "another statement": init(rest="\n        self.n = 1"),
    "a parameter": init("self, n=1"),
    "a setting that is stored": init("self, n", rest="\n        self.drop = nn.Dropout(n)"),
    "a decorator": "    @decorated\n" + init(),
    "the base by its name": init(call="nn.Module.__init__(self)"),
    "an argument": init("self, *args", "super().__init__(*args[1:])"),
    "a condition": init(call="if True: super().__init__()"),
}


@pytest.mark.parametrize("written", STAYS.values(), ids=STAYS)
def test_it_stays(written: str) -> None:
    after = FORWARD.format("self.drop" if "self.drop" in written else "self.act")
    text = "def decorated(f):\n    return f\n\n\n" + net(written, after=after)
    result = converted(HEAD + text)
    if "if True" in written:
        assert "self.act = nn.ReLU()" in result
    else:
        assert "F.relu(x)" in result or "F.dropout(x" in result
    assert "def __init__(" in result


@pytest.mark.parametrize(
    "after",
    ["\n\nclass Two(Net, Mixin):\n    pass\n", "\n\nclass Two(Mixin, Net):\n    pass\n"],
)
def test_under_multiple_inheritance_only_one_that_passes_everything_on_goes(after: str) -> None:
    mixin = "class Mixin:\n    def __init__(self, n=1):\n        super().__init__()\n\n\n"
    text = HEAD + mixin + net(init()) + after
    assert "def __init__(self):\n        super().__init__()\n" in converted(text)
    everything = text.replace("__init__(self):", "__init__(self, *args, **kwargs):")
    everything = everything.replace("__init__()\n        self.act", "__init__(*args, **kwargs)\n        self.act")
    assert "*args" not in converted(everything)


def test_a_base_outside_of_the_file() -> None:
    text = HEAD + "from other import Base\n\n\n" + net(init(), "Base")
    options = {"module_bases": frozenset({"other.Base"})}
    assert "def __init__(self):" in converted(text, **options)
    everything = text.replace("(self):", "(self, *args, **kwargs):").replace("__init__()", "__init__(*args, **kwargs)")
    assert "def __init__" not in converted(everything, **options)


def test_a_class_needs_a_body() -> None:
    text = dedent(
        """\
        import torch.nn as nn


        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.act = nn.ReLU()
                self.n = self.act(1)
        """
    )
    assert "def __init__(self):\n        super().__init__()\n        self.n = F.relu(1)\n" in converted(text)
