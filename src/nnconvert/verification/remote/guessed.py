"""A stand-in for configuration objects of which no class is known."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from torch import nn

from .by_name import guess_by_name


class GuessedConfig:
    """A stand-in for a configuration object: its attributes are guessed from their names, unless they are given."""

    def __init__(self, **given: Any) -> None:
        vars(self).update(given)

    def __getattr__(self, name: str) -> Any:
        parameter = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        text = None if name.startswith("_") else guess_by_name(parameter, 32, 32, 0, {})
        if text is None:
            raise AttributeError(f"no value can be guessed for {name}")
        value = eval(text, {"nn": nn, "guessed_config": GuessedConfig})
        setattr(self, name, value)
        return value

    def __getitem__(self, name: str) -> Any:
        """As a dict: what has no known value is a section of its own."""
        try:
            return getattr(self, name)
        except AttributeError:
            section = GuessedConfig()
            setattr(self, name, section)
            return section

    def get(self, name: str, default: Any = None) -> Any:
        return getattr(self, name, default)

    def keys(self) -> Iterator[str]:
        """Of what is known so far: ``Part(**config)``."""
        return iter(list(vars(self)))
