"""The shape of a tensor that ``__init__`` makes, read from the expression that makes it."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from nnconvert.source.facts import Method
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding

Shape = tuple[ast.expr, ...]
"""One expression for each dimension. A single one may also be a whole shape: ``torch.ones(shape)``."""

_MAKERS: Final = frozenset({"empty", "zeros", "ones", "rand", "randn"})
_LEGACY: Final = frozenset({"Tensor", "FloatTensor", "DoubleTensor", "HalfTensor"})
_NEW: Final = frozenset({"new_empty", "new_zeros", "new_ones", "new_full"})
_SAME_SHAPE: Final = frozenset(
    {"normal_", "uniform_", "zero_", "fill_", "mul_", "div_", "add_", "sub_", "clamp_", "exponential_", "abs", "neg",
     "exp", "log", "sqrt", "clone", "detach", "contiguous", "float", "double", "half", "bfloat16", "to", "cuda", "cpu",
     "requires_grad_", "type", "mul", "div", "clamp"}
)  # fmt: skip
"""Methods of a tensor that give one of its shape, where their arguments are numbers or say a type or device."""
_NUMBERS: Final = frozenset({"int", "float", "bool", "len", "round", "abs"})
_NUMBER_WORDS: Final = frozenset({"int", "float"})
_PARAMETER: Final = frozenset({"torch.nn.Parameter", "torch.nn.parameter.Parameter"})
_DEPTH: Final = 8


def parameter_value(node: ast.expr, init: Method, reader: Reader) -> ast.expr | None:
    """The tensor that ``nn.Parameter(...)`` is made of, if this is such a call."""
    if not isinstance(node, ast.Call) or (reader.names.qualname(node.func, init.scope) or "") not in _PARAMETER:
        return None
    named = next((keyword.value for keyword in node.keywords if keyword.arg == "data"), None)
    plain = not any(isinstance(a, ast.Starred) for a in node.args) and all(k.arg for k in node.keywords)
    return (node.args[0] if node.args else named) if plain else None


class Tensors:
    """Reads the tensors of one ``__init__``."""

    def __init__(self, init: Method, reader: Reader) -> None:
        self.init = init
        self.reader = reader

    def shape(self, node: ast.expr, depth: int = 0) -> Shape | None:
        """The dimensions, or None where they cannot be read."""
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Name):
            binding = self._only_binding(node)
            return self.shape(binding.value, depth + 1) if binding is not None and binding.value is not None else None
        if isinstance(node, ast.BinOp):
            return self._of_operation(node, depth)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.shape(node.operand, depth + 1)
        return self._of_call(node, depth) if isinstance(node, ast.Call) else None

    def _of_operation(self, node: ast.BinOp, depth: int) -> Shape | None:
        """``torch.randn(n, m) * 0.02``."""
        for tensor, number in ((node.left, node.right), (node.right, node.left)):
            shape = self.shape(tensor, depth + 1)
            if shape is not None:
                return shape if self.is_number(number, shape) else None
        return None

    def _of_call(self, node: ast.Call, depth: int) -> Shape | None:
        if any(isinstance(argument, ast.Starred) for argument in node.args) or any(not k.arg for k in node.keywords):
            return None
        qualname = self.reader.names.qualname(node.func, self.init.scope)
        if qualname is None:
            return self._of_method(node, depth)
        owner, _, short = qualname.rpartition(".")
        if owner == "torch.nn.init" and short.endswith("_") and node.args:
            return self.shape(node.args[0], depth + 1)
        if owner != "torch":
            return None
        if short in _LEGACY:
            several = len(node.args) > 1 or not isinstance(node.args[0] if node.args else None, ast.List | ast.Tuple)
            return tuple(node.args) if several and node.args else _of_literal(node.args)
        return self._of_maker(short, node)

    def _of_maker(self, short: str, node: ast.Call) -> Shape | None:
        size = next((keyword.value for keyword in node.keywords if keyword.arg == "size"), None)
        if short in _MAKERS:
            return _dimensions([size] if size is not None else node.args)
        if short == "full":
            return _dimensions([size] if size is not None else node.args[:1])
        if short == "normal":
            sized = size if size is not None else (node.args[2] if len(node.args) == 3 else None)
            return _dimensions([sized]) if sized is not None else None
        if short == "eye" and 1 <= len(node.args) <= 2:
            return (node.args[0], node.args[-1])
        return _of_literal(node.args) if short == "tensor" else None

    def _of_method(self, node: ast.Call, depth: int) -> Shape | None:
        if not isinstance(node.func, ast.Attribute):
            return None
        name = node.func.attr
        if name in _NEW:
            size = next((keyword.value for keyword in node.keywords if keyword.arg == "size"), None)
            given = node.args[:1] if name == "new_full" else node.args
            return _dimensions([size] if size is not None else given)
        if name not in _SAME_SHAPE:
            return None
        shape = self.shape(node.func.value, depth + 1)
        arithmetic = name.rstrip("_") in ("mul", "div", "add", "sub")
        if shape is None or (arithmetic and not all(self.is_number(a, shape) for a in node.args)):
            return None
        return shape

    def is_number(self, node: ast.expr, shape: Shape, depth: int = 0) -> bool:
        """Whether it is certainly a number: a literal, arithmetic and math on such, a size, a parameter that is one."""
        if isinstance(node, ast.Constant):
            return isinstance(node.value, int | float)
        if isinstance(node, ast.UnaryOp):
            return self.is_number(node.operand, shape, depth + 1)
        if isinstance(node, ast.BinOp):
            return all(self.is_number(side, shape, depth + 1) for side in (node.left, node.right))
        if isinstance(node, ast.Call):
            builtin = isinstance(node.func, ast.Name) and node.func.id in _NUMBERS
            qualname = self.reader.names.qualname(node.func, self.init.scope) or ""
            return (builtin and self.init.scope.lookup(ast.unparse(node.func)) is None) or qualname.startswith("math.")
        if any(ast.dump(node) == ast.dump(dimension) for dimension in shape):
            return True
        binding = self._only_binding(node) if isinstance(node, ast.Name) and depth < _DEPTH else None
        if binding is None:
            return False
        if binding.value is not None:
            return self.is_number(binding.value, shape, depth + 1)
        annotation = getattr(binding.node, "annotation", None)
        return annotation is not None and ast.unparse(annotation) in _NUMBER_WORDS

    def _only_binding(self, node: ast.Name) -> Binding | None:
        found = self.init.scope.lookup(node.id)
        return found[1][0] if found is not None and len(found[1]) == 1 else None


def _dimensions(arguments: Sequence[ast.expr]) -> Shape | None:
    """``(2, 3)`` of ``torch.empty(2, 3)`` and of ``torch.empty((2, 3))``."""
    if len(arguments) == 1 and isinstance(arguments[0], ast.Tuple | ast.List):
        arguments = arguments[0].elts
    return tuple(arguments) if arguments and not any(isinstance(a, ast.Starred) for a in arguments) else None


def _of_literal(arguments: Sequence[ast.expr]) -> Shape | None:
    """The shape of ``torch.tensor([[1.0, 2.0], [3.0, 4.0]])``: as long as its lists are."""
    node = arguments[0] if len(arguments) == 1 else None
    found: list[ast.expr] = []
    while isinstance(node, ast.List | ast.Tuple) and node.elts:
        found.append(ast.Constant(len(node.elts)))
        node = node.elts[0]
    scalar = isinstance(node, ast.Constant | ast.UnaryOp)
    return tuple(found) if found and scalar else None
