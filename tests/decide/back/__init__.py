"""What the tests of the way back to functionals share: one class with a layer besides what a test is about."""

from __future__ import annotations

from tests.helpers import check_converted, check_left, convert, executes_the_same, net, outcomes

BACK = "to-functional"
FC = "self.fc = nn.Linear(4, 4)\n"
"""Keeps ``__init__`` and its imports where they are, whatever else goes."""


def source(init: str, forward: str, **parts: str) -> str:
    """A file with the class ``Net``."""
    return net(forward, init=(FC + init).rstrip("\n"), **parts)


def check(init: str, forward: str, new_init: str, new_forward: str, **parts: str) -> None:
    """The bodies of ``__init__`` (behind ``self.fc``) and ``forward`` become these, and nothing else changes."""
    check_converted(source(init, forward, **parts), source(new_init, new_forward, **parts), direction=BACK)


def check_stays(init: str, forward: str, code: str, **parts: str) -> None:
    """Every call is left for the reason with this code."""
    check_left(source(init, forward, **parts), code, direction=BACK)


def check_runs(init: str, forward: str, values: str = "", tensors: str = "torch.randn(2, 4)", **parts: str) -> str:
    """Both versions do the same; returns the new text. ``values``: what the class is built with."""
    return executes_the_same(source(init, forward, **parts), "Net", values, tensors, direction=BACK)


def decided(text: str, **options: object) -> str:
    """The decisions in source order: a code, or the name of the submodule whose call converts."""
    return outcomes(text, direction=BACK, **options)


def converted(text: str, **options: object) -> str:
    """The new text, which has passed the product's own checks."""
    return convert(text, direction=BACK, **options)[0]
