"""The arguments of one call, on the way to functional: the inputs stay, the settings join."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nnconvert.catalog import Pair
from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.constructor import Written


@dataclass(frozen=True, slots=True)
class Call:
    """What changes between the parentheses."""

    named: tuple[tuple[int, str], ...]
    """Places of arguments that become keyword arguments, and their names."""
    settings: tuple[str, ...]


def identity_argument(call: ast.Call) -> None:
    """Raise LeaveError unless the call gives one input, which takes the place of the call."""
    _refuse_unpacked(call)
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if len(given) != 1 or any(keyword.arg != "input" for keyword in call.keywords):
        raise LeaveError("NNC213", "nn.Identity takes one input")


def arguments(call: ast.Call, pair: Pair, texts: Mapping[str, Written]) -> Call:
    """What changes in a call of the module; raises LeaveError where it does not fit forward, or unpacks its arguments.

    ``texts``: functional parameter -> the setting as the call will give it, ``training`` included.
    """
    _refuse_unpacked(call)
    named = tuple(_named(call, pair))
    positional = len(call.args) if not named and not call.keywords else 0
    return Call(named, tuple(_joining(pair, texts, positional)))


def _refuse_unpacked(call: ast.Call) -> None:
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        raise LeaveError("NNC201", "the arguments are unpacked with * or **")
    if any(isinstance(a, ast.GeneratorExp) for a in call.args):
        raise LeaveError("NNC213", "a generator is no input")


def _named(call: ast.Call, pair: Pair) -> Iterator[tuple[int, str]]:
    """The arguments that stand elsewhere in the functional's signature, or have another name there."""
    names = pair.forward or pair.inputs
    if len(call.args) > len(names):
        raise LeaveError("NNC213", f"nn.{pair.module} takes {len(names)} inputs")
    module_only = names[len(pair.inputs) :]
    if len(call.args) > len(pair.inputs) or any(keyword.arg in module_only for keyword in call.keywords):
        raise LeaveError("NNC202", f"F.{pair.way_back.short} has no {module_only[0]}")
    signature = pair.way_back.signature
    given = list(pair.inputs[: len(call.args)])
    yield from ((place, name) for place, name in enumerate(given) if signature[place].name != name)
    for place, keyword in enumerate(call.keywords, len(call.args)):
        if keyword.arg not in names:
            raise LeaveError("NNC213", f"the forward of nn.{pair.module} has no {keyword.arg}")
        name = pair.inputs[names.index(keyword.arg)]
        if name != keyword.arg:
            yield place, name
        given.append(name)
    missing = [p.name for p in signature if p.name in pair.inputs and p.default is None and p.name not in given]
    if missing or len(given) != len(set(given)):
        raise LeaveError("NNC213", f"the call does not fit the forward of nn.{pair.module}")


def _joining(pair: Pair, texts: Mapping[str, Written], given: int) -> Iterator[str]:
    """Positional as long as nothing was left out and the constructor had it so, too; then by keyword.

    ``given``: how many positional arguments the call begins with; 0 where it has others, so that none can follow.
    """
    positional = given > 0
    for parameter in pair.way_back.signature[given:]:
        name = parameter.name
        written = texts.get(name)
        if written is None:
            positional = False
            continue
        positional = positional and written.positional and not parameter.keyword_only
        yield written.text if positional else f"{name}={written.text}"
