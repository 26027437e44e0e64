"""Deciding ``--to-functional``: which calls of submodules become functionals, and which submodules go."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nnconvert.catalog import Pair, without_pair
from nnconvert.decide.arguments import Given, LeaveError
from nnconvert.decide.called import arguments, identity_argument
from nnconvert.decide.carried import Carrier, Setting, bound_settings, check_ignored, implied_settings
from nnconvert.decide.constructor import Written
from nnconvert.decide.gates import check_differing, check_position, check_suppressed
from nnconvert.decide.imports import Importer
from nnconvert.decide.inline import inline_call
from nnconvert.decide.lending import Lender
from nnconvert.decide.lent import Lent, implied_by_class
from nnconvert.decide.loading import loaders
from nnconvert.decide.names import Namers
from nnconvert.decide.removal import blank_inits, idle_statements, retirement, with_headings
from nnconvert.decide.retiring import assignment, check_new_attribute, check_own_mode, why_not_owned
from nnconvert.decide.selection import is_selected
from nnconvert.decide.sites import describe_node, functional_names
from nnconvert.decide.submodules import IDENTITY, Built, Submodule, Submodules
from nnconvert.options import Options
from nnconvert.plan import Conversion, Decision, Plan, Retirement
from nnconvert.source.classes import ClassInfo
from nnconvert.source.construction import Construction
from nnconvert.source.project import Neighbours
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader
from nnconvert.source.text import Source


def decide(text: str | Source, options: Options, neighbours: Neighbours) -> Plan:
    """The plan for one file's text; raises SourceError where it does not parse."""
    reader = neighbours.read(text, options.module_bases, functional_names())
    return _Decider(reader, options, neighbours).plan()


@dataclass(eq=False)
class _Work:
    """One submodule on its way."""

    submodule: Submodule
    construction: Construction
    index: int
    pair: Pair | None
    settings: Mapping[str, Setting]
    lent: Lent | None = None
    """What becomes of its parameters, where it has some."""
    attributes: dict[str, str] = field(default_factory=dict)
    """Functional parameter -> the attribute that its value is stored in."""

    def constructor_name(self, parameter: str) -> str:
        """``padding`` for ``pad``."""
        return self.pair.renames.get(parameter, parameter) if self.pair is not None else parameter

    @property
    def stored(self) -> list[tuple[str, Setting]]:
        return [(name, setting) for name, setting in self.settings.items() if setting.stored]


def _shared_name(work: _Work, parameter: str) -> str:
    """``dropout_p`` for what several submodules need: longer than names that subclasses may have for their own."""
    source, name = work.settings[parameter].source, work.constructor_name(parameter)
    if source.endswith(f"_{name}"):
        return source
    return f"{work.submodule.built[0].functional if source == name else source}_{name}"


class _Decider:
    def __init__(self, reader: Reader, options: Options, neighbours: Neighbours) -> None:
        self.reader = reader
        self.options = options
        self.importer = Importer(reader, neighbours)
        self.namers = Namers(reader.attributes)
        self.submodules = Submodules(reader, options.parameters)
        self.lender = Lender(reader, options, neighbours)
        self.decisions: list[Decision] = []
        self.retired: list[Retirement] = []
        self.kept: set[tuple[ClassInfo, str]] = set()
        """Attributes that a retired submodule has stored already."""
        self.gone: list[ast.Name] = []
        """Uses of names that go with the constructors."""

    def plan(self) -> Plan:
        works = [work for submodule in self.submodules if (work := self._prepared(submodule)) is not None]
        works.sort(key=lambda work: (work.submodule.info.node.lineno, work.index))
        self._allot(works)
        for work in works:
            self._convert(work)
        for built in self.submodules.inline:
            self._inline(built)
        for built in self.submodules.others:
            if self._wanted(built.call, built):
                self._leave(built.call, built, why_not_owned(built, self.reader))
        self.decisions.sort(key=lambda decision: decision.site)
        self.retired.sort(key=lambda retired: retired.assignment)
        retired = tuple(with_headings(self.retired, self.reader.source))
        callees = [d.outcome.callee for d in self.decisions if isinstance(d.outcome, Conversion)]
        changes = self.lender.changes()
        return Plan(
            self.options.direction,
            tuple(self.decisions),
            retired=retired,
            blank_inits=tuple(blank_inits(self.reader, retired)),
            idle=tuple(idle_statements(self.reader, self.decisions)),
            before=tuple(self.lender.counting()),
            imports=self.importer.edits(self.gone, "torch.nn", callees),
            methods=tuple(loaders(changes, self.reader)) if self.options.load_old else (),
            state=tuple(change for _, change in changes),
        )

    # -- one submodule ---------------------------------------------------------------------------------------

    def _prepared(self, submodule: Submodule) -> _Work | None:
        """The submodule, if it may go; else all its calls are left."""
        built = submodule.built[0]
        wanted = self._wanted_calls(submodule)
        if not wanted:
            return None
        try:
            return self._work(submodule)
        except LeaveError as error:
            for call in wanted:
                self._leave(call, built, error)
            return None

    def _wanted_calls(self, submodule: Submodule) -> list[ast.Call]:
        built = submodule.built[0]
        return [call for call in submodule.calls or (built.call,) if self._wanted(call, built)]

    def _work(self, submodule: Submodule) -> _Work:
        construction, index = assignment(submodule, self.reader)
        built = submodule.built[0]
        if self.submodules.holds_calls(built):
            raise LeaveError("NNC207", "a module is called among its settings")
        if built.module == IDENTITY:
            check_ignored(built)
            return _Work(submodule, construction, index, None, {})
        if built.pair is None or built.module.startswith("InstanceNorm"):
            raise LeaveError("NNC607", without_pair()[f"torch.nn.{built.module}"].reason)
        if built.pair.training is not None:
            check_own_mode(submodule, construction, index, self.reader)
        carrier = Carrier(submodule, construction, index, self.reader)
        if built.weighted is not None:
            return self._weighted(submodule, built.weighted, carrier)
        given = bound_settings(built, built.pair)
        settings = {name: self._carried(name, argument, built.pair, carrier) for name, argument in given.items()}
        if any(setting.stored for setting in settings.values()):
            check_new_attribute(submodule, self.reader)
        settings.update(implied_settings(built.pair, given, self.reader))
        return _Work(submodule, construction, index, built.pair, settings)

    def _carried(self, name: str, argument: Given, pair: Pair, carrier: Carrier, local: str = "") -> Setting:
        setting = pair.renames.get(name, name)
        read_from = f"{local}.{setting}" if local else ""
        return carrier.carry(argument, pair.spread.get(setting, 0), name in pair.floats, read_from)

    def _weighted(self, submodule: Submodule, pair: Pair, carrier: Carrier) -> _Work:
        lent, moved = self.lender.lent(submodule, pair, carrier)
        settings = {name: self._carried(name, moved[name], pair, carrier, lent.local) for name in moved}
        settings.update(implied_by_class(pair, moved, self.reader))
        return _Work(submodule, carrier.construction, carrier.index, pair, settings, lent)

    def _allot(self, works: Sequence[_Work]) -> None:
        """Name what is stored: after the submodule, or after the parameter that several submodules need."""
        groups: dict[object, list[tuple[_Work, str]]] = {}
        for work in works:
            for name, setting in work.stored:
                key = (work.submodule.info, name, setting.stored) if setting.source else (work, name)
                groups.setdefault(key, []).append((work, name))
        for work in works:
            if work.lent is not None:
                work.lent.allot(work.submodule, self.namers)
        for members in groups.values():
            work, name = members[0]
            bases = [f"{work.submodule.name}_{work.constructor_name(name)}"]
            if len(members) > 1:
                bases = [_shared_name(work, name), *bases]
            attribute = self.namers.first_free(work.submodule.info, bases)
            for member, parameter in members:
                member.attributes[parameter] = attribute

    def _convert(self, work: _Work) -> None:
        """Decide about the calls, together: without all of them the submodule stays."""
        submodule, built = work.submodule, work.submodule.built[0]
        converted: dict[ast.Call, Conversion] = {}
        for call in self._wanted_calls(submodule):
            try:
                converted[call] = self._call(call, work)
            except LeaveError as error:
                self._leave(call, built, error)
        stays = len(converted) < len(submodule.calls)
        if stays and (work.attributes or work.lent is not None):
            held = "the setting" if work.lent is None else "the parameters"
            words = f"self.{submodule.name} stays, since other calls of it do, and holds {held}"
            for call in converted:
                self._leave(call, built, LeaveError("NNC609", words))
            return
        for call, conversion in converted.items():
            self.decisions.append(Decision(describe_node(call, built.functional, self.reader), conversion))
        if not stays:
            self._retire(work)

    def _retire(self, work: _Work) -> None:
        assert work.construction.init is not None
        info, receiver = work.submodule.info, work.construction.init.receiver
        kept: list[str] = []
        for name, setting in work.stored:
            attribute = work.attributes[name]
            if (info, attribute) not in self.kept:
                self.kept.add((info, attribute))
                kept.append(f"{receiver}.{attribute} = {setting.stored}")
        if work.lent is not None:
            self.retired.append(self.lender.retire(work.submodule, work.construction, work.index, work.lent, kept))
            return
        self.retired.append(retirement(work.submodule, work.construction, work.index, kept, self.reader))
        statement = work.construction.body[work.index]
        names = [n for n in ast.walk(work.submodule.built[0].call.func) if isinstance(n, ast.Name)]
        if isinstance(statement, ast.AnnAssign):
            names += [n for n in ast.walk(statement.annotation) if isinstance(n, ast.Name)]
        self.gone += names

    def _call(self, call: ast.Call, work: _Work) -> Conversion:
        self._check_call(call)
        name, module = work.submodule.name, work.submodule.built[0].module
        replaced = self.reader.source.span(call.func)
        if work.pair is None:
            identity_argument(call)
            return Conversion("identity", "", name, module, None, replaced)
        changes = arguments(call, work.pair, dict(self._texts(call, work)))
        callee = self.importer.function(work.pair.way_back.name, call)
        wrap = self.lender.padding(call, work.lent, self.importer) if work.lent is not None else None
        return Conversion(
            *("submodule", callee, name, module, None, replaced),
            named=changes.named, settings=changes.settings, wrap=wrap, note=work.lent.note if work.lent else "",
        )  # fmt: skip

    def _check_call(self, call: ast.Call) -> None:
        check_suppressed(call, self.reader)
        check_differing(call, self.reader, self.options)
        check_position(call, self.reader)
        if self.submodules.is_held(call):
            raise LeaveError("NNC207", "stands among the settings of another module")

    def _texts(self, call: ast.Call, work: _Work) -> Iterator[tuple[str, Written]]:
        assert isinstance(call.func, ast.Attribute)
        assert isinstance(call.func.value, ast.Name)
        assert work.construction.init is not None
        receiver, inner = call.func.value.id, work.construction.init.receiver
        for name, setting in work.settings.items():
            text = f"{receiver}.{work.attributes[name]}" if setting.stored else setting.text
            if receiver != inner and not setting.stored:
                text = self._renamed(text, inner or "", receiver)
            yield name, Written(text, setting.positional)
        if work.pair is not None and work.lent is not None:
            yield from work.lent.texts(receiver, work.pair.family == "loss", work.pair.state)
        if work.pair is not None and work.pair.training is not None:
            always = work.lent is not None and work.lent.always_in_training
            yield work.pair.training, Written("True" if always else f"{receiver}.training", False)

    def _renamed(self, text: str, old: str, new: str) -> str:
        tree = ast.parse(text, mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id == old:
                node.id = new
        return unparse(tree, self.reader.source)

    # -- modules built on the spot ---------------------------------------------------------------------------

    def _inline(self, built: Built) -> None:
        call = self.reader.tree.parents[built.call]
        assert isinstance(call, ast.Call)
        if not self._wanted(call, built):
            return
        try:
            if built.weighted is not None:
                raise LeaveError("NNC407", "a module with parameters or buffers is built at every call")
            self._check_call(call)
            changes = inline_call(built, call, self.reader)
            pair, callee = built.pair, ""
            if pair is not None:
                callee = self.importer.function(pair.way_back.name, call)
        except LeaveError as error:
            self._leave(call, built, error)
            return
        replaced = self.reader.source.span(built.call)
        conversion = Conversion(
            "identity" if pair is None else "submodule",
            callee, "", built.module, None, replaced, named=changes.named, settings=changes.settings,
        )  # fmt: skip
        self.decisions.append(Decision(describe_node(call, built.functional, self.reader), conversion))
        self.gone += [n for n in ast.walk(built.call.func) if isinstance(n, ast.Name)]

    # -- decisions -------------------------------------------------------------------------------------------

    def _wanted(self, node: ast.Call, built: Built) -> bool:
        pair = built.pair
        names = {spelling.short for spelling in pair.spellings} | {pair.family} if pair is not None else set()
        return is_selected(describe_node(node, built.functional, self.reader), names, self.options)

    def _leave(self, node: ast.Call, built: Built, error: LeaveError) -> None:
        self.decisions.append(Decision(describe_node(node, built.functional, self.reader), error.leave))
