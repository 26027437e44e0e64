"""The state_dict of a torch optimizer: what it says of its parameters, and putting it into a new order.

``state`` maps an index to what the optimizer keeps for one parameter, and each of ``param_groups`` lists under
``params`` the indices of its parameters. When it is loaded, positions alone count: the first index of the first group
is the first parameter that the new optimizer was given, and so on. So the lists of indices stay, and what is kept
moves to the index at the position where its parameter now stands. Some programs (torch.distributed) write the names
of parameters in place of indices; those are keys, and no order matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nnconvert.checkpoint.part import Part

_SHAPED = ("momentum_buffer", "exp_avg", "exp_avg_sq", "square_avg", "sum")
"""What torch's optimizers keep in the shape of the parameter itself."""
_FLAT = ("old_dirs", "prev_flat_grad")
"""What torch.optim.LBFGS keeps: all parameters in one flat vector, in their order."""

Optimizer = dict[str, Any]
Names = list[list[str]]
"""For each group, the names of its parameters."""
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class GroupMoves:
    """What happens to one group of parameters."""

    old: tuple[str, ...]
    """Names without the prefixes of wrappers, in the order of the checkpoint."""
    sources: tuple[int, ...]
    """For each position of the new order, the position in the old one."""
    new_names: tuple[str, ...] | None
    """What the optimizer is to call them, in the new order and with its own prefixes; None where it names none."""


@dataclass(frozen=True, slots=True)
class OptimizerMoves:
    """What happens to one optimizer: data, made before anything is changed."""

    place: str
    part: Part
    groups: tuple[GroupMoves, ...]

    @property
    def reorders(self) -> bool:
        return any(list(group.sources) != sorted(group.sources) for group in self.groups)

    @property
    def parameters(self) -> int:
        return sum(len(group.old) for group in self.groups)


def indices(optimizer: Optimizer) -> list[list[Any]]:
    """For each group, what stands for its parameters in ``state``."""
    return [group["params"] for group in optimizer["param_groups"]]


def keyed_by_name(optimizer: Optimizer) -> bool:
    """Whether names stand where torch.optim writes indices."""
    flat = [index for group in indices(optimizer) for index in group]
    return bool(flat) and all(isinstance(index, str) for index in flat)


def own_names(optimizer: Optimizer) -> Names | None:
    """What the optimizer calls its parameters: ``param_names`` is there since torch 2.6, if it was given names."""
    if keyed_by_name(optimizer):
        return indices(optimizer)
    names = [group.get("param_names") for group in optimizer["param_groups"]]
    if not names or not all(isinstance(n, list | tuple) and all(isinstance(name, str) for name in n) for n in names):
        return None
    plain = [list(of_group) for of_group in names]
    return plain if list(map(len, plain)) == list(map(len, indices(optimizer))) else None


def mismatch(optimizer: Optimizer, names: Names, shapes: Shapes) -> str:
    """Why these cannot be the parameters, by what is kept for them; empty where nothing speaks against it."""
    for group, of_group in zip(indices(optimizer), names, strict=True):
        for index, name in zip(group, of_group, strict=True):
            kept = optimizer["state"].get(index)
            for entry in _SHAPED if isinstance(kept, dict) and name in shapes else ():
                shape = getattr(kept.get(entry), "shape", None)
                if shape is not None and tuple(shape) != shapes[name]:
                    return f"{entry} at {index} is {_size(shape)} and {name} is {_size(shapes[name])}"
    return ""


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a number"


def flat_entry(optimizer: Optimizer) -> str | None:
    """The name of an entry that holds all parameters at once, if there is one."""
    kept = [value for value in optimizer["state"].values() if isinstance(value, dict)]
    return next((entry for entry in _FLAT if any(entry in value for value in kept)), None)


def reorder(optimizer: Optimizer, moves: OptimizerMoves) -> None:
    """Carry out what was planned, in place. Every entry of ``state`` keeps its position there."""
    new: dict[Any, Any] = {}
    by_name = keyed_by_name(optimizer)
    for group, planned in zip(optimizer["param_groups"], moves.groups, strict=True):
        params = group["params"]
        if planned.new_names is not None and by_name:
            new.update(zip(params, planned.new_names, strict=True))
            params[:] = planned.new_names
            continue
        new.update((params[source], index) for index, source in zip(params, planned.sources, strict=True))
        if planned.new_names is not None:
            group["param_names"] = type(group["param_names"])(planned.new_names)
    state = optimizer["state"]
    entries = [(new.get(index, index), kept) for index, kept in state.items()]
    state.clear()
    state.update(entries)
