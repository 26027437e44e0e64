"""What forward's own text says of its arguments: their dimensions, what they are handed to, what is taken of them."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

SHAPES = ("shape", "size")
DIMENSIONS = ("ndim", "dim")
PATTERNED = ("rearrange", "reduce", "repeat")
"""Functions of einops: their pattern names every dimension."""
FLAGS = ("masked_fill", "masked_fill_", "masked_select", "where", "logical_not", "logical_and", "logical_or")
IDS = ("one_hot", "embedding", "gather", "index_select", "scatter", "take_along_dim")


@dataclass
class Read:
    """One argument of forward."""

    dims: list[int] = field(default_factory=list)
    """How many dimensions it is said to have."""
    least: int = 0
    """How many it has at least: it is indexed by so many."""
    into: nn.Module | None = None
    """The submodule that it is handed to as it is."""
    keys: list[str] = field(default_factory=list)
    """By which names it is looked into."""
    attributes: list[str] = field(default_factory=list)
    """What is read of it that no tensor has."""
    mapping: bool = False
    """Whether a method of dictionaries is called on it."""
    parts: int = 0
    """Into how many it is taken apart."""
    called: bool = False
    """Whether it is called."""
    ids: bool = False
    """Whether it is whole numbers."""
    flags: bool = False
    """Whether it is a mask of truth values."""


@functools.cache
def has_forward(cls: type) -> bool:
    """Whether instances can be called: not where forward is missing, or left to those that derive from the class."""
    forward = _entered(cls)
    if forward is nn.Module.forward:
        return False
    forward = inspect.unwrap(forward)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(forward))).body[0]
    except (OSError, TypeError, SyntaxError):
        return True  # made at run time
    return not isinstance(tree, ast.FunctionDef) or not all(_does_nothing(statement) for statement in tree.body)


def _entered(model: Any) -> Any:
    """What runs when an instance is called: forward, or what stands in the place of the call itself."""
    cls = model if isinstance(model, type) else type(model)
    is_missing = getattr(model.forward, "__func__", model.forward) is nn.Module.forward
    return model.__call__ if is_missing and cls.__call__ is not nn.Module.__call__ else model.forward


def parameters_of(model: nn.Module) -> list[inspect.Parameter]:
    """What forward takes, the instance left out."""
    return list(inspect.signature(_entered(model)).parameters.values())


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return "NotImplemented" in ast.unparse(statement)
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def read_forward(model: nn.Module) -> dict[str, Read]:
    """What is said of each argument, by its name, up to where the name is bound anew."""
    forward = inspect.unwrap(_entered(model))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(forward))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}  # made at run time
    if not isinstance(tree, ast.FunctionDef):
        return {}
    arguments = tree.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    reader = _Reader(model, names)
    for statement in tree.body:
        reader.visit(statement)
    return reader.found


class _Reader(ast.NodeVisitor):
    """Visits the statements in order, values before what they are bound to."""

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        self.model = model
        self.found = {name: Read() for name in names}
        self.names = getattr(inspect.unwrap(_entered(model)), "__globals__", {})
        self.open = set(names)
        """Names that are still what was given."""

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, (ast.Tuple, ast.List)):
                self.unpacked(target.elts, node.value)
            for inner in ast.walk(target):
                if isinstance(inner, ast.Name):
                    self.open.discard(inner.id)

    def unpacked(self, targets: list[ast.expr], value: ast.expr) -> None:
        """``b, n, c = x.shape`` and ``mean, variance = x``."""
        if any(isinstance(target, ast.Starred) for target in targets):
            return
        shaped = _of_shape(value)
        if shaped is not None and (read := self.named(shaped)):
            read.dims.append(len(targets))
        elif read := self.named(value):
            read.parts = len(targets)

    def visit_For(self, node: ast.For) -> None:
        if (read := self.named(node.iter)) and not read.parts:
            read.parts = 2
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if isinstance(node.ops[0], (ast.In, ast.NotIn)) and (read := self.named(node.comparators[0])):
            self.keyed(read, node.left)
        for dims in dimensions_compared(node):
            if read := self.named(dims[0]):
                read.dims.append(dims[1])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Invert) and (read := self.named(node.operand)):
            read.flags = True
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if read := self.named(node.value):
            self.keyed(read, node.slice)
            if isinstance(node.slice, ast.Tuple) and not any(_is_dots(part) for part in node.slice.elts):
                read.least = max(read.least, sum(not _is_none(part) for part in node.slice.elts))
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if (read := self.named(node.value)) and not hasattr(torch.Tensor, node.attr):
            read.attributes += [node.attr] * (node.attr not in read.attributes)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and (read := self.named(node.func.value)):
            self.method(read, node.func.attr, node.args)
            for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
                self.visit(argument)
            return
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if read := self.named(node.func):
            read.called = True
        if node.args and (read := self.named(node.args[0])):
            module = self.submodule(node.func)
            read.into = read.into or module
            if name in PATTERNED and len(node.args) > 1:
                read.dims += _patterned(node.args[1])
        for argument in node.args:
            if read := self.named(argument):
                read.flags |= name in FLAGS and argument is node.args[0]
                read.ids |= name in IDS and argument is not node.args[-1]
        self.generic_visit(node)

    def method(self, read: Read, name: str, given: list[ast.expr]) -> None:
        """``data.get("image")``; what others a class of the user's may have cannot be fed."""
        if hasattr(dict, name) and not hasattr(torch.Tensor, name):
            read.mapping = True
            for key in given[:1]:
                self.keyed(read, key)

    def keyed(self, read: Read, key: ast.expr) -> None:
        """``data["image"]``, ``data[Key.IMAGE.value]``."""
        path = ast.unparse(key).split(".") if isinstance(key, (ast.Attribute, ast.Name)) else [""]
        value = key.value if isinstance(key, ast.Constant) else self.names.get(path[0])
        for part in path[1:]:
            value = getattr(value, part, None)
        if isinstance(value, str) and value not in read.keys:
            read.keys.append(value)

    def named(self, node: ast.expr) -> Read | None:
        return self.found[node.id] if isinstance(node, ast.Name) and node.id in self.open else None

    def submodule(self, function: ast.expr) -> nn.Module | None:
        """What ``self.encoder.embed`` is, where it is a module."""
        path = re.fullmatch(r"self\.([\w.]+)", ast.unparse(function))
        found: Any = self.model
        for part in path[1].split(".") if path else ():
            found = getattr(found, part, None)
        return found if path and isinstance(found, nn.Module) else None


def dimensions_compared(node: ast.Compare) -> Iterator[tuple[ast.expr, int]]:
    """``x.dim() == 4``, ``len(x.shape) in (3, 4)``: of what, and how many."""
    dimensioned = _of_dimension(node.left)
    if dimensioned is not None:
        for number in ast.walk(node.comparators[0]):
            if isinstance(number, ast.Constant) and type(number.value) is int and 0 < number.value < 7:
                yield dimensioned, number.value + isinstance(node.ops[0], ast.Gt) - isinstance(node.ops[0], ast.Lt)


def _of_shape(node: ast.expr) -> ast.expr | None:
    """``x`` of ``x.shape`` and ``x.size()``."""
    node = node.func if isinstance(node, ast.Call) and not node.args else node
    return node.value if isinstance(node, ast.Attribute) and node.attr in SHAPES else None


def _of_dimension(node: ast.expr) -> ast.expr | None:
    """``x`` of ``x.ndim``, ``x.dim()`` and ``len(x.shape)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and node.args:
        return _of_shape(node.args[0])
    node = node.func if isinstance(node, ast.Call) and not node.args else node
    return node.value if isinstance(node, ast.Attribute) and node.attr in DIMENSIONS else None


def _patterned(node: ast.expr) -> list[int]:
    """``"b (h w) c -> b c h w"`` has three dimensions."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)) or "..." in node.value:
        return []
    return [len(re.sub(r"\([^)]*\)", "x", node.value.partition("->")[0]).split())]


def _is_dots(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def fits(read: Read, shape: Sequence[int]) -> bool:
    """Whether the shape has as many dimensions as is said."""
    return len(shape) in read.dims if read.dims else len(shape) >= read.least
