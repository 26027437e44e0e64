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
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .calls import Call, watch_calls
from .recipe import Namespace, Recipe, evaluate, evaluate_call, namespace_of, seed_everything
from .values import Recorder, leaves, map_tensors, tensors_in

MODES = (("train", True), ("eval", False))
CALLS = 2
COPY_LIMIT = 1 << 30
"""Bytes of parameters and buffers up to which copies and pickles of a model are tried."""


class NothingSeenError(Exception):
    """The run worked, but what came out proves nothing: the message says why."""


class StateMismatchError(Exception):
    """The new version does not accept the old version's state."""


def prepare(module: ModuleType, recipe: Recipe, seed: int) -> tuple[nn.Module, Namespace]:
    """Construct under a seed. Returns the model and the names that the recipe's inputs are evaluated in."""
    seed_everything(seed)
    names = namespace_of(vars(module), recipe.setup)
    seed_everything(seed)
    with filled_memory():
        model = evaluate(recipe.construct, names)
    if not isinstance(model, nn.Module):
        raise TypeError(f"{recipe.construct} gives a {type(model).__name__}, not a module")
    return model, names


@contextlib.contextmanager
def filled_memory() -> Iterator[None]:
    """Let torch.empty give NaN rather than old memory: many constructors leave the values to someone else."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def randomise(model: nn.Module, seed: int) -> None:
    """Move all parameters and running statistics off their start: a fresh BatchNorm hides defects."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.is_floating_point() and not nn.parameter.is_lazy(parameter):
                fan_in = parameter[0].numel() if parameter.dim() > 1 and len(parameter) else 25
                noise = torch.randn(parameter.shape, generator=generator) * (0.5 / max(fan_in, 1) ** 0.5)
                parameter.nan_to_num_(0.0, float("inf"), float("-inf")).add_(noise.to(parameter))
        for name, buffer in model.named_buffers():
            if not buffer.is_floating_point() or nn.parameter.is_lazy(buffer):
                continue
            if name.endswith("running_mean"):
                buffer.add_(torch.randn(buffer.shape, generator=generator).to(buffer) * 0.1)
            elif name.endswith("running_var"):
                buffer.copy_(torch.rand(buffer.shape, generator=generator).to(buffer) + 0.5)
            elif torch.isnan(buffer).any():
                buffer.nan_to_num_(0.0, float("inf"), float("-inf"))


class Run:
    """One call of forward, with its inputs, and backward through it."""

    def __init__(self, model: nn.Module, names: Namespace, recipe: Recipe, call: int, seed: int) -> None:
        self.model = model
        self.seed = seed
        seed_everything(seed)
        args, kwargs = evaluate_call(recipe.inputs[call % len(recipe.inputs)], names)
        self.sources: list[torch.Tensor] = []
        self.track = recipe.input_gradients
        self.args, self.kwargs = map_tensors(args, self._feed), map_tensors(kwargs, self._feed)
        self.output: Any = None

    def _feed(self, tensor: torch.Tensor) -> torch.Tensor:
        if not (self.track and tensor.is_floating_point()):
            return tensor
        source = tensor.detach().requires_grad_()
        self.sources.append(source)
        # Not the leaf itself: operations in place are allowed on what a network computed, never on leaves.
        return source.clone()

    @property
    def inputs(self) -> list[torch.Tensor]:
        return tensors_in((self.args, self.kwargs))

    def forward(self) -> None:
        seed_everything(self.seed + 1)
        self.output = self.model(*self.args, **self.kwargs)

    def backward(self) -> list[tuple[str, torch.Tensor | None]] | None:
        """Gradients of every parameter and floating input under fixed random weights, if there are any."""
        roots = [t for t in tensors_in(self.output) if t.requires_grad and t.is_floating_point()]
        named = [(f"parameter {name}", p) for name, p in self.model.named_parameters() if p.requires_grad]
        named += [(f"input {number}", source) for number, source in enumerate(self.sources)]
        if not roots or not named:
            return None
        generator = torch.Generator().manual_seed(self.seed)
        weights = [torch.randn(t.shape, generator=generator).to(t) for t in roots]
        found = torch.autograd.grad(roots, [t for _, t in named], weights, allow_unused=True)
        return [(name, gradient) for (name, _), gradient in zip(named, found)]  # noqa: B905 (Python 3.9)


def observe(
    module: ModuleType, recipe: Recipe, seed: int, folder: str, load: bool, script: bool
) -> tuple[nn.Module, set[Call]]:
    """Build, run and record into ``folder``; the old version leaves its state there, the new one loads it.

    Returns the model and the calls of modules that were seen. Raises what the user's code raises,
    StateMismatchError, and NothingSeenError.
    """
    recorder = Recorder()
    model, names = prepare(module, recipe, seed)
    record_random_state(recorder, "construction")
    materialise(model, names, recipe, seed)
    record_structure(recorder, model)
    randomise(model, seed)
    state = os.path.join(os.path.dirname(folder), "state.pt")
    exchange_state(model, state, load)
    calls: set[Call] = set()
    with watch_calls(str(module.__file__), calls):
        useful = [
            record_call(recorder, f"{mode}, call {call + 1}", Run(model.train(training), names, recipe, call, seed))
            for mode, training in MODES
            for call in range(CALLS)
        ]
    if not all(useful):
        raise NothingSeenError("every number of an output is NaN")
    record_copies(recorder, model, script)
    recorder.save(folder)
    return model, calls


def materialise(model: nn.Module, names: Namespace, recipe: Recipe, seed: int) -> None:
    """Let lazy modules find their shapes."""
    if any(nn.parameter.is_lazy(p) for p in model.parameters()):
        with torch.no_grad(), filled_memory():
            Run(model.eval(), names, recipe, 0, seed).forward()


def exchange_state(model: nn.Module, path: str, load: bool) -> None:
    if not load:
        torch.save(model.state_dict(), path)
        return
    try:
        model.load_state_dict(torch.load(path, weights_only=True), strict=True)
    except RuntimeError as error:
        raise StateMismatchError(" ".join(str(error).split())) from error


def record_structure(recorder: Recorder, model: nn.Module) -> None:
    """Names, order, and initial values of all state."""
    state = model.state_dict()
    recorder.text("state_dict keys", list(state))
    recorder.text("order of named_parameters", [(n, p.requires_grad) for n, p in model.named_parameters()])
    recorder.text("named_buffers", [name for name, _ in model.named_buffers()])
    for name, value in state.items():
        recorder.value(f"initial value of {name}", value)


def record_call(recorder: Recorder, when: str, run: Run) -> bool:
    """Record one call; False when its output says nothing because all of its numbers are NaN."""
    run.forward()
    record_random_state(recorder, when)
    recorder.value(f"{when}: output", run.output)
    useful = says_something(run.output)
    record_aliases(recorder, when, run)
    for number, tensor in enumerate(run.inputs):
        recorder.tensor(f"{when}: input {number} after the call", tensor)
    record_gradients(recorder, when, run)
    for name, buffer in run.model.named_buffers():
        recorder.tensor(f"{when}: buffer {name} after the call", buffer)
    for name, parameter in run.model.named_parameters():
        recorder.tensor(f"{when}: parameter {name} after the call", parameter)
    return useful


def says_something(output: object) -> bool:
    floating = [t for t in tensors_in(output) if t.is_floating_point() and t.numel()]
    return not floating or not all(bool(torch.isnan(t).all()) for t in floating)


def record_gradients(recorder: Recorder, when: str, run: Run) -> None:
    try:
        gradients = run.backward()
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
        state = repr([part.tolist() if hasattr(part, "tolist") else part for part in _numpy_state()])
        recorder.text(f"{when}: state of NumPy's random numbers", _digest(state.encode()))
    recorder.tensor(f"{when}: state of torch's random numbers", torch.get_rng_state())


def _numpy_state() -> tuple[Any, ...]:
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
