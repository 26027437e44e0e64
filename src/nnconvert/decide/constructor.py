"""The text of a constructor call: ``nn.MaxPool2d(2, stride=self.stride)``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from nnconvert.catalog import Pair, Spelling
from nnconvert.decide.arguments import same_value


@dataclass(frozen=True, slots=True)
class Written:
    """A setting as it will stand in the constructor call."""

    text: str
    positional: bool


def constructor_text(callee: str, pair: Pair, spelling: Spelling, settings: Mapping[str, Written]) -> str:
    """The constructor call: positional where the call was, with what differs from its defaults only.

    A default of the functional that is not the constructor's (``torch.flatten`` starts at 0) is written out.
    """
    fixed = {**spelling.fixed, **pair.module_fixed}
    parts: list[str] = []
    positional = True
    for parameter in pair.constructor_signature:
        name = parameter.name
        if name in settings and name not in fixed:
            text = settings[name].text
            positional = positional and settings[name].positional and not parameter.keyword_only
        else:
            implied = fixed.get(name) or _implied(pair, spelling, name, parameter.default)
            if implied is None:
                positional = False
                continue
            text = implied
            positional = positional and parameter.default is None and not parameter.keyword_only
        parts.append(text if positional else f"{name}={text}")
    return f"{callee}({', '.join(parts)})"


def _implied(pair: Pair, spelling: Spelling, name: str, constructor_default: str | None) -> str | None:
    """The functional's default for this setting, where the constructor's is another one."""
    source = next((old for old, new in pair.renames.items() if new == name), name)
    parameter = spelling.signature.get(source) if name not in pair.state else None
    if parameter is None or parameter.default is None:
        return None
    if constructor_default is not None and _equal(parameter.default, constructor_default):
        return None
    return parameter.default


def _equal(first: str, second: str) -> bool:
    trees = [ast.parse(text, mode="eval").body for text in (first, second)]
    return same_value(trees[0], trees[1])
