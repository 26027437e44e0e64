"""Modules built and called on the spot, on the way to functional: ``nn.ReLU()(x)`` becomes ``F.relu(x)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nnconvert.catalog import Pair, without_pair
from nnconvert.decide.arguments import Given, LeaveError, Unknown, is_plain, literal
from nnconvert.decide.called import Call, arguments, identity_argument
from nnconvert.decide.carried import (
    bound_settings,
    check_ignored,
    float_text,
    implied_settings,
    is_scripted,
    spread_text,
)
from nnconvert.decide.constructor import Written
from nnconvert.decide.submodules import IDENTITY, Built, one_line
from nnconvert.source.reader import Reader


def inline_call(built: Built, call: ast.Call, reader: Reader) -> Call:
    """What changes in the call; raises LeaveError.

    The settings are evaluated after the inputs then, so they must be constants or plain names. A module that is
    built for one call is in training mode whatever the mode of the model is.
    """
    if not built.is_certain:
        raise LeaveError("NNC101", "the name of the class is bound again between its import and here")
    if "#" in reader.source.segment(built.call):
        raise LeaveError("NNC610", "a comment may stand inside of the constructor call")
    if built.module == IDENTITY:
        check_ignored(built)
        identity_argument(call)
        return Call((), ())
    pair = built.pair
    if pair is None:
        raise LeaveError("NNC607", without_pair()[f"torch.nn.{built.module}"].reason)
    return arguments(call, pair, dict(_texts(built, call, pair, reader)))


def _texts(built: Built, call: ast.Call, pair: Pair, reader: Reader) -> Iterator[tuple[str, Written]]:
    given = bound_settings(built, pair)
    for name, argument in given.items():
        if _may_be_changed(argument.value, call, reader):
            raise LeaveError("NNC210", f"the inputs may change `{one_line(argument.value, reader)}`")
        spread = pair.spread.get(pair.renames.get(name, name), 0)
        yield name, Written(_text(argument, spread, name in pair.floats, reader), argument.positional)
    for name, setting in implied_settings(pair, given, reader):
        yield name, Written(setting.text, setting.positional)
    if pair.training is not None:
        yield pair.training, Written("True", False)


def _may_be_changed(value: ast.expr, call: ast.Call, reader: Reader) -> bool:
    """Whether evaluating the inputs may give a name or an attribute another value."""
    inputs = [node for part in (*call.args, *call.keywords) for node in ast.walk(part)]
    if isinstance(value, ast.Name):
        return any(isinstance(n, ast.NamedExpr) and n.target.id == value.id for n in inputs)
    if not isinstance(value, ast.Attribute) or not any(isinstance(n, ast.Call | ast.Await) for n in inputs):
        return False
    stores = [s for facts in reader.attributes.facts.values() for s in facts.stores.get(value.attr, [])]
    later = any(store.method.node.name != "__init__" for store in stores)
    return later or value.attr in reader.attributes.outer_stores


def _text(argument: Given, spread: int, is_float: bool, reader: Reader) -> str:
    known = literal(argument.value)
    text = one_line(argument.value, reader)
    if isinstance(known, Unknown) and not is_plain(argument.value):
        raise LeaveError("NNC210", f"`{text}` would be evaluated after the inputs")
    if spread and isinstance(known, Unknown):
        raise LeaveError("NNC207", f"whether `{text}` is one number or {spread} is not known here")
    text = float_text(known, text) if is_float and is_scripted(reader) else text
    return spread_text(text, spread) if isinstance(known, int | float) else text
