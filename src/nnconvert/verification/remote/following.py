"""Follow values through the methods of a class: what the expressions around them do with them."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Union

import torch
from torch import nn

from .meant import parameter_at
from .use import BY_ATTRIBUTE, Use, merge

NUMBERS = ("range", "int", "float", "round", "abs", "pow", "divmod")
SEVERAL = ("len", "enumerate", "zip", "list", "tuple", "sum", "sorted", "reversed", "iter", "any", "all", "map", "set")
KINDS = {ast.If: "flag", ast.Starred: "several"}
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
TENSORS = (torch.tensor, torch.as_tensor, torch.from_numpy)
TAKEN_FROM = ((nn, ("ReLU", "BatchNorm2d")), (nn.functional, ("relu",)), (torch, ("relu",)))
"""What a name may be that is looked up there."""
FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007 (Python 3.9)

PassedOn = Callable[[type, str], "Use | None"]
"""What another constructor does with its parameter of that name."""


class At(NamedTuple):
    """An expression, and the node around it."""

    node: ast.expr
    parent: Any


class Reader:
    """Follows values through the methods of one class."""

    def __init__(
        self, names: dict[str, Any], owner: type, passed_on: PassedOn, methods: Sequence[FunctionNode]
    ) -> None:
        self.names = names
        self.owner = owner
        self.passed_on = passed_on
        self.methods = methods
        self.parents = {child: node for m in methods for node in ast.walk(m) for child in ast.iter_child_nodes(node)}
        self.followed: set[tuple[int, str]] = set()

    def note_name(self, scope: ast.AST, name: str, use: Use) -> None:
        """Everything that is done under a name in a function."""
        if (id(scope), name) in self.followed:
            return
        self.followed.add((id(scope), name))
        for node in ast.walk(scope):
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
                self.note(node, use)

    def note_attribute(self, name: str, use: Use) -> None:
        """Everything that is done with ``self.<name>`` in the class."""
        if (0, name) in self.followed:
            return
        self.followed.add((0, name))
        for node in (n for method in self.methods for n in ast.walk(method)):
            if not isinstance(node, ast.Attribute) or node.attr != name or isinstance(node.ctx, ast.Store):
                continue
            if ast.unparse(node.value) == "self":
                self.note(node, use)

    def note(self, node: ast.expr, use: Use) -> None:
        """What the expression around ``node`` does with its value."""
        parent = self.parents.get(node)
        handler = HANDLERS.get(type(parent))
        if handler is not None:
            handler(self, At(node, parent), use)

    def _passed_up(self, at: At, use: Use) -> None:
        self.note(at.parent, use)

    def _of_kind(self, at: At, use: Use) -> None:
        use.kinds[KINDS[type(at.parent)]] = None

    def _in_if_exp(self, at: At, use: Use) -> None:
        if at.node is at.parent.test:
            use.kinds["flag"] = None
        else:
            self.note(at.parent, use)

    def _in_unary_op(self, at: At, use: Use) -> None:
        use.kinds["flag" if isinstance(at.parent.op, ast.Not) else "number"] = None

    def _in_bin_op(self, at: At, use: Use) -> None:
        other = at.parent.right if at.node is at.parent.left else at.parent.left
        if isinstance(other, (ast.List, ast.ListComp)):
            use.kinds["several"] = None
        elif not isinstance(other, (ast.JoinedStr, ast.Tuple)) and not isinstance(getattr(other, "value", 0), str):
            use.kinds["number"] = None
            if isinstance(self.parents[at.parent], (ast.Call, ast.keyword, ast.BinOp)):
                self.note(at.parent, use)

    def _in_for(self, at: At, use: Use) -> None:
        self._loop(at.parent.target, at.parent, use)

    def _in_comprehension(self, at: At, use: Use) -> None:
        self._loop(at.parent.target, self.parents[at.parent], use)

    def _loop(self, target: ast.expr, scope: ast.AST, use: Use) -> None:
        use.kinds["several"] = None
        if isinstance(target, ast.Name):
            self.note_name(scope, target.id, use.single)

    def _in_assign(self, at: At, use: Use) -> None:
        for target in at.parent.targets:
            self._bound(target, at.parent, use)

    def _in_ann_assign(self, at: At, use: Use) -> None:
        self._bound(at.parent.target, at.parent, use)

    def _in_tuple(self, at: At, use: Use) -> None:
        """``self.a, self.b = a, b``."""
        around, place = self.parents[at.parent], at.parent.elts.index(at.node)
        for target in around.targets if isinstance(around, ast.Assign) else ():
            if isinstance(target, ast.Tuple) and len(target.elts) == len(at.parent.elts):
                self._bound(target.elts[place], around, use)

    def _bound(self, target: ast.expr, statement: ast.AST, use: Use) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            use.kinds["several"] = None
            use.count = max(use.count, len(target.elts))
        elif isinstance(target, ast.Name):
            self.note_name(self._function(statement), target.id, use)
        elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
            self.note_attribute(target.attr, use)

    def _function(self, node: ast.AST) -> ast.AST:
        while not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            node = self.parents[node]
        return node

    def _in_subscript(self, at: At, use: Use) -> None:
        if at.node is at.parent.slice:
            table = self.value(at.parent.value)
            if isinstance(table, dict):
                use.choices.update(dict.fromkeys(table))
            return
        key = at.parent.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.note(at.parent, use.items.setdefault(key.value, Use()))
            return
        use.kinds["several"] = None
        if isinstance(key, ast.Constant) and isinstance(key.value, int):
            use.count = max(use.count, key.value + 1)
            self.note(at.parent, use.places.setdefault(key.value, Use()))
        elif not isinstance(key, ast.Slice):
            self.note(at.parent, use.single)

    def _in_attribute(self, at: At, use: Use) -> None:
        for kind, names in BY_ATTRIBUTE:
            if at.parent.attr in names:
                use.kinds.update(dict.fromkeys(kind.split()))
                return
        if not at.parent.attr.startswith("__"):
            self.note(at.parent, use.attributes.setdefault(at.parent.attr, Use()))

    def _in_compare(self, at: At, use: Use) -> None:
        for operator, other in zip(at.parent.ops, at.parent.comparators):  # noqa: B905 (Python 3.9)
            value = self.value(other if other is not at.node else at.parent.left)
            if isinstance(operator, (ast.In, ast.NotIn)) and other is not at.node:
                if isinstance(value, (dict, list, tuple, set)):
                    use.choices.update({choice: None for choice in value if isinstance(choice, (str, int))})
            elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
                if isinstance(operator, ast.Eq) and isinstance(value, str):
                    use.choices[value] = None
                use.kinds["text" if isinstance(value, str) else "number"] = None

    def _in_keyword(self, at: At, use: Use) -> None:
        call = self.parents[at.parent]
        if at.parent.arg is None:
            use.kinds["mapping"] = None
        elif isinstance(call, ast.Call):
            self._passed(call, at.parent.arg, use)

    def _in_call(self, at: At, use: Use) -> None:
        if at.node is at.parent.func:
            use.kinds["called"] = None
            if getattr(self._function(at.parent), "name", "") == "__init__":
                use.kinds["made"] = None
            return
        name = ast.unparse(at.parent.func)
        if name in NUMBERS:
            use.kinds["range" if name == "range" else "number"] = None
            if name != "range":
                self.note(at.parent, use)
        elif name in SEVERAL:
            use.kinds["several"] = None
            self._looped(at.parent, at.node, use)
        elif name in ("getattr", "hasattr") and at.node is at.parent.args[-1]:
            home = self.value(at.parent.args[0])
            options = next((names for place, names in TAKEN_FROM if place is home), ())
            use.choices.update(dict.fromkeys(options))
        elif name in ("callable", "isinstance"):
            use.kinds["called" if name == "callable" else "asked"] = None
        elif name not in ("getattr", "hasattr", "print", "type", "str", "id"):
            self._passed(at.parent, at.parent.args.index(at.node), use)

    def _looped(self, call: ast.Call, node: ast.expr, use: Use) -> None:
        """``for a, b in zip(p, q)``, ``for i, a in enumerate(p)``."""
        loop = self.parents.get(call)
        if not isinstance(loop, (ast.For, ast.comprehension)):
            self.note(call, use)
            return
        target: ast.expr | None = loop.target
        name = ast.unparse(call.func)
        place = call.args.index(node) if name == "zip" else 1 if name == "enumerate" else None
        if place is not None:
            target = loop.target.elts[place] if isinstance(loop.target, ast.Tuple) else None
        scope = loop if isinstance(loop, ast.For) else self.parents[loop]
        if target is not None:
            self._loop(target, scope, use)

    def _passed(self, call: ast.Call, place: int | str, use: Use) -> None:
        """As an argument: of torch's, its name there; of others, what is done with it there."""
        target = self._target(call)
        if any(target is one for one in TENSORS):
            use.kinds["numbers"] = None
        elif _is_container(target):
            use.kinds["module"] = None
        name = parameter_at(target, place)
        if name is None:
            return
        if str(target.__module__).partition(".")[0] == "torch":
            use.passed_as[name] = None
        elif inspect.isclass(target):
            merge(use, self.passed_on(target, name))

    def _target(self, call: ast.Call) -> Any:
        """What is called, where the module's names tell; for ``super().__init__`` the class whose constructor runs."""
        function = call.func
        if isinstance(function, ast.Attribute) and ast.unparse(function.value).startswith("super("):
            bases = (base for base in self.owner.__mro__[1:] if "__init__" in vars(base))
            return next(bases, None) if function.attr == "__init__" else None
        return self.value(function)

    def _in_list(self, at: At, use: Use) -> None:
        around = self.parents[at.parent]
        if isinstance(around, ast.Call) and at.parent in around.args and _is_container(self._target(around)):
            use.kinds["module"] = None
        elif any(isinstance(other, ast.Starred) for other in at.parent.elts):
            use.kinds["number"] = None  # [first, *others] are sizes

    def value(self, node: ast.expr) -> Any:
        """The value of a literal, or of a name (with dots) that the module has; else None."""
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError):
            pass
        if isinstance(node, ast.Name):
            return self.names.get(node.id, getattr(builtins, node.id, None))
        if isinstance(node, ast.Attribute):
            home = self.value(node.value)
            return vars(home).get(node.attr) if inspect.ismodule(home) or inspect.isclass(home) else None
        if isinstance(node, ast.Dict):
            keys = [self.value(key) for key in node.keys if key is not None]
            return dict.fromkeys(key for key in keys if isinstance(key, (str, int)))
        return None


HANDLERS: dict[Any, Callable[[Reader, At, Use], None]] = {
    ast.BoolOp: Reader._passed_up,
    ast.NamedExpr: Reader._passed_up,
    ast.IfExp: Reader._in_if_exp,
    ast.If: Reader._of_kind,
    ast.UnaryOp: Reader._in_unary_op,
    ast.BinOp: Reader._in_bin_op,
    ast.For: Reader._in_for,
    ast.comprehension: Reader._in_comprehension,
    ast.Starred: Reader._of_kind,
    ast.Assign: Reader._in_assign,
    ast.AnnAssign: Reader._in_ann_assign,
    ast.Subscript: Reader._in_subscript,
    ast.Attribute: Reader._in_attribute,
    ast.Compare: Reader._in_compare,
    ast.keyword: Reader._in_keyword,
    ast.Call: Reader._in_call,
    ast.List: Reader._in_list,
    ast.Tuple: Reader._in_tuple,
}
"""By the kind of the node around it."""


def _is_container(target: Any) -> bool:
    return any(target is one for one in CONTAINERS)
