"""Deciding ``--to-module``: which calls become registered submodules, under which names, built with what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.draft import Draft, Drafter
from nnconvert.decide.imports import Importer
from nnconvert.decide.loading import loaders
from nnconvert.decide.mover import Mover
from nnconvert.decide.names import Namers, base_name
from nnconvert.decide.placing import Placer
from nnconvert.decide.selection import is_selected
from nnconvert.decide.shared import split_shared
from nnconvert.decide.sites import Finder, Site, describe, functional_names
from nnconvert.options import Options
from nnconvert.plan import ClassPlan, Conversion, Decision, ImportEdit, Leave, NewMethod, Plan, Registration, Span
from nnconvert.source.classes import ClassInfo
from nnconvert.source.names import root_name
from nnconvert.source.project import Neighbours
from nnconvert.source.reader import Reader
from nnconvert.source.text import Source


def decide(text: str | Source, options: Options, neighbours: Neighbours) -> Plan:
    """The plan for one file's text; raises SourceError where it does not parse."""
    reader = neighbours.read(text, options.module_bases, functional_names())
    return _Decider(reader, options, neighbours).plan()


@dataclass(frozen=True, eq=False)
class _Outcome:
    site: Site
    result: Draft | Leave


class _Decider:
    def __init__(self, reader: Reader, options: Options, neighbours: Neighbours) -> None:
        self.reader = reader
        self.options = options
        self.importer = Importer(reader, neighbours)
        self.drafter = Drafter(reader, options, neighbours)
        self.placer = Placer(reader)
        self.namers = Namers(reader.attributes)
        self.mover = Mover(reader)

    def plan(self) -> Plan:
        sites = [site for site in Finder(self.reader, self.options.methods).find() if self._wanted(site)]
        if self.options.split_shared:
            sites.extend(site for site in split_shared(self.reader) if self._wanted(site))
        sites.sort(key=lambda site: self.reader.source.span(site.node))
        outcomes = [_Outcome(site, self._draft(site)) for site in sites]
        decisions: list[Decision] = []
        classes: list[ClassPlan] = []
        for info in self.reader.classes:
            mine = [o for o in outcomes if isinstance(o.result, Draft) and o.result.method.info is info]
            self._class(info, mine, decisions, classes)
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
            retired=tuple(sorted(self.mover.retired, key=lambda retired: retired.assignment)),
            imports=self._imports(converted, outcomes),
            renames=tuple(sorted(self.mover.renames, key=lambda rename: rename.span)),
            state=tuple(self.mover.state),
            methods=self._loaders(),
        )

    def _loaders(self) -> tuple[NewMethod, ...]:
        changes = zip(self.mover.classes, self.mover.state, strict=True)
        return tuple(loaders(changes, self.reader)) if self.options.load_old else ()

    def _imports(self, converted: Iterable[Site], outcomes: Iterable[_Outcome]) -> tuple[ImportEdit, ...]:
        sites = list(converted)
        used = (root for site in sites if (root := root_name(site.callee)) is not None)
        written = (o.result.constructor for o in outcomes if isinstance(o.result, Draft) and o.site in sites)
        return self.importer.edits(used, "torch.nn.functional", written)

    # -- which sites are asked for ------------------------------------------------------------------------

    def _wanted(self, site: Site) -> bool:
        names = {*(pair.family for pair, _ in site.pairs), *(spelling.short for _, spelling in site.pairs)}
        return is_selected(describe(site, self.reader), names, self.options)

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
        names = self._names(info, registered)
        for site, draft in drafts:
            decisions.append(Decision(describe(site, self.reader), self._conversion(site, draft, names)))
        self.mover.move(info, [(draft, names[draft][0]) for _, draft in registered if draft.weighed is not None])
        plans: dict[object, ClassPlan] = {}
        for (name, draft), spans in _grouped(registered, names, self.reader).items():
            anchor = placed.anchor_of(draft)
            registration = Registration(name, draft.module, draft.constructor, spans)
            before = plans.get(anchor) or ClassPlan(info.qualname, anchor, ())
            plans[anchor] = replace(before, registrations=(*before.registrations, registration))
        classes.extend(plans.values())

    def _names(self, info: ClassInfo, drafts: Sequence[tuple[Site, Draft]]) -> dict[Draft, tuple[str, ...]]:
        groups: dict[str, list[Draft]] = {}
        for site, draft in drafts:
            groups.setdefault(draft.attribute or base_name(site.functional), []).append(draft)
        found: dict[Draft, tuple[str, ...]] = {}
        for base, members in groups.items():
            keys = {self._share_key(draft): draft.copies for draft in members}
            free = iter(self.namers.allot(info, base, sum(keys.values())))
            allotted = {key: tuple(islice(free, copies)) for key, copies in keys.items()}
            found.update((draft, allotted[self._share_key(draft)]) for draft in members)
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
                note=draft.note,
            )
        callee, name = draft.callee(names[draft]), names[draft][0]
        return Conversion(site.kind, callee, name, draft.module, draft.inputs, replaced, note=draft.note)


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
