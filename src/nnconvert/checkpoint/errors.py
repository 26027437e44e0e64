"""What goes wrong once a checkpoint has been opened."""

from __future__ import annotations

from collections.abc import Iterable

from nnconvert.errors import NnconvertError

_LISTED = 12


class CheckpointError(NnconvertError):
    """A checkpoint that cannot be read, does not fit the state map, or cannot be written."""


def listed(names: Iterable[str]) -> str:
    """Names for a message of one line: the first dozen, and how many more there are."""
    all_names = list(names)
    shown = ", ".join(all_names[:_LISTED])
    return shown if len(all_names) <= _LISTED else f"{shown} and {len(all_names) - _LISTED} more"


def first_line(error: Exception) -> str:
    """What an error says, without the rest: torch tells stories."""
    return next(iter(str(error).strip().splitlines()), "")
