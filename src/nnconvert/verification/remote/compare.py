"""Compare two recorded runs, exactly, and say in words what differs."""

from __future__ import annotations

import json
import os
from typing import Any

import torch

Entry = dict[str, Any]
ENTRIES = "entries.json"


def compare(old_folder: str, new_folder: str) -> list[str]:
    """Every difference between two recorded runs as one line each; empty when there is none."""
    old, new = entries(old_folder), entries(new_folder)
    kept = Kept(old_folder, new_folder)
    found = []
    for key, before in old.items():
        after = new.get(key)
        if after is None:
            found.append(f"{key}: missing in the new version")
        elif before != after and not _gained(key, before):
            found.append(f"{key}: {describe(before, after, kept.pair(key))}")
    found += [f"{key}: only in the new version" for key in new if key not in old]
    return found


def _gained(key: str, before: Entry) -> bool:
    """A capability that only the new version has is no loss."""
    return key.startswith("works: ") and before["text"] == "bool: False"


def entries(folder: str) -> dict[str, Entry]:
    with open(os.path.join(folder, ENTRIES), encoding="utf-8") as file:
        return dict(json.load(file))


class Kept:
    """The recorded tensors of both runs, read from disk only when something differs."""

    def __init__(self, *folders: str) -> None:
        self._folders = folders
        self._loaded: list[dict[str, torch.Tensor]] | None = None

    def pair(self, key: str) -> tuple[torch.Tensor, torch.Tensor] | None:
        if self._loaded is None:
            paths = [os.path.join(folder, "kept.pt") for folder in self._folders]
            self._loaded = [torch.load(path, weights_only=True) for path in paths]
        old, new = self._loaded
        return (old[key], new[key]) if key in old and key in new else None


def describe(before: Entry, after: Entry, pair: tuple[torch.Tensor, torch.Tensor] | None) -> str:
    if "text" in before or "text" in after:
        return f"{_short(before)} became {_short(after)}"
    for what in ("dtype", "shape", "layout"):
        if before.get(what) != after.get(what):
            return f"{what} {before.get(what)} became {after.get(what)}"
    if pair is None:
        return "the values differ"
    return describe_values(*pair)


def _short(entry: Entry) -> str:
    text = str(entry["text"]) if "text" in entry else f"a tensor of shape {entry['shape']}"
    return text if len(text) <= 200 else text[:197] + "..."


def describe_values(old: torch.Tensor, new: torch.Tensor) -> str:
    """How many values differ, and where most; both have one dtype and shape and differ in some bit."""
    if old.dtype == torch.bool or not (old.is_floating_point() or old.is_complex()):
        wrong = old != new
        where = _index(wrong.reshape(-1).to(torch.uint8).argmax(), old.shape)
        return f"{int(wrong.sum())} of {old.numel()} values differ, first at {where}"
    wide = torch.complex128 if old.is_complex() else torch.float64
    first, second = old.to(wide).reshape(-1), new.to(wide).reshape(-1)
    distance = (first - second).abs()
    changed = int((~(distance == 0)).sum())
    if not changed:
        return "the values are equal but their bits differ (-0 and 0)"
    distance = torch.nan_to_num(distance, nan=float("inf"))
    worst = distance.argmax()
    before, after = first[worst].item(), second[worst].item()
    if before != before and after != after:
        return "NaN in both versions, with different bits"
    relative = abs(before - after) / abs(before) if before else float("inf")
    return (
        f"{changed} of {old.numel()} values differ, the most at {_index(worst, old.shape)}: "
        f"{before:.9g} became {after:.9g} (absolute {abs(before - after):.3g}, relative {relative:.3g})"
    )


def _index(flat: torch.Tensor, shape: torch.Size) -> list[int]:
    rest, index = int(flat), []
    for size in reversed(shape):
        index.append(rest % size)
        rest //= size
    return index[::-1]
