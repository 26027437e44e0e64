"""How many dimensions the input of a normalisation has, seen in runs: its call does not say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from .recipe import Recipe, evaluate_call
from .running import Run, materialise, prepare, randomise
from .values import map_tensors

Seen = set[tuple[int, int]]
"""Line of the verified file, and how many dimensions the input of a call that stands there had."""

NORMALISATIONS = {functional.batch_norm: "batch_norm", functional.instance_norm: "instance_norm"}
RANKS = range(2, 6)
WIDTH = 4


class _Note(TorchFunctionMode):  # type: ignore[misc]
    """Notes the calls of normalisations that stand in one file."""

    def __init__(self, path: str, seen: Seen) -> None:
        super().__init__()
        self.path = path
        self.seen = seen

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in NORMALISATIONS:
            caller = _caller(func)
            tensor = args[0] if args else kwargs["input"]
            if caller is not None and caller.f_code.co_filename == self.path:
                self.seen.add((caller.f_lineno, tensor.dim()))
        return func(*args, **kwargs)


def _caller(function: Any) -> FrameType | None:
    """The frame that called a function of torch which is running."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame.f_back if frame is not None else None


def seen_ranks(module: ModuleType, recipe: Recipe, seed: int, vary: bool) -> Seen:
    """What a run of the model shows; with ``vary`` also what inputs of other ranks show that it accepts as well."""
    model, names = prepare(module, recipe, seed)
    materialise(model, names, recipe, seed)
    randomise(model, seed)
    path, seen = str(module.__file__), Seen()
    for training in (False, True):
        for call in range(len(recipe.inputs)):
            with _Note(path, seen):
                Run(model.train(training), names, recipe, call, seed).forward()
    if vary:
        for shape in _other_shapes(evaluate_call(recipe.inputs[0], names)):
            seen |= _accepted(model, evaluate_call(recipe.inputs[0], names), shape, path)
    return seen


def _first(call: Any) -> torch.Tensor | None:
    """The tensor whose rank is varied: the first that holds floating-point numbers."""
    found: list[torch.Tensor] = []
    map_tensors(call, lambda tensor: found.append(tensor) or tensor)  # type: ignore[func-returns-value]
    return next((tensor for tensor in found if tensor.is_floating_point()), None)


def _other_shapes(call: Any) -> Iterator[tuple[int, ...]]:
    """Shapes of other ranks, with the features second and with the features last."""
    tensor = _first(call)
    if tensor is None or tensor.dim() < 2:
        return
    shape = tuple(tensor.shape)
    for rank in RANKS:
        if rank != len(shape):
            width = shape[-1] if len(shape) > 2 else WIDTH
            yield from dict.fromkeys(
                [(*shape[:2], *[width] * (rank - 2)), (shape[0], *[width] * (rank - 2), shape[-1])]
            )


def _accepted(model: nn.Module, call: Any, shape: tuple[int, ...], path: str) -> Seen:
    """What a run with this shape shows, if it comes to its end."""
    seen = Seen()
    first = _first(call)
    args, kwargs = map_tensors(call, lambda t: torch.randn(shape).to(t) if t is first else t)
    try:
        with torch.no_grad(), _Note(path, seen):
            model.eval()(*args, **kwargs)
    except Exception:  # of whatever kind: the model does not take this rank
        return Seen()
    return seen
