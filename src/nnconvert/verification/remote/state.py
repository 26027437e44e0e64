"""The keys that a plan moves, as a built model has them, and one name for what both versions call differently."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .planned import Expected, owners
from .values import dense, raw_digest


class StateMismatchError(Exception):
    """The new version does not accept the old version's state."""


@dataclass(frozen=True)
class Moves:
    """What the plan does to the state_dict of one model: whole keys."""

    keys: Mapping[str, str]
    """Old key -> new key, of what moves, buffers that the state_dict leaves out included."""
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    loads_old: bool = False
    """Whether every class whose keys change takes the old keys, too."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Moves:
        return cls(data["keys"], tuple(data["added"]), tuple(data["removed"]), data["loads_old"])


def whole_keys(model: nn.Module, expected: list[Expected], module: ModuleType) -> Moves:
    """The moves of each instance with its prefix; one that is registered twice is met under both names."""
    keys: dict[str, str] = {}
    added: list[str] = []
    removed: list[str] = []
    loads: list[bool] = []
    for prefix, plan in owners(model, expected, module):
        keys.update((prefix + old, prefix + new) for old, new in plan["keys"])
        added += [prefix + name for name in plan["added_keys"]]
        removed += [prefix + name for name in plan["removed_keys"]]
        loads += [plan["loads_old"]] if plan["keys"] else []
    return Moves(keys, tuple(dict.fromkeys(added)), tuple(dict.fromkeys(removed)), bool(loads) and all(loads))


class Names:
    """What one version calls parameters and buffers, as the old version calls them."""

    def __init__(self, moves: Moves, new: bool = False) -> None:
        self._new = moves.keys
        self._back = {after: before for before, after in moves.keys.items()} if new else {}
        self._own = frozenset(moves.added if new else moves.removed)
        self._moved = frozenset(moves.keys) | frozenset(moves.removed)
        self.change = bool(moves.keys or moves.added or moves.removed)

    def old(self, name: str) -> str:
        return self._back.get(name, name)

    def both(self, name: str) -> tuple[str, str]:
        """The name in either version."""
        old = self.old(name)
        return old, self._new.get(old, old)

    def is_own(self, name: str) -> bool:
        """Whether the plan says that this version alone has it."""
        return name in self._own

    def shared(self, names: Iterable[str]) -> list[str]:
        """By their old names, those that both versions have; in their order, where no key is planned to move."""
        return self.settled(name for name in names if not self.is_own(name))

    def settled(self, names: Iterable[str]) -> list[str]:
        """By their old names, all; in their order, where no key is planned to move."""
        found = [self.old(name) for name in names]
        return sorted(found) if self.change else found

    def staying(self, names: Iterable[str]) -> list[str]:
        """Those that do not move, in their order."""
        return [old for old in map(self.old, (n for n in names if not self.is_own(n))) if old not in self._moved]


NOTHING_MOVES = Moves({})
OWN_NAMES = Names(NOTHING_MOVES)


def check_added(keys: Collection[str], moves: Moves) -> list[str]:
    """One line for each key that the plan adds and that the new version, with these keys, lacks."""
    return [f"the key {key} was planned, but is missing" for key in moves.added if key not in keys]


def moved_state(moves: Moves, keys: Collection[str], orders: tuple[list[str], list[str]]) -> dict[str, Any] | None:
    """What a state map says of the model whose old version has these keys, and the orders of its parameters."""
    if not Names(moves).change:
        return None
    return {
        "keys": {old: new for old, new in moves.keys.items() if old in keys},
        "added": list(moves.added),
        "removed": [key for key in moves.removed if key in keys],
        "order": [list(order) for order in orders],
    }


def load_moved(model: nn.Module, state: dict[str, Any], moves: Moves) -> None:
    """Load the old version's state, strictly, as ``nnconvert migrate`` makes it. Raises StateMismatchError.

    Added keys are not given: a checkpoint that was migrated does not have them either.
    """
    renamed = copy.copy(state)  # with its _metadata
    renamed.clear()
    renamed.update((moves.keys.get(key, key), value) for key, value in state.items() if key not in moves.removed)
    if len(renamed) != len(state) - sum(key in state for key in moves.removed):
        raise StateMismatchError("two keys became one")
    _load(model, renamed)


def load_unmoved(model: nn.Module, state: dict[str, Any], moves: Moves) -> list[str]:
    """Load the old version's state as it is, strictly; one line for each value that does not arrive."""
    try:
        _load(model, copy.copy(state))
    except StateMismatchError as error:
        return [f"the state_dict of the old version does not load as it is: {error}"]
    arrived = model.state_dict()
    return [
        f"{key} of an old state_dict does not arrive as {moves.keys.get(key, key)}"
        for key, value in state.items()
        if key not in moves.removed and not _same(value, arrived.get(moves.keys.get(key, key)))
    ]


def _load(model: nn.Module, state: Mapping[str, Any]) -> None:
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise StateMismatchError(" ".join(str(error).split())) from error


def _same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        alike = (one.dtype, one.shape) == (other.dtype, other.shape)
        return alike and raw_digest(dense(one)) == raw_digest(dense(other))
    return type(one) is type(other) and repr(one) == repr(other)
