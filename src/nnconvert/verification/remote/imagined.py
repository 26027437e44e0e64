"""Construct a model without its numbers: large tensors are fake, small constants of the constructor real."""

from __future__ import annotations

from collections.abc import Mapping
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
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from .recipe import Namespace, Recipe, evaluate, names_of, seed_everything
from .values import dense, raw_digest

SMALL = 4096
"""Numbers in a tensor up to which it may be a constant with a value."""
KNOWN = frozenset(("arange", "eye", "full", "linspace", "logspace", "ones", "scalar_tensor", "zeros"))
"""Operators whose result follows from their arguments, where no tensor is among these."""


class UnknownNumbersError(Exception):
    """The constructor needs numbers that are not there: the message says which."""


class Construction(TorchDispatchMode):  # type: ignore[misc]
    """Runs the operators of a constructor: on known numbers for real, on all others without computing anything.

    ``steps`` is what ran, in order, so that two versions can be seen to fill their tensors alike.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fake = FakeTensorMode(allow_non_fake_inputs=True)
        self.steps: list[str] = []
        self.unknown: list[torch.UntypedStorage] = []
        """Storages of real tensors that were filled with numbers nobody knows."""
        self._numbers: dict[int, int] = {}
        self._kept: list[torch.Tensor] = []
        """What has a number stays, so that no address is used twice."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        given = dict(kwargs or {})
        step = f"{func} {tree_map(self._text, (args, given))}"
        result = self._run(func, args, given)
        self.steps.append(f"{step} -> {tree_map(self._number, result)}")
        return result

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        known = all(map(self.is_known, tensors)) and torch.Tag.nondeterministic_seeded not in func.tags
        if not tensors:
            known = known and str(func).split(".")[1] in KNOWN
        try:
            with self.fake:
                result = func(*args, **kwargs)
        except (DataDependentOutputException, DynamicOutputShapeException):
            if not known:
                raise
            return func(*args, **kwargs)
        if known and all(r.numel() <= SMALL for r in tree_leaves(result) if isinstance(r, torch.Tensor)):
            return func(*args, **kwargs)
        return self._forget(func, args, tensors, result)

    def _forget(self, func: Any, args: tuple[Any, ...], tensors: list[torch.Tensor], result: Any) -> Any:
        """The result of what was not computed; a real tensor that it should have changed is known no more."""
        if not func._schema.is_mutable or all(isinstance(tensor, FakeTensor) for tensor in tensors):
            return result
        changed = args[0] if args else None
        if not (func._schema.name.endswith("_") and isinstance(changed, torch.Tensor)):
            raise UnknownNumbersError(f"{func} writes what is not known")
        if isinstance(changed, FakeTensor):
            return result
        self.unknown.append(changed.untyped_storage())
        return changed

    def is_known(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor holds the numbers that it would hold in a real run."""
        if isinstance(tensor, FakeTensor) or tensor.is_meta:
            return False
        storage = tensor.untyped_storage()._cdata
        return all(storage != unknown._cdata for unknown in self.unknown)

    def _text(self, value: Any) -> str:
        if not isinstance(value, torch.Tensor):
            return f"{type(value).__name__} {value!r}"
        if id(value) not in self._numbers and not isinstance(value, FakeTensor):
            with torch.utils._python_dispatch._disable_current_modes():
                return f"{value.dtype} {list(value.shape)} {raw_digest(dense(value))}"
        return self._number(value)

    def _number(self, value: Any) -> str:
        if not isinstance(value, torch.Tensor):
            return repr(value)
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._kept)
            self._kept.append(value)
        return f"tensor {self._numbers[id(value)]} {value.dtype} {list(value.shape)}"

    def state(self, model: nn.Module) -> list[str]:
        """Which of the tensors each parameter and buffer is."""
        named = [*model.named_parameters(), *model.named_buffers()]
        return [f"{name} is {self._number(tensor)}, {tensor.requires_grad}" for name, tensor in named]


def construct(module: ModuleType, recipe: Recipe, seed: int) -> tuple[nn.Module, Namespace, Construction]:
    """As ``prepare``, without allocating what is large. Raises what the constructor raises, for want of numbers too."""
    construction = Construction()
    seed_everything(seed)
    names = names_of(module, recipe)
    seed_everything(seed)
    with construction:
        model = evaluate(recipe.construct, names)
    if not isinstance(model, nn.Module):
        raise TypeError(f"{recipe.construct} gives a {type(model).__name__}, not a module")
    if any(nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
        raise UnknownNumbersError("the shapes of lazy modules are not known")
    return model, names, construction


def size_of(model: nn.Module) -> int:
    """Bytes of all parameters and buffers."""
    return sum(t.numel() * t.element_size() for t in [*model.parameters(), *model.buffers()])
