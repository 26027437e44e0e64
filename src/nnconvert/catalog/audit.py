"""The catalog held against a torch: every name, parameter and default, and what no row speaks of.

The torch to look at is given, as a module: nothing here imports it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from nnconvert.catalog import by_spelling, pairs, without_pair
from nnconvert.catalog.model import Pair, Signature, Spelling

FACTORY = frozenset({"device", "dtype"})
"""Parameters of constructors that say where parameters live; rows leave them out."""

SAME_DEFAULTS = {("torch.nn.functional.pad", "value"): "F.pad takes None for 0; ConstantPad wants the number"}
"""Defaults that a row writes otherwise than torch, and why that is the same."""


class Formal(NamedTuple):
    """One formal parameter as torch has it; ``default`` is inspect.Parameter.empty where it is required."""

    name: str
    default: Any
    keyword_only: bool


def problems(torch: Any) -> Iterator[str]:
    """Each disagreement between the rows and this torch, in one line; nothing when they agree."""
    installed = _release(torch.__version__)
    for pair in pairs():
        if _release(pair.since) <= installed:
            yield from _pair_problems(torch, pair)
    for row in without_pair().values():
        if _release(row.since) <= installed and _find(torch, row.name) is None:
            yield f"{row.name}: a row says why it has no pair, but torch has no such name"
        if row.name in by_spelling():
            yield f"{row.name}: both a spelling and without a pair"
    yield from (f"{name}: no row speaks of it" for name in unaccounted(torch))


def unaccounted(torch: Any) -> Iterator[str]:
    """Public functionals, classes of torch.nn, and twins of paired functionals that no row speaks of."""
    known = {*by_spelling(), *without_pair(), *(f"torch.nn.{pair.module}" for pair in pairs())}
    return (name for name in sorted({*_public(torch), *_twins(torch)}) if name not in known)


def _public(torch: Any) -> Iterator[str]:
    for name, value in vars(torch.nn.functional).items():
        typing = getattr(value, "__module__", None) == "typing"
        if not name.startswith("_") and callable(value) and not inspect.isclass(value) and not typing:
            yield f"torch.nn.functional.{name}"
    for name, value in vars(torch.nn).items():
        if not name.startswith("_") and inspect.isclass(value):
            yield f"torch.nn.{name}"


def _twins(torch: Any) -> Iterator[str]:
    """What stands under torch and torch.Tensor with a paired functional's name, in place or not."""
    stems = {spelling.short.rstrip("_") for pair in pairs() for spelling in pair.spellings}
    for owner in ("torch", "torch.Tensor"):
        names = (f"{owner}.{stem}{suffix}" for stem in stems for suffix in ("", "_"))
        yield from (name for name in names if _find(torch, name) is not None)


def _pair_problems(torch: Any, pair: Pair) -> Iterator[str]:
    module = _find(torch, f"torch.nn.{pair.module}")
    if module is None:
        yield f"torch.nn.{pair.module}: torch has no such class"
        return
    yield from _differences(f"torch.nn.{pair.module}", pair.constructor_signature, [_constructor(module)])
    for spelling in pair.spellings:
        function = _find(torch, spelling.name)
        if function is None:
            yield f"{spelling.name}: torch has no such name"
            continue
        formals = _formals(torch, spelling, function)
        # A state parameter may be newer than the functional: mse_loss had no weight once.
        newer = set(pair.state) - {formal.name for found in formals for formal in found}
        row = Signature(p for p in spelling.signature if p.name not in {"out", *newer})
        yield from _differences(spelling.name, row, formals)


def _differences(name: str, row: Signature, found: list[list[Formal]]) -> Iterator[str]:
    """One line unless an overload agrees with the row in names, order, kinds and defaults."""
    if not any(_agree(name, row, formals) for formals in found):
        yield f"{name}: the row says ({_words(row)}), torch says {found}"


def _agree(name: str, row: Signature, formals: list[Formal]) -> bool:
    return len(row) == len(formals) and all(
        parameter.name == formal.name
        and parameter.keyword_only == formal.keyword_only
        and (_same(parameter.default, formal.default) or (name, parameter.name) in SAME_DEFAULTS)
        for parameter, formal in zip(row, formals, strict=True)
    )


def _same(text: str | None, default: Any) -> bool:
    if text is None or default is inspect.Parameter.empty:
        return text is None and default is inspect.Parameter.empty
    value = eval(text, {"__builtins__": {}})
    return bool(value == default) and isinstance(value, bool) == isinstance(default, bool)


def _words(row: Signature) -> str:
    return ", ".join(p.name if p.default is None else f"{p.name}={p.default}" for p in row)


def _constructor(module: type) -> list[Formal]:
    parameters = inspect.signature(module).parameters.values()
    return [f for f in _from_python(parameters) if f.name not in FACTORY]


def _formals(torch: Any, spelling: Spelling, function: Callable[..., Any]) -> list[list[Formal]]:
    """The formal parameters of each overload, without ``out`` and without the tensor of a method."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        found = _from_schemas(torch, function.__name__)
    else:
        if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
            # A dispatcher over return_indices: the function behind it has the names.
            parameters = list(inspect.signature(getattr(torch.nn.functional, f"_{spelling.short}")).parameters.values())
        found = [_from_python(parameters)]
    return [formals[1:] for formals in found] if spelling.is_method else found


def _from_python(parameters: Iterable[inspect.Parameter]) -> list[Formal]:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        Formal(p.name, p.default, p.kind is inspect.Parameter.KEYWORD_ONLY)
        for p in parameters
        if p.kind not in variable
    ]


def _from_schemas(torch: Any, name: str) -> list[list[Formal]]:
    """Builtins: the operator's schemas. Their ``self`` is ``input`` in Python."""
    return [
        [Formal({"self": "input"}.get(a.name, a.name), _default(a), a.kwarg_only) for a in schema.arguments]
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}")
    ]


def _default(argument: Any) -> Any:
    """Python's parser takes one number for a list of equal ones, and None for an empty list."""
    if not argument.has_default_value():
        return inspect.Parameter.empty
    default = argument.default_value
    if isinstance(default, list):
        return default[0] if default else None
    return default


def _find(torch: Any, name: str) -> Any:
    """What a qualified name stands for, or None."""
    found = torch
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found


def _release(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
