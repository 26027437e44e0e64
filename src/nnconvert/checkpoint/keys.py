"""New keys for one state_dict, and for the versions of modules that it carries as _metadata."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from nnconvert.checkpoint.errors import CheckpointError, listed
from nnconvert.checkpoint.fit import Fit
from nnconvert.checkpoint.part import Part

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class KeyMoves:
    """What happens to one state_dict: data, made before anything is changed."""

    place: str
    fit: Fit
    moves: Mapping[str, str]
    """Old key -> new key, as they stand there, with prefixes."""
    dropped: tuple[str, ...]
    modules: Mapping[str, str]
    """The same for the keys of _metadata, which are paths of modules."""


def plan_keys(place: str, keys: Collection[str], fit: Fit, modules: Iterable[str] = ()) -> KeyMoves:
    """What must happen to a state_dict that fits. Raises CheckpointError for keys that would be lost or wrong."""
    prefix, part = fit.prefix, fit.part
    present = set(keys)
    moves = {prefix + old: prefix + new for old, new in part.keys.items() if old != new and prefix + old in present}
    dropped = tuple(prefix + key for key in part.dropped if prefix + key in present)
    staying = present.difference(moves, dropped)
    taken = staying.intersection([*moves.values(), *(prefix + key for key in part.added)])
    if taken:
        raise CheckpointError(f"{place}: new keys are there already: {listed(sorted(taken))}")
    unknown = _unknown([key[len(prefix) :] for key in staying if key.startswith(prefix)], part)
    if unknown:
        raise CheckpointError(
            f"{place}: {part.name} has no {listed(sorted(unknown))}, so the state map does not say where that goes; "
            "it was made with another configuration of the model"
        )
    return KeyMoves(place, fit, moves, dropped, module_moves(list(modules), keys, moves))


def _unknown(staying: Iterable[str], part: Part) -> list[str]:
    """Keys like those that move (``body.2.weight`` where ``body.1.weight`` does) of parameters that are not listed.

    Where the order of parameters is not known, or for buffers, nothing says which keys there are.
    """
    if part.order is None:
        return []
    parameters = part.order[0]
    patterns = {_pattern(key) for key in parameters if part.new(key) != key}
    known = {*parameters, *part.keys, *part.dropped}
    return [key for key in staying if key not in known and _pattern(key) in patterns]


def _pattern(key: str) -> str:
    return _NUMBER.sub("#", key)


def module_moves(modules: Collection[str], keys: Iterable[str], moves: Mapping[str, str]) -> dict[str, str]:
    """Old path -> new path of every module that moved as a whole; the version of any other stays where it is.

    A module moved when all keys below it went below one other path, and nothing else is there. One without
    keys went with the module around it. None lands on a path that keeps its own version.
    """
    below = _keys_below(modules, keys)
    arrived = _keys_below({path for key in moves.values() for path in _parents(key)}, (moves.get(k, k) for k in keys))
    alone = {path: _moved_to(path, below[path], arrived, moves) for path in modules if below[path]}
    blocked: set[str] = set()
    while True:
        found: dict[str, str] = {}
        for path in sorted(set(modules) - blocked, key=len):
            target = alone[path] if path in alone else _with_parent(path, found, modules)
            if target is not None:
                found[path] = target
        staying = set(modules).difference(found)
        collisions = {old for old, new in found.items() if new in staying}
        if not collisions:
            return found
        blocked |= collisions


def _keys_below(modules: Iterable[str], keys: Iterable[str]) -> dict[str, set[str]]:
    below: dict[str, set[str]] = {path: set() for path in modules}
    for key in keys:
        for path in _parents(key):
            if path in below:
                below[path].add(key)
    return below


def _parents(key: str) -> list[str]:
    """Every path that a key is below: of "a.b.c" these are "a.b" and "a"."""
    return [key[:place] for place, letter in enumerate(key) if letter == "."]


def _moved_to(path: str, keys: set[str], arrived: Mapping[str, set[str]], moves: Mapping[str, str]) -> str | None:
    key = min(keys)
    new, rest = moves.get(key, key), key[len(path) :]
    target = new[: -len(rest)]
    if not new.endswith(rest) or target == path or f"{target}.".startswith(f"{path}.") or path.startswith(f"{target}."):
        return None  # it stayed, or its keys went deeper or higher: then the module itself is no other one
    images = {target + key[len(path) :] for key in keys}
    return target if {moves.get(key, key) for key in keys} == images == arrived.get(target) else None


def _with_parent(path: str, found: Mapping[str, str], modules: Collection[str]) -> str | None:
    parent = next((parent for parent in reversed(_parents(path)) if parent in modules), "")
    return found[parent] + path[len(parent) :] if parent in found else None
