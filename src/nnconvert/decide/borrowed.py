"""Methods of a class that run with other objects than its instances: ``Other.forward = Net.forward``."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterable, Iterator
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.source.classes import ClassInfo
from nnconvert.source.construction import reaching_methods
from nnconvert.source.reader import Reader

_WHOLE: Final = ("", "__init__", "__new__", "__dict__")
"""What makes objects of the class without its ``__init__``, or lends all of it."""
Lent = tuple[str, str]
"""The name of a method, or nothing for the whole class, and what is said of it."""


class Borrowed:
    """What is borrowed of the classes of one file, each looked for once."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._lent: dict[ClassInfo, list[Lent]] = {}

    def check(self, info: ClassInfo, methods: Iterable[str] | None) -> None:
        """Refuse where another object may run one of these methods; raises LeaveError. None: any method."""
        if info not in self._lent:
            self._lent[info] = list(self._find(info))
        lent = self._lent[info]
        if not lent:
            return
        running = self._running(info, methods) if methods is not None else None
        for name, words in lent:
            if running is None or name in running or name in _WHOLE:
                raise LeaveError("NNC110", words)

    def _running(self, info: ClassInfo, methods: Iterable[str]) -> frozenset[str]:
        """The methods, and all from which one may be reached, by ``Net.forward(self)`` or by its name, too."""
        running = set(reaching_methods(info, methods, self.reader.attributes))
        others = [(name, node) for member in info.family() for name, nodes in member.methods.items() for node in nodes]
        while new := {name for name, node in others if name not in running and _may_read(node, running)}:
            running |= new
        return frozenset(running)

    def _find(self, info: ClassInfo) -> Iterator[Lent]:
        for name, shown in (*_borrowed(info, self.reader), *_handed_on(info, self.reader)):
            yield name, f"{shown} is used on other objects"
        for other in self.reader.elsewhere.naming(info):
            for name, shown in _borrowed(info, other):
                yield name, f"{shown} is used on other objects in {other.name}"


def _may_read(node: ast.AST, names: Container[str]) -> bool:
    """Whether a method reads an attribute of such a name of anything, or of any name that it asks for by string."""
    return any(
        (isinstance(child, ast.Attribute) and child.attr in names)
        or (isinstance(child, ast.Name) and child.id == "getattr")
        for child in ast.walk(node)
    )


def _borrowed(info: ClassInfo, reader: Reader) -> Iterator[Lent]:
    """What the file reads from the class itself, other than to call it on a subclass's self."""
    for member in info.family():
        for name in (*member.methods, "__new__", "__dict__"):
            for load in reader.attributes.outer_loads.get(name, []):
                of_class = member in reader.classes.named(load.value, reader.tree.scope_of[load])
                compared = isinstance(reader.tree.parents.get(load), ast.Compare)
                if of_class and not compared and not _calls_on_subclass(load, member, reader):
                    yield name, f"{member.qualname}.{name}"
        for name in (*member.methods, "__init__"):
            if _patched(member, name, reader):
                yield name, f"{member.qualname}.{name}"
    family, tree = info.family(), reader.tree
    for call in reader.attributes.reflections:
        if isinstance(call.func, ast.Name) and call.func.id == "dir":
            continue
        for member in reader.classes.named(call.args[0], tree.scope_of[call]):
            if member in family:
                yield "", member.qualname


def _handed_on(info: ClassInfo, reader: Reader) -> Iterator[Lent]:
    """Ways to other objects that name neither the class nor the method: ``method.__func__``."""
    methods = {name for member in info.family() for name in member.methods}
    for node in reader.tree.attributes_named(["__func__", "__class__"]):
        owner = node.value
        if node.attr == "__func__" and isinstance(owner, ast.Attribute) and owner.attr in methods:
            yield owner.attr, f"{owner.attr}.__func__"
        if node.attr == "__class__" and isinstance(node.ctx, ast.Store):
            yield "", "__class__"


def _patched(member: ClassInfo, name: str, reader: Reader) -> bool:
    """``Net.forward = other``."""
    if name not in reader.attributes.outer_stores:
        return False
    return any(
        isinstance(node.ctx, ast.Store) and member in reader.classes.named(node.value, reader.tree.scope_of[node])
        for node in reader.tree.attributes_named([name])
    )


def _calls_on_subclass(load: ast.Attribute, member: ClassInfo, reader: Reader) -> bool:
    call = reader.tree.parents.get(load)
    if not (isinstance(call, ast.Call) and call.func is load):
        return False
    if load.attr not in member.methods:
        return False  # Net.__new__(Net): an object without __init__
    if not call.args:
        return _is_static(member, load.attr)
    caller = reader.attributes.self_of(call.args[0])
    return (caller is not None and member in caller.info.ancestors()) or _is_static(member, load.attr)


def _is_static(member: ClassInfo, name: str) -> bool:
    return all(
        any(ast.unparse(d) in ("staticmethod", "classmethod") for d in node.decorator_list)
        for node in member.methods[name]
    )
