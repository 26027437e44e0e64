"""Deciding ``--to-module``: which calls become registered submodules, under which names, built with what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from nnconvert.catalog import pairs
from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.draft import Draft, Drafter
from nnconvert.decide.imports import Importer
from nnconvert.decide.names import Namer, base_name
from nnconvert.decide.placing import Placer
from nnconvert.decide.shared import split_shared
from nnconvert.decide.sites import Finder, Site, describe
from nnconvert.options import Options
from nnconvert.plan import ClassPlan, Conversion, Decision, Leave, Plan, Registration, Span
from nnconvert.source.classes import ClassInfo
from nnconvert.source.reader import Reader
from nnconvert.source.text import Source


def decide(text: str, options: Options, imported: Callable[[], frozenset[str]] = frozenset) -> Plan:
    """The plan for one file's text; raises SourceError where it does not parse.

    ``imported`` tells which names other files import from this one (``*``: all); these imports stay.
    """
    functionals = frozenset(
        spelling.short
        for pair in pairs()
        for spelling in pair.spellings
        if spelling.name.startswith("torch.nn.functional.")
    )
    reader = Reader(Source(text), options.module_bases, functionals)
    return _Decider(reader, options, imported).plan()


@dataclass(frozen=True, eq=False)
class _Outcome:
    site: Site
    result: Draft | Leave


class _Decider:
    def __init__(self, reader: Reader, options: Options, imported: Callable[[], frozenset[str]]) -> None:
        self.reader = reader
        self.options = options
        self.importer = Importer(reader, imported)
        self.drafter = Drafter(reader, options)
        self.placer = Placer(reader)

    def plan(self) -> Plan:
        sites = [site for site in Finder(self.reader, self.options.methods).find() if self._wanted(site)]
        if self.options.split_shared:
            sites.extend(site for site in split_shared(self.reader) if self._wanted(site))
        sites.sort(key=lambda site: self.reader.source.span(site.node))
        outcomes = [_Outcome(site, self._draft(site)) for site in sites]
        decisions: list[Decision] = []
        classes: list[ClassPlan] = []
        namers: dict[ClassInfo, Namer] = {}
        for info in self.reader.classes:
            mine = [o for o in outcomes if isinstance(o.result, Draft) and o.result.method.info is info]
            self._class(info, mine, namers, decisions, classes)
        for outcome in outcomes:
            if isinstance(outcome.result, Leave):
                decisions.append(Decision(describe(outcome.site, self.reader), outcome.result))
        decisions.sort(key=lambda decision: decision.site)
        converted = [o.site for o in outcomes if isinstance(o.result, Draft)]
        kept = {d.site.span for d in decisions if isinstance(d.outcome, Conversion)}
        converted = [site for site in converted if self.reader.source.span(site.node) in kept]
        return Plan(
            self.options.direction,
            tuple(decisions),
            tuple(classes),
            self.importer.edits(converted),
        )

    # -- which sites are asked for ------------------------------------------------------------------------

    def _wanted(self, site: Site) -> bool:
        options = self.options
        names = {site.functional, *(pair.family for pair, _ in site.pairs)}
        names.update(spelling.short for _, spelling in site.pairs)
        if options.select and not names & options.select:
            return False
        if names & options.ignore:
            return False
        line = self.reader.source.position(self.reader.source.span(site.node).start).line
        if options.lines and not any(first <= line <= last for first, last in options.lines):
            return False
        return not options.classes or describe(site, self.reader).class_name in options.classes

    def _draft(self, site: Site) -> Draft | Leave:
        try:
            return self.drafter.draft(site, self.importer)
        except LeaveError as error:
            return error.leave

    # -- one class ----------------------------------------------------------------------------------------

    def _class(
        self,
        info: ClassInfo,
        outcomes: Sequence[_Outcome],
        namers: dict[ClassInfo, Namer],
        decisions: list[Decision],
        classes: list[ClassPlan],
    ) -> None:
        if not outcomes:
            return
        placed = self.placer.place(info, [o.result for o in outcomes if isinstance(o.result, Draft)])
        drafts: list[tuple[Site, Draft]] = []
        for outcome in outcomes:
            assert isinstance(outcome.result, Draft)
            left = placed.left.get(outcome.result)
            if left is None:
                drafts.append((outcome.site, outcome.result))
            else:
                decisions.append(Decision(describe(outcome.site, self.reader), left))
        registered = [(site, draft) for site, draft in drafts if draft.registers]
        names = self._names(info, registered, namers)
        for site, draft in drafts:
            decisions.append(Decision(describe(site, self.reader), self._conversion(site, draft, names)))
        plans: dict[object, ClassPlan] = {}
        for (name, draft), spans in _grouped(registered, names, self.reader).items():
            anchor = placed.anchor_of(draft)
            registration = Registration(name, draft.module, draft.constructor, spans)
            before = plans.get(anchor) or ClassPlan(info.qualname, anchor, ())
            plans[anchor] = replace(before, registrations=(*before.registrations, registration))
        classes.extend(plans.values())

    def _names(
        self, info: ClassInfo, drafts: Sequence[tuple[Site, Draft]], namers: dict[ClassInfo, Namer]
    ) -> dict[Draft, tuple[str, ...]]:
        attributes = self.reader.attributes
        namer = namers.setdefault(info, Namer(attributes.taken(info), attributes.prefixes(info)))
        groups: dict[str, list[Draft]] = {}
        for site, draft in drafts:
            groups.setdefault(draft.attribute or base_name(site.functional), []).append(draft)
        found: dict[Draft, tuple[str, ...]] = {}
        for base, members in groups.items():
            keys = {self._share_key(draft): draft.copies for draft in members}
            free = iter(namer.allot(base, sum(keys.values())))
            allotted = {key: tuple(islice(free, copies)) for key, copies in keys.items()}
            found.update((draft, allotted[self._share_key(draft)]) for draft in members)
        for relative in info.family():
            if relative is not info:
                known = namers.setdefault(relative, Namer(attributes.taken(relative), attributes.prefixes(relative)))
                known.take(name for names in found.values() for name in names)
        return found

    def _share_key(self, draft: Draft) -> object:
        """Equal constructor calls are one submodule under ``--share``; else each call site has its own."""
        return draft.constructor if self.options.share and draft.shareable else draft

    def _conversion(self, site: Site, draft: Draft, names: dict[Draft, tuple[str, ...]]) -> Conversion:
        replaced = self.reader.source.span(site.callee)
        if not draft.registers:
            return Conversion(
                site.kind,
                draft.constructor,
                draft.attribute,
                draft.module,
                draft.inputs,
                replaced,
                draft.note,
            )
        callee, name = draft.callee(names[draft]), names[draft][0]
        return Conversion(site.kind, callee, name, draft.module, draft.inputs, replaced, draft.note)


def _grouped(
    registered: Iterable[tuple[Site, Draft]], names: dict[Draft, tuple[str, ...]], reader: Reader
) -> dict[tuple[str, Draft], tuple[Span, ...]]:
    """Registration -> the spans of the call sites that use it, in source order."""
    first: dict[str, Draft] = {}
    found: dict[tuple[str, Draft], tuple[Span, ...]] = {}
    for site, draft in registered:
        for name in names[draft]:
            key = (name, first.setdefault(name, draft))
            found[key] = (*found.get(key, ()), reader.source.span(site.node))
    return found
