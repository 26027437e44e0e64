"""Comments that ask to leave a call site, a method, a class or a file."""

from __future__ import annotations

import pytest
from tests.decide.sources import net
from tests.helpers import outcomes

PLACES = {
    "line": (net("x = F.elu(x)  # nnconvert: skip\nreturn F.relu(x)"), "NNC501 relu"),
    "without spaces": (net("x = F.elu(x)  #nnconvert:skip\nreturn F.relu(x)"), "NNC501 relu"),
    "behind another comment": (
        net("x = F.elu(x)  # noqa  # nnconvert: skip\nreturn F.relu(x)"),
        "NNC501 relu",
    ),
    "inside of a call": (net("x = F.elu(\n    x,  # nnconvert: skip\n)\nreturn F.relu(x)"), "NNC501 relu"),
    "outer call only": (net("return F.relu(  # nnconvert: skip\n    F.elu(x)\n)"), "NNC501 elu"),
    "def": (
        net(signature="self, x", methods="def g(self, x):  # nnconvert: skip\n    return F.elu(x)"),
        "relu NNC501",
    ),
    "end of a long def": (
        net(methods="def g(\n    self, x\n):  # nnconvert: skip\n    return F.elu(x)"),
        "relu NNC501",
    ),
    "one-line def": (net(methods="def g(self, x): return F.elu(x)  # nnconvert: skip"), "relu NNC501"),
    "nested def": (
        net("def g(y):  # nnconvert: skip\n    return F.elu(y)\nreturn F.relu(g(x))"),
        "NNC501 relu",
    ),
    "class": (net().replace("Module):", "Module):  # nnconvert: skip"), "NNC501"),
    "file": ("# nnconvert: skip-file\n" + net(), "NNC501"),
    "file, at its end": (net(after="\n# nnconvert: skip-file\n"), "NNC501"),
    "in a string": (net('s = "# nnconvert: skip"; y = F.relu(x)\nreturn y'), "relu"),
    "another tool": (net("return F.relu(x)  # fmt: skip"), "relu"),
    "a longer word": (net("return F.relu(x)  # nnconvert: skipped"), "relu"),
    "the line before": (net("y = x  # nnconvert: skip\nreturn F.relu(y)"), "relu"),
}


@pytest.mark.parametrize(("source", "expected"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_places(source: str, expected: str, newline: str) -> None:
    assert outcomes(source.replace("\n", newline)) == expected
