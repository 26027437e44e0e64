"""Build one version of a class by a recipe, give it numbers, and call it."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch
from torch import nn

from .recipe import Namespace, Recipe, evaluate, evaluate_call, names_of, seed_everything
from .state import OWN_NAMES, Names
from .values import map_tensors, put_into, tensors_in


def prepare(module: ModuleType, recipe: Recipe, seed: int) -> tuple[nn.Module, Namespace]:
    """Construct under a seed. Returns the model and the names that the recipe's inputs are evaluated in."""
    seed_everything(seed)
    names = names_of(module, recipe)
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


def randomise(model: nn.Module, seed: int, names: Names = OWN_NAMES) -> None:
    """Move all parameters and running statistics off their start: a fresh BatchNorm hides defects.

    The numbers go by the name in the old version, not by the order, which is another where parameters move.
    """

    def numbers(name: str) -> torch.Generator:
        return torch.Generator().manual_seed(seed + zlib.crc32(names.old(name).encode()))

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.is_floating_point() and not nn.parameter.is_lazy(parameter):
                fan_in = parameter[0].numel() if parameter.dim() > 1 and len(parameter) else 25
                noise = torch.randn(parameter.shape, generator=numbers(name)) * (0.5 / max(fan_in, 1) ** 0.5)
                parameter.nan_to_num_(0.0, float("inf"), float("-inf")).add_(noise.to(parameter))
        for name, buffer in model.named_buffers():
            if not buffer.is_floating_point() or nn.parameter.is_lazy(buffer):
                continue
            known_as = names.both(name)
            if any(known.endswith("running_mean") for known in known_as):
                buffer.add_(torch.randn(buffer.shape, generator=numbers(name)).to(buffer) * 0.1)
            elif any(known.endswith("running_var") for known in known_as):
                buffer.copy_(torch.rand(buffer.shape, generator=numbers(name)).to(buffer) + 0.5)
            elif torch.isnan(buffer).any():
                buffer.nan_to_num_(0.0, float("inf"), float("-inf"))


class Run:
    """One call of forward, or of another method, with its inputs, and backward through it."""

    def __init__(
        self, model: nn.Module, names: Namespace, recipe: Recipe, call: int, seed: int, method: str = ""
    ) -> None:
        self.model = model
        self.method = method
        self.seed = seed
        seed_everything(seed)
        args, kwargs = evaluate_call(recipe.inputs[call % len(recipe.inputs)], names)
        self.sources: list[torch.Tensor] = []
        self.track = recipe.input_gradients
        self.args, self.kwargs = map_tensors(args, self._feed), map_tensors(kwargs, self._feed)
        self.output: Any = None
        self.results: Any = None
        """The output, and what forward put into its arguments."""

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
        target = getattr(self.model, self.method) if self.method else self.model
        before = self.inputs
        self.output = target(*self.args, **self.kwargs)
        self.results = (self.output, put_into((self.args, self.kwargs), before))

    def backward(self, names: Names) -> list[tuple[str, torch.Tensor | None]] | None:
        """Gradients of every parameter and floating input under fixed random weights, if there are any."""
        roots = [t for t in tensors_in(self.results) if t.requires_grad and t.is_floating_point()]
        parameters = [(names.old(name), p) for name, p in self.model.named_parameters() if p.requires_grad]
        named = [(f"parameter {name}", p) for name, p in parameters]
        named += [(f"input {number}", source) for number, source in enumerate(self.sources)]
        if not roots or not named:
            return None
        generator = torch.Generator().manual_seed(self.seed)
        weights = [torch.randn(t.shape, generator=generator).to(t) for t in roots]
        found = torch.autograd.grad(roots, [t for _, t in named], weights, allow_unused=True)
        return [(name, gradient) for (name, _), gradient in zip(named, found)]  # noqa: B905 (Python 3.9)


def materialise(model: nn.Module, names: Namespace, recipe: Recipe, seed: int) -> None:
    """Let lazy modules find their shapes."""
    if any(nn.parameter.is_lazy(p) for p in model.parameters()):
        with torch.no_grad(), filled_memory():
            Run(model.eval(), names, recipe, 0, seed).forward()


def says_something(output: object) -> bool:
    floating = [t for t in tensors_in(output) if t.is_floating_point() and t.numel()]
    return not floating or not all(bool(torch.isnan(t).all()) for t in floating)
