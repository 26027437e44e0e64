"""What a graph cannot show: state in Python objects, and random numbers that are not torch's own operators."""

from __future__ import annotations

import hashlib
import itertools
import pickle
import random
import re
import sys
import weakref
from collections.abc import Collection, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn

from .canonical import NotTracedError
from .observe import numpy_state
from .reach import is_installed

MOST = 200_000
"""Values looked at; a model that holds more is not called steady."""
PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
OPAQUE = (type, ModuleType, BuiltinFunctionType, CodeType)
KNOWN: dict[str, bool] = {}
"""Name of a loaded module -> whether its file is the user's own: there are thousands, which stay what they are."""
OWN = ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set")
DERIVED = ("_flat_weights", "_flat_weight_refs")
"""What nn.LSTM and its like derive anew from their parameters whenever these are others."""


def random_states() -> dict[str, str]:
    """Digests of the generators whose numbers become constants of a graph."""
    found = {"Python's": repr(random.getstate()), "torch's": repr(torch.get_rng_state().tolist())}
    if "numpy" in sys.modules:
        found["NumPy's"] = repr([p.tolist() if hasattr(p, "tolist") else p for p in numpy_state()])
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in found.items()}


class TooMuchHeldError(NotTracedError):
    """There is more than can be looked at."""


def held_state(model: nn.Module, module: ModuleType, only: Collection[str] | None = None) -> dict[str, str]:
    """A text for everything that the model's objects, the module's globals and its classes hold, by path, and those of
    the module that the model's class stands in and of those beside it that are not installed, or ``only`` of these.

    Raises TooMuchHeldError where that is too much to look at.
    """
    walk = _Walk()
    for path, part in model.named_modules():
        walk.note(path or "self", part, is_part=True)
    walk.module("", module)
    beside = {name: other for name, other in own_modules().items() if other is not module}
    if only is not None:
        beside = {name: other for name, other in beside.items() if name in only}
    home = sys.modules.get(type(model).__module__, module)
    if home is not module and not home.__name__.startswith("torch."):
        beside[home.__name__] = home
    for name, other in sorted(beside.items()):
        walk.module(f"{name}:", other)
    while only is not None and (further := walk.homes & own_modules().keys() - beside.keys()):
        beside.update({name: sys.modules[name] for name in further})
        for name in sorted(further):  # classes may hold something, too
            walk.module(f"{name}:", beside[name])
    if len(walk.found) > MOST:
        raise TooMuchHeldError("the model and its modules hold more values than can be watched")
    return dict(walk.found)


def homes(value: Any) -> set[str]:
    """The names of the modules in which a value, or its class and the bases of that, are defined."""
    if isinstance(value, ModuleType):
        return {value.__name__}
    classes = (value if isinstance(value, type) else type(value)).__mro__
    return {str(each.__module__) for each in classes} | {str(getattr(value, "__module__", ""))}


def own_modules() -> dict[str, ModuleType]:
    """The modules that are loaded and whose files are the user's own."""
    loaded = dict(sys.modules)
    for name in loaded.keys() - KNOWN.keys():
        file = getattr(loaded[name], "__file__", None)
        KNOWN[name] = isinstance(loaded[name], ModuleType) and isinstance(file, str) and not is_installed(file)
    return {name: module for name, module in loaded.items() if KNOWN[name]}


class _Walk:
    """Visits every object once, through attributes, containers and closures."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.seen: dict[int, Any] = {}
        """The objects themselves, too, so that no address is used twice."""
        self.homes: set[str] = set()
        """Names of the modules in which the classes of the objects are defined, and the classes that they hold."""

    def module(self, prefix: str, module: ModuleType) -> None:
        for name, value in list(vars(module).items()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                self.mapping(prefix + name, {k: v for k, v in vars(value).items() if not k.startswith("__")})
            elif not (name.startswith("__") or isinstance(value, OPAQUE)):
                self.note(prefix + name, value)

    def note(self, path: str, value: Any, is_part: bool = False) -> None:
        if len(self.found) > MOST:
            return
        if isinstance(value, PLAIN):
            self.found[path] = f"{type(value).__name__} {value!r}"
            return
        if isinstance(value, weakref.ref):
            value = value()
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            self.found[path] = f"{type(value).__name__} of {len(value)}"
        else:
            self.found[path] = f"{type(value).__name__} {id(value)}"
        if isinstance(value, type):
            self.homes |= homes(value)
        if isinstance(value, OPAQUE) or id(value) in self.seen:
            return
        self.seen[id(value)] = value
        if isinstance(value, torch.Tensor):
            version = "" if value.is_inference() else f", changed {value._version} times"
            self.found[path] += version
        elif isinstance(value, dict):
            self.mapping(path, value)
        elif isinstance(value, (list, tuple, set, frozenset)):
            self.mapping(path, dict(enumerate(sorted(value, key=id) if isinstance(value, (set, frozenset)) else value)))
        elif isinstance(value, (FunctionType, MethodType)):
            self.function(path, value)
        else:
            self.object(path, value, is_part)

    def mapping(self, path: str, values: dict[Any, Any]) -> None:
        for key, value in list(values.items()):
            self.note(f"{path}.{key}", value)

    def function(self, path: str, value: Any) -> None:
        function = getattr(value, "__func__", value)
        if function.__module__ is not None and str(function.__module__).partition(".")[0] == "torch":
            return
        for number, cell in enumerate(function.__closure__ or ()):
            self.note(f"{path}:{number}", _content(cell))
        given = {"defaults": function.__defaults__, "named defaults": function.__kwdefaults__}
        self.mapping(f"{path}:", {**vars(function), **given})

    def object(self, path: str, value: Any, is_part: bool) -> None:
        self.homes |= homes(value)
        attributes = getattr(value, "__dict__", None)
        if isinstance(attributes, dict):
            self.mapping(path, {k: v for k, v in attributes.items() if not (is_part and k in (*OWN, *DERIVED))})
            if is_part:
                for kind in OWN[:3]:
                    self.mapping(f"{path}.{kind}", {name: id(part) for name, part in attributes[kind].items()})
        for name, held in _slots(value):
            self.note(f"{path}.{name}", held)
        if not isinstance(attributes, dict):
            self.frozen(path, value)

    def frozen(self, path: str, value: Any) -> None:
        """What an object of a compiled type holds: its pickle says it (NumPy's generators), or what that is made of."""
        if isinstance(value, GeneratorType):
            frame = value.gi_frame
            self.found[path] += f", at {frame.f_lasti}" if frame is not None else ", at its end"
            self.mapping(path, dict(frame.f_locals) if frame is not None else {})
            return
        try:
            self.found[path] += " " + hashlib.sha256(pickle.dumps(value)).hexdigest()
        except Exception:  # objects may refuse in any way
            self.found[path] += " " + re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
            self.mapping(path, dict(enumerate(_parts(value))))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # not bound yet


def _slots(value: Any) -> Iterator[tuple[str, Any]]:
    names = itertools.chain.from_iterable(_named(base) for base in type(value).__mro__)
    return ((name, getattr(value, name)) for name in names if hasattr(value, name))


def _named(base: type) -> tuple[str, ...]:
    slots = base.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _parts(value: Any) -> tuple[Any, ...]:
    """What an object would be made of again: of a map, its function and its iterator."""
    try:
        parts = value.__reduce_ex__(2)
    except Exception:  # as above; then its text must do
        return ()
    return parts if isinstance(parts, tuple) else ()
