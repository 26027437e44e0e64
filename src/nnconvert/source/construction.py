"""What ``__init__`` of a module class does, statement by statement, and where a submodule can be registered."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from nnconvert.source.attributes import Attributes, Method
from nnconvert.source.classes import ClassInfo
from nnconvert.source.scopes import FunctionNode, Scope

_MODE_CALLS: Final = frozenset({"eval", "train"})
_HARMLESS_WITH_SELF: Final = frozenset(
    {"super", "isinstance", "hasattr", "getattr", "setattr", "type", "id", "len", "print", "repr", "str", "vars"}
)


@dataclass(frozen=True, slots=True)
class Window:
    """Between which statements of ``__init__`` a registration may stand: before statement ``first`` ... ``last``."""

    first: int
    last: int


class Construction:
    """The ``__init__`` of one class."""

    def __init__(self, info: ClassInfo, attributes: Attributes) -> None:
        self.info = info
        self.attributes = attributes
        self.tree = attributes.tree

    @cached_property
    def inits(self) -> list[FunctionNode]:
        return self.info.methods.get("__init__", [])

    @cached_property
    def init(self) -> Method | None:
        """The class's own ``__init__``, where there is exactly one and it stands directly in the class body."""
        if len(self.inits) != 1 or self.inits[0] not in self.info.node.body:
            return None
        return self.attributes.methods[self.tree.inner[self.inits[0]]]

    @property
    def body(self) -> list[ast.stmt]:
        return self.init.node.body if self.init is not None else []

    # -- the call of the base's __init__ ------------------------------------------------------------------------

    @cached_property
    def base_call(self) -> int | None:
        """Index of the last statement that calls a base's ``__init__``; None where not every path passes one."""
        calling = [i for i, statement in enumerate(self.body) if self._calls_base(statement)]
        if not calling or not _always(self.body, self._calls_base):
            return None
        return calling[-1]

    def _calls_base(self, statement: ast.AST) -> bool:
        return any(self.is_base_init(call) for call in _calls(statement))

    def is_base_init(self, call: ast.Call) -> bool:
        """``super().__init__(...)``, ``super(Net, self).__init__(...)`` or ``Base.__init__(self, ...)``."""
        function = call.func
        if not (isinstance(function, ast.Attribute) and function.attr == "__init__"):
            return False
        owner = function.value
        if isinstance(owner, ast.Call):
            return isinstance(owner.func, ast.Name) and owner.func.id == "super"
        return bool(call.args) and self.attributes.self_of(call.args[0]) is not None

    # -- where a registration may stand -------------------------------------------------------------------------

    def window(self, reaching: frozenset[str]) -> Window | None:
        """Where every path passes after nn.Module.__init__ and before anything that needs the submodule.

        ``reaching``: names of the methods from which the call site can be reached.
        """
        if self.init is None or self.base_call is None:
            return None
        last = len(self.body)
        for index, statement in enumerate(self.body):
            if any(isinstance(node, ast.Return) for node in _own_nodes(statement)):
                last = min(last, index)
            if index > self.base_call and (self.touches(statement, reaching) or self._sets_mode(statement)):
                last = min(last, index)
        return Window(self.base_call + 1, last) if last > self.base_call else None

    def touches(self, statement: ast.AST, reaching: frozenset[str]) -> bool:
        """Whether the statement may run one of these methods: calls it, reads it, or hands self to others."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and node.attr in reaching:
                if self.attributes.self_of(node.value) is not None:
                    return True
            elif isinstance(node, ast.Name) and self.attributes.self_of(node) is not None:
                if self._gives_away(node, reaching):
                    return True
        return False

    def _gives_away(self, node: ast.Name, reaching: frozenset[str]) -> bool:
        parent = self.tree.parents.get(node)
        if isinstance(parent, ast.Attribute):
            return False
        if isinstance(parent, ast.Call):
            if parent.func is node:
                return "forward" in reaching
            if isinstance(parent.func, ast.Name) and parent.func.id in _HARMLESS_WITH_SELF:
                return False
            return not self.is_base_init(parent)
        return True

    def _sets_mode(self, statement: ast.AST) -> bool:
        """``self.eval()`` and ``self.train(...)``, also through a method of the class that does it."""
        return self.touches(statement, self._mode_methods)

    @cached_property
    def _mode_methods(self) -> frozenset[str]:
        return reaching_methods(self.info, _MODE_CALLS, self.attributes) - {"forward"}

    def base_sets_mode(self) -> bool:
        """Whether the ``__init__`` of a base in this file switches the mode before the registration."""
        return any(self._sets_mode(node) for node in self._base_inits())

    def base_touches(self, reaching: frozenset[str]) -> bool:
        """Whether the ``__init__`` of a base in this file may run one of these methods."""
        return any(self.touches(s, reaching) for node in self._base_inits() for s in node.body)

    def _base_inits(self) -> Iterator[FunctionNode]:
        for base in self.info.ancestors():
            if base is not self.info:
                yield from base.methods.get("__init__", [])

    # -- where things are assigned ------------------------------------------------------------------------------

    def index_of(self, node: ast.AST) -> int | None:
        """Index of the top-level statement of ``__init__`` that is, unconditionally, this node's assignment."""
        for index, statement in enumerate(self.body):
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                if any(node in ast.walk(target) for target in targets):
                    return index
        return None

    def after_submodules(self) -> int:
        """Index behind the last statement that registers a submodule, or behind the base call."""
        last = (self.base_call or 0) + 1
        for index, statement in enumerate(self.body):
            if index >= last and any(_looks_like_registration(node) for node in _own_nodes(statement)):
                last = index + 1
        return last


def reaching_methods(info: ClassInfo, targets: Iterable[str], attributes: Attributes) -> frozenset[str]:
    """The targets and every method of the class and its relatives that reads one of them on self, transitively."""
    reads: dict[str, set[str]] = {}
    for member in info.family():
        for name, loads in attributes.facts[member].loads.items():
            for load in loads:
                method = attributes.method_of(attributes.tree.scope_of[load])
                if method is not None:
                    reads.setdefault(name, set()).add(method.node.name)
        for caller in _self_callers(member, attributes):
            reads.setdefault("forward", set()).add(caller)
    found = set(targets)
    queue = list(found)
    for name in queue:
        new = reads.get(name, set()) - found
        found |= new
        queue.extend(new)
    return frozenset(found - {"__init__"})


def _self_callers(info: ClassInfo, attributes: Attributes) -> Iterator[str]:
    """Methods that call ``self(...)``."""
    for nodes in info.methods.values():
        for node in nodes:
            for call in _calls(node):
                if attributes.self_of(call.func) is not None:
                    yield node.name


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (child for child in _own_nodes(node) if isinstance(child, ast.Call))


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, without the bodies of functions and classes defined in it."""
    stack: list[ast.AST] = [node]
    while stack:
        current = stack.pop()
        yield current
        for child in ast.iter_child_nodes(current):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
                stack.append(child)


def _always(body: Sequence[ast.stmt], does: Callable[[ast.stmt], bool]) -> bool:
    """Whether every path through the statements passes one that satisfies ``does``."""
    for statement in body:
        if isinstance(statement, ast.If):
            if statement.orelse and _always(statement.body, does) and _always(statement.orelse, does):
                return True
        elif isinstance(statement, ast.With):
            if _always(statement.body, does):
                return True
        elif isinstance(statement, ast.Try):
            handled = all(_always(h.body, does) or _raises(h.body) for h in statement.handlers)
            if _always(statement.finalbody, does) or (_always(statement.body, does) and handled):
                return True
        elif isinstance(statement, ast.Return):
            return False
        elif not isinstance(statement, ast.For | ast.AsyncFor | ast.While | ast.Match) and does(statement):
            return True
    return False


def _raises(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise)


def _looks_like_registration(node: ast.AST) -> bool:
    """``self.x = nn.Linear(...)``: an attribute that is given the result of something named like a class."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("add_module", "register_module")
    if not (isinstance(node, ast.Assign) and any(isinstance(t, ast.Attribute) for t in node.targets)):
        return False
    names = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        for call in ast.walk(node.value)
        if isinstance(call, ast.Call)
    )
    return any(name.lstrip("_")[:1].isupper() and not name.isupper() and name != "Parameter" for name in names)


def skips_own_init(info: ClassInfo, attributes: Attributes) -> ClassInfo | None:
    """A subclass in this file whose ``__init__`` does not reach the class's own."""
    for subclass in info.descendants():
        construction = Construction(subclass, attributes)
        for init in construction.inits:
            calls = [call for call in _calls(init) if construction.is_base_init(call)]
            if not any(_reaches(call, subclass, info, attributes) for call in calls):
                return subclass
    return None


def _reaches(call: ast.Call, subclass: ClassInfo, info: ClassInfo, attributes: Attributes) -> bool:
    """Whether this base call runs ``__init__`` of ``info`` (directly or through bases in between)."""
    assert isinstance(call.func, ast.Attribute)
    owner = call.func.value
    scope: Scope = attributes.tree.scope_of[call]
    if isinstance(owner, ast.Call):
        named = attributes.classes.named(owner.args[0], scope) if owner.args else [subclass]
        return all(start is not info and info in start.ancestors() for start in named) and bool(named)
    return any(info in start.ancestors() for start in attributes.classes.named(owner, scope))
