"""What a run says of state_dict keys that change: the state map of ``--map FILE``, and a line a class."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nnconvert.api import Result, Verifier
from nnconvert.checkpoint import ModelMap, StateMap
from nnconvert.checkpoint.state_map import Keys
from nnconvert.expectations import expectations
from nnconvert.plan import StateChange
from nnconvert.source.beside import users
from nnconvert.verification import Evidence, Expected, Other
from nnconvert.verification.request import top_level_classes


@dataclass
class Collector:
    """Gathers the state map of one run, from the files whose conversion holds."""

    _files: dict[str, dict[str, Keys]] = field(default_factory=dict)
    _models: dict[str, ModelMap] = field(default_factory=dict)
    _changed: dict[Path, Result] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        if result.status != "changed" or result.plan is None:
            return
        self._changed[Path(os.path.abspath(result.path))] = result
        if result.plan.state:
            self._files[result.path.as_posix()] = {c.class_name: dict(c.keys) for c in result.plan.state}
            self._note(result.path, result.evidence)

    def _note(self, path: Path, found: Iterable[Evidence], *, better: bool = False) -> None:
        for evidence in found:
            if evidence.verdict in ("proved", "tested") and (evidence.keys or evidence.added or evidence.removed):
                model = ModelMap(dict(evidence.keys), evidence.order, evidence.added, evidence.removed)
                name = evidence.model
                if not better and self._models.get(name, model) != model:  # two files that are imported under one name
                    name = f"{path.as_posix()}:{name.rpartition(':')[2]}"
                self._models[name] = model

    def look_around(self, verifier: Verifier) -> Iterator[str]:
        """Find the whole keys of models in files that use a class whose keys change; a line for each that differs."""
        moved = [path for path, result in self._changed.items() if result.plan is not None and result.plan.state]
        for path in sorted({user for each in moved for user in users(each)}):
            others = {p: r for p, r in self._changed.items() if p != path and (p in moved or path in users(p))}
            if not any(p in moved for p in others):
                continue
            own = self._changed.get(path)
            old, new = (own.old, own.new) if own is not None else (path.read_bytes(),) * 2
            planned = expectations(own.plan) if own is not None and own.plan is not None else ()
            names = {e.class_name for e in planned}
            try:
                classes = (*planned, *(Expected(n) for n in top_level_classes(old) if n not in names))
            except (SyntaxError, ValueError):  # no Python, so no model: the run has said so, if it was asked about it
                continue
            if classes:
                around = {p: Other(r.old, r.new, expectations(r.plan)) for p, r in others.items() if r.plan is not None}
                found = verifier.verify_among(path, old, new, classes, around)
                self._note(path, found, better=True)
                yield from (f"{path}: {e.class_name} differs: {e.reason}" for e in found if e.verdict == "differs")

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
