"""How to build one model and what to feed it: source text, so that two processes do exactly the same."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import torch

from .bunch import Bunch
from .configs import beside, shrunk
from .guessed import GuessedConfig

Namespace = dict[str, Any]
Call = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Recipe:
    """``construct`` is an expression; each of ``inputs`` is the text between the parentheses of a call."""

    source: str
    """Where it came from, for people: ``get_inputs()``."""
    setup: tuple[str, ...]
    """Statements that bind the names which the expressions use."""
    construct: str
    inputs: tuple[str, ...]
    input_gradients: bool = True
    """Whether forward accepts inputs that require a gradient."""
    guessed: bool = False
    """Whether the inputs were found by trying, not said anywhere."""
    home: str = ""
    """The module in whose names all this is written, where it is another one than that which is verified."""
    methods: tuple[tuple[str, str], ...] = ()
    """Other methods than forward that are called, too, each with the text of its arguments."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        return cls(
            data["source"],
            tuple(data["setup"]),
            data["construct"],
            tuple(data["inputs"]),
            data["input_gradients"],
            data["guessed"],
            data["home"],
            tuple((name, text) for name, text in data["methods"]),
        )


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's (if it is loaded) and torch's random numbers."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)
    torch.manual_seed(seed)


def wide(*shape: int) -> torch.Tensor:
    """Numbers in which thresholds and corners of activations show: mostly normal, some large, some exact."""
    values = torch.randn(shape)
    flat = values.view(-1)
    flat[::5] *= 10.0
    corners = torch.tensor([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 3.0, -3.0, 6.0, 25.0, -25.0])
    count = min(len(flat) // 4, len(corners))
    flat[1 : 1 + 3 * count : 3] = corners[:count]
    return values


def namespace_of(module_globals: Mapping[str, Any], setup: tuple[str, ...] = ()) -> Namespace:
    """The module's own names, with torch, nn, importlib and ``wide``, after the setup statements ran."""
    names: Namespace = {"torch": torch, "nn": torch.nn, "importlib": importlib, "wide": wide}
    names.update({"bunch": Bunch, "guessed_config": GuessedConfig, "shrunk": shrunk, "beside": beside})
    names.update(module_globals)
    for statement in setup:
        exec(compile(statement, "<setup>", "exec"), names)
    return names


def names_of(module: ModuleType, recipe: Recipe) -> Namespace:
    """The names in which a recipe found for ``module`` is written, after its setup statements ran."""
    home = importlib.import_module(recipe.home) if recipe.home else module
    return namespace_of(vars(home), recipe.setup)


def evaluate(text: str, names: Namespace) -> Any:
    return eval(compile(text, "<expression>", "eval"), names)


def evaluate_call(text: str, names: Namespace) -> Call:
    """Positional and keyword arguments that the text between a call's parentheses stands for."""

    def capture(*args: Any, **kwargs: Any) -> Call:
        return args, kwargs

    call: Call = evaluate(f"__capture__({text})", {**names, "__capture__": capture})
    return call
