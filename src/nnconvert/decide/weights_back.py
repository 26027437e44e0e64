"""Submodules with parameters, on the way to functional: which operands they keep, and where these go (rule 32).

The constructor call stays as it is and gives a local of ``__init__`` the module, whose parameters and buffers move
to self. So whatever the class draws, fills or puts on a device is what it was.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from nnconvert.catalog import Pair, Spelling, weighted_by_module
from nnconvert.decide.arguments import Given, LeaveError, Unknown, bind, literal
from nnconvert.decide.shapes import shape_of
from nnconvert.source.constants import Settler
from nnconvert.source.facts import Method

_PLACES: Final = "device=None, dtype=None"
"""What every constructor takes behind its settings; the catalog's rows leave it out."""
_PADDING_MODES: Final = frozenset({"reflect", "replicate", "circular"})


@dataclass(frozen=True, slots=True)
class Operand:
    """One parameter or buffer that the module keeps for its functional, or its counter."""

    name: str
    is_buffer: bool


def weighted(call: ast.Call, module: str, is_stateless: bool) -> Pair | None:
    """The pair of a class that, built by this call, may keep parameters or buffers; None where it keeps none."""
    pair = weighted_by_module().get(module)
    if pair is None or pair.weights is None:
        return None
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return None if is_stateless and not pair.weights.buffers else pair
    given = _written(call, pair)
    if is_stateless and not any(_is_given(given.get(name)) for name in _by_argument(pair)):
        return None
    return pair if any(_is_kept(name, given, pair) is not False for name in pair.weights.operands) else None


def _written(call: ast.Call, pair: Pair) -> dict[str, ast.expr]:
    names = [parameter.name for parameter in pair.constructor_signature]
    given = dict(zip(names, call.args, strict=False))
    given.update((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)
    return given


def _by_argument(pair: Pair) -> Iterator[str]:
    """Operands that the constructor itself is given: the weight of a loss."""
    assert pair.weights is not None
    return (name for name in pair.weights.buffers if pair.constructor_signature.get(name) is not None)


def _is_given(value: ast.expr | None) -> bool:
    return value is not None and literal(value) is not None


def _flags(name: str, pair: Pair) -> list[str]:
    """The settings that must hold for the class to have the operand."""
    assert pair.weights is not None
    group = next((group for group in pair.weights.together if name in group), (name,))
    found = [pair.weights.flags[member] for member in group if member in pair.weights.flags]
    if pair.module == "LayerNorm" and name == "bias":
        found.append(pair.weights.flags["weight"])
    return found


def _is_kept(name: str, given: Mapping[str, ast.expr], pair: Pair) -> bool | None:
    """Whether the module has the operand; None where only ``__init__`` knows."""
    if name in _by_argument(pair):
        return _is_given(given.get(name))
    values = [_flag(flag, given, pair) for flag in _flags(name, pair)]
    if False in values:
        return False
    return None if None in values else True


def _flag(name: str, given: Mapping[str, ast.expr], pair: Pair) -> bool | None:
    parameter = pair.constructor_signature.get(name)
    assert parameter is not None
    assert parameter.default is not None
    value = literal(given[name] if name in given else ast.parse(parameter.default, mode="eval").body)
    return None if isinstance(value, Unknown) else bool(value)


def bound(call: ast.Call, pair: Pair) -> dict[str, Given]:
    """Constructor parameter -> argument, ``device`` and ``dtype`` included; raises LeaveError."""
    parameters = ", ".join(filter(None, (pair.constructor, _PLACES if "Loss" not in pair.module else "")))
    return bind(call, Spelling(f"torch.nn.{pair.module}", parameters))


def operands(pair: Pair, given: Mapping[str, Given]) -> tuple[Operand, ...]:
    """What moves to self, in the order of the module's own registration; raises LeaveError where that is not known."""
    assert pair.weights is not None
    values = {name: argument.value for name, argument in given.items()}
    found: list[Operand] = []
    for name in pair.weights.operands:
        for flag in _flags(name, pair):
            if flag != "bias" and _flag(flag, values, pair) is None:
                raise LeaveError("NNC423", f"whether there are parameters depends on {flag}")
        if _is_kept(name, values, pair) is not False:
            found.append(Operand(name, name in pair.weights.buffers))
    if pair.weights.counter and any(operand.is_buffer for operand in found):
        found.append(Operand(pair.weights.counter, True))
    return tuple(found)


def settings_of(pair: Pair, given: Mapping[str, Given]) -> dict[str, Given]:
    """Functional parameter -> argument of the constructor, for what the functional takes; raises LeaveError."""
    back = {new: old for old, new in pair.renames.items()}
    assert pair.weights is not None
    flags = set(pair.weights.flags.values())
    found: dict[str, Given] = {}
    for name, argument in given.items():
        parameter = pair.constructor_signature.get(name)
        functional = back.get(name, name)
        if name == "padding" and padding(pair, given) is not None:
            continue  # F.pad does it
        if name in flags or name in pair.state or pair.way_back.signature.get(functional) is None:
            continue  # it shapes the weight, or places it
        default = parameter.default if parameter is not None else None
        if default == "None" and literal(argument.value) is None:
            continue  # TorchScript takes no None for some of them
        if name in ("size_average", "reduce"):
            raise LeaveError("NNC423", f"nn.{pair.module} makes a reduction of {name}")
        found[functional] = argument
    return found


def always_in_training(pair: Pair, kept: tuple[Operand, ...]) -> bool:
    """Without running statistics, nn.BatchNorm2d takes those of the batch in eval mode, too."""
    return pair.training is not None and not any(operand.is_buffer for operand in kept)


def check_momentum(pair: Pair, given: Mapping[str, Given], init: Method, settler: Settler) -> None:
    """Refuse ``momentum=None``, a cumulative average that the functional does not take, and what may be None."""
    argument = given.get("momentum")
    if argument is None or pair.training is None:
        return
    value = argument.value
    if not isinstance(literal(value), Unknown):
        is_number = literal(value) is not None
    else:
        is_number = shape_of(value, init.scope, settler) == "number" or _has_number_default(value, init)
    if not is_number:
        raise LeaveError("NNC423", f"momentum={ast.unparse(value)} may be None, a cumulative average")


def _has_number_default(value: ast.expr, init: Method) -> bool:
    """``def __init__(self, momentum=0.1)``"""
    arguments = init.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
    pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None]
    named = value.id if isinstance(value, ast.Name) else ""
    once = len(init.scope.bindings.get(named, [])) == 1
    return once and any(a.arg == named and isinstance(literal(d), int | float) for a, d in pairs)


# -- padding modes that the functional does not know -----------------------------------------------------------


def padding(pair: Pair, given: Mapping[str, Given]) -> tuple[str, tuple[int, ...]] | None:
    """The mode, and the numbers for F.pad, where a convolution pads with other things than zeros."""
    argument = given.get("padding_mode")
    mode = literal(argument.value) if argument is not None else "zeros"
    if mode == "zeros":
        return None
    if mode not in _PADDING_MODES or not pair.module.startswith("Conv") or "Transpose" in pair.module:
        raise LeaveError("NNC423", "which padding_mode it is has to be a literal")
    dimensions = int(pair.module[-2])
    numbers = literal(given["padding"].value) if "padding" in given else 0
    if isinstance(numbers, int):
        numbers = (numbers,) * dimensions
    if not (isinstance(numbers, tuple) and len(numbers) == dimensions and all(type(n) is int for n in numbers)):
        raise LeaveError("NNC423", f"padding_mode={mode!r} converts with numbers for the padding only")
    return str(mode), tuple(n for number in reversed(numbers) for n in (number, number))
