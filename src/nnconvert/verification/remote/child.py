"""What the child of one job does: search and observe, replay, or compare. Findings go to folders."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import time
import traceback
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .alone import find_imagined, trace_imagined
from .calls import Call, unreached
from .compare import ENTRIES, compare
from .failure import MEMORY_REASON, words
from .graph import trace_class
from .load import load_module, serve
from .observe import MODES, NothingSeenError, observe
from .operators import first_part, record_operators
from .outcomes import read, write
from .planned import check_plan, other_choices, planned_paths, walk
from .ranks import seen_ranks
from .reach import changed_statements, executed_lines, missed
from .recipe import Recipe
from .said import NotBuiltError
from .searching import ROLES, Job, describe_inputs, find_class, task
from .standin import importing_ended, missing_package, stand_in
from .state import Moves, Names, StateMismatchError, check_added, moved_state


def run(job: Job) -> None:
    """Do one job. Every class gets its finding as JSON; ``module-*.json`` says why there are none."""
    torch.set_num_threads(1)
    if job["role"] in COMPARISONS:
        for index in job["indices"]:
            write(job["folder"], index, job["version"], COMPARISONS[job["role"]](job["folder"], index))
        return
    stand_in(job["stand_ins"])
    try:
        for path, source in job["others"]:
            serve(path, base64.b64decode(source))
        module = load_module(job["module"], job["path"], base64.b64decode(job["source"]), job["search"])
    except Exception as error:  # the user's code may raise anything
        missing = missing_package(error, job["module"])
        with open(os.path.join(job["folder"], f"module-{job['version']}.json"), "w", encoding="utf-8") as file:
            json.dump({"reason": f"the module cannot be imported: {words(error)}", "missing": missing}, file)
        return
    importing_ended()
    if job["role"] in ROLES:
        ROLES[job["role"]](job, module).run()
    else:
        deadline = time.monotonic() + job["time"] / 2
        for index in job["indices"]:
            write(job["folder"], index, job["version"], RUNS[job["role"]](job, module, index))
            if time.monotonic() > deadline:
                return  # another child takes the rest, so that no class pays for those before it


def replay(job: Job, module: ModuleType, index: int) -> dict[str, Any]:
    """The old version again, or the new one, by the recipe found; the plan is checked on the new one."""
    found = read(job["folder"], index, "old")
    recipe = Recipe.from_json(found["recipe"])
    folder = os.path.join(job["folder"], str(index), job["version"])
    os.makedirs(folder, exist_ok=True)
    moves, new = Moves.from_json(found["moves"]), job["version"] == "new"
    unplanned = [plan["class_name"] for plan in job["expected"] if not plan["known"]]
    lines: set[int] = set()
    try:
        with executed_lines(str(module.__file__), lines) if unplanned else contextlib.nullcontext():
            seen = observe(task(job, module, recipe, folder), moves, new)
    except StateMismatchError as error:
        return {"differs": f"the state_dict of the old version does not load: {error}"}
    except NothingSeenError as error:
        return {"differs": str(error)}
    except Exception as error:  # the user's code may raise anything
        if words(error) == MEMORY_REASON:
            return {"reason": MEMORY_REASON}
        who = "the new version" if new else "the second run"
        return {"differs": f"{who} raises {words(error)}{place_of(error, module)}"}
    outcome: dict[str, Any] = {
        "unreached": never_ran(job, module, seen.model, seen.calls),
        "missed": {m: never_ran(job, module, seen.model, {c for c in seen.calls if c.mode == m}) for m, _ in MODES},
    }
    source, changed = source_of(job), job["changed_new" if new else "changed"]
    statements = {name: changed_statements(source, name, changed) for name in unplanned}
    outcome["changes"] = {name: [len(found), missed(found, lines)] for name, found in statements.items()}
    if new:
        expected = job["expected"]
        problems = check_plan(seen.model, found["tree"], expected, module)
        outcome["problems"] = [*problems, *check_added(seen.keys, moves), *seen.lost]
        outcome["state"] = moved_state(moves, found["keys"], (found["order"], seen.order))
    return outcome


def trace(job: Job, module: ModuleType, index: int) -> dict[str, Any]:
    """The graphs of the old version or of the new one, and which call sites are not in them."""
    found = read(job["folder"], index, "old")
    names = Names(Moves.from_json(found["moves"]), job["version"].startswith("new"))
    recipe = Recipe.from_json(found["recipe"])
    outcome, model, calls = trace_class(module, recipe, job["seed"], names, job["tracing"])
    return {**outcome, "unreached": never_ran(job, module, model, calls) if model is not None else []}


def imagine(job: Job, module: ModuleType, index: int) -> dict[str, Any]:
    """How to build a class that is too large to run, and what to feed it."""
    cls = find_class(module, job["names"][index])
    if not isinstance(cls, type):
        return {"reason": "the class does not exist once the module is imported"}
    try:
        found = find_imagined(module, cls, job)
    except NotBuiltError as error:
        return {"reason": error.reason}
    return {**found, "input": describe_inputs(module, Recipe.from_json(found["recipe"]), job["seed"])}


def trace_alone(job: Job, module: ModuleType, index: int) -> dict[str, Any]:
    """The graphs of one version of a class that was never run, and which call sites are not in them."""
    outcome, model, calls = trace_imagined(job, module, read(job["folder"], index, "imagined"))
    if model is None:
        return outcome
    missed = {m: never_ran(job, module, model, {c for c in calls if c.mode == m}) for m, _ in MODES}
    return {**outcome, "unreached": never_ran(job, module, model, calls), "missed": missed}


def never_ran(job: Job, module: ModuleType, model: nn.Module, calls: set[Call]) -> list[str]:
    """Converted call sites of which nothing was seen: calls that go, on the old version; added ones, on the new."""
    expected = job["expected"]
    if not job["version"].startswith("new"):
        return unreached(model, calls, expected, module, source_of(job))
    modules, called = dict(walk(model)), {call.instance for call in calls}
    found = []
    for path, texts in planned_paths(model, expected, module)[0].items():
        if path in modules and id(modules[path]) not in called:
            found.append(path)
        elif path in modules:
            found += [f"{path} ({other})" for other in other_choices(modules[path], texts)]
    return found


def source_of(job: Job) -> str:
    return importlib.util.decode_source(base64.b64decode(job["source"]))


def ranks(job: Job, module: ModuleType, index: int) -> dict[str, Any]:
    """The ranks of inputs of normalisations, by line, that a run of the old version by the recipe found shows."""
    recipe = Recipe.from_json(read(job["folder"], index, "old")["recipe"])
    # get_inputs() is meant for one class of the file, and fits others by chance.
    guessed = recipe.guessed or (recipe.source == "get_inputs()" and len(job["names"]) > 1)
    try:
        return {"guessed": guessed, "seen": sorted(seen_ranks(module, recipe, job["seed"], vary=guessed))}
    except Exception as error:  # the user's code may raise anything
        return {"reason": words(error)}


def compare_replays(folder: str, index: int) -> dict[str, list[str]]:
    """What differs from the first run of the old version, for each replay that came to its end."""
    base = os.path.join(folder, str(index))
    replays = (version for version in ("control", "new") if os.path.exists(os.path.join(base, version, ENTRIES)))
    return {version: compare(os.path.join(base, "old"), os.path.join(base, version)) for version in replays}


def step_by_step(job: Job, module: ModuleType, index: int) -> dict[str, Any]:
    """Every operator of the runs of one version, recorded; that it raises is known by now."""
    found = read(job["folder"], index, "old")
    moves, recipe = Moves.from_json(found["moves"]), Recipe.from_json(found["recipe"])
    folder = os.path.join(job["folder"], str(index), job["version"])
    os.makedirs(folder, exist_ok=True)
    try:
        record_operators(module, recipe, job["seed"], folder, moves, job["version"].startswith("new"))
    except Exception as error:  # the user's code may raise anything; up to there it is recorded
        return {"raised": words(error)}
    return {}


def find_part(folder: str, index: int) -> dict[str, Any]:
    """Where the two recorded runs part."""
    recorded = [os.path.join(folder, str(index), version) for version in ("old-steps", "new-steps")]
    return first_part(recorded[0], recorded[1]) if all(map(os.path.isdir, recorded)) else {}


RUNS = {
    "replay": replay,
    "ranks": ranks,
    "trace": trace,
    "imagine": imagine,
    "alone": trace_alone,
    "steps": step_by_step,
}
COMPARISONS = {"compare": compare_replays, "part": find_part}


def place_of(error: BaseException, module: ModuleType) -> str:
    """Where in the verified module the exception passed last: `` (line 12)``."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == module.__file__]
    return f" (line {lines[-1]})" if lines else ""
