"""``F.conv2d(x, self.c.weight, self.c.bias)`` where self.c is an nn.Conv2d of just these settings (rule 17)."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from nnconvert.catalog import Pair, Spelling
from nnconvert.decide.arguments import Division, Given, LeaveError, Unknown, bind, literal, same_value
from nnconvert.decide.operands import is_none
from nnconvert.decide.ready import Place
from nnconvert.decide.sites import Site
from nnconvert.decide.uses import asked_by_string, outside_use
from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.facts import Method, Store
from nnconvert.source.reader import Reader

_LEFT: Final = "NNC410"


def holder(division: Division) -> ast.Attribute | None:
    """``self.c`` where an operand is ``self.c.weight``."""
    for given in division.state.values():
        node = given.value
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            return node.value
    return None


class HeldWeights:
    """Reads the module that one call takes its weights from."""

    def __init__(self, method: Method, reader: Reader) -> None:
        self.info: ClassInfo = method.info
        self.reader = reader
        self.construction = reader.construction(method.info)
        self.place = Place(method.info, reader)

    def find(self, site: Site, division: Division, holding: ast.Attribute) -> tuple[Pair, int]:
        """Its pair, and the index of its assignment; raises LeaveError where calling it is not known to be the same."""
        shown = ast.unparse(holding)
        if self.reader.attributes.self_of(holding.value) is None:
            raise LeaveError(_LEFT, f"the weights belong to `{shown}`")
        store, index = self._store(holding.attr, shown)
        built = store.value
        qualname = self.reader.names.qualname(built.func, store.method.scope) if isinstance(built, ast.Call) else None
        module = torch_class(qualname) if qualname is not None else None
        found = next(((pair, s) for pair, s in site.pairs if pair.module == module), None)
        if found is None or not isinstance(built, ast.Call) or found[0].training is not None:
            raise LeaveError(_LEFT, f"the weights belong to {shown}, which is no nn.{site.pairs[0][0].module}")
        pair, spelling = found
        given = bind(built, Spelling(f"torch.nn.{pair.module}", pair.constructor))
        self._check_operands(division, given, pair, holding)
        self._check_settings(division, given, pair, spelling, shown)
        self._check_uses(holding.attr, shown)
        return pair, index

    def _store(self, name: str, shown: str) -> tuple[Store, int]:
        stores = self.reader.attributes.stores(self.info, name)
        index = self.construction.index_of(stores[0].node) if len(stores) == 1 else None
        if index is None or stores[0].method is not self.construction.init:
            raise LeaveError(_LEFT, f"the weights belong to {shown}, which is not assigned once, in __init__")
        return stores[0], index

    def _check_operands(
        self, division: Division, built: Mapping[str, Given], pair: Pair, holding: ast.Attribute
    ) -> None:
        weights = pair.weights
        assert weights is not None
        for name in weights.operands:
            flag = weights.flags.get(name, "")
            parameter = pair.constructor_signature.get(flag)
            default = parameter.default if parameter is not None else "True"
            has = ast.unparse(built[flag].value) if flag in built else default
            argument = division.state.get(name)
            takes = argument is not None and not is_none(argument.value)
            if has != str(takes):
                raise LeaveError(_LEFT, f"{ast.unparse(holding)} has another {name} than the call takes")
            if argument is None or not takes:
                continue
            if ast.unparse(argument.value) != f"{ast.unparse(holding)}.{name}":
                raise LeaveError(_LEFT, f"{name}: `{ast.unparse(argument.value)}` is computed, or of another module")

    def _check_settings(
        self, division: Division, built: Mapping[str, Given], pair: Pair, spelling: Spelling, shown: str
    ) -> None:
        weights = pair.weights
        assert weights is not None
        for parameter in pair.constructor_signature:
            name = parameter.name
            if name in weights.sizes or name in weights.flags.values():
                continue
            functional = spelling.signature.get(name)
            default = functional.default if functional is not None else parameter.default
            called = division.settings[name].value if name in division.settings else _parsed(default)
            held = built[name].value if name in built else _parsed(parameter.default)
            if not self._same(called, held):
                raise LeaveError(_LEFT, f"{shown} has another {name} than the call")

    def _same(self, called: ast.expr, held: ast.expr) -> bool:
        values = literal(called), literal(held)
        if any(isinstance(value, Unknown) for value in values):
            return self.place.same(called, held)
        one, other = (value if isinstance(value, tuple | list) else (value,) for value in values)
        spread = len(one) == 1 or len(other) == 1
        same = spread and {*map(repr, one)} == {*map(repr, other)} and len({*map(repr, one)}) == 1
        return same or same_value(called, held)

    def _check_uses(self, name: str, shown: str) -> None:
        """Hooks, other weights and wrappers would make a call of it something else."""
        reader, info = self.reader, self.info
        for member in info.family():
            for load in reader.attributes.facts[member].loads.get(name, []):
                parent = reader.tree.parents.get(load)
                called = isinstance(parent, ast.Call) and parent.func is load
                read = isinstance(parent, ast.Attribute) and isinstance(parent.ctx, ast.Load)
                if not called and not (
                    read and isinstance(parent, ast.Attribute) and parent.attr in ("weight", "bias")
                ):
                    raise LeaveError(_LEFT, f"line {load.lineno} uses {shown} for more than its weights")
        if asked_by_string(name, info, reader) or outside_use(name, info, reader) is not None:
            raise LeaveError(_LEFT, f"{shown} is reached by other means, too")


def _parsed(text: str | None) -> ast.expr:
    return ast.parse(text or "None", mode="eval").body
