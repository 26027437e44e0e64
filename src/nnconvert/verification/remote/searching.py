"""Find out on the old version how each class is built and fed, and which classes run inside others."""

from __future__ import annotations

import base64
import importlib.util
import inspect
import os
import time
from dataclasses import replace
from types import ModuleType
from typing import Any

from torch import nn

from .around import models_around, recipe_around
from .build import find_recipe
from .failure import MEMORY_REASON, words
from .log import Log
from .methods import with_methods
from .observe import NothingSeenError, Task, observe
from .outcomes import outcome_path, read, write
from .planned import file_of, tree
from .recipe import Recipe, evaluate_call, names_of, seed_everything
from .said import NotBuiltError
from .values import tensors_in

Job = dict[str, Any]
HOSTS_SOUGHT = "hosts-sought"


def find_class(module: ModuleType, name: str) -> object:
    """The object under a dotted name, or None."""
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


class Search:
    """The old version: find out how to build each class, observe it, and note which classes ran inside it."""

    def __init__(self, job: Job, module: ModuleType) -> None:
        self.job = job
        self.module = module
        self.deadline = time.monotonic() + job["time"] / 8

    def run(self) -> None:
        """Stop early, so that the last class has most of the time: another child takes what is left."""
        for index in self.job["indices"]:
            write(self.job["folder"], index, "old", self.try_class(index, self.job["names"][index]))
            if time.monotonic() > self.deadline:
                return
        if all(os.path.exists(outcome_path(self.job["folder"], i, "old")) for i in range(len(self.job["names"]))):
            Hosts(self.job, self.module).run()

    def try_class(self, index: int, name: str) -> dict[str, Any]:
        cls = find_class(self.module, name)
        if not isinstance(cls, type):
            return {"reason": "the class does not exist once the module is imported"}
        if not issubclass(cls, nn.Module):
            return {"reason": "the class is not a module class", "skip": True}
        try:
            recipe = find_recipe(self.module, cls, self.job, Log(os.path.join(self.job["folder"], str(index))))
        except NotBuiltError as error:
            return {"reason": error.reason, "remedy": error.remedy, "misused": error.misused}
        more = self.with_methods(cls, recipe)
        outcome = self.observe(index, more)
        if "recipe" not in outcome and more.methods:
            outcome = self.observe(index, recipe)
        if "recipe" not in outcome and len(recipe.inputs) > 1:
            # Some models keep what the first shape taught them (masks, caches) and refuse another.
            outcome = self.observe(index, replace(recipe, inputs=recipe.inputs[:1]))
        return outcome

    def with_methods(self, cls: type, recipe: Recipe) -> Recipe:
        source = importlib.util.decode_source(base64.b64decode(self.job["source"]))
        try:
            return with_methods(self.module, cls, recipe, source, self.job)
        except Exception:  # the user's code may raise anything; what is known of forward holds all the same
            return recipe

    def observe(self, index: int, recipe: Recipe) -> dict[str, Any]:
        folder = os.path.join(self.job["folder"], str(index), "old")
        os.makedirs(folder, exist_ok=True)
        try:
            seen = observe(task(self.job, self.module, recipe, folder))
        except NothingSeenError as error:
            return {"reason": str(error)}
        except Exception as error:  # the user's code may raise anything
            return {"reason": f"the run that worked once failed the next time: {words(error)}"}
        called = {call.instance for call in seen.calls}
        kinds = {base for m in seen.model.modules() if id(m) in called for base in type(m).__mro__}
        return {
            "recipe": recipe.as_json(),
            "tree": tree(seen.model),
            "moves": seen.moves.as_json(),
            "keys": seen.keys,
            "order": seen.order,
            "ran": sorted(kind.__qualname__ for kind in kinds if not file_of(kind, self.module)),
            "input": describe_inputs(self.module, recipe, self.job["seed"]),
        }


class Hosts(Search):
    """Classes that cannot be built alone: look for them inside the others of the file, asked for or not."""

    def __init__(self, job: Job, module: ModuleType) -> None:
        super().__init__(job, module)
        self.deadline = time.monotonic() + job["time"] / 2

    def run(self) -> None:
        folder, names = self.job["folder"], self.job["names"]
        with open(os.path.join(folder, HOSTS_SOUGHT), "w", encoding="utf-8"):
            pass  # so that a host that ends the process is not tried again
        outcomes = {index: read(folder, index, "old") for index in range(len(names))}
        # What holds a class that is too large is larger.
        sought = {i: o for i, o in outcomes.items() if MEMORY_REASON not in o.get("reason", "")}
        missing = {names[i]: i for i, o in sought.items() if "recipe" not in o and "skip" not in o}
        for index, outcome in outcomes.items():
            self.place(missing, index, outcome)
        for index, name in enumerate(self.candidates(), len(names)):
            if not missing or time.monotonic() > self.deadline:
                return
            os.makedirs(os.path.join(folder, str(index)), exist_ok=True)
            outcome = self.try_class(index, name)
            if any(inner in missing for inner in outcome.get("ran", ())):
                write(folder, index, "old", {**outcome, "host": name})
                self.place(missing, index, outcome)

    def place(self, missing: dict[str, int], host: int, outcome: dict[str, Any]) -> None:
        for name in [name for name in missing if name in outcome.get("ran", ())]:
            index = missing.pop(name)
            found = read(self.job["folder"], index, "old")
            write(self.job["folder"], index, "old", {**found, "inside": host})

    def candidates(self) -> list[str]:
        """Module classes that nobody asked for, last ones first: whole models stand at the end."""
        own = [
            name
            for name, value in vars(self.module).items()
            if inspect.isclass(value) and issubclass(value, nn.Module) and value.__module__ == self.module.__name__
        ]
        return [name for name in reversed(own) if name not in self.job["names"]]


class HostsAround(Hosts):
    """Classes that cannot be built alone, nor inside others of the file: look for them in models of other files."""

    def run(self) -> None:
        folder, names = self.job["folder"], self.job["names"]
        missing = {names[index]: index for index in self.job["indices"]}
        first = 1 + max(int(name) for name in os.listdir(folder) if name.isdigit())
        for index, (home, name) in enumerate(models_around(self.job, missing), first):
            if time.monotonic() > self.deadline:
                return
            os.makedirs(os.path.join(folder, str(index)))
            try:
                outcome = self.observe(index, recipe_around(home, name, self.module, self.job, missing))
            except NotBuiltError:
                continue
            if any(inner in missing for inner in outcome.get("ran", ())):
                write(folder, index, "old", {**outcome, "host": name})
                self.place(missing, index, outcome)
            if not missing:
                return


def task(job: Job, module: ModuleType, recipe: Recipe, folder: str) -> Task:
    return Task(module, recipe, job["seed"], folder, job["script"], job["expected"])


ROLES = {"search": Search, "hosts": Hosts, "around": HostsAround}


def describe_inputs(module: ModuleType, recipe: Recipe, seed: int) -> str:
    """The tensors of the first call, for people: ``2x3x32x32``."""
    seed_everything(seed)
    call = evaluate_call(recipe.inputs[0], names_of(module, recipe))
    return ", ".join("x".join(map(str, tensor.shape)) or "scalar" for tensor in tensors_in(call))
