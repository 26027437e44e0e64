"""Which parameters an optimizer's state belongs to, and where they stand in the new order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nnconvert.checkpoint.contents import Found
from nnconvert.checkpoint.errors import CheckpointError, listed
from nnconvert.checkpoint.groups import Patterns, resolve
from nnconvert.checkpoint.optimizer import (
    GroupMoves,
    Names,
    Optimizer,
    OptimizerMoves,
    Shapes,
    flat_entry,
    indices,
    keyed_by_name,
    mismatch,
    own_names,
)
from nnconvert.checkpoint.part import Part
from nnconvert.checkpoint.prefixes import bare

_GIVE_GROUPS = "say with --groups FILE which parameters each group holds"


def plan_optimizer(
    found: Found, used: Sequence[Part], shapes: Mapping[str, Shapes], patterns: Patterns | None
) -> OptimizerMoves | None:
    """What must happen to an optimizer; None where nothing must, as for the optimizer of another model.

    ``used`` are the parts by which the checkpoint is migrated, ``shapes`` those of the parameters by part.
    Raises CheckpointError where it cannot be told.
    """
    optimizer, own = found.content, own_names(found.content)
    if patterns is None and _is_unconcerned(optimizer, own, used):
        return None
    plans: list[OptimizerMoves] = []
    reasons: list[str] = []
    for part in used:
        names = _names(found, part, own, patterns)
        reason = names if isinstance(names, str) else mismatch(optimizer, names, shapes.get(part.name, {}))
        if isinstance(names, str) or reason:
            reasons.append(reason)
        else:
            plans.append(_plan(found, part, names, own))
    if not plans:
        raise CheckpointError(f"{found.place}: {reasons[0]}; where it is of another model: --skip {found.place}")
    if any(plan.groups != plans[0].groups for plan in plans):
        models = listed(plan.part.name for plan in plans)
        raise CheckpointError(f"{found.place}: it may belong to {models}; where it is of no one of them: --skip")
    return plans[0]


def _is_unconcerned(optimizer: Optimizer, own: Names | None, used: Sequence[Part]) -> bool:
    if own is not None:
        known = {key for part in used for key in part.required}
        return not any(bare(name, known)[1] in known for of_group in own for name in of_group)
    return not optimizer["state"] or not any(part.reorders or part.order is None for part in used)


def _names(found: Found, part: Part, own: Names | None, patterns: Patterns | None) -> Names | str:
    """The old names of each group's parameters, or why they cannot be told."""
    if part.order is None:
        return _names_without_order(found.content, part, own)
    counts = list(map(len, indices(found.content)))
    if patterns is not None and own is not None:
        return "it names its parameters itself, so --groups must not"
    if patterns is not None:
        names = resolve(found.place, patterns, part.order[0])
        given = list(map(len, names))
        return names if given == counts else f"--groups gives groups of {given} parameters, and it has {counts}"
    if own is not None:
        known = set(part.order[0])
        names = [[bare(name, known)[1] for name in of_group] for of_group in own]
        unknown = [name for of_group in names for name in of_group if name not in known]
        return f"{part.name} has no parameter {listed(unknown)}" if unknown else names
    if len(counts) != 1:
        return (
            f"the order of parameters changes, and it has {len(counts)} groups without param_names, so it does not "
            f"tell which parameter its state belongs to: {_GIVE_GROUPS}"
        )
    if counts[0] != len(part.order[0]):
        return (
            f"the order of parameters changes, and it holds {counts[0]} parameters while {part.name} has "
            f"{len(part.order[0])}: {_GIVE_GROUPS}"
        )
    return [list(part.order[0])]


def _names_without_order(optimizer: Optimizer, part: Part, own: Names | None) -> Names | str:
    if own is not None and (keyed_by_name(optimizer) or not optimizer["state"]):
        return [[bare(name, part.keys)[1] for name in of_group] for of_group in own]
    return (
        f"its state is stored by the order of parameters, which the state map does not tell for {part.name}: "
        "make the map with verification on, which builds the model"
    )


def _plan(found: Found, part: Part, names: Names, own: Names | None) -> OptimizerMoves:
    by_position = part.reorders and not keyed_by_name(found.content)
    groups = []
    for number, old in enumerate(names):
        sources = _sources(f"{found.place}: group {number}", old, part) if by_position else tuple(range(len(old)))
        new_names = None if own is None else tuple(_renamed(own[number][source], part) for source in sources)
        groups.append(GroupMoves(tuple(old), sources, new_names))
    moves = OptimizerMoves(found.place, part, tuple(groups))
    flat = flat_entry(found.content)
    if moves.reorders and flat:
        raise CheckpointError(
            f"{found.place}: {flat} holds all parameters in one flat vector (torch.optim.LBFGS), which cannot be put "
            f"into the new order; --skip {found.place} leaves it as it is, for a start without it"
        )
    return moves


def _renamed(name: str, part: Part) -> str:
    prefix, plain = bare(name, part.required)
    return prefix + part.new(plain)


def _sources(where: str, names: Sequence[str], part: Part) -> tuple[int, ...]:
    assert part.order is not None  # it reorders
    old, new = ({name: place for place, name in enumerate(order)} for order in part.order)
    places = [old[name] for name in names]
    if places != sorted(places):
        raise CheckpointError(
            f"{where} does not hold its parameters in the order of the model, so nothing tells what their new order is"
        )
    return tuple(sorted(range(len(names)), key=lambda source: new[part.new(names[source])]))
