"""Trace one version of a class: forward and backward as one graph of ATen operators, in train and in eval mode.

Nothing is computed: parameters, buffers and inputs are fake tensors, and inputs of the graph. So equal graphs do the
same for every weight and every input of the sizes that the guards admit.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.fx.experimental import proxy_tensor
from torch.fx.experimental.proxy_tensor import make_fx

from .calls import Call, watch_calls
from .canonical import Form, NotTracedError, Origin, canonical, plain_form
from .failure import words
from .observe import MODES
from .patience import TooSlowError, limited
from .reach import executed_lines
from .recipe import Namespace, Recipe, evaluate_call, seed_everything
from .running import Run, materialise, prepare, randomise
from .sizes import FIXED, OPEN, Level, Sizes
from .state import Names
from .steady import held_state, random_states
from .values import Container, leaves, map_tensors

Outcome = dict[str, Any]
Watch = Callable[[str, set[Any]], contextlib.AbstractContextManager[None]]
Ways = dict[str, set[Any]]
"""Mode -> the lines of the verified file that a run on real tensors executes (or finer steps, by ``Built.watch``)."""


TOO_LONG = "tracing takes too long"
REPEATED = 3 / 4
"""Of the operators of a trace, how many come again where it pays to keep what they give."""
OPENING = 2
"""Times as long as with fixed sizes that a trace with open ones takes at the least."""
LAYOUTS = "_extract_tensor_metadata"
"""The name in torch.fx.experimental.proxy_tensor of what finds them out."""
UNTRACED = "it cannot be traced"


@dataclass(frozen=True)
class Built:
    """A model to trace, and what the trace is held against."""

    model: nn.Module
    namespace: Namespace
    way: Callable[[], set[Any]]
    """The lines of the verified file that forward executes in the present mode, on tensors that are not fake."""
    watch: Watch = executed_lines
    """How the way is seen."""
    unknown: Origin = field(default_factory=dict)
    """Storages whose numbers are not known, by what they are called."""


def built_real(module: ModuleType, recipe: Recipe, seed: int, names: Names) -> Built:
    """With all its numbers, and run on them."""
    model, namespace = prepare(module, recipe, seed)
    materialise(model, namespace, recipe, seed)
    randomise(model, seed, names)

    def way() -> set[int]:
        lines: set[int] = set()
        run = Run(model, namespace, recipe, 0, seed)
        with executed_lines(str(module.__file__), lines):
            run.forward()
        return lines

    return Built(model, namespace, way)


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
        traced = _Trace(built, recipe, seed, names, level)
        drawn, held = random_states(), held_state(model, module)
        with watch_calls(str(module.__file__), calls, mode):
            outcome["graphs"][mode] = traced.run(str(module.__file__))
        _require_same_way(ways[mode], traced.lines)
        _require_steady(drawn, random_states(), held, held_state(model, module))
        outcome["guards"][mode] = traced.sizes.guards()
        outcome["conditions"] += traced.sizes.conditions()
        said.append(traced.sizes.words())
    outcome["words"] = said[0] if len(set(said)) == 1 else "; ".join(f"{m}: {s}" for (m, _), s in zip(MODES, said))  # noqa: B905 (Python 3.9)
    outcome["conditions"] = sorted(set(outcome["conditions"]))
    return outcome, model, calls


def _require_steady(
    drawn: dict[str, str], drawn_after: dict[str, str], held: dict[str, str], held_after: dict[str, str]
) -> None:
    """Raises NotTracedError where the next call could be another graph than this one."""
    for name, state in drawn_after.items():
        if drawn.get(name) != state:
            raise NotTracedError(f"forward uses {name} random numbers outside of the graph")
    if held != held_after:
        changed = next(path for path in {**held, **held_after} if held.get(path) != held_after.get(path))
        raise NotTracedError(f"forward changes what it holds ({changed.strip()})")


def _require_same_way(real: set[Any], traced: set[Any]) -> None:
    """Raises NotTracedError where code asks what kind of tensor it has, and does another thing with a fake one."""
    if real != traced:
        first = min(real ^ traced)
        line = first[0] if isinstance(first, tuple) else first
        raise NotTracedError(f"a run on real tensors takes another way through the code (line {line})")


class _Trace:
    """One mode of one model."""

    def __init__(self, built: Built, recipe: Recipe, seed: int, names: Names, level: Level) -> None:
        self.model = model = built.model
        self.unknown, self.watch = built.unknown, built.watch
        self.recipe = recipe
        self.sizes = Sizes(level)
        seed_everything(seed)
        self.args, self.kwargs = evaluate_call(recipe.inputs[0], built.namespace)
        seed_everything(seed + 1)
        self.parameters = _sorted(model.named_parameters(), names)
        self.buffers = _sorted(model.named_buffers(), names)
        self.names = names
        self.lines: set[Any] = set()
        """The lines of the verified file that forward executed."""
        self.shown: list[Form] = []
        """What is not a tensor of the output and of what else the graph gives, in order."""

    def run(self, path: str) -> Form:
        mode = self.sizes.mode()
        state = {**self.parameters, **self.buffers}
        origin = {**self.unknown, **_origin(state)}
        given = [tensor.detach().clone() for tensor in fed_tensors((self.args, self.kwargs))]
        fakes = _fakes(mode, state)
        inputs = [self.sizes.fake(mode, number, tensor) for number, tensor in enumerate(given)]
        names = [f"state {self.mapped(name)}" for name in state]
        names += [f"input {number}" for number in range(len(inputs))]
        with mode, self.sizes.dispatcher(), without_layouts():
            graph = make_fx(self.both_ways(path), tracing_mode="real")([*fakes, *inputs])
        own = {f"state {self.mapped(name)}" for name in state if self.names.is_own(name)}
        described = [[name, str(t.dtype), [str(size) for size in t.shape], [str(s) for s in t.stride()]]
                     for name, t in zip(names, [*fakes, *inputs])]  # noqa: B905 (Python 3.9)  # fmt: skip
        return {
            "inputs": sorted(form for form in described if form[0] not in own),
            "shown": self.shown,
            "steps": canonical(graph, names, origin, own),
        }

    def both_ways(self, path: str) -> Callable[[list[torch.Tensor]], list[torch.Tensor]]:
        """Forward, and the gradients of everything that can have one under arbitrary weights of the outputs."""

        def function(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
            pending = iter(tensors)
            wanted: list[tuple[str, torch.Tensor]] = []
            state = {name: self.leaf(name, next(pending), wanted) for name in self.parameters}
            state.update({name: next(pending) for name in self.buffers})
            args, kwargs = map_tensors((self.args, self.kwargs), lambda _: self.feed(next(pending), wanted))
            probe = _Probe(self.model)
            prefixed = {f"model.{name}": tensor for name, tensor in state.items()}
            with self.watch(path, self.lines):
                output = torch.func.functional_call(probe, prefixed, (args, kwargs))
            given = self.tensors_of("output", output)
            given += self.gradients(output, wanted)
            for name in state:
                if not self.names.is_own(name):
                    given += self.tensors_of(f"after the call: {self.mapped(name)}", probe.after[name])
            return given

        return function

    def mapped(self, name: str) -> str:
        return self.names.old(name)

    def leaf(self, name: str, tensor: torch.Tensor, wanted: list[tuple[str, torch.Tensor]]) -> torch.Tensor:
        parameter = self.parameters[name]
        leaf = tensor.detach().requires_grad_(parameter.requires_grad)
        leaf._is_param = True  # what isinstance(..., nn.Parameter) asks for
        if parameter.requires_grad:
            wanted.append((f"parameter {self.mapped(name)}", leaf))
        return leaf

    def feed(self, tensor: torch.Tensor, wanted: list[tuple[str, torch.Tensor]]) -> torch.Tensor:
        if not (self.recipe.input_gradients and tensor.is_floating_point()):
            return tensor
        source = tensor.detach().requires_grad_()
        wanted.append((f"input {sum(name.startswith('input') for name, _ in wanted)}", source))
        return source.clone()

    def tensors_of(self, name: str, value: object) -> list[torch.Tensor]:
        """The tensors of a value; what else it holds is noted."""
        found = []
        for path, leaf in leaves(value):
            if isinstance(leaf, torch.Tensor):
                found.append(leaf)
                self.shown.append([name + path, "tensor", leaf.requires_grad])
            elif isinstance(leaf, Container):
                self.shown.append([name + path, repr(leaf)])
            else:
                self.shown.append([name + path, plain_form(leaf)])
        return found

    def gradients(self, output: object, wanted: list[tuple[str, torch.Tensor]]) -> list[torch.Tensor]:
        tensors = [leaf for _, leaf in leaves(output) if isinstance(leaf, torch.Tensor)]
        roots = [tensor for tensor in tensors if tensor.requires_grad and tensor.is_floating_point()]
        if not roots or not wanted:
            self.shown.append(["gradients", None])
            return []
        weights = [torch.randn_like(tensor) for tensor in roots]
        found = torch.autograd.grad(roots, [leaf for _, leaf in wanted], weights, allow_unused=True)
        return [
            tensor
            for (name, _), gradient in zip(wanted, found)  # noqa: B905 (Python 3.9)
            for tensor in self.tensors_of(f"gradient of {name}", gradient)
        ]


class _Probe(nn.Module):  # type: ignore[misc]
    """Calls a model and keeps what its parameters and buffers are afterwards."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.after: dict[str, torch.Tensor] = {}

    def forward(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        output = self.model(*args, **kwargs)
        self.after = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        return output


def _origin(state: dict[str, torch.Tensor]) -> Origin:
    real = {n: t for n, t in state.items() if t.layout == torch.strided and not isinstance(t, FakeTensor)}
    return {t.untyped_storage().data_ptr(): name for name, t in real.items()}


def _fakes(mode: FakeTensorMode, state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """A fake of each; of what is fake already, by another mode, one of the same make."""
    storages = [t.untyped_storage()._cdata for t in state.values() if isinstance(t, FakeTensor)]
    if len(set(storages)) != len(storages):
        raise NotTracedError("parameters or buffers that share memory")
    with mode:
        return [
            torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=t.device)
            if isinstance(t, FakeTensor)
            else mode.from_tensor(t.detach(), static_shapes=True)
            for t in state.values()
        ]


def fed_tensors(value: Any) -> list[torch.Tensor]:
    """The tensors that map_tensors changes, in its order."""
    found: list[torch.Tensor] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    map_tensors(value, note)
    return found


def _sorted(named: Iterator[tuple[str, torch.Tensor]], names: Names) -> dict[str, Any]:
    """By the names they are compared under: two versions may register them in another order."""
    return dict(sorted(named, key=lambda pair: names.old(pair[0])))


@contextlib.contextmanager
def without_layouts() -> Iterator[None]:
    """Let make_fx not work out the memory format of every result, which nothing reads: with open sizes that is a
    good part of a trace."""
    before = getattr(proxy_tensor, LAYOUTS, None)
    if before is None:
        yield
        return
    setattr(proxy_tensor, LAYOUTS, lambda *_, **__: None)
    try:
        yield
    finally:
        setattr(proxy_tensor, LAYOUTS, before)


def warm_up() -> None:
    """What the first trace of a process loads and fills, once for all that are forked from it. No backward: the
    threads that this may start would not be there after a fork."""
    sizes = Sizes(OPEN[0])
    mode = sizes.mode()
    inputs = [sizes.fake(mode, number, torch.zeros(2, 3, 8, 8)) for number in range(2)]
    with mode, sizes.dispatcher():
        make_fx(lambda x, y: torch.relu(x @ y.transpose(2, 3)).flatten(1).sum(), tracing_mode="real")(*inputs)
