"""Trace one version of a class: forward and backward as one graph of ATen operators, in train and in eval mode.

Nothing is computed: parameters, buffers and inputs are fake tensors, and inputs of the graph. So equal graphs do the
same for every weight and every input of the sizes that the guards admit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)

from .calls import Call, watch_calls
from .canonical import NotTracedError
from .failure import words
from .observe import MODES
from .patience import TooSlowError, limited
from .reach import executed_lines, executed_steps
from .recipe import Recipe
from .running import Run, materialise, prepare, randomise
from .sizes import FIXED, OPEN, Level
from .state import Names
from .tracing import Built, Trace, Watch
from .watched import Held

Outcome = dict[str, Any]
Ways = dict[str, set[Any]]
"""Mode -> the lines of the verified file that a run on real tensors executes (or finer steps, by ``Built.watch``)."""


TOO_LONG = "tracing takes too long"
REPEATED = 3 / 4
"""Of the operators of a trace, how many come again where it pays to keep what they give."""
OPENING = 2
"""Times as long as with fixed sizes that a trace with open ones takes at the least."""
UNTRACED = "it cannot be traced"


def built_real(module: ModuleType, recipe: Recipe, seed: int, names: Names) -> Built:
    """With all its numbers, and run on them."""
    model, namespace = prepare(module, recipe, seed)
    materialise(model, namespace, recipe, seed)
    randomise(model, seed, names)

    # A model of another file may take another way there.
    watch: Watch = executed_steps if recipe.home else executed_lines

    def way() -> set[Any]:
        lines: set[Any] = set()
        run = Run(model, namespace, recipe, 0, seed)
        with watch(str(module.__file__), lines):
            run.forward()
        return lines

    return Built(model, namespace, way, watch)


Build = Callable[[ModuleType, Recipe, int, Names], Built]


def trace_class(
    module: ModuleType, recipe: Recipe, seed: int, names: Names, seconds: float, build: Build = built_real
) -> tuple[Outcome, nn.Module | None, set[Call]]:
    """The graphs of both modes, or ``not_proved`` with the reason; sizes are left open as far as that works in the
    processor seconds given.

    Also the model that was traced and the calls of modules that the graphs hold.
    """
    ways: Ways = {}
    started = time.process_time()
    FakeTensorMode.cache_clear()  # what was traced before must change nothing
    try:
        fixed, model, calls = _trace_level(module, recipe, seed, names, FIXED, ways, build)
    except Exception as error:  # the user's code may raise anything
        return {"not_proved": _why(error)}, None, set()
    outcome: Outcome = {"fixed": fixed, "open": None, "why_fixed": "" if seconds else "no time was given for it"}
    if seconds and (time.process_time() - started) * OPENING > seconds:
        outcome["why_fixed"] = TOO_LONG
        seconds = 0.0
    repeated = _repeated() > REPEATED
    for level in OPEN if seconds else ():
        try:
            with limited(seconds):
                level = replace(level, remembers=repeated)
                outcome["open"] = _trace_level(module, recipe, seed, names, level, ways, build)[0]
            break
        except (Exception, TooSlowError) as error:  # as above; fewer open sizes may do
            outcome["why_fixed"] = _why(error)
    return outcome, model, calls


def _repeated() -> float:
    """Which part of the operators that were traced came again."""
    known = FakeTensorMode.cache_info()
    return float(known.hits / max(known.hits + known.misses, 1))


def _why(error: BaseException) -> str:
    if isinstance(error, NotTracedError):
        return str(error)
    if isinstance(error, (DataDependentOutputException, DynamicOutputShapeException)):
        return f"forward reads the values of a tensor ({error.func})"
    if isinstance(error, TooSlowError):
        return TOO_LONG
    return f"{UNTRACED}: {words(error)}"


def _trace_level(
    module: ModuleType, recipe: Recipe, seed: int, names: Names, level: Level, ways: Ways, build: Build
) -> tuple[Outcome, nn.Module, set[Call]]:
    built = build(module, recipe, seed, names)
    model = built.model
    outcome: Outcome = {"level": level.name, "graphs": {}, "guards": {}, "conditions": []}
    calls: set[Call] = set()
    said = []
    for mode, training in MODES:
        model.train(training)
        if mode not in ways:
            ways[mode] = built.way()
        traced = Trace(built, recipe, seed, names, level)
        held = Held(model, module, built.way)
        with watch_calls(str(module.__file__), calls, mode), held.watching():
            outcome["graphs"][mode] = traced.run(str(module.__file__))
        _require_same_way(ways[mode], traced.lines)
        held.require_steady()
        outcome["guards"][mode] = traced.sizes.guards()
        outcome["conditions"] += traced.sizes.conditions()
        said.append(traced.sizes.words())
    outcome["words"] = said[0] if len(set(said)) == 1 else "; ".join(f"{m}: {s}" for (m, _), s in zip(MODES, said))  # noqa: B905 (Python 3.9)
    outcome["conditions"] = sorted(set(outcome["conditions"]))
    return outcome, model, calls


def _require_same_way(real: set[Any], traced: set[Any]) -> None:
    """Raises NotTracedError where code asks what kind of tensor it has, and does another thing with a fake one."""
    if real != traced:
        first = min(real ^ traced)
        line = first[0] if isinstance(first, tuple) else first
        raise NotTracedError(f"a run on real tensors takes another way through the code (line {line})")
