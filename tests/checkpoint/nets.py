"""Two versions of one model by hand, their state map, and what makes two checkpoints equal."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn as nn
from torch.nn import functional

torch.set_num_threads(1)  # the tests run in several processes already


class OldConv(nn.Module):
    """Raw parameters, which come before those of submodules."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.weight = nn.Parameter(torch.randn(channels, channels, 3, 3) / 5)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(self.norm(x), self.weight, self.bias, padding=1)


class NewConv(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(self.norm(x))


class Net(nn.Module):
    """The same around either of them."""

    def __init__(self, conv: Callable[[int], nn.Module], depth: int = 2) -> None:
        super().__init__()
        self.head = nn.Linear(3, 2)
        self.body = nn.Sequential(*(conv(3) for _ in range(depth)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.body(x)).mean((2, 3)))


def old_net(depth: int = 2) -> Net:
    torch.manual_seed(depth)
    return Net(OldConv, depth)


def new_net(depth: int = 2) -> Net:
    return Net(NewConv, depth)


def net_keys(depth: int = 2) -> dict[str, str]:
    """The keys that move from ``old_net`` to ``new_net``."""
    return {f"body.{i}.{name}": f"body.{i}.conv.{name}" for i in range(depth) for name in ("weight", "bias")}


def names(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_parameters()]


def net_order(depth: int = 2) -> list[list[str]]:
    return [names(old_net(depth)), names(new_net(depth))]


def write_map(
    path: Path,
    keys: dict[str, str] | None = None,
    order: list[list[str]] | None = None,
    name: str = "nets:Net",
    **more: Any,
) -> Path:
    """A state map of one model; without ``keys``, the one of the two versions above."""
    model: dict[str, Any] = {"keys": net_keys() if keys is None else keys, **more}
    if keys is None or order is not None:
        model["order"] = order or net_order()
    path.write_text(json.dumps({"version": 1, "models": {name: model}}))
    return path


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int, start: int = 0) -> None:
    for step in range(start, start + steps):
        torch.manual_seed(100 + step)
        optimizer.zero_grad()
        model(torch.randn(2, 3, 5, 5)).square().sum().backward()
        optimizer.step()


def load(path: Path, *, weights_only: bool = True) -> Any:
    return torch.load(path, weights_only=weights_only)


def described(value: object) -> object:
    """Something that is equal for equal checkpoints only: types, order, attributes, bits, views and sharing."""
    storages: dict[int, int] = {}
    objects: dict[int, int] = {}
    kept: list[object] = []

    def number(known: dict[int, int], key: int) -> int:
        return known.setdefault(key, len(known))

    def describe(value: object) -> object:
        kept.append(value)  # alive, so that no address comes twice
        if isinstance(value, torch.Tensor):
            return number(objects, id(value)), _tensor(value, lambda key: number(storages, key))
        if isinstance(value, dict):
            entries = [(describe(key), describe(item)) for key, item in value.items()]
            attributes = describe(vars(value)) if isinstance(value, OrderedDict) else None
            return type(value), number(objects, id(value)), entries, attributes
        if isinstance(value, list | tuple):
            return type(value), [describe(item) for item in value]
        return type(value), value

    return describe(value)


def _tensor(value: torch.Tensor, number: Callable[[int], int]) -> object:
    if value.layout is not torch.strided:
        value = value.coalesce()
        return [_tensor(part, number) for part in (value.indices(), value.values())], tuple(value.shape)
    storage = value.untyped_storage()
    shape = (value.dtype, tuple(value.shape), value.stride(), value.storage_offset(), value.requires_grad)
    return type(value), shape, number(storage._cdata), bytes(storage), value.is_conj()


def tensors(value: Any) -> Iterator[torch.Tensor]:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, torch.Tensor):
            yield item
        elif isinstance(item, dict | list | tuple):
            yield from tensors(item)
