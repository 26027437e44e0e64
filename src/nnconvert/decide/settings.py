"""The settings of one call site: settled for ``__init__``, checked, and written as a constructor call."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from nnconvert.catalog import Pair
from nnconvert.catalog.model import Parameter
from nnconvert.decide.arguments import Division, Given, LeaveError, Unknown, bind, divide, literal
from nnconvert.decide.checks import CALL_CHECKS_TOO, annotation_fits, is_valid
from nnconvert.decide.constructor import Written, constructor_text
from nnconvert.decide.guards import Guards
from nnconvert.decide.sites import Site
from nnconvert.source.constants import Settled, Settler
from nnconvert.source.expressions import NotConstantError, gives_immutable
from nnconvert.source.facts import Method
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Scope

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
_DEPTH: Final = 12


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
    defaults = (*pair.constructor_signature, *spelling.signature)
    _check_values(pair, defaults, settled, settler, Guards(site, method, reader))
    written = {name: Written(settled[name].text, argument.positional) for name, argument in division.settings.items()}
    arguments = constructor_text("", pair, spelling, written)
    return Built(pair, arguments, max((s.after for s in settled.values()), default=0), division)


def build_inline(site: Site, method: Method, settler: Settler, reader: Reader, pair: Pair | None) -> tuple[str, int]:
    """Settle the constructor call of a module built on the spot: its arguments and ``after`` as in Built."""
    built = site.callee
    assert isinstance(built, ast.Call)
    if any(isinstance(a, ast.Starred) for a in built.args) or any(k.arg is None for k in built.keywords):
        raise LeaveError("NNC201", "the arguments are unpacked with * or **")
    signature = pair.constructor_signature if pair is not None else ()
    names = [parameter.name for parameter in signature] + [f"argument {i + 1}" for i in range(len(built.args))]
    texts: list[str] = []
    settled: dict[str, Settled] = {}
    for place, value in enumerate(built.args):
        settled[names[place]] = settle(settler, Given(place, value, True), names[place], site)
        texts.append(settled[names[place]].text)
    for place, keyword in enumerate(built.keywords, len(built.args)):
        name = keyword.arg or ""
        settled[name] = settle(settler, Given(place, keyword.value, False), name, site)
        texts.append(f"{name}={settled[name].text}")
    guards = Guards(site, method, reader)
    if pair is not None and not guards.surely_runs():
        _check_values(pair, signature, settled, settler, guards)
    return f"({', '.join(texts)})", max((s.after for s in settled.values()), default=0)


# -- padding: mode and length choose the class -----------------------------------------------------------


def _padding_class(site: Site, given: Mapping[str, Given], settler: Settler) -> Pair:
    mode = given.get("mode")
    mode_value = literal(settle(settler, mode, "mode", site).value) if mode is not None else "constant"
    length = _length(settle(settler, given["pad"], "pad", site).value, settler)
    for pair, _ in site.pairs:
        takes_value = pair.constructor_signature.get("value") is not None
        fits = pair.pad_mode == mode_value and pair.pad_length == length
        if fits and (mode_value != "constant" or takes_value == ("value" in given)):
            return pair
    if isinstance(mode_value, Unknown):
        raise LeaveError("NNC211", "the padding mode is not known here")
    if length is None:
        raise LeaveError("NNC211", "how many numbers the padding has is not known here")
    raise LeaveError("NNC211", f"no class of torch.nn pads {length} numbers in mode {mode_value!r}")


def _length(node: ast.expr, settler: Settler, scope: Scope | None = None, depth: int = 0) -> int | None:
    """How many elements a tuple or list expression has; ``scope``: where it stands, if not settled."""
    if depth > _DEPTH:
        return None
    if isinstance(node, ast.Tuple | ast.List):
        return None if any(isinstance(e, ast.Starred) for e in node.elts) else len(node.elts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tuple", "list"):
        plain = len(node.args) == 1 and (scope is None or scope.lookup(node.func.id) is None)
        return _length(node.args[0], settler, scope, depth + 1) if plain else None
    if isinstance(node, ast.BinOp):
        return _length_of_operation(node, settler, scope, depth)
    defined = settler.definition(node, scope)
    return _length(defined.value, settler, defined.scope, depth + 1) if defined is not None else None


def _length_of_operation(node: ast.BinOp, settler: Settler, scope: Scope | None, depth: int) -> int | None:
    left, right = (_length(side, settler, scope, depth + 1) for side in (node.left, node.right))
    if isinstance(node.op, ast.Mult):
        for length, factor in ((left, node.right), (right, node.left)):
            times = literal(factor)
            if length is not None and isinstance(times, int):
                return length * times
    if isinstance(node.op, ast.Add):
        return left + right if left is not None and right is not None else None
    return None


# -- values that the constructor checks ------------------------------------------------------------------


def _check_values(
    pair: Pair,
    defaults: Iterable[Parameter],
    settled: Mapping[str, Settled],
    settler: Settler,
    guards: Guards,
) -> None:
    """Refuse what the constructor may refuse earlier than the call does; raises LeaveError."""
    values: dict[str, object] = {
        parameter.name: literal(ast.parse(parameter.default, mode="eval").body)
        for parameter in defaults
        if parameter.default is not None
    }
    values.update((name, literal(settled[name].value)) for name in settled)
    for name, check in pair.checks.items():
        valid = is_valid(check, name, values)
        if valid is False:
            raise LeaveError("NNC208", f"nn.{pair.module} refuses this {name} when it is built")
        if valid is None and not _is_fine(check, name, settled, settler, guards):
            raise LeaveError("NNC208", f"{name}: not known to be valid, and checked when the module is built")


def _is_fine(check: str, name: str, settled: Mapping[str, Settled], settler: Settler, guards: Guards) -> bool:
    """A value that the source does not tell: the call checks it too and surely runs, or it is promised."""
    if name not in settled:
        return False
    origin = settler.definition(settled[name].value)
    none = origin is not None and isinstance(origin.default, ast.Constant) and origin.default.value is None
    if check in CALL_CHECKS_TOO and not none and guards.surely_runs():
        return True
    return _is_promised(check, name, settled[name], settler, guards)


def _is_promised(check: str, name: str, settled: Settled, settler: Settler, guards: Guards) -> bool:
    """Whether where the value comes from, a constant or a parameter of ``__init__``, promises a valid one."""
    origin = settler.definition(settled.value)
    if origin is None:
        return False
    converted = origin.value.func if isinstance(origin.value, ast.Call) else None
    if isinstance(converted, ast.Name) and gives_immutable(origin.value, origin.scope):
        return annotation_fits(check, converted)  # float(drop_rate)
    if origin.default is not None:
        valid = is_valid(check, name, {name: literal(origin.default)})
        if valid is not None:
            return valid and (
                check not in CALL_CHECKS_TOO
                or annotation_fits(check, origin.annotation)
                or guards.allows(settled.value)
            )
    return annotation_fits(check, origin.annotation) or bool(is_valid(check, name, {name: literal(origin.value)}))
