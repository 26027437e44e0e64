"""One trace: forward and backward of one model in one mode, as a graph of ATen operators on fake tensors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental import proxy_tensor
from torch.fx.experimental.proxy_tensor import make_fx

from .canonical import Form, NotTracedError, Origin, canonical, plain_form
from .reach import executed_lines
from .recipe import Namespace, Recipe, evaluate_call, seed_everything
from .sizes import OPEN, Level, Sizes
from .state import Names
from .values import Container, leaves, map_tensors, put_into, tensors_in

Watch = Callable[[str, set[Any]], contextlib.AbstractContextManager[None]]
LAYOUTS = "_extract_tensor_metadata"
"""The name in torch.fx.experimental.proxy_tensor of what finds them out."""


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


class Trace:
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
            before = tensors_in((args, kwargs))
            prefixed = {f"model.{name}": tensor for name, tensor in state.items()}
            with self.watch(path, self.lines):
                output = torch.func.functional_call(probe, prefixed, (args, kwargs))
            given = self.tensors_of("output", output)
            # What forward does to its arguments, or leaves in them, is a result, too.
            given += self.tensors_of("after the call: argument", tensors_in((args, kwargs)))
            given += self.gradients((output, put_into((args, kwargs), before)), wanted)
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
