"""The file of ``--groups``: which parameters each group of an optimizer holds, where the optimizer does not say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from nnconvert.checkpoint import strict_json
from nnconvert.checkpoint.errors import CheckpointError, listed
from nnconvert.checkpoint.prefixes import bare
from nnconvert.errors import UsageError

Patterns = tuple[tuple[str, ...], ...]
"""For each group, names of parameters or patterns such as ``*.bias``."""

_SHAPE = "must hold a list with a list of parameter names for each group, or an object from optimizers to such lists"


@dataclass(frozen=True, slots=True)
class Groups:
    """Patterns for the one optimizer of a checkpoint, or for several by their places."""

    path: Path
    only: Patterns | None = None
    by_place: Mapping[str, Patterns] | None = None

    def of(self, place: str, places: Collection[str]) -> Patterns | None:
        """Those of the optimizer at ``place``. Raises CheckpointError where it is not clear which is meant."""
        if self.by_place is not None:
            return self.by_place.get(place)
        if len(places) > 1:
            example = f'{{"{place}": [["first.weight", "first.bias"]]}}'
            raise CheckpointError(f"it has the optimizers {listed(places)}: {self.path} must name its own: {example}")
        return self.only

    def require_known(self, places: Collection[str]) -> None:
        """Raise CheckpointError where the file speaks of an optimizer that is not there."""
        unknown = [place for place in self.by_place or () if place not in places]
        if unknown:
            there = listed(places) or "none"
            raise CheckpointError(f"{self.path} names {listed(unknown)}, and the optimizers are {there}")


def read(path: Path) -> Groups:
    """Raises UsageError with one clear line."""
    try:
        data = strict_json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}; it {_SHAPE}") from None
    if isinstance(data, dict):
        return Groups(path, by_place={place: _patterns(path, value) for place, value in data.items()})
    return Groups(path, only=_patterns(path, data))


def _patterns(path: Path, value: object) -> Patterns:
    groups = value if isinstance(value, list) else [None]
    if not all(isinstance(group, list) and all(isinstance(name, str) for name in group) for group in groups):
        raise UsageError(f"{path}: it {_SHAPE}")
    return tuple(map(tuple, groups))


def resolve(place: str, patterns: Patterns, parameters: Sequence[str]) -> list[list[str]]:
    """The names of each group; a name goes to the first pattern that it matches.

    What a pattern with ``*`` or ``?`` stands for comes in the order of the model, as a filter over
    named_parameters() gives it; names that are spelled out keep the order of the file.
    """
    free = dict.fromkeys(parameters)
    groups = []
    for patterns_of_group in patterns:
        names: list[str] = []
        for pattern in patterns_of_group:
            matched = _matched(pattern, free)
            if not matched:
                raise CheckpointError(f"{place}: --groups: {pattern} names no parameter that is left")
            names += matched
            for name in matched:
                del free[name]
        if any(map(_is_pattern, patterns_of_group)):
            names.sort(key=parameters.index)
        groups.append(names)
    return groups


def _matched(pattern: str, free: Mapping[str, None]) -> list[str]:
    if _is_pattern(pattern):
        return [name for name in free if fnmatchcase(name, pattern)]
    name = bare(pattern, free)[1]
    return [name] if name in free else []


def _is_pattern(text: str) -> bool:
    return "*" in text or "?" in text
