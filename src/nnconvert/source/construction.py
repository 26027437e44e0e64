"""What ``__init__`` of a module class does, statement by statement, and where to register a submodule."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import MODULE, ClassInfo
from nnconvert.source.facts import Method
from nnconvert.source.inits import InitChain, is_base_init, is_super
from nnconvert.source.inspected import is_only_inspected
from nnconvert.source.nodes import children
from nnconvert.source.paths import always, own_nodes
from nnconvert.source.scopes import FunctionNode

_MODE_CALLS: Final = frozenset({"eval", "train"})
_SHOWING: Final = frozenset({"__repr__", "__str__", "extra_repr", "_get_name"})
_RUN_BY_BUILTIN: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("super", "isinstance", "hasattr", "setattr", "type", "id", "vars"), frozenset()),
    **dict.fromkeys(("print", "repr", "str"), _SHOWING),
    "len": frozenset({"__len__"}),
}
"""Builtins that take self, and the methods of it that they run."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where in ``__init__`` a registration may stand: before statement ``first`` ... ``last``."""

    first: int
    last: int


class Construction:
    """The ``__init__`` of one class."""

    def __init__(self, info: ClassInfo, attributes: Attributes) -> None:
        self.info = info
        self.attributes = attributes
        self.tree = attributes.tree
        self._windows: dict[frozenset[str], Window | None] = {}
        self._mentions: dict[ast.AST, list[ast.Attribute | ast.Name]] = {}

    @cached_property
    def inits(self) -> list[FunctionNode]:
        return self.info.methods.get("__init__", [])

    @cached_property
    def init(self) -> Method | None:
        """The one ``__init__`` that stands directly in the class body and names its instance, or None."""
        if len(self.inits) != 1 or self.inits[0] not in self.info.node.body:
            return None
        method = self.attributes.methods[self.tree.inner[self.inits[0]]]
        return method if method.receiver is not None else None

    @property
    def body(self) -> list[ast.stmt]:
        return self.init.node.body if self.init is not None else []

    # -- the call of the base's __init__ ---------------------------------------------------------------------

    @cached_property
    def base_call(self) -> int | None:
        """Index of the last statement that may run nn.Module.__init__; None where not every path passes one."""
        if not always(self.body, self._calls_base):
            return None
        resetting = self._chain.resetting
        calling = [i for i, statement in enumerate(self.body) if resetting.runs_module_init(statement, self.info)]
        return calling[-1] if calling else None

    def _calls_base(self, statement: ast.stmt) -> bool:
        return self._chain.runs_module_init(statement, self.info)

    @cached_property
    def _chain(self) -> InitChain:
        return InitChain(self.info, self.attributes)

    @cached_property
    def inherits_init(self) -> bool:
        """Whether the class has no ``__init__`` and that of its bases certainly reaches nn.Module's."""
        defined = "__init__" in self.info.scope.bindings
        return not defined and self._chain.reaches(MODULE, 1)

    # -- where a registration may stand ----------------------------------------------------------------------

    def window(self, reaching: frozenset[str]) -> Window | None:
        """Where every path passes after nn.Module.__init__ and before anything that needs the submodule.

        ``reaching``: names of the methods from which the call site can be reached.
        """
        if reaching not in self._windows:  # as a rule the same for all call sites
            self._windows[reaching] = self._find_window(reaching)
        return self._windows[reaching]

    def _find_window(self, reaching: frozenset[str]) -> Window | None:
        if self.init is None or self.base_call is None:
            return None
        last = len(self.body)
        for index, statement in enumerate(self.body):
            if any(isinstance(node, ast.Return) for node in own_nodes(statement)):
                last = min(last, index)
            if self.touches(statement, reaching) or (index > self.base_call and self._sets_mode(statement)):
                last = min(last, index)
        return Window(self.base_call + 1, last) if last > self.base_call else None

    def touches(self, statement: ast.AST, reaching: frozenset[str]) -> bool:
        """Whether the statement may run one of these methods: calls it, reads it, or hands self to others."""
        if statement not in self._mentions:
            self._mentions[statement] = list(self._mentioned(statement))
        return any(
            _method_named(node) in reaching and not is_only_inspected(node, self.attributes)
            if isinstance(node, ast.Attribute)
            else self._gives_away(node, reaching)
            for node in self._mentions[statement]
        )

    def _mentioned(self, statement: ast.AST) -> Iterator[ast.Attribute | ast.Name]:
        """What the statement reads of self and of ``super()``, and where it has self for something else."""
        stack = [statement]
        for node in stack:
            if isinstance(node, ast.Attribute) and (self.attributes.self_of(node.value) or is_super(node.value)):
                yield node
            bare = isinstance(node, ast.Name) and not isinstance(self.tree.parents.get(node), ast.Attribute)
            if bare and isinstance(node, ast.Name) and self.attributes.self_of(node):
                yield node
            stack += children(node)

    def _gives_away(self, node: ast.Name, reaching: frozenset[str]) -> bool:
        parent = self.tree.parents.get(node)
        if isinstance(parent, ast.Call):
            if parent.func is node:
                return "forward" in reaching
            name = parent.func.id if isinstance(parent.func, ast.Name) else ""
            if name in _RUN_BY_BUILTIN:
                return bool(_RUN_BY_BUILTIN[name] & reaching)
            if name == "getattr" and len(parent.args) > 1 and isinstance(parent.args[1], ast.Constant):
                return parent.args[1].value in reaching
            return not is_base_init(parent, self.attributes) and self._may_run(parent, reaching)
        return True

    def _may_run(self, call: ast.Call, reaching: frozenset[str]) -> bool:
        """Whether a call that gets self may run one of the methods; ``Base.setup(self)`` runs ``setup``."""
        scope = self.tree.scope_of[call]
        if isinstance(call.func, ast.Attribute) and self.attributes.classes.named(call.func.value, scope):
            return call.func.attr in reaching
        return True

    def _sets_mode(self, statement: ast.AST) -> bool:
        """``self.eval()`` and ``self.train(...)``, also through a method of the class that does it."""
        return self.touches(statement, self._mode_methods)

    def runs_methods(self, first: int, last: int) -> bool:
        """Whether a statement of ``__init__`` from ``first`` up to ``last`` may run a method of the instance."""
        methods = {"forward", *(name for member in self.info.family() for name in member.methods)} - {"__init__"}
        return any(self.touches(statement, frozenset(methods)) for statement in self.body[first:last])

    def sets_mode_before(self, index: int) -> bool:
        """Whether a statement of ``__init__`` in front of this one switches the mode."""
        return any(self._sets_mode(statement) for statement in self.body[:index])

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

    # -- where things are assigned ---------------------------------------------------------------------------

    def index_of(self, node: ast.AST) -> int | None:
        """Index of the top-level statement of ``__init__`` that is this node's assignment."""
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
            registers = index >= last and any(self._looks_like_registration(node) for node in own_nodes(statement))
            if registers or (index == last and _is_set_up(statement)):
                last = index + 1
        return last

    def _looks_like_registration(self, node: ast.AST) -> bool:
        """``self.x = nn.Linear(...)``, or ``self.x = layer(...)`` where the class calls self.x."""
        if _looks_like_registration(node):
            return True
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            return False
        return any(isinstance(target, ast.Attribute) and target.attr in self._called for target in node.targets)

    @cached_property
    def _called(self) -> frozenset[str]:
        """Attributes of self that the class calls, and are no methods."""
        parents = self.tree.parents
        loads = self.attributes.facts[self.info].loads
        called = (
            name
            for name, nodes in loads.items()
            if any(isinstance(call := parents.get(node), ast.Call) and call.func is node for node in nodes)
        )
        return frozenset(called)


def reaching_methods(info: ClassInfo, targets: Iterable[str], attributes: Attributes) -> frozenset[str]:
    """The targets and every method of the class and its relatives that reads one of them, transitively."""
    readings = attributes.readings
    if info not in readings:
        readings[info] = _reads_of_self(info, attributes)
    reads = readings[info]
    targets = set(targets)
    found = set(targets)
    queue = list(found)
    for name in queue:
        new = reads.get(name, set()) - found
        if name in targets or any(name in member.methods for member in info.family()):
            new |= _base_readers(name, info, attributes) - found
        found |= new
        queue.extend(new)
    return frozenset(found - {"__init__"})


def _reads_of_self(info: ClassInfo, attributes: Attributes) -> dict[str, set[str]]:
    """Name of a method -> the methods of the class and its relatives that read it of self."""
    reads: dict[str, set[str]] = {}
    family = info.family()
    methods = {name for member in family for name in member.methods}
    for member in family:
        for name, loads in attributes.facts[member].loads.items():
            method = "forward" if name == "__call__" else name
            if name in methods:
                loads = [load for load in loads if not is_only_inspected(load, attributes)]
            reads.setdefault(method, set()).update(_methods_around(loads, attributes))
        for caller in _self_callers(member, attributes):
            reads.setdefault("forward", set()).add(caller)
        for name, bindings in member.scope.bindings.items():  # act = lambda self, x: self.relu(x)
            for node in (n for b in bindings if isinstance(b.value, ast.Lambda) for n in ast.walk(b.value)):
                if isinstance(node, ast.Attribute):
                    reads.setdefault(_method_named(node), set()).add(name)
    return reads


def _base_readers(name: str, info: ClassInfo, attributes: Attributes) -> set[str]:
    """The methods that read it of ``super()`` or of a class, in the files of the class and its relatives."""
    found: set[str] = set()
    for around in attributes.around(info):
        known = around.readings.setdefault("of bases", {})
        if name not in known:
            loads = [node for node in around.outer_loads.get(name, []) if _reads_base(node, around)]
            loads = [load for load in loads if not is_only_inspected(load, around)]
            known[name] = set(_methods_around(loads, around))
        found |= known[name]
    return found


def _method_named(node: ast.Attribute) -> str:
    """The method that reading the attribute may run: ``self.__call__`` runs forward."""
    return "forward" if node.attr == "__call__" else node.attr


def _methods_around(nodes: Iterable[ast.AST], attributes: Attributes) -> Iterator[str]:
    for node in nodes:
        method = attributes.method_of(attributes.tree.scope_of[node])
        if method is not None:
            yield method.node.name


def _reads_base(node: ast.Attribute, attributes: Attributes) -> bool:
    """``super().act`` or ``Base.act``."""
    return is_super(node.value) or bool(attributes.classes.named(node.value, attributes.tree.scope_of[node]))


def _self_callers(info: ClassInfo, attributes: Attributes) -> Iterator[str]:
    """Methods that call ``self(...)``."""
    for method, call in attributes.calls_of(info):
        if attributes.self_of(call.func) is not None:
            yield method.node.name


def _is_set_up(statement: ast.stmt) -> bool:
    """``self.fc.stddev = 0.001``"""
    target = statement.targets[0] if isinstance(statement, ast.Assign) and len(statement.targets) == 1 else None
    return isinstance(target, ast.Attribute) and isinstance(target.value, ast.Attribute)


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
