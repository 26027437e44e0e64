"""Tensors under names: what many datasets hand to a model instead of a tensor."""

from __future__ import annotations

from typing import Any


class Bunch(dict):  # type: ignore[type-arg]
    """A dictionary whose items are its attributes, too: ``data.x``, ``data["x"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"'Bunch' object has no attribute '{name}'") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value
