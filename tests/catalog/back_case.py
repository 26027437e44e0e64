"""What one case of the way back says: how a submodule is built, how it is called, and with what."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from string import ascii_lowercase

from nnconvert.catalog import Pair, Spelling, by_module

from .case import reversed_keywords

NO_SITE = "no call site"
"""Instead of a reason code: the tool does not speak of the call at all."""


@dataclass(frozen=True)
class BackCase:
    """A submodule that ``__init__`` assigns and a method calls."""

    module: str
    """Name of the class in torch.nn."""
    settings: str
    """Source text between the constructor's parentheses."""
    arguments: str
    """Source text between the call's parentheses."""
    inputs: Mapping[str, str]
    """Variable -> source text of its value, in forward's order. Floating ``x``, ``y``, ``z`` take gradients."""
    left: str = ""
    """Why the call is not converted: a reason code, or NO_SITE; empty where it converts."""
    from_init: tuple[str, ...] = ()
    """The settings that are parameters of ``__init__``; their texts are the values that it is built with."""

    @property
    def pair(self) -> Pair:
        pair = by_module(self.module)
        assert pair is not None, self.module
        return pair

    @property
    def given(self) -> dict[str, str]:
        """Constructor parameter -> source text of what it is given."""
        call = _call(self.settings)
        names = [p.name for p in self.pair.constructor_signature if not p.keyword_only]
        assert len(call.args) <= len(names)
        positional = zip(names, map(ast.unparse, call.args), strict=False)
        return {**dict(positional), **{str(k.arg): ast.unparse(k.value) for k in call.keywords}}

    def construction(self, suffix: object = "") -> tuple[str, dict[str, str]]:
        """The constructor call, and the parameters of ``__init__`` that it names, with their values."""
        call = _call(self.settings)
        values: dict[str, str] = {}

        def text(name: str, value: ast.expr) -> str:
            if name not in self.from_init:
                return ast.unparse(value)
            parameter = f"{ascii_lowercase[len(values)]}{suffix}"
            values[parameter] = ast.unparse(value)
            return parameter

        parts = [text(name, value) for name, value in zip(self.given, call.args, strict=False)]
        parts += [f"{k.arg}={text(str(k.arg), k.value)}" for k in call.keywords]
        return f"nn.{self.module}({', '.join(parts)})", values

    def __str__(self) -> str:
        call, values = self.construction()
        built_with = f" with {values}" if values else ""
        return f"{call}({self.arguments}){built_with}"


def modules(module: str, inputs: Mapping[str, str] | str, *settings: str, left: str = "") -> Iterator[BackCase]:
    """A case for each settings text, called with the variables in order; and more of them.

    The last text, which should give the most, comes again with keywords only, in reverse order, and with parameters
    of ``__init__``; the first one is also called with keywords.
    """
    if isinstance(inputs, str):
        inputs = {"x": inputs}
    first, last = (BackCase(module, text, ", ".join(inputs), inputs, left) for text in (settings[0], settings[-1]))
    pair = first.pair
    constructor, forward = Spelling("", pair.constructor), Spelling("", ", ".join(pair.forward or pair.inputs))
    for text in dict.fromkeys((*settings, reversed_keywords(settings[-1], constructor))):
        yield replace(first, settings=text)
    if left:
        return
    by_keyword = reversed_keywords(first.arguments, forward)
    yield replace(first, arguments=by_keyword)
    if names := tuple(name for name, text in last.given.items() if _may_come_from_init(pair, name, text)):
        yield replace(last, from_init=names)


def _may_come_from_init(pair: Pair, name: str, text: str) -> bool:
    """Not what decides whether there is state; and no None, which is nothing to keep."""
    return name not in {*pair.state, *pair.module_fixed} and text != "None"


def _call(arguments: str) -> ast.Call:
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    return call
