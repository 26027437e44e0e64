"""Which ``__init__`` methods run when an instance is built, in Python's method resolution order."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeGuard

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import MODULE, Base, ClassInfo
from nnconvert.source.paths import always, own_calls
from nnconvert.source.scopes import FunctionNode


class InitChain:
    """What building an instance of exactly the class ``start`` runs: certainly, or ``possibly``."""

    def __init__(self, start: ClassInfo, attributes: Attributes, *, possibly: bool = False) -> None:
        self.start = start
        self.attributes = attributes
        self.order = linearize(start, attributes)
        self.possibly = possibly
        self._running: list[ClassInfo] = []

    def reaches(self, target: Base, index: int = 0) -> bool:
        """Whether ``__init__`` of the target runs, and nothing resets nn.Module behind it.

        ``index``: the place in the resolution order where the search for ``__init__`` starts.
        """
        return self._search(self.order[index:], target)

    @cached_property
    def resetting(self) -> InitChain:
        """The same chain, to ask what may run nn.Module.__init__ and so empty what is registered."""
        return InitChain(self.start, self.attributes, possibly=True)

    def runs_module_init(self, statement: ast.stmt, owner: ClassInfo) -> bool:
        calls = base_init_calls([statement], self.attributes)
        return any(self.call_reaches(call, owner, MODULE) for call in calls)

    def call_reaches(self, call: ast.Call, owner: ClassInfo, target: Base) -> bool:
        """The same for one call of a base's ``__init__`` that stands in a method of ``owner``."""
        assert isinstance(call.func, ast.Attribute)
        receiver = call.func.value
        scope = self.attributes.tree.scope_of[call]
        classes = self.attributes.classes
        if is_super(receiver):
            starts = self._super_starts(receiver, owner)
            return self._each(self._behind(start, target) for start in starts) if starts else self.possibly
        local = classes.named(receiver, scope)
        if local:
            return self._each(self._search(linearize(info, self.attributes), target) for info in local)
        outer = classes.names.qualname(receiver, scope)
        return outer is not None and self._search([outer], target)

    def _each(self, outcomes: Iterable[bool]) -> bool:
        return any(outcomes) if self.possibly else all(outcomes)

    def _super_starts(self, call: ast.Call, owner: ClassInfo) -> Sequence[Base]:
        """The class behind which ``super(...)`` starts its search."""
        if not call.args:
            return [owner]
        first = call.args[0]
        if isinstance(first, ast.Name) and first.id == "__class__":
            return [owner]
        if ast.unparse(first).endswith(".__class__") or ast.unparse(first).startswith("type("):
            return self.order[:1]
        return self.attributes.classes.named(first, self.attributes.tree.scope_of[call])

    def _behind(self, start: Base, target: Base) -> bool:
        if start in self.order:
            return self._search(self.order[self.order.index(start) + 1 :], target)
        return target == MODULE  # a class of torch.nn that is called by name

    def _search(self, entries: Sequence[Base], target: Base) -> bool:
        """Run the first ``__init__`` among the entries."""
        for entry in entries:
            if entry == target:
                return True
            if isinstance(entry, ClassInfo):
                if "__init__" in entry.scope.bindings:
                    return self._init_reaches(entry, target)
                if self.attributes.classes.is_dataclass(entry):
                    return False
            elif entry == MODULE or not self.attributes.classes.is_known(entry):
                return False  # were an unknown one to reset nn.Module, it would lose what others have registered
            elif self.attributes.classes.is_module(entry):
                return self._behind(entry, target)
        return False

    def _init_reaches(self, owner: ClassInfo, target: Base) -> bool:
        nodes = owner.methods.get("__init__", [])
        others = [b for b in owner.scope.bindings["__init__"] if not isinstance(b.node, FunctionNode)]
        if others or owner in self._running or not nodes:
            return self.possibly
        self._running.append(owner)
        found = self._each(self._body_reaches(node, owner, target) for node in nodes)
        self._running.pop()
        return found

    def _body_reaches(self, init: FunctionNode, owner: ClassInfo, target: Base) -> bool:
        def does(statement: ast.stmt, wanted: Base = target) -> bool:
            calls = base_init_calls([statement], self.attributes)
            return any(self.call_reaches(call, owner, wanted) for call in calls)

        if self.possibly:
            return any(map(does, init.body))
        if not always(init.body, does):
            return False
        resetting = [s for s in init.body if self.resetting.runs_module_init(s, owner)]
        return not resetting or always(resetting[-1:], does)


def linearize(info: ClassInfo, attributes: Attributes, below: tuple[ClassInfo, ...] = ()) -> list[Base]:
    """The method resolution order (C3) as far as this file tells; of torch.nn the class named, and Module."""
    bases = [base for base in info.bases if base not in below]
    lines: list[list[Base]] = []
    for base in bases:
        if isinstance(base, ClassInfo):
            lines.append(linearize(base, attributes, (*below, info)))
        elif base != MODULE and attributes.classes.is_module(base):
            lines.append([base, MODULE])
        else:
            lines.append([base])
    return [info, *_merged([*lines, bases])]


def _merged(lines: list[list[Base]]) -> Iterator[Base]:
    while lines := [line for line in lines if line]:
        heads = (line[0] for line in lines)
        free = (head for head in heads if not any(head in line[1:] for line in lines))
        head = next(free, lines[0][0])  # without a free one the class statement itself raises
        yield head
        lines = [[entry for entry in line if entry != head] for line in lines]


def inherited_init(info: ClassInfo, attributes: Attributes) -> FunctionNode | None:
    """The ``__init__`` that a class without one of its own runs, where it stands in this file."""
    for entry in linearize(info, attributes)[1:]:
        if not isinstance(entry, ClassInfo):
            return None
        if "__init__" in entry.scope.bindings:
            nodes = entry.methods.get("__init__", [])
            return nodes[0] if len(nodes) == 1 else None
    return None


def is_super(node: ast.expr) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def is_base_init(call: ast.Call, attributes: Attributes) -> bool:
    """``super().__init__(...)``, ``super(Net, self).__init__(...)`` or ``Base.__init__(self, ...)``."""
    function = call.func
    if not (isinstance(function, ast.Attribute) and function.attr == "__init__"):
        return False
    if isinstance(function.value, ast.Call):
        return is_super(function.value)
    return bool(call.args) and attributes.self_of(call.args[0]) is not None


def base_init_calls(nodes: Iterable[ast.AST], attributes: Attributes) -> Iterator[ast.Call]:
    return (call for call in own_calls(*nodes) if is_base_init(call, attributes))


def skips_own_init(info: ClassInfo, attributes: Attributes) -> ClassInfo | None:
    """A subclass in this file whose instances do not run the class's ``__init__``, or lose its work."""
    for subclass in info.descendants():
        if not InitChain(subclass, attributes).reaches(info):
            return subclass
    return None


def resets_later(info: ClassInfo, attributes: Attributes) -> str | None:
    """A method besides ``__init__`` that runs nn.Module.__init__ again, or builds instances without it."""
    for member in info.family():
        for method, call in attributes.calls_of(member):
            if method.node.name != "__init__" and (is_base_init(call, attributes) or _builds_bare(call)):
                return f"{member.qualname}.{method.node.name}"
    return None


def _builds_bare(call: ast.Call) -> bool:
    """``cls.__new__(cls)``: an object whose ``__init__`` has not run."""
    function = call.func
    return isinstance(function, ast.Attribute) and function.attr == "__new__" and not is_super(function.value)
