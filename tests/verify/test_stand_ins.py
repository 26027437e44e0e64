"""Packages that are not installed: a class that does not use them is verified all the same."""

from __future__ import annotations

from nnconvert.verification import Expected

from .checking import HEAD, Check, net

PLAIN = net("self.n = 2", "return F.relu(x) * self.n")


def test_what_importing_mentions_is_stood_in_for(check: Check) -> None:
    head = """\
import absent_one.parts.deep as deep
from absent_one import Base, Other, transforms as T
from absent_two.typing import Float
import torch.nn as nn

CROP = T.Compose([T.Crop(3)])

class Held(Base, Other, nn.Module):
    pass

@deep.registered("name")
def helper(x: Float["b n"] | None, y: "T.Image" = None) -> deep.Image:
    return x

"""
    only = Expected("Net", known=False)
    evidence = check.one(head + PLAIN, head + PLAIN.replace("* self.n", "* 2"), only)
    assert evidence.verdict == "proved"
    assert evidence.reason == "with a stand-in for absent_one, absent_two, not installed"
    assert check.one(head + PLAIN, head + PLAIN.replace("* self.n", "* 3"), only).verdict == "differs"


def test_a_class_that_uses_one_is_unverified(check: Check) -> None:
    source = "from absent_one import scale\n" + net("self.n = 2", "return F.relu(scale(x))")
    check.unverified(source, "absent_one.scale is of a package that is not installed")
    source = "from absent_one import scale\n" + net("self.layer = scale()", "return F.relu(x)")
    check.unverified(source, "absent_one.scale is of a package that is not installed")


def test_what_the_file_does_itself_without_a_package_stays(check: Check) -> None:
    guarded = "try:\n    import absent_one\nexcept ImportError:\n    absent_one = None\n"
    evidence = check.tested(guarded + net("self.n = 2", "assert absent_one is None\nreturn F.relu(x)"))
    assert evidence.reason == ""


def test_an_import_that_fails_all_the_same_says_what_was_first(check: Check) -> None:
    source = "import absent_one\nassert absent_one.version > (1, 2)\n" + PLAIN
    check.unverified(source, "the module cannot be imported: ModuleNotFoundError: No module named 'absent_one'")
    check.unverified(HEAD + "from .absent import x\n" + PLAIN, "the module cannot be imported")
