"""One call site that may be converted, before it has a name and a place in ``__init__``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from nnconvert.catalog import Pair, by_module, weighted_pairs
from nnconvert.decide.arguments import Division, LeaveError, bind, divide
from nnconvert.decide.borrowed import Borrowed
from nnconvert.decide.gates import (
    check_class,
    check_depth,
    check_differing,
    check_mode,
    check_suppressed,
    check_walks,
    method_of_site,
)
from nnconvert.decide.guards import Guards
from nnconvert.decide.held_weights import HeldWeights, holder
from nnconvert.decide.imports import Importer
from nnconvert.decide.loops import Loop, literal_loop
from nnconvert.decide.moves import Uses
from nnconvert.decide.names import base_name
from nnconvert.decide.operands import is_none
from nnconvert.decide.settings import build, build_inline
from nnconvert.decide.sites import Site
from nnconvert.decide.weighing import Moving, Weighed, Weigher
from nnconvert.options import Options
from nnconvert.plan import Leave
from nnconvert.source.classes import ClassInfo
from nnconvert.source.constants import Settler
from nnconvert.source.facts import Method
from nnconvert.source.project import Neighbours
from nnconvert.source.reader import Reader

_SUSPICIONS: Final = {
    "NNC101": "the name is bound again between its import and here",
    "NNC102": "the name may come from a star import of an unknown file",
    "NNC306": "a loop runs the one call site of the submodule repeatedly",
    "NNC406": "takes weights",
    "NNC407": "a module with parameters or buffers is built at every call",
}


@dataclass(frozen=True, eq=False)
class Draft:
    """What a call site would become."""

    method: Method
    module: str
    constructor: str
    """``nn.ReLU(inplace=True)``"""
    inputs: tuple[int, ...] | None
    after: int
    """Index of the statement of ``__init__`` behind which the constructor call can stand."""
    registers: bool = True
    """False for a functional held on self: its assignment is changed in place."""
    shareable: bool = True
    attribute: str = ""
    """The attribute that exists already: where nothing is registered, or what a copy is named after."""
    note: str = ""
    behind: ast.stmt | None = None
    """For a split submodule: the assignment that the copy goes right behind."""
    weighed: Weighed | None = None
    """For a module that keeps parameters or buffers: what moves into it, and ..."""
    uses: Sequence[tuple[Moving, Sequence[ast.Attribute]]] = ()
    """... where each is used besides."""
    loop: Loop | None = None
    """For a split submodule: the literal loop that takes another copy at every turn."""

    @property
    def copies(self) -> int:
        """How many submodules are registered."""
        return 1 if self.loop is None else self.loop.turns - self.loop.first_is_there

    def callee(self, names: Sequence[str]) -> str:
        """What the call site calls, given the names of the new submodules."""
        receiver = self.method.receiver
        if self.loop is None:
            return f"{receiver}.{names[0]}"
        every = [self.attribute, *names] if self.loop.first_is_there else names
        return f"({', '.join(f'{receiver}.{name}' for name in every)})[{self.loop.variable}]"


class Drafter:
    def __init__(self, reader: Reader, options: Options, neighbours: Neighbours) -> None:
        self.reader = reader
        self.options = options
        self._checked: dict[ClassInfo, Leave | None] = {}
        self.borrowed = Borrowed(reader)
        self.uses = Uses(reader, neighbours)
        self._kinds: Final[Mapping[str, Callable[[Site, Method, Importer], Draft]]] = {
            "call": self._call,
            "method": self._call,
            "inline": self._inline,
            "reference": self._reference,
            "shared": self._shared,
        }

    def draft(self, site: Site, importer: Importer) -> Draft:
        """What the site would become; raises LeaveError."""
        check_suppressed(site.node, self.reader)
        check_differing(site.node, self.reader, self.options)
        if site.suspicion in ("NNC101", "NNC102"):
            raise LeaveError(site.suspicion, _SUSPICIONS[site.suspicion])
        method = method_of_site(site, self.reader)
        check_depth(site, self.reader)
        if site.suspicion:
            raise LeaveError(site.suspicion, _SUSPICIONS[site.suspicion])
        if site.pairs and site.pairs[0][0] in weighted_pairs() and not self.options.parameters:
            raise LeaveError("NNC406", "takes weights, which the module class keeps as parameters: see --parameters")
        self._check_class(method.info)
        self.borrowed.check(method.info, [method.node.name])
        draft = self._kinds[site.kind](site, method, importer)
        check_walks(method.info, draft.module, self.reader)
        return draft

    def _check_class(self, info: ClassInfo) -> None:
        """check_class, once a class."""
        if info not in self._checked:
            self._checked[info] = None
            try:
                check_class(info, self.reader)
            except LeaveError as error:
                self._checked[info] = error.leave
        leave = self._checked[info]
        if leave is not None:
            raise LeaveError(leave.code, leave.words)

    # -- the kinds ----------------------------------------------------------------------------------------

    def _call(self, site: Site, method: Method, importer: Importer) -> Draft:
        if self._takes_weights(site):
            return self._weighted(site, method, importer)
        construction = self.reader.construction(method.info)
        settler = Settler(self.reader, method, construction)
        built = build(site, method, settler, self.reader)
        note = self._check_training(built.pair, built.division, site, method)
        callee = importer.module(built.pair.module, construction)
        inputs = tuple(argument.index for argument in built.division.inputs)
        constructor = f"{callee}{built.arguments}"
        loop = self._loop(site)
        return Draft(
            method, built.pair.module, constructor, inputs, built.after, shareable=loop is None, note=note, loop=loop
        )

    def _takes_weights(self, site: Site) -> bool:
        """Whether the call gives operands that the module class would keep."""
        pair, spelling = site.pairs[0]
        if not (self.options.parameters and pair.weights is not None and isinstance(site.node, ast.Call)):
            return False
        given = bind(site.node, spelling)
        return pair in weighted_pairs() or any(name in given and not is_none(given[name].value) for name in pair.state)

    def _weighted(self, site: Site, method: Method, importer: Importer) -> Draft:
        assert isinstance(site.node, ast.Call)
        construction = self.reader.construction(method.info)
        pair, spelling = site.pairs[0]
        division = divide(pair, spelling, bind(site.node, spelling), moves=True)
        holding = holder(division)
        if holding is not None:
            held, index = HeldWeights(method, self.reader).find(site, division, holding)
            inputs = tuple(argument.index for argument in division.inputs)
            callee = f"{method.receiver}.{holding.attr}"
            return Draft(
                method, held.module, callee, inputs, index, registers=False, shareable=False, attribute=holding.attr
            )
        self.borrowed.check(method.info, None)
        weighed = Weigher(method, self.reader, self.options).weigh(site)
        self.uses.check_class(method.info, weighed.pair.module)
        self._check_statistics(weighed, site, method)
        base = base_name(spelling.name.rpartition(".")[2])
        uses = [
            (m, self.uses.others(m.operand, f"{base}.{m.attribute}", method.info, site.node, weighed.stays))
            for m in weighed.moving
        ]
        callee = importer.module(weighed.pair.module, construction)
        inputs = tuple(argument.index for argument in weighed.division.inputs)
        return Draft(
            method,
            weighed.pair.module,
            f"{callee}{weighed.arguments}",
            inputs,
            weighed.before,
            shareable=False,
            weighed=weighed,
            uses=uses,
        )

    def _check_statistics(self, weighed: Weighed, site: Site, method: Method) -> None:
        """Running statistics are updated in training and used in eval; without them it is always the batch's own."""
        pair, training = weighed.pair, weighed.division.training
        if pair.training is None:
            return
        if not weighed.counter:
            always = site.pairs[0][1].signature.get(pair.training)
            on = training.value if training is not None else ast.parse(always.default or "", mode="eval").body  # type: ignore[union-attr]
            if not (isinstance(on, ast.Constant) and on.value is True):
                raise LeaveError("NNC404", f"nn.{pair.module} without statistics takes those of the batch in eval, too")
            return
        if self._check_training(pair, weighed.division, site, method):
            raise LeaveError("NNC402", "statistics of the batch in eval, too")

    def _inline(self, site: Site, method: Method, importer: Importer) -> Draft:
        assert isinstance(site.callee, ast.Call)
        construction = self.reader.construction(method.info)
        settler = Settler(self.reader, method, construction)
        pair = by_module(site.module)
        arguments, after = build_inline(site, method, settler, self.reader, pair)
        note = self._check_inline(pair, site.callee, site, method) if pair is not None else ""
        callee = importer.module(site.module, construction)
        loop = self._loop(site)
        constructor = f"{callee}{arguments}"
        return Draft(method, site.module, constructor, None, after, shareable=loop is None, note=note, loop=loop)

    def _loop(self, site: Site) -> Loop | None:
        """The literal loop whose turns each get a submodule of their own, if that is asked for."""
        if not (self.options.split_shared and isinstance(site.node, ast.Call)):
            return None
        return literal_loop(site.node, self.reader, first_is_there=False)

    def _check_inline(self, pair: Pair, built: ast.Call, site: Site, method: Method) -> str:
        """A module built on the spot has no state, and is in training mode whatever the model's mode is."""
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in built.keywords}
        for name, value in pair.module_fixed.items():
            if given.get(name) != value:
                raise LeaveError("NNC407", _SUSPICIONS["NNC407"])
        positional = [parameter.name for parameter in pair.constructor_signature][: len(built.args)]
        state = [n for n in pair.state if n in positional or given.get(n, "None") != "None"]
        if state:
            raise LeaveError("NNC406", f"{state[0]} would become state of the module")
        if pair.training is None:
            return ""
        return self._always_on("NNC401", "built at every call, it is always in training mode", site, method)

    def _reference(self, site: Site, method: Method, importer: Importer) -> Draft:
        from nnconvert.decide.held import draft_held

        draft = draft_held(site, method, importer, self.reader)
        if self.options.split_shared:
            facts = self.reader.attributes.facts
            loads = [n for m in method.info.family() for n in facts[m].loads.get(draft.attribute, [])]
            # Its copies need the module to be there: the second of two runs makes them.
            if len(loads) > 1 or any(self._in_literal_loop(load) for load in loads):
                words = f"self.{draft.attribute} is called more than once: convert without --split-shared first"
                raise LeaveError("NNC109", words)
        return draft

    def _in_literal_loop(self, load: ast.expr) -> bool:
        call = self.reader.tree.parents.get(load)
        return isinstance(call, ast.Call) and literal_loop(call, self.reader, first_is_there=True) is not None

    def _shared(self, site: Site, method: Method, _: Importer) -> Draft:
        from nnconvert.decide.shared import draft_shared

        return draft_shared(site, method, self.reader)

    # -- the mode -----------------------------------------------------------------------------------------

    def _check_training(self, pair: Pair, division: Division, site: Site, method: Method) -> str:
        if pair.training is None:
            return ""
        _, spelling = site.pairs[0]
        if division.training is None:
            parameter = spelling.signature.get(pair.training)
            if not division.has_training or (parameter is not None and parameter.default == "True"):
                return self._always_on("NNC401", "no training argument: it stays on in eval mode", site, method)
            raise LeaveError("NNC403", "no training argument: it is off in training, too")
        value = division.training.value
        if isinstance(value, ast.Constant) and value.value:
            return self._always_on("NNC402", f"training={value.value!r} keeps it on in eval mode", site, method)
        if isinstance(value, ast.Constant):
            raise LeaveError("NNC403", f"training={value.value!r} keeps it off in training, too")
        if not self._is_self_training(value, site, method):
            raise LeaveError("NNC404", f"training={ast.unparse(value)} is not {method.receiver}.training")
        self._check_mode(method)
        return ""

    def _is_self_training(self, value: ast.expr, site: Site, method: Method) -> bool:
        """``self.training``, or a local that is that and nothing else."""
        if isinstance(value, ast.Name):
            found = site.scope.lookup(value.id)
            bound = found[1][0].value if found is not None and len(found[1]) == 1 else None
            local = found is not None and found[0] is method.scope
            return local and not self._switches_mode(method) and self._is_read(bound, method)
        return self._is_read(value, method)

    def _switches_mode(self, method: Method) -> bool:
        """Whether the class switches its own mode, perhaps between a look at it and the call."""
        facts = [self.reader.attributes.facts[member].loads for member in method.info.family()]
        return any("train" in loads or "eval" in loads for loads in facts)

    def _is_read(self, value: ast.expr | None, method: Method) -> bool:
        reads = isinstance(value, ast.Attribute) and value.attr == "training"
        return reads and isinstance(value, ast.Attribute) and self.reader.attributes.self_of(value.value) is method

    def _always_on(self, code: str, words: str, site: Site, method: Method) -> str:
        if Guards(site, method, self.reader).only_in_training() and not self._switches_mode(method):
            self._check_mode(method)
            return ""
        if not self.options.unsafe:
            raise LeaveError(code, words)
        self._check_mode(method)
        return "was on in eval mode, too; is off there now"

    def _check_mode(self, method: Method) -> None:
        check_mode(method.info, self.reader)
        if self.reader.construction(method.info).base_sets_mode():
            raise LeaveError("NNC405", "the __init__ of a base switches the mode")
