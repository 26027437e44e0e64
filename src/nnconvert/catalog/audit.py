"""The catalog held against a torch: every name, parameter and default, and what no row speaks of.

The torch to look at is given, as a module: nothing here imports it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from nnconvert.catalog import by_spelling, every_pair, pairs, weighted_by_spelling, without_pair
from nnconvert.catalog.model import Pair, Signature, Spelling

FACTORY = frozenset({"device", "dtype"})
"""Parameters of constructors that say where parameters live; rows leave them out."""

NEWER: Final = frozenset({("BatchNorm", "bias"), ("InstanceNorm", "bias"), ("GroupNorm", "bias")})
"""Beginning of a class's name and a parameter that torch 2.2 does not have; rows leave it out."""

SAME_DEFAULTS = {("torch.nn.functional.pad", "value"): "F.pad takes None for 0; ConstantPad wants the number"}
"""Defaults that a row writes otherwise than torch, and why that is the same."""

BUILT_WITH: Final[Mapping[str, str]] = {
    "torch.nn.AdaptiveLogSoftmaxWithLoss": "in_features=4, n_classes=4, cutoffs=[1]",
    "torch.nn.FractionalMaxPool2d": "kernel_size=1, output_size=1",
    "torch.nn.FractionalMaxPool3d": "kernel_size=1, output_size=1",
    "torch.nn.GRU": "1, 1",
    "torch.nn.LSTM": "1, 1",
    "torch.nn.RNN": "1, 1",
    "torch.nn.RNNBase": "'LSTM', 1, 1",
    "torch.nn.Transformer": "batch_first=True",
    "torch.nn.TransformerDecoder": "torch.nn.Linear(1, 1), 1",
    "torch.nn.TransformerEncoder": "torch.nn.TransformerEncoderLayer(1, 1), 1, enable_nested_tensor=False",
    "torch.nn.Unflatten": "1, (1,)",
}
"""How to build a class that does not take 1 for all that it requires, or would warn."""

STATE_IF_ASKED: Final = frozenset({"InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"})
"""Classes that keep parameters or buffers only where they are asked to."""


class Formal(NamedTuple):
    """One formal parameter as torch has it; ``default`` is inspect.Parameter.empty where it is required."""

    name: str
    default: Any
    keyword_only: bool


def problems(torch: Any) -> Iterator[str]:
    """Each disagreement between the rows and this torch, in one line; nothing when they agree."""
    installed = _release(torch.__version__)
    for pair in every_pair():
        if _release(pair.since) <= installed:
            yield from pair_problems(torch, pair)
    for row in without_pair().values():
        if _release(row.since) <= installed and _find(torch, row.name) is None:
            yield f"{row.name}: a row says why it has no pair, but torch has no such name"
        if row.name in by_spelling() or row.name in weighted_by_spelling():
            yield f"{row.name}: both a spelling and without a pair"
    yield from _state_problems(torch)
    yield from (f"{name}: no row speaks of it" for name in unaccounted(torch))


def unaccounted(torch: Any) -> Iterator[str]:
    """Public functionals, classes of torch.nn, and twins of paired functionals that no row speaks of."""
    spelled = {*by_spelling(), *weighted_by_spelling()}
    known = {*spelled, *without_pair(), *(f"torch.nn.{pair.module}" for pair in every_pair())}
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
    stems = {spelling.short.rstrip("_") for pair in every_pair() for spelling in pair.spellings}
    for owner in ("torch", "torch.Tensor"):
        names = (f"{owner}.{stem}{suffix}" for stem in stems for suffix in ("", "_"))
        yield from (name for name in names if _find(torch, name) is not None)


def pair_problems(torch: Any, pair: Pair) -> Iterator[str]:
    """Each disagreement between one row and this torch."""
    module = _find(torch, f"torch.nn.{pair.module}")
    if not _is_module(torch, f"torch.nn.{pair.module}"):
        yield f"torch.nn.{pair.module}: torch has no such module class"
        return
    yield from _differences(f"torch.nn.{pair.module}", pair.constructor_signature, [_constructor(module)])
    yield from (f"torch.nn.{pair.module}: {words}" for words in _back_problems(pair, module))
    for spelling in (*pair.spellings, *((pair.back,) if pair.back else ())):
        function = _find(torch, spelling.name)
        if function is None:
            yield f"{spelling.name}: torch has no such name"
            continue
        formals = _formals(torch, spelling, function)
        # A state parameter may be newer than the functional: mse_loss had no weight once.
        newer = set(pair.state) - {formal.name for found in formals for formal in found}
        row = Signature(p for p in spelling.signature if p.name not in {"out", *newer})
        yield from _differences(spelling.name, row, formals)


def _back_problems(pair: Pair, module: type) -> Iterator[str]:
    """What stands in the way from this module class to its functional."""
    inputs = list(inspect.signature(module.forward).parameters)[1:]  # type: ignore[attr-defined]
    if inputs != list(pair.forward or pair.inputs):
        yield f"the row says forward({', '.join(pair.forward or pair.inputs)}), torch says {inputs}"
    way, constructor = pair.way_back.signature, pair.constructor_signature
    for name in (*pair.inputs, *pair.back_given):
        if way.get(name) is None:
            yield f"{pair.way_back.name} has no {name}"
    for name in (*pair.spread, *pair.ignored):
        if constructor.get(name) is None:
            yield f"its constructor has no {name}"
    fed = {*pair.inputs, *pair.back_given, *((pair.training,) if pair.training else ())}
    for parameter in (p for p in way if p.name not in fed):
        setting = constructor.get(pair.renames.get(parameter.name, parameter.name))
        if pair.weights is not None and parameter.name in pair.weights.operands:
            continue
        if setting is None and parameter.default is None:
            yield f"nothing feeds the {parameter.name} of {pair.way_back.name}"
        if setting is not None and not _can_be_written(setting.default, parameter.default):
            yield f"the default {setting.default} of {setting.name} cannot be written out"


def _can_be_written(default: str | None, functional: str | None) -> bool:
    """A default that is not the functional's is given at the call: names may mean something else there."""
    if default is None or default == functional:
        return True
    literal = (ast.expr_context, ast.Constant, ast.Tuple, ast.List, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator)
    return all(isinstance(node, literal) for node in ast.walk(ast.parse(default, mode="eval").body))


def _state_problems(torch: Any) -> Iterator[str]:
    """Build each class: what has a row keeps no parameters or buffers, what is said to keep some does."""
    for pair in pairs():
        name = f"torch.nn.{pair.module}"
        if _is_module(torch, name) and _has_state(torch, name, pair.module_fixed):
            yield f"{name}: it has a row, and parameters or buffers"
    for pair in every_pair():
        name = f"torch.nn.{pair.module}"
        if pair.weights is not None and _is_module(torch, name):
            yield from weights_problems(torch, pair)
    for row in without_pair().values():
        said = row.takes_weights and row.name.rpartition(".")[2] not in STATE_IF_ASKED
        if said and _is_module(torch, row.name) and not _has_state(torch, row.name, {}):
            yield f"{row.name}: it has neither parameters nor buffers, and no row but that {row.reason}"


def weights_problems(torch: Any, pair: Pair) -> Iterator[str]:
    """Build the class with all that it can keep: it keeps what the row says, under these names."""
    weights, name = pair.weights, f"torch.nn.{pair.module}"
    assert weights is not None
    asked = dict.fromkeys(weights.flags.values(), "True")
    if not weights.flags and not weights.required:
        asked = dict.fromkeys(weights.buffers, "torch.ones(1)")
    built = _build(torch, name, asked)
    buffers = [*weights.buffers, *([weights.counter] if weights.counter else [])]
    found = [n for n, _ in built.named_parameters()], [n for n, _ in built.named_buffers()]
    if found != (list(weights.parameters), buffers):
        yield f"{name}: the row says it keeps {weights.parameters} and {tuple(buffers)}, torch says {found}"
    for operand in weights.initial:
        torch.manual_seed(0)
        first = getattr(_build(torch, name, asked), operand)
        torch.manual_seed(0)
        if not torch.equal(first, getattr(torch, weights.initial[operand])(first.shape)):
            yield f"{name}: {operand} does not start as {weights.initial[operand]}"


def _is_module(torch: Any, name: str) -> bool:
    found = _find(torch, name)
    return inspect.isclass(found) and issubclass(found, torch.nn.Module)


def _has_state(torch: Any, name: str, fixed: Mapping[str, str]) -> bool:
    with torch.device("meta"):
        built = _build(torch, name, fixed)
    return any(True for _ in (*built.parameters(), *built.buffers()))


def _build(torch: Any, name: str, fixed: Mapping[str, str]) -> Any:
    module = _find(torch, name)
    required = [p.name for p in _constructor(module) if p.default is inspect.Parameter.empty]
    given = ", ".join(f"{key}={text}" for key, text in {**dict.fromkeys(required, "1"), **fixed}.items())
    return eval(f"module({BUILT_WITH.get(name, given)})", {"module": module, "torch": torch})


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
    newer = {name for start, name in NEWER if module.__name__.startswith(start)}
    return [f for f in _from_python(parameters) if f.name not in {*FACTORY, *newer}]


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
