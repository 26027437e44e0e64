"""That a call leaves everything as it was which the next one could read.

All modules beside the model's are looked at. Where a project has too many, those are whose code the call runs and those
that this code names: no other can be changed by it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any

from torch import nn

from .canonical import NotTracedError
from .reach import executed_code
from .steady import TooMuchHeldError, held_state, homes, own_modules, random_states

_IMPORTING = frozenset({"import_module", "__import__"})
"""What reaches modules that the code does not name."""


class Held:
    """What the model and the modules beside it hold, and the random numbers that no graph shows, before a call."""

    def __init__(self, model: nn.Module, module: ModuleType, call: Callable[[], Any]) -> None:
        """``call`` does what the call will do; it is only made to see which code runs, where there is too much.

        Raises NotTracedError where even that is too much to look at.
        """
        self.model = model
        self.module = module
        self.only: frozenset[str] | None = None
        self.code: dict[int, tuple[CodeType, str]] = {}
        try:
            self.before = held_state(model, module)
        except TooMuchHeldError:
            with executed_code(self.code):
                call()
            self.only = _named(self.code)
            self.before = held_state(model, module, self.only)
        self.drawn = random_states()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Around the call."""
        with executed_code(self.code) if self.only is not None else contextlib.nullcontext():
            yield

    def require_steady(self) -> None:
        """Raises NotTracedError where the next call could be another graph than this one."""
        for name, state in random_states().items():
            if self.drawn.get(name) != state:
                raise NotTracedError(f"forward uses {name} random numbers outside of the graph")
        if self.only is not None and not _named(self.code) <= self.only:
            raise NotTracedError("forward runs code of more modules than were watched")
        after = held_state(self.model, self.module, self.only)
        if self.before != after:
            paths = {**self.before, **after}
            changed = next(path for path in paths if self.before.get(path) != after.get(path))
            raise NotTracedError(f"forward changes what it holds ({changed.strip()})")


def _named(code: dict[int, tuple[CodeType, str]]) -> frozenset[str]:
    """The modules whose code this is, and those that it names, by themselves or by what of them stands in others."""
    words = {word for each, _ in code.values() for name in _names_in(each) for word in name.split(".")}
    if words & _IMPORTING:
        raise NotTracedError("the model and its modules hold more values than can be watched")
    own = own_modules()
    names = {module.__name__: name for name, module in own.items()}
    found = {name for _, name in code.values()} | {name for name in own if name.rpartition(".")[2] in words}
    new = set(found)
    while new:
        values = [value for n in new & own.keys() for word, value in vars(own[n]).items() if word in words]
        new = {names[home] for value in values for home in homes(value) if home in names} - found
        found |= new
    return frozenset(found)


def _names_in(code: CodeType) -> Iterator[str]:
    """Names of globals, attributes and imports that the code and the functions in it read."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
