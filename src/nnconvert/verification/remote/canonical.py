"""A traced graph as plain data: two graphs that do the same, step by step, become equal data."""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any

import torch
from torch import fx, nn

from .values import dense, raw_digest

Form = Any
"""What JSON can say."""
Origin = dict[int, str]
"""Address of a storage -> the parameter or buffer that it belongs to."""

NAMESPACES = ("aten", "prims", "quantized")
"""Operators that a file cannot give a meaning of its own, short of patching torch."""
HARMLESS = frozenset((
    "alias", "detach", "empty", "expand", "lift_fresh", "lift_fresh_copy", "permute", "select", "slice", "squeeze",
    "sym_numel", "sym_size", "sym_storage_offset", "sym_stride", "t", "transpose", "unsqueeze", "view",
))  # fmt: skip
"""Operators that go where nobody uses the result: they compute nothing, change nothing and draw nothing."""
EXACT = 1 << 24
"""Integers below this are the same number in every floating type that kernels compute with."""
NUMBERS = ("number", "Optional[number]", "Tensor")
"""Types of arguments for integers and floats; a number for a tensor takes its type from others."""
PLAIN = (bool, int, float, complex, str)
WORDED = (torch.dtype, torch.device, torch.layout, torch.memory_format)


class NotTracedError(Exception):
    """There is no graph, or none that can be compared: the message says why, in a few words."""


def canonical(graph: fx.GraphModule, inputs: list[str], origin: Origin, own: Collection[str] = ()) -> list[Form]:
    """One entry a step, its operator first; ``inputs`` are the names of the placeholders, in order.

    Sizes are expressions in the symbols of the inputs. What only counts up an input that is in ``own``, which the
    other version does not have, is no step. Raises NotTracedError for what cannot be compared.
    """
    return _Canonical(graph, inputs, origin).steps(frozenset(own))


class _Canonical:
    """One graph on its way: nodes are numbered in the order of those that stay."""

    def __init__(self, graph: fx.GraphModule, inputs: list[str], origin: Origin) -> None:
        self.graph = graph
        self.inputs = inputs
        self.origin = origin
        self.forms: dict[fx.Node, Form] = {}
        """How arguments refer to a node."""

    def steps(self, own: frozenset[str]) -> list[Form]:
        found: list[Form] = []
        names = dict(zip((n for n in self.graph.graph.nodes if n.op == "placeholder"), self.inputs))  # noqa: B905 (3.9)
        used = _used(self.graph.graph, {node for node, name in names.items() if name in own})
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                self.forms[node] = ["input", names[node]]
            elif node.op == "get_attr":
                self.forms[node] = self.constant(node)
            elif node.op == "output":
                found.append(["output", self.form(node.args[0])])
            elif _is_size(node):
                self.forms[node] = _size(node.meta["val"])
            elif node in used:
                found.append(self.step(node))
                self.forms[node] = ["step", len(found) - 1]
        return found

    def constant(self, node: fx.Node) -> Form:
        """A tensor that is no input: by its value."""
        value = operator.attrgetter(str(node.target))(self.graph)
        if not isinstance(value, torch.Tensor) or isinstance(value, fx.Proxy):
            raise NotTracedError("an operator that takes a graph")
        if type(value) not in (torch.Tensor, nn.Parameter) or value.is_meta or value.grad_fn is not None:
            raise NotTracedError("a tensor that was computed where no graph sees it")
        if value.layout != torch.strided:
            raise NotTracedError(f"a constant tensor of layout {value.layout}")
        name = self.origin.get(value.untyped_storage().data_ptr())
        if name is not None and value.numel():
            raise NotTracedError(f"{name} is used without its name")
        with torch.utils._python_dispatch._disable_current_modes():
            return ["constant", str(value.dtype), list(value.shape), list(value.stride()), raw_digest(dense(value))]

    def step(self, node: fx.Node) -> Form:
        if node.target is operator.getitem:
            return ["getitem", self.form(list(node.args))]
        if not isinstance(node.target, torch._ops.OpOverload):
            raise NotTracedError(f"the operator {getattr(node.target, '__name__', node.target)}")
        name = str(node.target)
        if name.partition(".")[0] not in NAMESPACES:
            raise NotTracedError(f"the operator {name}, whose meaning the file may change")
        return [name, self.arguments(node)]

    def arguments(self, node: fx.Node) -> dict[str, Form]:
        """Every argument under its name, defaults included."""
        schema = node.target._schema
        given: dict[str, Any] = {}
        floats: set[str] = set()
        for place, argument in enumerate(schema.arguments):
            if place < len(node.args):
                given[argument.name] = node.args[place]
            elif argument.name in node.kwargs:
                given[argument.name] = node.kwargs[argument.name]
            elif argument.has_default_value():
                given[argument.name] = argument.default_value
            kind = str(argument.type)
            if "float" in kind or (kind in NUMBERS and _takes_floats_only(node)):
                floats.add(argument.name)
        if "kernel_size" in given and not given.get("stride", True):
            given["stride"] = given["kernel_size"]  # what every pooling takes for its stride where there is none
        return {name: self.form(value, as_float=name in floats) for name, value in given.items()}

    def form(self, value: Any, as_float: bool = False) -> Form:
        if isinstance(value, fx.Node):
            return self.forms[value]
        if isinstance(value, (tuple, list)):
            return [self.form(item, as_float) for item in value]
        if as_float and type(value) is int and abs(value) < EXACT:
            value = float(value)
        return plain_form(value)


def plain_form(value: Any) -> Form:
    """A value that is no tensor, exactly: 1 is not 1.0 is not True."""
    if value is None:
        return None
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return _size(value)
    if type(value) in PLAIN:
        return [type(value).__name__, repr(value)]
    if isinstance(value, WORDED):
        return [type(value).__name__, str(value)]
    raise NotTracedError(f"a {type(value).__name__}, which cannot be compared")


def _size(value: Any) -> Form:
    if not isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return plain_form(value)
    expression = value.node.expr
    number = getattr(expression, "is_Integer", False)
    # A size that turned out to be fixed is written as any other fixed size.
    return ["int", str(expression)] if number and isinstance(value, torch.SymInt) else ["size", str(expression)]


def _is_size(node: fx.Node) -> bool:
    """Whether the node computes with sizes alone, so that an expression says all of it."""
    return isinstance(node.meta.get("val"), (torch.SymInt, torch.SymFloat, torch.SymBool))


def _used(graph: fx.Graph, own: set[fx.Node]) -> set[fx.Node]:
    """The nodes whose result or effect counts."""
    counting = {user for node in own if all(map(_counts, node.users)) for user in node.users}
    used: set[fx.Node] = set()
    for node in reversed(graph.nodes):
        wanted = any(user in used for user in node.users)
        if (
            node.op == "output"
            or wanted
            or (node.op == "call_function" and not (_is_harmless(node) or node in counting))
        ):
            used.add(node)
    return used


def _counts(node: fx.Node) -> bool:
    """``counter.add_(1)``, whose result nobody uses."""
    return str(node.target) == "aten.add_.Tensor" and not node.users and not isinstance(node.args[1], fx.Node)


def _takes_floats_only(node: fx.Node) -> bool:
    """Whether a number among the arguments is made a float anyway, as no tensor among them is anything else."""
    tensors = [n.meta["val"] for n in node.all_input_nodes if isinstance(n.meta.get("val"), torch.Tensor)]
    return bool(tensors) and all(tensor.is_floating_point() for tensor in tensors)


def _is_harmless(node: fx.Node) -> bool:
    if node.target is operator.getitem:
        return True
    name = str(node.target)
    return name.startswith("aten.") and name.split(".")[1] in HARMLESS
