"""Fake inputs, some of their sizes left open, and in words for which sizes a graph holds."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._dynamo.source import ConstantSource
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext


@dataclass(frozen=True)
class Level:
    """Which sizes of the inputs are left open."""

    name: str
    batch: bool
    spatial: bool
    remembers: bool = True
    """Whether what an operator gives is kept for when it comes again, which costs more than it saves where few do."""


FIXED = Level("these sizes", False, False)
OPEN = (
    Level("any batch size, any spatial size", True, True),
    Level("any batch size", True, False),
)
"""What is tried once the fixed sizes are traced, the first that works."""


@dataclass
class Sizes:
    """The open sizes of one trace: what each symbol stands for."""

    level: Level
    env: ShapeEnv | None = None
    symbols: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Symbol -> number of the input and of its dimension."""

    def mode(self) -> FakeTensorMode:
        if self.level.batch:
            # Equal sizes are not taken for one, and what depends on values ends the trace.
            self.env = ShapeEnv(duck_shape=False, allow_scalar_outputs=False, allow_dynamic_output_shape_ops=False)
        mode = FakeTensorMode(shape_env=self.env, allow_non_fake_inputs=True)
        mode.cache_enabled = mode.cache_enabled and self.level.remembers
        return mode

    def dispatcher(self) -> contextlib.AbstractContextManager[None]:
        """What lets operators made of others keep sizes open; without it they turn them into numbers."""
        return enable_python_dispatcher() if self.level.batch else contextlib.nullcontext()

    def fake(self, mode: FakeTensorMode, number: int, tensor: torch.Tensor) -> torch.Tensor:
        """A fake of one input."""
        if self.env is None or not tensor.dim():
            return mode.from_tensor(tensor, static_shapes=True)
        opened = {0, *(range(2, tensor.dim()) if self.level.spatial else ())}
        policy = [DimDynamic.DYNAMIC if d in opened else DimDynamic.STATIC for d in range(tensor.dim())]
        # The symbols are named after the source; by default that counts the tensors, and one version may have more.
        context, source = StatelessSymbolicContext(dynamic_sizes=policy), ConstantSource(f"input_{number}")
        fake = mode.from_tensor(tensor, symbolic_context=context, source=source)
        for dimension, size in enumerate(fake.shape):
            if isinstance(size, torch.SymInt):
                self.symbols.setdefault(str(size.node.expr), (number, dimension))
        return fake

    def guards(self) -> list[str]:
        """Everything that was asked of the sizes while tracing."""
        if self.env is None:
            return []
        fixed = [f"{symbol} = {value}" for symbol, value in self.env.replacements.items()]
        ranges = [f"{symbol} in {self._range(symbol)}" for symbol in self._open()]
        return sorted(map(self._with_names, {*(str(guard.expr) for guard in self.env.guards), *fixed, *ranges}))

    def conditions(self) -> list[str]:
        """The guards in words a person can read, those left out that only say the least and the most of one size."""
        found = []
        for guard in self.env.guards if self.env is not None else ():
            plain = len(guard.expr.args) == 2 and all(side.is_Symbol or side.is_Number for side in guard.expr.args)
            if plain and getattr(guard.expr, "rel_op", "!=") != "!=":
                continue
            found.append(self._with_names(str(guard.expr)))
        return sorted(set(found))

    def _with_names(self, expression: str) -> str:
        return re.sub(r"\bs\d+\b", lambda m: self._named(m[0]) if m[0] in self.symbols else m[0], expression)

    def words(self) -> str:
        """``any batch size from 2 to 15``; ``these sizes only`` where none stayed open."""
        opened = self._open()
        batches = [symbol for symbol in opened if self.symbols[symbol][1] == 0]
        others = [symbol for symbol in opened if self.symbols[symbol][1] != 0]
        parts = [f"any {self._named(symbol)} size {self._range(symbol)}" for symbol in batches]
        if others:
            dimensions = list(dict.fromkeys(str(self.symbols[symbol][1]) for symbol in others))
            parts.append(f"any size of dimension{'s' if len(dimensions) > 1 else ''} {' and '.join(dimensions)}")
        if not parts:
            return "these sizes only"
        return ", ".join(parts)

    def _open(self) -> list[str]:
        """The symbols that no guard has fixed to a number or to another symbol."""
        fixed = {str(symbol) for symbol in self.env.replacements} if self.env is not None else set()
        return [symbol for symbol in self.symbols if symbol not in fixed]

    def _named(self, symbol: str) -> str:
        number, dimension = self.symbols[symbol]
        name = "batch" if dimension == 0 else f"size of dimension {dimension}"
        first = next(n for n, d in self.symbols.values() if d == dimension)
        return name if number == first else f"{name} of input {number}"

    def _range(self, symbol: str) -> str:
        known: dict[Any, Any] = self.env.var_to_range if self.env is not None else {}
        bounds = next(bounds for key, bounds in known.items() if str(key) == symbol)
        upper = str(bounds.upper)
        return f"from {bounds.lower} to {upper}" if upper.isdigit() else f"from {bounds.lower} on"
