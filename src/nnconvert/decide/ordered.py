"""Code that goes through the parameters of a model: it may notice in which order they come, and whose they are."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import FunctionNode

_WALKS: Final = frozenset({"parameters", "named_parameters", "buffers", "named_buffers"})
_BY_NAME: Final = "state_dict"
_VIEWS: Final = frozenset({"items", "values", "keys"})
"""A state_dict by itself is asked by name; its views, and a loop over it, go in order."""
_RANDOM: Final = frozenset(
    {"normal_", "uniform_", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
     "kaiming_normal_", "orthogonal_", "sparse_", "exponential_", "bernoulli_", "random_", "cauchy_", "geometric_",
     "log_normal_", "rand_like", "randn_like", "randn", "rand", "randint", "randint_like", "randperm", "bernoulli",
     "multinomial", "dropout", "random", "normal", "uniform"}
)  # fmt: skip
"""Names of what draws random numbers, in torch, NumPy and Python."""
_IN_A_ROW: Final = frozenset(
    {"cat", "stack", "hstack", "vstack", "concat", "concatenate", "parameters_to_vector", "vector_to_parameters",
     "_flatten_dense_tensors", "enumerate", "islice", "LBFGS"}
)  # fmt: skip
"""Functions whose result says in which order the parameters came."""
_OF_ANY: Final = frozenset({"device", "dtype", "is_cuda", "get_device", "layout", "is_meta"})
"""What the first parameter is asked for, where any other would do."""


class Ordered:
    """Reads the walks of one file."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def check(self) -> None:
        """Refuse a walk that would see the parameters in another order, or as another module's; raises LeaveError."""
        for call in self.reader.tree.calls():
            function = call.func
            if not (isinstance(function, ast.Attribute) and function.attr in (*_WALKS, _BY_NAME)):
                continue
            if self.reader.walks.owners(function.value, self.reader.tree.scope_of[call]) == ():
                continue  # of an nn.Linear
            if function.attr in _WALKS and _is_shallow(call):
                raise LeaveError("NNC417", f"line {call.lineno} asks a module for its own parameters alone")
            self._check_walk(call, function.attr == _BY_NAME)
        for node in self.reader.tree.attributes():
            if node.attr == "param_groups":
                self._check_groups(node)

    def _check_walk(self, call: ast.Call, by_name: bool) -> None:
        tree, line = self.reader.tree, call.lineno
        start = self._viewed(call) if by_name else call
        by_name = by_name and start is call
        inner: ast.AST = start
        statement: ast.AST = call
        for ancestor in tree.ancestors(start):
            statement = ancestor
            if isinstance(ancestor, ast.Subscript) and inner is ancestor.value and not (by_name and inner is start):
                raise LeaveError("NNC417", f"line {line} takes a parameter by its place")
            if isinstance(ancestor, ast.Call) and inner is not ancestor.func:
                self._check_call(ancestor, line)
            if isinstance(ancestor, ast.stmt):
                break
            inner = ancestor
        loop = isinstance(statement, ast.For | ast.AsyncFor)
        if loop and not _contains(statement.iter, call):  # type: ignore[attr-defined]
            return
        if self._draws(statement):
            raise LeaveError("NNC417", f"line {line} draws random numbers parameter by parameter")
        if isinstance(statement, ast.Assign | ast.AnnAssign) and inner is statement.value:
            self._check_held(statement, by_name and inner is start)

    def _viewed(self, node: ast.expr) -> ast.expr:
        """``net.state_dict().values()`` of ``net.state_dict()``; the same where no view is taken."""
        view = self.reader.tree.parents.get(node)
        call = self.reader.tree.parents.get(view) if isinstance(view, ast.Attribute) and view.attr in _VIEWS else None
        return call if isinstance(call, ast.Call) and call.func is view else node

    def _check_groups(self, node: ast.Attribute) -> None:
        """``optimizer.param_groups[0]["params"][0]``"""
        group = self.reader.tree.parents.get(node)
        params = self.reader.tree.parents.get(group) if isinstance(group, ast.Subscript) else None
        taken = self.reader.tree.parents.get(params) if isinstance(params, ast.Subscript) else None
        if isinstance(taken, ast.Subscript) and taken.value is params:
            raise LeaveError("NNC417", f"line {node.lineno} takes a parameter by its place")

    def _check_call(self, call: ast.Call, line: int) -> None:
        """``next(net.parameters())``, ``torch.cat([p.flatten() for p in net.parameters()])``."""
        name = _name(call.func)
        if name in _IN_A_ROW:
            raise LeaveError("NNC417", f"line {line} takes the parameters in a row ({name})")
        if name == "zip" and not all(map(_is_walk, call.args)):
            raise LeaveError("NNC417", f"line {line} pairs the parameters with something else (zip)")
        if name == "next" and not self._is_asked_of_any(call):
            raise LeaveError("NNC417", f"line {line} takes a parameter by its place")

    def _is_asked_of_any(self, call: ast.Call) -> bool:
        """``next(net.parameters()).device``, or a local that is asked for such only."""
        parent = self.reader.tree.parents.get(call)
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
            uses = self._uses(parent.targets[0])
            return all(self._is_any_attribute(use) for use in uses)
        return self._is_any_attribute(call)

    def _is_any_attribute(self, node: ast.AST) -> bool:
        parent = self.reader.tree.parents.get(node)
        return isinstance(parent, ast.Attribute) and parent.attr in _OF_ANY

    def _check_held(self, statement: ast.Assign | ast.AnnAssign, by_name: bool) -> None:
        """``params = list(net.parameters())``: what the local is used for counts."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for name in (use for target in targets if isinstance(target, ast.Name) for use in self._uses(target)):
            use = self._viewed(name) if by_name else name
            parent = self.reader.tree.parents.get(use)
            if isinstance(parent, ast.Subscript) and parent.value is use and not by_name:
                raise LeaveError("NNC417", f"line {use.lineno} takes a parameter by its place")
            if isinstance(parent, ast.For) and parent.iter is use and self._draws(parent):
                raise LeaveError("NNC417", f"line {use.lineno} draws random numbers parameter by parameter")
            self._check_use(use, by_name and use is name)

    def _check_use(self, use: ast.expr, by_name: bool) -> None:
        inner: ast.AST = use
        for ancestor in self.reader.tree.ancestors(use):
            if isinstance(ancestor, ast.Subscript) and inner is ancestor.value and inner is not use:
                raise LeaveError("NNC417", f"line {use.lineno} takes a parameter by its place")
            if isinstance(ancestor, ast.Call) and inner is not ancestor.func:
                self._check_call(ancestor, use.lineno)
            if isinstance(ancestor, ast.stmt) or (by_name and isinstance(ancestor, ast.Subscript)):
                break
            inner = ancestor

    def _uses(self, target: ast.Name) -> list[ast.Name]:
        """Reads of the local, wherever its scope is seen."""
        tree = self.reader.tree
        found = tree.scope_of[target].lookup(target.id)
        scope = found[0] if found is not None else None
        reads = (n for n in tree.names() if n.id == target.id and isinstance(n.ctx, ast.Load))
        return [n for n in reads if (seen := tree.scope_of[n].lookup(n.id)) is not None and seen[0] is scope]

    def _draws(self, node: ast.AST) -> bool:
        names = _names(node)
        return bool(names & _RANDOM or names & self._drawing)

    @cached_property
    def _drawing(self) -> frozenset[str]:
        """Functions and methods of the file that draw random numbers, themselves or through others."""
        bodies = {node: _names(*node.body) for node in self.reader.tree.inner if isinstance(node, FunctionNode)}
        found: frozenset[str] = frozenset()
        while True:
            more = frozenset(node.name for node, names in bodies.items() if names & (_RANDOM | found))
            if more == found:
                return found
            found = more


def _is_shallow(call: ast.Call) -> bool:
    """``parameters(recurse=False)``, with whatever is not known to be true."""
    place = 0 if call.func.attr in ("parameters", "buffers") else 1  # type: ignore[attr-defined]
    given = next((k.value for k in call.keywords if k.arg == "recurse"), None)
    given = call.args[place] if len(call.args) > place else given
    return given is not None and not (isinstance(given, ast.Constant) and given.value is True)


def _is_walk(node: ast.expr) -> bool:
    """``net.parameters()``, ``net.state_dict().values()``"""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    of_state = node.func.attr in _VIEWS and isinstance(node.func.value, ast.Call)
    return node.func.attr in _WALKS or (of_state and _name(node.func.value.func) == _BY_NAME)  # type: ignore[attr-defined]


def _contains(node: ast.AST, wanted: ast.AST) -> bool:
    return any(child is wanted for child in ast.walk(node))


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _names(*nodes: ast.AST) -> frozenset[str]:
    return frozenset(_name(child) for node in nodes for child in _nodes(node))


def _nodes(node: ast.AST) -> Iterable[ast.expr]:
    return (child for child in ast.walk(node) if isinstance(child, ast.Name | ast.Attribute))
