"""How the arguments of one call are divided between the module's call and its constructor."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from nnconvert.catalog import Pair, Spelling
from nnconvert.plan import Leave

_TRAINING_NAMES = ("training", "train", "use_input_stats")


class LeaveError(Exception):
    """Carries the decision to leave a call site."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.leave = Leave(code, words)


@dataclass(frozen=True, slots=True)
class Given:
    """One argument that the call gives."""

    index: int
    """Its place among the call's arguments, in source order."""
    value: ast.expr
    positional: bool


@dataclass(frozen=True, slots=True)
class Division:
    """The arguments of a call by their fate."""

    inputs: tuple[Given, ...]
    """In the order forward takes them."""
    settings: Mapping[str, Given]
    """Constructor parameter -> the argument that sets it."""
    training: Given | None
    has_training: bool
    state: Mapping[str, Given] = field(default_factory=dict)
    """Operands that move into the module."""


def bind(call: ast.Call, spelling: Spelling) -> dict[str, Given]:
    """Parameter name -> argument, as Python would bind them; raises LeaveError where it cannot."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        raise LeaveError("NNC201", "the arguments are unpacked with * or **")
    signature = spelling.signature
    positional = [parameter for parameter in signature if not parameter.keyword_only]
    if len(call.args) > len(positional):
        raise LeaveError("NNC213", f"{spelling.short} takes at most {len(positional)} positional arguments")
    found = {
        parameter.name: Given(index, value, True)
        for index, (parameter, value) in enumerate(zip(positional, call.args, strict=False))
    }
    for index, keyword in enumerate(call.keywords, len(call.args)):
        name = keyword.arg or ""
        if signature.get(name) is None:
            raise LeaveError("NNC213", f"{spelling.short} has no parameter {name}")
        if name in found:
            raise LeaveError("NNC213", f"{name} is given twice")
        found[name] = Given(index, keyword.value, False)
    for parameter in signature:
        if parameter.default is None and parameter.name not in found:
            raise LeaveError("NNC213", f"{spelling.short} needs {parameter.name}")
    return found


def divide(pair: Pair, spelling: Spelling, given: dict[str, Given], *, moves: bool = False) -> Division:
    """Divide bound arguments by what the pair says of them; ``moves``: state may be given. Raises LeaveError."""
    settings: dict[str, Given] = {}
    state: dict[str, Given] = {}
    training: Given | None = None
    for name, argument in given.items():
        target = pair.renames.get(name, name)
        if name in pair.inputs:
            continue
        if pair.training is not None and name in _TRAINING_NAMES:
            training = argument
        elif name in pair.state and moves:
            state[name] = argument
        elif name in pair.state:
            if not _is_none(argument.value):
                raise LeaveError("NNC406", f"{name} would become state of the module")
        elif pair.pad_mode is not None and name == "mode":
            continue
        elif name in spelling.fixed or target in pair.not_carried:
            _require_default(spelling, name, argument, pair)
        elif pair.constructor_signature.get(target) is not None:
            settings[target] = argument
        else:
            _require_default(spelling, name, argument, pair)
    has_training = any(parameter.name in _TRAINING_NAMES for parameter in spelling.signature)
    has_training = pair.training is not None and has_training
    return Division(_inputs(pair, spelling, given), settings, training, has_training, state)


def _inputs(pair: Pair, spelling: Spelling, given: dict[str, Given]) -> tuple[Given, ...]:
    names = pair.inputs[1:] if spelling.is_method else pair.inputs
    present = [name for name in names if name in given]
    if present != list(names[: len(present)]):
        missing = next(name for name in names if name not in given)
        raise LeaveError("NNC202", f"{present[-1]} is given and {missing} is not")
    inputs = tuple(given[name] for name in present)
    order = [argument.index for argument in inputs]
    if order != sorted(order) and not all(is_plain(argument.value) for argument in inputs):
        raise LeaveError("NNC210", "the inputs would be evaluated in another order")
    return inputs


def _require_default(spelling: Spelling, name: str, argument: Given, pair: Pair) -> None:
    parameter = spelling.signature.get(name)
    default = parameter.default if parameter is not None else None
    if name in spelling.fixed and isinstance(argument.value, ast.Constant):
        return
    if default is None or not same_value(argument.value, ast.parse(default, mode="eval").body):
        raise LeaveError("NNC202", f"nn.{pair.module} has no {name}")


def same_value(first: ast.expr, second: ast.expr) -> bool:
    """Whether two literal expressions have one value of one type."""
    values = literal(first), literal(second)
    if any(isinstance(value, Unknown) for value in values):
        return False
    return type(values[0]) is type(values[1]) and values[0] == values[1]


class Unknown:
    """What ``literal`` returns for an expression that is no literal."""


def literal(node: ast.expr) -> object:
    """The value of a literal, arithmetic on numbers included (``1 / 8``)."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        values = [literal(element) for element in node.elts]
        if any(isinstance(value, Unknown) for value in values):
            return Unknown()
        return tuple(values) if isinstance(node, ast.Tuple) else values
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = literal(node.operand)
        return -value if isinstance(value, int | float) else Unknown()
    if isinstance(node, ast.BinOp):
        return _arithmetic(node)
    return Unknown()


def _arithmetic(node: ast.BinOp) -> object:
    left, right = literal(node.left), literal(node.right)
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        return Unknown()
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    if isinstance(node.op, ast.Mult):
        return left * right
    if isinstance(node.op, ast.Div) and right:
        return left / right
    return Unknown()


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_plain(node: ast.expr) -> bool:
    """A name, an attribute or a constant: evaluating it has no effect that order could change."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)
