"""Run one version of a class by a recipe and record everything that a caller could see of it."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import os
import pickle
import random
import sys
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .calls import Call, watch_calls
from .planned import Expected
from .recipe import Recipe
from .running import Run, materialise, prepare, randomise, says_something
from .state import NOTHING_MOVES, Moves, Names, load_moved, load_unmoved, whole_keys
from .values import Recorder, leaves

MODES = (("train", True), ("eval", False))
CALLS = 2
COPY_LIMIT = 1 << 30
"""Bytes of parameters and buffers up to which copies and pickles of a model are tried."""


class NothingSeenError(Exception):
    """The run worked, but what came out proves nothing: the message says why."""


@dataclass(frozen=True)
class Seen:
    """What one version left behind, beside the records."""

    model: nn.Module
    calls: set[Call]
    """The calls of modules."""
    moves: Moves
    keys: list[str]
    """The keys of its state_dict, and ..."""
    order: list[str]
    """... the names of all parameters, as named_parameters() gives them."""
    lost: list[str]
    """What an old state_dict, loaded as it is, does not bring, one line each."""


@dataclass(frozen=True)
class Task:
    """What is to be run, and where the records go."""

    module: ModuleType
    recipe: Recipe
    seed: int
    folder: str
    script: bool
    expected: list[Expected]

    @property
    def state(self) -> str:
        """The file in which the first run of the old version leaves its state."""
        return os.path.join(os.path.dirname(self.folder), "state.pt")


def observe(task: Task, moves: Moves | None = None, new: bool = False) -> Seen:
    """Build, run and record; the first run, for which ``moves`` are to be found out, leaves its state for the others.

    Raises what the user's code raises, StateMismatchError, and NothingSeenError.
    """
    recorder, recipe, seed = Recorder(), task.recipe, task.seed
    model, namespace = prepare(task.module, recipe, seed)
    record_random_state(recorder, "construction")
    materialise(model, namespace, recipe, seed)
    first = moves is None
    moves = whole_keys(model, task.expected, task.module) if moves is None else moves
    names = Names(moves, new)
    record_structure(recorder, model, names)
    keys, order = list(model.state_dict()), [name for name, _ in model.named_parameters()]
    randomise(model, seed, names)
    lost = exchange_state(model, task.state, None if first else moves if new else NOTHING_MOVES)
    calls: set[Call] = set()
    useful = []
    for mode, training in MODES:
        for call in range(CALLS):
            run = Run(model.train(training), namespace, recipe, call, seed)
            with watch_calls(str(task.module.__file__), calls, mode):
                run.forward()
            useful.append(record_call(recorder, f"{mode}, call {call + 1}", run, names))
    for method, text in recipe.methods:
        for mode, training in MODES:
            run = Run(model.train(training), namespace, replace(recipe, inputs=(text,)), 0, seed, method)
            with watch_calls(str(task.module.__file__), calls, mode):
                run.forward()
            record_call(recorder, f"{mode}, {method}()", run, names)
    if not all(useful):
        raise NothingSeenError("every number of an output is NaN")
    record_copies(recorder, model, task.script)
    recorder.save(task.folder)
    return Seen(model, calls, moves, keys, order, lost)


def exchange_state(model: nn.Module, path: str, moves: Moves | None) -> list[str]:
    """Leave the state there, or load it with its keys moved; what an old state_dict should bring, and does not."""
    if moves is None:
        torch.save(model.state_dict(), path)
        return []
    state = torch.load(path, weights_only=True)
    lost = load_unmoved(model, state, moves) if moves.loads_old else []
    load_moved(model, state, moves)
    return lost


def record_structure(recorder: Recorder, model: nn.Module, names: Names) -> None:
    """Names, order, and initial values of all state; where keys are planned to move, the order of those that stay."""
    state = model.state_dict()
    parameters, buffers = dict(model.named_parameters()), [name for name, _ in model.named_buffers()]
    recorder.text("state_dict keys", names.shared(state))
    needs = {names.old(name): parameter.requires_grad for name, parameter in parameters.items()}
    recorder.text("order of named_parameters", [(name, needs[name]) for name in names.settled(parameters)])
    recorder.text("named_buffers", names.shared(buffers))
    if names.change:
        recorder.text("order of the state_dict keys that stay", names.staying(state))
        recorder.text("order of the parameters that stay", names.staying(parameters))
        recorder.text("order of the buffers that stay", names.staying(buffers))
    for name, value in state.items():
        if not names.is_own(name):
            recorder.value(f"initial value of {names.old(name)}", value)


def record_call(recorder: Recorder, when: str, run: Run, names: Names) -> bool:
    """Record one call that was made; False when its output says nothing because all of its numbers are NaN."""
    record_random_state(recorder, when)
    recorder.value(f"{when}: output", run.output)
    useful = says_something(run.results)
    record_aliases(recorder, when, run)
    for number, tensor in enumerate(run.inputs):
        recorder.tensor(f"{when}: input {number} after the call", tensor)
    record_gradients(recorder, when, run, names)
    for name, buffer in run.model.named_buffers():
        if not names.is_own(name):
            recorder.tensor(f"{when}: buffer {names.old(name)} after the call", buffer)
    for name, parameter in run.model.named_parameters():
        recorder.tensor(f"{when}: parameter {names.old(name)} after the call", parameter)
    return useful


def record_gradients(recorder: Recorder, when: str, run: Run, names: Names) -> None:
    try:
        gradients = run.backward(names)
    except (RuntimeError, NotImplementedError) as error:
        # Some models have no backward (an operation in place on what it needs): then neither may.
        recorder.text(f"{when}: backward raises", type(error).__name__)
        return
    if gradients is None:
        recorder.text(f"{when}: gradients", None)
        return
    for name, gradient in gradients:
        recorder.value(f"{when}: gradient of {name}", gradient)
    record_random_state(recorder, f"{when}, backward")


def record_aliases(recorder: Recorder, when: str, run: Run) -> None:
    """Which outputs share memory with which inputs and with each other, sorted by name."""
    named = [(f"input {number}", tensor) for number, tensor in enumerate(run.inputs)]
    named += [(f"output{path}", t) for path, t in leaves(run.output) if isinstance(t, torch.Tensor)]
    owners: dict[int, list[str]] = {}
    for name, tensor in named:
        if tensor.layout == torch.strided and tensor.untyped_storage().nbytes():
            owners.setdefault(tensor.untyped_storage().data_ptr(), []).append(name)
    recorder.text(f"{when}: tensors that share memory", sorted(o for o in owners.values() if len(o) > 1))


def record_random_state(recorder: Recorder, when: str) -> None:
    recorder.text(f"{when}: state of Python's random numbers", _digest(repr(random.getstate()).encode()))
    if "numpy" in sys.modules:
        state = repr([part.tolist() if hasattr(part, "tolist") else part for part in numpy_state()])
        recorder.text(f"{when}: state of NumPy's random numbers", _digest(state.encode()))
    recorder.tensor(f"{when}: state of torch's random numbers", torch.get_rng_state())


def numpy_state() -> tuple[Any, ...]:
    state: tuple[Any, ...] = sys.modules["numpy"].random.get_state()
    return state


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def record_copies(recorder: Recorder, model: nn.Module, script: bool) -> None:
    """Whether deepcopy, pickle and (where the file itself scripts) torch.jit.script work."""
    size = sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()])
    model.zero_grad(set_to_none=True)
    if size <= COPY_LIMIT:
        recorder.text("works: deepcopy", _works(lambda: copy.deepcopy(model)))
        recorder.text("works: pickle", _works(lambda: pickle.loads(pickle.dumps(model))))
    if script:
        recorder.text("works: torch.jit.script", _works(lambda: torch.jit.script(model)))


def _works(action: Any) -> bool:
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            action()
        except Exception:  # any failure of a user's class counts; whether the other version fails too is compared
            return False
    return True
