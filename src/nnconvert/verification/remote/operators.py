"""Record every operator that runs, with its result and the line it comes from: where two runs part first."""

from __future__ import annotations

import itertools
import json
import os
import sys
from types import FrameType, ModuleType
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from .compare import Kept, describe, entries
from .observe import CALLS, MODES, exchange_state
from .recipe import Recipe
from .running import Run, materialise, prepare, randomise
from .state import NOTHING_MOVES, Moves, Names
from .values import Recorder, tensors_in

STEPS = "steps.json"
MOST = 20_000
"""Operators that are recorded."""


class _Watch(TorchDispatchMode):  # type: ignore[misc]
    """Notes each operator under its number."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.when = ""
        self.steps: list[dict[str, Any]] = []
        self.recorder = Recorder()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if len(self.steps) < MOST:
            number = len(self.steps)
            self.steps.append({"operator": str(func), "line": self.line(), "when": self.when})
            for place, tensor in enumerate(tensors_in(result)):
                self.recorder.tensor(f"{number} {place}", tensor)
        return result

    def line(self) -> int:
        """The innermost line of the verified file; 0 in the backward pass."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return frame.f_lineno if frame is not None else 0


def record_operators(module: ModuleType, recipe: Recipe, seed: int, folder: str, moves: Moves, new: bool) -> None:
    """The runs of ``observe`` once more, operator by operator; what raises ends the record."""
    model, namespace = prepare(module, recipe, seed)
    materialise(model, namespace, recipe, seed)
    names = Names(moves, new)
    randomise(model, seed, names)
    watch = _Watch(str(module.__file__))
    try:
        exchange_state(model, os.path.join(os.path.dirname(folder), "state.pt"), moves if new else NOTHING_MOVES)
        for mode, training in MODES:
            for call in range(CALLS):
                run = Run(model.train(training), namespace, recipe, call, seed)
                watch.when = f"{mode}, call {call + 1}"
                with watch:
                    run.forward()
                    run.backward(names)
    finally:
        watch.recorder.save(folder)
        with open(os.path.join(folder, STEPS), "w", encoding="utf-8") as file:
            json.dump(watch.steps, file)


def first_part(old_folder: str, new_folder: str) -> dict[str, Any]:
    """The first operator whose results differ: its line in both versions and in words by how much; or nothing."""
    steps = []
    for folder in (old_folder, new_folder):
        with open(os.path.join(folder, STEPS), encoding="utf-8") as file:
            steps.append(json.load(file))
    old, new = entries(old_folder), entries(new_folder)
    kept = Kept(old_folder, new_folder)
    for number in range(min(map(len, steps))):
        before, after = steps[0][number], steps[1][number]
        for key in itertools.takewhile(old.__contains__, (f"{number} {place}" for place in itertools.count())):
            if old[key] != new.get(key):
                words = describe(old[key], new[key], kept.pair(key)) if key in new else "it gives less"
                return {"old": before, "new": after, "words": words}
    return {}
