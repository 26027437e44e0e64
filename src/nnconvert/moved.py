"""What a run says of state_dict keys that change: the state map of ``--map FILE``, and a line a class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nnconvert.api import Result
from nnconvert.checkpoint import ModelMap, StateMap
from nnconvert.checkpoint.state_map import Keys
from nnconvert.plan import StateChange
from nnconvert.verification.evidence import Evidence


@dataclass
class Collector:
    """Gathers the state map of one run, from the files whose conversion holds."""

    _files: dict[str, dict[str, Keys]] = field(default_factory=dict)
    _models: dict[str, ModelMap] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        if result.status != "changed" or result.plan is None or not result.plan.state:
            return
        path = result.path.as_posix()
        self._files[path] = {change.class_name: dict(change.keys) for change in result.plan.state}
        for evidence in result.evidence:
            if evidence.verdict in ("proved", "tested") and (evidence.keys or evidence.added or evidence.removed):
                model = ModelMap(dict(evidence.keys), evidence.order, evidence.added, evidence.removed)
                name = evidence.model
                if self._models.get(name, model) != model:  # of two files that are imported under one name
                    name = f"{path}:{name.rpartition(':')[2]}"
                self._models[name] = model

    def state_map(self) -> StateMap | None:
        """The map; None where no key changes."""
        return StateMap(self._files, self._models) if self._files else None


def unwritable(path: Path) -> str:
    """Why no file can be written there, as far as that can be told before; empty where nothing speaks against it."""
    folder = path.resolve().parent
    if path.is_dir():
        return "is a folder"
    if not folder.is_dir():
        return f"the folder {folder} does not exist"
    return "" if os.access(folder, os.W_OK) else f"the folder {folder} is not writable"


def state_lines(change: StateChange, evidence: Evidence | None, verbose: bool) -> Iterator[str]:
    """``Net: weight -> conv2d.weight; new key ...``, and what that means for optimizers; verbose: the order, too."""
    parts = [", ".join(f"{old} -> {new}" for old, new in change.keys)]
    for words, keys in (("new", change.added), ("dropped", change.removed)):
        if keys:
            parts.append(f"{words} key{'s' if len(keys) > 1 else ''} {', '.join(keys)}")
    seen = evidence if evidence is not None and evidence.verdict in ("proved", "tested") else None
    changes = seen is not None and _reorders(seen)
    if changes:
        parts.append("the order of parameters changes: optimizer state needs nnconvert migrate")
    yield f"{change.class_name}: {'; '.join(part for part in parts if part)}"
    if verbose and changes and seen is not None and seen.order is not None:
        old, new = seen.order
        yield f"order of parameters in {seen.model}: {', '.join(old)} became {', '.join(new)}"


def _reorders(evidence: Evidence) -> bool:
    """Whether the same parameters come in another order."""
    keys = dict(evidence.keys)
    return evidence.order is not None and tuple(keys.get(n, n) for n in evidence.order[0]) != evidence.order[1]
