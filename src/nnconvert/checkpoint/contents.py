"""What a loaded checkpoint holds, and where: state_dicts, optimizers, and what else has an order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A part of a checkpoint, and the path of keys and indices that leads there."""

    place: str
    content: Any


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that a migration may have to do with; each object once, however often it is referred to."""

    state_dicts: list[Found] = field(default_factory=list)
    """Every dict that holds tensors under names."""
    optimizers: list[Found] = field(default_factory=list)
    """Every dict with ``state`` and ``param_groups``."""
    tensor_lists: list[Found] = field(default_factory=list)
    """Lists of tensors: some programs keep averaged parameters like that, in the order of parameters."""


def contents(checkpoint: object, is_tensor: Callable[[object], bool]) -> Contents:
    """Walk through dicts, lists and tuples, in their order; nothing else is looked into."""
    found = Contents()
    seen: set[int] = set()
    waiting: list[tuple[str, object]] = [("", checkpoint)]
    while waiting:  # a loop, not recursion: nothing bounds the depth of a hostile file
        place, value = waiting.pop()
        if not isinstance(value, dict | list | tuple) or id(value) in seen:
            continue
        seen.add(id(value))
        if is_optimizer(value):
            found.optimizers.append(Found(place, value))
            continue
        if isinstance(value, dict):
            if any(isinstance(key, str) and is_tensor(item) for key, item in value.items()):
                found.state_dicts.append(Found(place, value))
            inner = [(f"{place}.{key}" if place else str(key), item) for key, item in value.items()]
        else:
            if value and all(map(is_tensor, value)):
                found.tensor_lists.append(Found(place, value))
            inner = [(f"{place}[{index}]", item) for index, item in enumerate(value)]
        waiting.extend(reversed(inner))
    return found


def is_optimizer(value: object) -> bool:
    """Whether this is what the state_dict() of a torch.optim.Optimizer returns."""
    if not isinstance(value, dict) or not isinstance(value.get("state"), dict):
        return False
    groups = value.get("param_groups")
    return isinstance(groups, list) and all(isinstance(g, dict) and _is_indices(g.get("params")) for g in groups)


def _is_indices(value: object) -> bool:
    """Numbers, or the names that some programs write in their place."""
    return isinstance(value, list) and all(isinstance(index, int | str) for index in value)


def say(place: str) -> str:
    """The place in words."""
    return place or "the state_dict"
