"""A small reference interpreter of the catalog's rows: what a call becomes, by the row's data alone."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from nnconvert.catalog import Pair, Spelling, by_spelling

from .case import Case


@dataclass(frozen=True)
class Built:
    """A module class with the source text of its settings, and of the inputs that forward takes."""

    pair: Pair
    settings: dict[str, str]
    inputs: tuple[str, ...]


def build(case: Case) -> Built:
    """The module that the case's call becomes; an AssertionError where the row does not allow it."""
    candidates = by_spelling()[case.spelling]
    spelling = candidates[0][1]
    given = _bind(spelling, case.arguments)
    pair = next(pair for pair, _ in candidates if _pads(pair, given))
    settings: dict[str, str] = {}
    for parameter in spelling.signature:
        text = given.get(parameter.name, parameter.default)
        assert text is not None, f"{parameter.name} is required"
        target = pair.renames.get(parameter.name, parameter.name)
        setting = pair.constructor_signature.get(target)
        if parameter.name in pair.inputs or (parameter.name == "mode" and pair.pad_mode is not None):
            continue
        if pair.training is not None and parameter.name in ("training", "train"):
            assert text == "self.training"
        elif parameter.name in pair.state:
            assert text == "None"
        elif setting is None or parameter.name in pair.not_carried:
            assert _value(text) == _value(parameter.default or "None"), f"{parameter.name} cannot move"
        elif parameter.name in given or setting.default is None or _differ(text, setting.default):
            settings[target] = text
    settings |= {**spelling.fixed, **pair.module_fixed}
    receiver = ["x"] if spelling.is_method else []
    return Built(pair, settings, (*receiver, *(given[name] for name in pair.inputs if name in given)))


def _bind(spelling: Spelling, arguments: str) -> dict[str, str]:
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    positional = [p.name for p in spelling.signature if not p.keyword_only]
    assert len(call.args) <= len(positional)
    given = {name: ast.unparse(a) for name, a in zip(positional, call.args, strict=False)}
    for keyword in call.keywords:
        assert keyword.arg is not None
        assert keyword.arg not in given
        assert spelling.signature.get(keyword.arg) is not None
        given[keyword.arg] = ast.unparse(keyword.value)
    return given


def _pads(pair: Pair, given: dict[str, str]) -> bool:
    if pair.pad_mode is None:
        return True
    mode = ast.literal_eval(given.get("mode", "'constant'"))
    takes_value = pair.constructor_signature.get("value") is not None
    if mode == "constant" and takes_value != ("value" in given):
        return False
    return bool(mode == pair.pad_mode and len(ast.literal_eval(given["pad"])) == pair.pad_length)


def _value(text: str) -> object:
    return eval(text, {"__builtins__": {}})


def _differ(one: str, other: str) -> bool:
    return _value(one) != _value(other)
