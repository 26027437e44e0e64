"""Which part of a state map a state_dict is migrated by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nnconvert.checkpoint.errors import CheckpointError, listed
from nnconvert.checkpoint.part import Part
from nnconvert.checkpoint.prefixes import prefixes


@dataclass(frozen=True, slots=True)
class Fit:
    """A part, and the prefix that a state_dict has in front of its keys."""

    part: Part
    prefix: str


def choose(place: str, keys: Collection[str], parts: Sequence[Part], way_out: str = "") -> Fit | None:
    """The part whose keys all stand in a state_dict; None where none of its keys moves.

    ``way_out``: what a person can do about a state_dict that has some of the keys only.

    Raises CheckpointError where some of the keys are missing, and where several parts fit.
    """
    usable = _usable(parts)
    fits = [fit for part in usable if part.whole for fit in _fits(keys, part)]
    fits = fits or [fit for part in usable if not part.whole for fit in _fits(keys, part)]
    if not fits:
        _require_none_moves(place, keys, usable, way_out)
        return None
    first = fits[0]
    for other in fits[1:]:
        if other.part is first.part:
            raise CheckpointError(
                f"{place}: the keys of {first.part.name} stand there twice, as {first.prefix + first.part.required[0]} "
                f"and as {other.prefix + other.part.required[0]}"
            )
        if other.prefix != first.prefix or not other.part.same_as(first.part):
            names = listed(dict.fromkeys(fit.part.name for fit in fits))
            raise CheckpointError(f"{place}: it has all keys of {names}; say with --model NAME which it is")
    return first


def _usable(parts: Sequence[Part]) -> list[Part]:
    """Without the classes whose instances were seen: those have more to say than the source."""
    seen = {part.class_name for part in parts if part.whole}
    return [part for part in parts if part.required and (part.whole or part.class_name not in seen)]


def _fits(keys: Collection[str], part: Part) -> list[Fit]:
    present = set(keys)
    return [Fit(part, p) for p in prefixes(keys) if all(p + key in present for key in part.required)]


def _require_none_moves(place: str, keys: Collection[str], parts: Sequence[Part], way_out: str) -> None:
    present = set(keys)
    near = [
        (part, [prefix + key for key in part.required if prefix + key not in present])
        for part in parts
        for prefix in prefixes(keys)
        if any(prefix + key in present for key in part.keys)
    ]
    if near:
        part, missing = min(near, key=lambda pair: len(pair[1]))
        raise CheckpointError(f"{place}: these keys of {part.name} are missing: {listed(missing)}{way_out}")


def nothing_fits(state_dicts: Sequence[Collection[str]], parts: Sequence[Part]) -> str:
    """Why no state_dict of a checkpoint was chosen."""
    usable = _usable(parts)
    for part in usable:
        if part.keys and any(_fits(keys, part.reversed()) for keys in state_dicts):
            return f"it already has the keys that {part.name} would get"
    if not usable:
        return "the state map moves no key"
    missing = dict.fromkeys(key for part in usable for key in (part.keys or part.required))
    return f"no state_dict in it has the keys that the state map moves: {listed(missing)}"
