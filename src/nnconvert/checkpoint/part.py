"""One part of a state map, turned the way that the migration goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nnconvert.checkpoint.errors import listed
from nnconvert.checkpoint.state_map import Keys, Order, StateMap
from nnconvert.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """What changes for one model or class, from the version that wrote the checkpoint to the other one."""

    name: str
    keys: Keys
    order: Order | None = None
    added: tuple[str, ...] = ()
    """Keys that the version to come makes by itself: they must not be there yet."""
    dropped: tuple[str, ...] = ()
    """Keys that the version to come has no place for."""
    whole: bool = True
    """Whether it comes from an instance; else from the source of a class alone."""

    @property
    def class_name(self) -> str:
        return self.name.rpartition(":")[2]

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that every state_dict of the model has."""
        return tuple(dict.fromkeys((*self.keys, *(self.order[0] if self.order else ()))))

    @property
    def reorders(self) -> bool:
        """Whether the order of parameters changes."""
        return self.order is not None and tuple(map(self.new, self.order[0])) != self.order[1]

    def new(self, key: str) -> str:
        """The key in the version to come."""
        return self.keys.get(key, key)

    def reversed(self) -> Part:
        """The same the other way."""
        keys = {new: old for old, new in self.keys.items()}
        order = (self.order[1], self.order[0]) if self.order else None
        return replace(self, keys=keys, order=order, added=self.dropped, dropped=self.added)

    def same_as(self, other: Part) -> bool:
        """Whether both do the same, whatever their names."""
        return replace(other, name=self.name) == self


def parts(state_map: StateMap, *, reverse: bool) -> list[Part]:
    """All parts: models first, then the classes."""
    found = [Part(name, m.keys, m.order, m.added, m.removed) for name, m in state_map.models.items()]
    found += [
        Part(f"{path}:{name}", keys, whole=False)
        for path, classes in state_map.files.items()
        for name, keys in classes.items()
    ]
    return [part.reversed() if reverse else part for part in found]


def named(found: Sequence[Part], name: str) -> Part:
    """The part with this name, or of the class with this name. Raises UsageError for none and for several."""
    for match in (
        [part for part in found if part.name == name],
        [part for part in found if part.whole and part.class_name == name],
        [part for part in found if part.class_name == name],
    ):
        if len(match) > 1:
            raise UsageError(f"--model {name}: the state map has {listed(part.name for part in match)}")
        if match:
            return match[0]
    raise UsageError(f"--model {name}: the state map has {listed(part.name for part in found) or 'no model'}")
