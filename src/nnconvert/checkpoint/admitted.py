"""``--allow-global``: what a pickle may ask for beyond what torch.load(weights_only=True) knows."""

from __future__ import annotations

import collections
import inspect
import pickle
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from nnconvert.errors import UsageError

_BLOCKED = ("sys", "os", "posix", "nt")
"""Modules of which torch admits nothing, whatever is asked for."""


class Admitted:
    """The globals that were named, and what they need when the checkpoint is written again."""

    def __init__(self, names: Sequence[str]) -> None:
        if names:
            _require_torch_admits()
        self._globals = [self._entry(name) for name in names]
        if "numpy.dtype" in names:
            # An instance has a class of its own for every dtype, which the pickle does not name.
            self._globals += _subclasses(_resolve("numpy.dtype"))
        self._made: dict[int, tuple[collections.OrderedDict[Any, Any], tuple[Any, ...]]] = {}

    @contextmanager
    def by_torch(self) -> Iterator[None]:
        """For as long as the block runs, torch.load(weights_only=True) admits them."""
        if not self._globals:
            yield
            return
        from torch import serialization

        before = list(serialization.get_safe_globals())
        serialization.add_safe_globals(self._globals)
        try:
            yield
        finally:
            serialization.clear_safe_globals()
            serialization.add_safe_globals(before)

    def pickle_module(self) -> Any:
        """What torch.save takes for the pickle module: it writes every defaultdict as what it was."""
        made = self._made

        class Pickler(pickle.Pickler):
            def reducer_override(self, value: Any) -> Any:
                if id(value) not in made:
                    return NotImplemented
                return collections.defaultdict, made[id(value)][1], None, None, iter(value.items())

        return SimpleNamespace(__name__="pickle", Pickler=Pickler, dump=pickle.dump) if made else pickle

    def _entry(self, name: str) -> Any:
        require_admissible(name)
        if name == "collections.defaultdict":
            return _known_as(self._ordered, name)
        value = _resolve(name)
        if f"{getattr(value, '__module__', None)}.{getattr(value, '__qualname__', None)}" == name:
            return value
        if not isinstance(value, type):
            return _known_as(value, name)
        return _with_name(value, name)

    def _ordered(self, *arguments: Any) -> collections.OrderedDict[Any, Any]:
        """In place of a defaultdict, which torch makes but refuses to fill; pickle_module() turns it back."""
        made: collections.OrderedDict[Any, Any] = collections.OrderedDict()
        self._made[id(made)] = (made, arguments)
        return made


def _require_torch_admits() -> None:
    import torch

    if not hasattr(torch.serialization, "add_safe_globals"):
        raise UsageError(f"--allow-global needs torch 2.4 or later, and this is torch {torch.__version__}")


def require_admissible(name: str) -> None:
    """Raise UsageError for a name that cannot be admitted, with the reason."""
    module = name.rpartition(".")[0]
    if not module:
        raise UsageError(f"--allow-global {name}: give the name with its module, as in argparse.Namespace")
    if module == "__main__":
        raise UsageError(
            f"--allow-global {name}: it was defined in the script that saved the checkpoint, where it cannot be "
            "imported from; load the checkpoint there, and save it without"
        )
    if module.partition(".")[0] in _BLOCKED:
        raise UsageError(f"--allow-global {name}: torch.load(weights_only=True) admits nothing of this module")
    if module in ("builtins", "__builtin__") and not isinstance(_resolve(name), type):
        raise UsageError(f"--allow-global {name}: a pickle that asks for it runs code of its own")


def _resolve(name: str) -> Any:
    try:
        return pkgutil.resolve_name(_spelled_now(name))
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"--allow-global {name}: cannot be imported here: {error}") from None


def _spelled_now(name: str) -> str:
    """Names change: pickles of protocol 2 know builtins by their name of Python 2, and NumPy 2 moved numpy.core."""
    if name.startswith("__builtin__."):
        return name.replace("__builtin__", "builtins", 1)
    if name.startswith("numpy.core."):
        return name.replace("numpy.core.", f"{_numpy_core()}.", 1)
    if name.startswith("numpy._core."):
        return name.replace("numpy._core.", f"{_numpy_core()}.", 1)
    return name


def _numpy_core() -> str:
    import numpy

    return "numpy._core" if int(numpy.__version__.partition(".")[0]) > 1 else "numpy.core"


def _subclasses(value: type) -> list[type]:
    direct: list[type] = value.__subclasses__()
    return direct + [deeper for found in direct for deeper in _subclasses(found)]


def _known_as(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function under the name that a pickle has for it, which is how torch looks it up."""

    def known(*arguments: Any) -> Any:
        return function(*arguments)

    known.__module__, _, known.__name__ = name.rpartition(".")
    known.__qualname__ = known.__name__
    return known


def _with_name(value: type, name: str) -> Any:
    from torch import serialization

    if "tuple" not in str(inspect.signature(serialization.add_safe_globals)).lower():
        own = f"{value.__module__}.{value.__qualname__}"
        raise UsageError(
            f"--allow-global {name}: this class is {own} here, and this torch is too old to know it by two names"
        )
    return value, name
