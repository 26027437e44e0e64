"""A call that takes weights, as a module that keeps them (``--parameters``): which class, built with what."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from nnconvert.catalog import Pair, Spelling, Weights
from nnconvert.decide.arguments import Division, Given, LeaveError, bind, divide
from nnconvert.decide.constructor import Written, constructor_text
from nnconvert.decide.operands import Operand, Operands
from nnconvert.decide.ranks import rank_of
from nnconvert.decide.ready import Place
from nnconvert.decide.settings import settle
from nnconvert.decide.sites import Site
from nnconvert.decide.sizes import dimension_text, size_text, tuple_text
from nnconvert.options import Options
from nnconvert.source.classes import ClassInfo
from nnconvert.source.comments import comments_in
from nnconvert.source.constants import Settler
from nnconvert.source.construction import Construction
from nnconvert.source.facts import Method
from nnconvert.source.quotes import prevailing_quote
from nnconvert.source.reader import Reader
from nnconvert.source.tensors import Shape, Tensors

_SIZES: Final = frozenset({"shape", "size"})
_PURE: Final = frozenset({"int", "len", "max", "min", "abs", "round", "sum", "tuple"})


@dataclass(frozen=True, eq=False)
class Moving:
    """An operand with the name that it has in the module."""

    operand: Operand
    attribute: str
    is_implied: bool
    """Whether the constructor makes just this value, so that its statement goes."""


@dataclass(frozen=True, eq=False)
class Weighed:
    """What a call with weights becomes."""

    pair: Pair
    arguments: str
    """``(cin, cout, 3, padding=1, device="meta")``"""
    division: Division
    moving: tuple[Moving, ...]
    before: int
    """Index of the statement of ``__init__`` in front of which the module is built."""
    counter: str

    @property
    def stays(self) -> list[ast.expr]:
        return [given.value for given in self.division.inputs]


class Weigher:
    """Weighs the calls of one class."""

    def __init__(self, method: Method, reader: Reader, options: Options) -> None:
        self.info: ClassInfo = method.info
        self.reader = reader
        self.options = options
        self.construction: Construction = reader.construction(method.info)
        self.settler = Settler(reader, method, self.construction)
        self.operands = Operands(method.info, reader)
        self.place = Place(method.info, reader)

    def weigh(self, site: Site) -> Weighed:
        """Raises LeaveError where the class could not keep these operands, or its sizes cannot be read."""
        assert isinstance(site.node, ast.Call)
        pair, spelling = site.pairs[0]
        given = bind(site.node, spelling)
        division = divide(pair, spelling, given, moves=True)
        weights = pair.weights
        assert weights is not None
        found = self._found(division.state, weights, pair)
        self._check_together(found, weights, pair)
        shapes = {name: self._shape(operand) for name, operand in found.items()}
        if weights.rank:
            pair = rank_of(site, self.reader, self.options)
        before = min(operand.index for operand in found.values())
        settings = self._settings(site, division, found, shapes, before)
        sizes = self._sizes(pair, weights, shapes, settings, before)
        written = {**settings, **sizes}
        implied = [n for n, o in found.items() if self._is_implied(o, n, weights, written, shapes[n])]
        if weights.draws and len(implied) < len(found):
            implied = []
        arguments = self._arguments(pair, spelling, written, found, on_meta=weights.draws and not implied)
        moving = tuple(Moving(operand, name, name in implied) for name, operand in found.items())
        counter = weights.counter if any(name in found for name in weights.buffers) else ""
        return Weighed(pair, arguments, division, moving, before, counter)

    # -- the operands --------------------------------------------------------------------------------------

    def _found(self, state: Mapping[str, Given], weights: Weights, pair: Pair) -> dict[str, Operand]:
        found: dict[str, Operand] = {}
        for name, argument in state.items():
            operand = self.operands.find(argument.value, name)
            if operand is None or operand.kind == "none":
                continue
            wanted = "parameter" if name in weights.parameters else "buffer"
            if name not in weights.operands or operand.kind != wanted:
                has = f"a {wanted}" if name in weights.operands else "nothing"
                words = f"{name}: self.{operand.name} is a {operand.kind}, and nn.{pair.module} has {has} there"
                raise LeaveError("NNC416", words)
            if any(other.name == operand.name for other in found.values()):
                raise LeaveError("NNC413", f"self.{operand.name} is given twice")
            found[name] = operand
        if not found:
            raise LeaveError("NNC412", "nothing here tells the sizes of the module")
        return found

    def _check_together(self, found: Mapping[str, Operand], weights: Weights, pair: Pair) -> None:
        for name in weights.required:
            if name not in found:
                raise LeaveError("NNC416", f"nn.{pair.module} always has a {name}")
        for group in weights.together:
            missing = [name for name in group if name not in found]
            if missing and len(missing) < len(group):
                raise LeaveError("NNC416", f"nn.{pair.module} has all of {', '.join(group)} or none")
        if "bias" in found and "weight" not in found and "bias" in weights.parameters:
            raise LeaveError("NNC416", f"nn.{pair.module} has no bias without a weight")

    def _shape(self, operand: Operand) -> Shape | None:
        init = self.construction.init
        assert init is not None
        assert operand.tensor is not None
        return Tensors(init, self.reader).shape(operand.tensor)

    # -- the settings --------------------------------------------------------------------------------------

    def _settings(
        self,
        site: Site,
        division: Division,
        found: Mapping[str, Operand],
        shapes: Mapping[str, Shape | None],
        before: int,
    ) -> dict[str, Written]:
        written: dict[str, Written] = {}
        for name, argument in division.settings.items():
            shape = self._named_shape(argument.value, found, shapes)
            if shape is not None:
                self.place.check(shape, before)
                written[name] = Written(tuple_text(shape, self.reader), argument.positional)
                continue
            settled = settle(self.settler, argument, name, site)
            from_end = name == "padding_idx" and not isinstance(argument.value, ast.Constant)  # -1 is no constant
            if from_end and any(map(self._is_given_other_data, found.values())):
                raise LeaveError("NNC412", "the rows that a negative padding_idx counts from may change")
            written[name] = Written(self.place.early(settled, name, before), argument.positional)
        return written

    def _named_shape(
        self, node: ast.expr, found: Mapping[str, Operand], shapes: Mapping[str, Shape | None]
    ) -> Shape | None:
        """The shape where a setting is ``self.weight.shape``, ``self.weight.size()``."""
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            node = node.func
        if not (isinstance(node, ast.Attribute) and node.attr in _SIZES):
            return None
        wanted = ast.dump(node.value)
        for name, operand in found.items():
            if ast.dump(operand.load) == wanted:
                shape = shapes[name]
                if shape is None or self._is_given_other_data(operand):
                    raise LeaveError("NNC412", f"the shape of self.{operand.name} is not known here")
                return shape
        return None

    def _is_given_other_data(self, operand: Operand) -> bool:
        """``self.weight.data = torch.cat(...)``: the call would see the new shape, and the module keep the old one."""
        attributes = self.reader.attributes
        loads = [n for m in self.info.family() for n in attributes.facts[m].loads.get(operand.name, [])]
        parents = self.reader.tree.parents
        data = [parents.get(load) for load in (*loads, *attributes.outer_loads.get(operand.name, []))]
        return any(
            isinstance(node, ast.Attribute) and node.attr == "data" and isinstance(parents.get(node), ast.Assign)
            for node in data
            if isinstance(getattr(node, "ctx", None), ast.Store)
        )

    # -- the sizes -----------------------------------------------------------------------------------------

    def _sizes(
        self,
        pair: Pair,
        weights: Weights,
        shapes: Mapping[str, Shape | None],
        settings: Mapping[str, Written],
        before: int,
    ) -> dict[str, Written]:
        if not weights.sizes:
            return {}
        shaped_by = next((name for name in weights.shaped_by if name in shapes), "")
        shape = shapes.get(shaped_by)
        if shape is None:
            raise LeaveError("NNC412", f"the shape of the {shaped_by or 'weight'} is not known here")
        most = max(size.dimension for size in weights.sizes.values())
        to_end = any(size.to_end for size in weights.sizes.values())
        wanted = most + int(pair.module[-2]) if to_end else most + 1
        if len(shape) != wanted:
            raise LeaveError("NNC412", f"the {shaped_by} is seen to have {len(shape)} dimensions, not {wanted}")
        self.place.check(shape, before)
        return {
            name: Written(size_text(size, shape, settings, self.reader, self.place.same), True)
            for name, size in weights.sizes.items()
        }

    # -- the text ------------------------------------------------------------------------------------------

    def _arguments(
        self,
        pair: Pair,
        spelling: Spelling,
        settings: Mapping[str, Written],
        found: Mapping[str, Operand],
        *,
        on_meta: bool,
    ) -> str:
        weights = pair.weights
        assert weights is not None
        flags: dict[str, Written] = {}
        for name, flag in weights.flags.items():
            parameter = pair.constructor_signature.get(flag)
            assert parameter is not None
            if parameter.default != str(name in found):
                flags[flag] = Written(str(name in found), False)
        if flags.get("elementwise_affine") is not None:
            flags.pop("bias", None)
        plain = replace(pair, module_fixed={})
        text = constructor_text("", plain, spelling, {**settings, **flags})
        if not on_meta:
            return text
        quote = prevailing_quote(self.reader.source)
        return f"{text[:-1]}, device={quote}meta{quote})"

    def _is_implied(
        self,
        operand: Operand,
        name: str,
        weights: Weights,
        written: Mapping[str, Written],
        shape: Shape | None,
    ) -> bool:
        """Whether the constructor makes the same: ``nn.Parameter(torch.ones(n))``, and no comment speaks of it."""
        maker, call, node, source = weights.initial.get(name), operand.tensor, operand.store.node, self.reader.source
        init = self.construction.init
        assert init is not None
        statement = self.construction.body[operand.index]
        if maker is None or not isinstance(call, ast.Call) or any(n in written for n in weights.not_initial):
            return False
        if self.reader.names.qualname(call.func, init.scope) != f"torch.{maker}" or shape is None:
            return False
        # nothing but the sizes: no dtype, no requires_grad
        calls = [n for n in ast.walk(statement) if isinstance(n, ast.Call)]
        plain = all(not n.keywords and (n is call or len(n.args) == (2 if n is node else 1)) for n in calls)
        spoken = any(True for _ in comments_in(source, statement.lineno, statement.end_lineno or statement.lineno))
        sizes = [written[n].text for n in sorted(weights.sizes, key=lambda n: weights.sizes[n].dimension)]
        sizes = sizes or [written["normalized_shape"].text]
        same = sizes in ([dimension_text(d, self.reader) for d in shape], [tuple_text(shape, self.reader)])
        return plain and not spoken and call in calls and same
