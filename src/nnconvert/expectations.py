"""What a plan says of each class, for verification to hold the new version against."""

from __future__ import annotations

from dataclasses import replace

from nnconvert.plan import Conversion, Plan
from nnconvert.verification.evidence import Expected, ModuleCall


def expectations(plan: Plan) -> tuple[Expected, ...]:
    """The classes that change: the submodules that each gains or loses, and what becomes of its state_dict."""
    found = _expected_losses(plan) if plan.direction == "to-functional" else _expected_gains(plan)
    classes = {expected.class_name: expected for expected in found}
    loads_old = {method.class_name for method in plan.methods}
    for change in plan.state:
        name = change.class_name
        classes[name] = replace(
            classes.get(name, Expected(name)),
            keys=change.keys,
            added_keys=change.added,
            removed_keys=change.removed,
            loads_old=name in loads_old,
        )
    return tuple(classes.values())


def _expected_gains(plan: Plan) -> tuple[Expected, ...]:
    """The classes with converted call sites, and the submodules that each gains."""
    added: dict[str, list[tuple[str, str]]] = {}
    for class_plan in plan.classes:
        submodules = [(r.name, r.constructor) for r in class_plan.registrations]
        added.setdefault(class_plan.class_name, []).extend(submodules)
    for decision in plan.converted:
        outcome = decision.outcome
        if decision.site.class_name:
            added.setdefault(decision.site.class_name, [])
        if isinstance(outcome, Conversion) and outcome.kind == "reference" and decision.site.class_name:
            # Such a site registers the submodule itself: self.act = F.relu becomes self.act = nn.ReLU(). Where the
            # assignment chooses among several (F.relu if a else F.gelu), it is one of them.
            added.setdefault(decision.site.class_name, []).append((outcome.submodule, outcome.callee))
    gained: dict[str, list[ModuleCall]] = {name: [] for name in added}
    for decision in plan.converted:
        site, outcome = decision.site, decision.outcome
        if isinstance(outcome, Conversion) and site.class_name in gained:
            gained[site.class_name].append(ModuleCall(outcome.submodule, outcome.module, site.position.line))
    return tuple(Expected(name, tuple(submodules), gained=tuple(gained[name])) for name, submodules in added.items())


def _expected_losses(plan: Plan) -> tuple[Expected, ...]:
    """The classes in source order, with the calls of modules that each makes no more and the submodules that go."""
    calls: dict[str, list[ModuleCall]] = {}
    places = [(r.assignment.start, r.class_name) for r in plan.retired]
    for decision in plan.converted:
        site, outcome = decision.site, decision.outcome
        if isinstance(outcome, Conversion) and site.class_name is not None:
            call = ModuleCall(outcome.submodule, outcome.module, site.position.line)
            calls.setdefault(site.class_name, []).append(call)
            places.append((site.span.start, site.class_name))
    names = dict.fromkeys(name for _, name in sorted(places))
    removed = {name: tuple(r.name for r in plan.retired if r.class_name == name) for name in names}
    return tuple(Expected(name, removed=removed[name], calls=tuple(calls.get(name, ()))) for name in names)
