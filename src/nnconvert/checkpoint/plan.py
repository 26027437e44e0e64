"""What must happen to a whole checkpoint, found out before anything is changed; and doing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from nnconvert.checkpoint.contents import Contents, Found, say
from nnconvert.checkpoint.errors import CheckpointError, listed
from nnconvert.checkpoint.fit import Fit, choose, nothing_fits
from nnconvert.checkpoint.groups import Groups
from nnconvert.checkpoint.keys import KeyMoves, plan_keys
from nnconvert.checkpoint.optimizer import OptimizerMoves, Shapes, reorder
from nnconvert.checkpoint.ordering import plan_optimizer
from nnconvert.checkpoint.part import Part


@dataclass(frozen=True, slots=True)
class Plan:
    """What changes where, and what is left as it is although it looks like a part of a model."""

    state_dicts: tuple[tuple[Found, KeyMoves], ...]
    optimizers: tuple[tuple[Found, OptimizerMoves], ...]
    left: tuple[str, ...]
    """One line each."""


def plan(found: Contents, parts: Sequence[Part], groups: Groups | None, skip: Collection[str]) -> Plan:
    """Raises CheckpointError where something does not fit or cannot be told."""
    _require_there(skip, found)
    state_dicts = [item for item in found.state_dicts if not _is_below(item.place, skip)]
    optimizers = [item for item in found.optimizers if not _is_below(item.place, skip)]
    chosen = [(item, choose(say(item.place), _keys(item), parts, _way_out(item))) for item in state_dicts]
    fits = [(item, fit) for item, fit in chosen if fit]
    used = _distinct([fit.part for _, fit in fits])
    if not used:
        used = _of_optimizers_alone(state_dicts, optimizers, parts)
    keys = [(item, plan_keys(say(item.place), _keys(item), fit, _modules(item))) for item, fit in fits]
    planned = _plan_optimizers(optimizers, used, fits, groups)
    left = [f"{say(item.place)} has no key of the state map" for item, fit in chosen if not fit and _is_plain(item)]
    left += [f"{say(item.place)}: nothing in it depends on what changes" for item, moves in planned if not moves]
    left += _left_in_order(found, used)
    return Plan(tuple(keys), tuple((item, moves) for item, moves in planned if moves), tuple(left))


def _plan_optimizers(
    optimizers: Sequence[Found], used: Sequence[Part], fits: Sequence[tuple[Found, Fit]], groups: Groups | None
) -> list[tuple[Found, OptimizerMoves | None]]:
    shapes = {fit.part.name: _shapes(item, fit) for item, fit in fits}
    places = [item.place for item in optimizers]
    if groups is not None:
        groups.require_known(places)
    return [
        (item, plan_optimizer(item, used, shapes, groups.of(item.place, places) if groups else None))
        for item in optimizers
    ]


def apply(planned: Plan) -> None:
    """Carry a plan out, in place: every dict stays the object that it is, and whoever refers to it sees it changed."""
    done: set[int] = set()
    for found, moves in planned.state_dicts:
        entries = [(moves.moves.get(k, k), value) for k, value in found.content.items() if k not in moves.dropped]
        _refill(found.content, entries)
        metadata = getattr(found.content, "_metadata", None)
        if isinstance(metadata, dict) and id(metadata) not in done:  # two state_dicts may share theirs
            done.add(id(metadata))
            _refill(metadata, [(moves.modules.get(path, path), version) for path, version in metadata.items()])
    for found, optimizer_moves in planned.optimizers:
        reorder(found.content, optimizer_moves)


def _refill(content: dict[Any, Any], entries: list[tuple[Any, Any]]) -> None:
    content.clear()
    content.update(entries)


def _way_out(found: Found) -> str:
    return f"; where it is of another model: --skip {found.place}" if found.place else ""


def _require_there(skip: Collection[str], found: Contents) -> None:
    places = [item.place for item in (*found.state_dicts, *found.optimizers)]
    unknown = [place for place in skip if not any(_is_below(there, [place]) for there in places)]
    if unknown:
        raise CheckpointError(f"--skip {unknown[0]}: it has {listed(map(say, places)) or 'no state_dict'}")


def _is_below(place: str, tops: Collection[str]) -> bool:
    return any(place == top or place.startswith((f"{top}.", f"{top}[")) for top in tops)


def _keys(found: Found) -> list[str]:
    return [key for key in found.content if isinstance(key, str)]


def _modules(found: Found) -> list[str]:
    metadata = getattr(found.content, "_metadata", None)
    return [path for path in metadata if isinstance(path, str)] if isinstance(metadata, dict) else []


def _is_plain(found: Found) -> bool:
    """Whether this is a state_dict and nothing else; the dict around it may hold a tensor, too."""
    return all(isinstance(key, str) and not isinstance(value, dict | list) for key, value in found.content.items())


def _distinct(parts: Sequence[Part]) -> list[Part]:
    found: list[Part] = []
    for part in parts:
        if not any(part.same_as(other) for other in found):
            found.append(part)
    return found


def _of_optimizers_alone(
    state_dicts: Sequence[Found], optimizers: Sequence[Found], parts: Sequence[Part]
) -> list[Part]:
    """The part of a file that holds an optimizer and no model: the only one that knows the order of parameters."""
    ordered = _distinct([part for part in parts if part.order is not None])
    if not optimizers or any(map(_is_plain, state_dicts)):
        raise CheckpointError(nothing_fits([_keys(item) for item in state_dicts], parts))
    if len(ordered) != 1:
        models = listed(part.name for part in ordered) or "none"
        raise CheckpointError(
            f"it holds an optimizer and no model, and the state map knows the order of parameters of {models}; "
            "say with --model NAME which model it is"
        )
    return ordered


def _shapes(found: Found, fit: Fit) -> Shapes:
    tensors = {key: getattr(found.content[fit.prefix + key], "shape", None) for key in fit.part.required}
    return {key: tuple(shape) for key, shape in tensors.items() if shape is not None}


def _left_in_order(found: Contents, used: Sequence[Part]) -> list[str]:
    """Averaged parameters in a list, as some libraries keep them, have an order that nothing here changes."""
    counts = {len(part.order[0]): part.name for part in used if part.order and part.reorders}
    return [
        f"{say(item.place)} is a list of {len(item.content)} tensors, as many as {counts[len(item.content)]} has "
        "parameters; it keeps its order, and the order of parameters changes"
        for item in found.tensor_lists
        if len(item.content) in counts
    ]
