"""The settings of one call site: settled for ``__init__``, checked, and written as a constructor call."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nnconvert.catalog import Pair, Spelling
from nnconvert.decide.arguments import Division, Given, LeaveError, Unknown, bind, divide, literal
from nnconvert.decide.checks import CALL_CHECKS_TOO, annotation_fits, is_valid
from nnconvert.decide.constructor import Written, constructor_text
from nnconvert.decide.guards import Guards
from nnconvert.decide.sites import Site
from nnconvert.source.attributes import Method
from nnconvert.source.constants import NotConstantError, Settled, Settler
from nnconvert.source.reader import Reader

CODES: Final = {
    "input": "NNC204",
    "local": "NNC205",
    "training": "NNC404",
    "state": "NNC206",
    "dotted": "NNC207",
    "changed": "NNC203",
    "unknown": "NNC207",
    "late": "NNC212",
}


@dataclass(frozen=True, slots=True)
class Built:
    """What a submodule is built with."""

    pair: Pair
    arguments: str
    """The constructor call without its callee: ``(2, stride=self.stride)``."""
    after: int
    """Index of the statement of ``__init__`` behind which all settings have their values."""
    division: Division


def settle(settler: Settler, given: Given, name: str, site: Site) -> Settled:
    try:
        return settler.settle(given.value, site.scope)
    except NotConstantError as error:
        raise LeaveError(CODES[error.why], f"{name}: {error.words}") from error


def build(site: Site, method: Method, settler: Settler, reader: Reader) -> Built:
    """Divide the arguments and settle the settings of a functional's call; raises LeaveError."""
    assert isinstance(site.node, ast.Call)
    pair, spelling = site.pairs[0]
    given = bind(site.node, spelling)
    if pair.pad_mode is not None:
        pair = _padding_class(site, given, settler)
    division = divide(pair, spelling, given)
    settled = {name: settle(settler, argument, name, site) for name, argument in division.settings.items()}
    _check_values(pair, spelling, settled, site, method, settler, reader)
    written = {name: Written(settled[name].text, argument.positional) for name, argument in division.settings.items()}
    arguments = constructor_text("", pair, spelling, written)
    return Built(pair, arguments, max((s.after for s in settled.values()), default=0), division)


# -- padding: mode and length choose the class ------------------------------------------------------------------


def _padding_class(site: Site, given: Mapping[str, Given], settler: Settler) -> Pair:
    mode = given.get("mode")
    mode_value = literal(settle(settler, mode, "mode", site).value) if mode is not None else "constant"
    length = _length(settle(settler, given["pad"], "pad", site).value, settler)
    for pair, _ in site.pairs:
        if pair.pad_mode == mode_value and pair.pad_length == length:
            return pair
    if isinstance(mode_value, Unknown):
        raise LeaveError("NNC211", "the padding mode is not known here")
    if length is None:
        raise LeaveError("NNC211", "how many numbers the padding has is not known here")
    raise LeaveError("NNC211", f"no class of torch.nn pads {length} numbers in mode {mode_value!r}")


def _length(node: ast.expr, settler: Settler) -> int | None:
    """How many elements a tuple or list expression has."""
    if isinstance(node, ast.Tuple | ast.List):
        return None if any(isinstance(e, ast.Starred) for e in node.elts) else len(node.elts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tuple", "list"):
        return _length(node.args[0], settler) if len(node.args) == 1 else None
    if isinstance(node, ast.BinOp):
        return _length_of_operation(node, settler)
    value = settler.definition(node)
    return _length(value, settler) if value is not None else None


def _length_of_operation(node: ast.BinOp, settler: Settler) -> int | None:
    if isinstance(node.op, ast.Mult):
        for sequence, factor in ((node.left, node.right), (node.right, node.left)):
            length, times = _length(sequence, settler), literal(factor)
            if length is not None and isinstance(times, int):
                return length * times
    if isinstance(node.op, ast.Add):
        left, right = _length(node.left, settler), _length(node.right, settler)
        return left + right if left is not None and right is not None else None
    return None


# -- values that the constructor checks -------------------------------------------------------------------------


def _check_values(
    pair: Pair,
    spelling: Spelling,
    settled: Mapping[str, Settled],
    site: Site,
    method: Method,
    settler: Settler,
    reader: Reader,
) -> None:
    values: dict[str, object] = {
        parameter.name: literal(ast.parse(parameter.default, mode="eval").body)
        for parameter in (*pair.constructor_signature, *spelling.signature)
        if parameter.default is not None
    }
    values.update((name, literal(settled[name].value)) for name in settled)
    for name, check in pair.checks.items():
        valid = is_valid(check, name, values)
        if valid:
            continue
        if valid is False:
            raise LeaveError("NNC208", f"nn.{pair.module} refuses this {name} when it is built")
        if name not in settled:
            raise LeaveError("NNC208", f"{name}: not known to pass the checks of nn.{pair.module}")
        _check_unknown(check, name, settled[name], site, method, settler, reader)


def _check_unknown(
    check: str, name: str, settled: Settled, site: Site, method: Method, settler: Settler, reader: Reader
) -> None:
    """A value that the source does not tell: fine where the call checks it as well and surely runs, or by promise."""
    guards = Guards(site, method, reader)
    if check in CALL_CHECKS_TOO and guards.surely_runs():
        return
    origin = settler.origin(settled.value)
    if origin is not None:
        if annotation_fits(check, origin.annotation):
            return
        default = literal(origin.default) if origin.default is not None else Unknown()
        if not isinstance(default, Unknown) and is_valid(check, name, {name: default}):
            if check not in CALL_CHECKS_TOO or guards.tests_number(settled.value):
                return
        elif origin.value is not None and is_valid(check, name, {name: literal(origin.value)}):
            return
    raise LeaveError("NNC208", f"{name}: not known to be valid, and checked when the module is built")
