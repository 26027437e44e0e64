"""Classes: which are module classes, what they derive from, what they define."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from nnconvert.source.names import Names
from nnconvert.source.scopes import FunctionNode, Scope
from nnconvert.source.tree import ScopeTree

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader

Kind = Literal["module", "container", "other", "unknown"]
MethodKind = Literal["instance", "static", "class"]
MODULE: Final = "torch.nn.Module"

_IMPLICIT_STATIC: Final = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})
_CONTAINERS: Final = frozenset(
    f"torch.nn.{name}"
    for name in ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "Container")
)
_HARMLESS_BASES: Final = frozenset(
    {
        "object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol",
        "typing_extensions.Generic",
    }
)  # fmt: skip
_DATACLASS: Final = frozenset({"dataclass", "attrs", "define", "frozen", "mutable"})


def torch_attribute_names() -> dict[str, frozenset[str]]:
    """Class of torch.nn -> the names its instances have; ``Module`` holds those that all of them have."""
    return _torch_names()["attributes"]


def torch_bases(module: str) -> frozenset[str]:
    """What a class of torch.nn derives from, nn.Module left out: ``ReLU6`` -> ``Hardtanh``."""
    return _torch_names()["bases"].get(module, frozenset())


@cache
def _torch_names() -> dict[str, dict[str, frozenset[str]]]:
    text = Path(__file__).with_name("torch_names.json").read_text(encoding="utf-8")
    return {
        kind: {name: frozenset(values) for name, values in table.items()} for kind, table in json.loads(text).items()
    }


@dataclass(eq=False)
class ClassInfo:
    """One class, whatever file it stands in; its bases and subclasses may stand in others."""

    node: ast.ClassDef
    qualname: str
    scope: Scope
    """The scope that the class body opens."""
    written_bases: list[Base] = field(default_factory=list)
    """All bases in order: classes of the same file, qualified names, source texts of unknown ones."""
    unknown_bases: list[str] = field(default_factory=list)
    """Source text of bases that nothing is known about."""
    subclasses_beside: list[ClassInfo] = field(default_factory=list)
    """Its subclasses in the same file."""
    methods: dict[str, list[FunctionNode]] = field(default_factory=dict)

    @property
    def home(self) -> Reader:
        """What is read of the file that the class stands in."""
        return self.scope.tree.home

    @property
    def bases(self) -> list[Base]:
        """All bases in order: classes, qualified names of what is not read, source texts of unknown ones."""
        return self.home.index.bases(self)

    @property
    def local_bases(self) -> list[ClassInfo]:
        return [base for base in self.bases if isinstance(base, ClassInfo)]

    @property
    def outer_bases(self) -> list[str]:
        """Qualified names of bases that are not read: those of torch, and what is not found."""
        found = [b for b in self.bases if not isinstance(b, ClassInfo) and b not in self.unknown_bases]
        return [*found, "object"] if "object" in self.written_bases else found

    @property
    def subclasses(self) -> list[ClassInfo]:
        return self.home.index.subclasses(self)

    def ancestors(self) -> Iterator[ClassInfo]:
        """Itself and all its bases, nearest first."""
        queue = [self]
        seen = {self}
        for info in queue:
            yield info
            new = dict.fromkeys(base for base in info.local_bases if base not in seen)
            seen.update(new)
            queue.extend(new)

    def descendants(self) -> Iterator[ClassInfo]:
        """All its subclasses, without itself."""
        queue = list(self.subclasses)
        seen = set(queue)
        for info in queue:
            yield info
            new = dict.fromkeys(sub for sub in info.subclasses if sub not in seen)
            seen.update(new)
            queue.extend(new)

    def family(self) -> list[ClassInfo]:
        """Itself, its bases, its subclasses and their bases: what an instance of the class may be, too."""
        return self.home.index.family(self)

    def all_outer_bases(self) -> list[str]:
        return [name for info in self.ancestors() for name in info.outer_bases]


Base: TypeAlias = ClassInfo | str


class Classes:
    """All classes of a file, in source order.

    ``module_bases`` are qualified names of outer classes that a person vouches for.
    """

    def __init__(self, tree: ScopeTree, names: Names, module_bases: frozenset[str]) -> None:
        self.tree = tree
        self.names = names
        self._module_bases = module_bases
        nodes = sorted(tree.classes(), key=lambda node: (node.lineno, node.col_offset))
        self.by_node: dict[ast.ClassDef, ClassInfo] = {
            node: ClassInfo(node, self._qualname(node), tree.inner[node]) for node in nodes
        }
        for info in self.by_node.values():
            self._read_bases(info)
            self._read_methods(info)

    def __iter__(self) -> Iterator[ClassInfo]:
        return iter(self.by_node.values())

    def named(self, node: ast.expr, scope: Scope) -> list[ClassInfo]:
        """The classes that an expression may name, of whatever file; empty when it names anything else, too."""
        if scope.tree is not self.tree:
            return scope.tree.home.classes.named(node, scope)
        if not isinstance(node, ast.Name | ast.Attribute):
            return []
        found = self.named_here(node, scope)
        if found:
            return found
        qualname = self.names.qualname(node, scope)
        return self.tree.home.index.classes(qualname, self.tree.home) if qualname is not None else []

    def named_here(self, node: ast.expr, scope: Scope) -> list[ClassInfo]:
        """The same for the classes of this file alone."""
        if isinstance(node, ast.Attribute):
            return [
                inner
                for outer in self.named_here(node.value, scope)
                for binding in outer.scope.bindings.get(node.attr, [])
                if isinstance(binding.node, ast.ClassDef)
                for inner in [self.by_node[binding.node]]
            ]
        if not isinstance(node, ast.Name):
            return []
        found = scope.lookup(node.id)
        if found is None:
            return []
        infos = [self.by_node[b.node] for b in found[1] if isinstance(b.node, ast.ClassDef)]
        return infos if len(infos) == len(found[1]) else []

    def kind(self, info: ClassInfo) -> tuple[Kind, str]:
        """What the class certainly is; with ``unknown``, the base that nothing is known about."""
        ancestors = list(info.ancestors())
        outer = [name for ancestor in ancestors for name in ancestor.outer_bases]
        if any(name in _CONTAINERS for name in outer):
            return "container", ""
        unknown = [text for ancestor in ancestors for text in ancestor.unknown_bases]
        unknown += [name for name in outer if not self.is_known(name)]
        if unknown:
            return "unknown", unknown[0]
        if any(self.is_module(name) for name in outer):
            return "module", ""
        return "other", ""

    def is_module(self, name: str) -> bool:
        """Whether the qualified name is a module class of torch.nn or one that a person vouches for."""
        return name in self._module_bases or torch_class(name) is not None

    def is_known(self, name: str) -> bool:
        """Whether it is known what this base from outside of the file does in its ``__init__``."""
        return self.is_module(name) or name in _HARMLESS_BASES

    def is_dataclass(self, info: ClassInfo) -> bool:
        """Whether a decorator writes the methods of the class, ``__init__`` among them."""
        for decorator in info.node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = self.names.qualname(target, self.tree.scope_of[info.node]) or ast.unparse(target)
            if name.rpartition(".")[2] in _DATACLASS or name == "attr.s":
                return True
        return False

    def _qualname(self, node: ast.ClassDef) -> str:
        parts = [node.name]
        for ancestor in self.tree.ancestors(node):
            if isinstance(ancestor, ast.ClassDef):
                parts.append(ancestor.name)
            elif isinstance(ancestor, FunctionNode):
                parts += ["<locals>", ancestor.name]
        return ".".join(reversed(parts))

    def _read_bases(self, info: ClassInfo) -> None:
        scope = self.tree.scope_of[info.node]
        for base in info.node.bases:
            target = base.value if isinstance(base, ast.Subscript) else base
            local = self.named_here(target, scope)
            qualname = self.names.qualname(target, scope)
            if local and info not in local:
                info.written_bases.extend(local)
                for found in local:
                    found.subclasses_beside.append(info)
            elif qualname is not None:
                info.written_bases.append(qualname)
            elif isinstance(target, ast.Name) and target.id == "object" and scope.lookup("object") is None:
                info.written_bases.append("object")
            else:
                info.unknown_bases.append(ast.unparse(base))
                info.written_bases.append(ast.unparse(base))
        for keyword in info.node.keywords:
            metaclass = self.names.qualname(keyword.value, scope)
            if keyword.arg != "metaclass" or metaclass != "abc.ABCMeta":
                info.unknown_bases.append(ast.unparse(keyword))

    def _read_methods(self, info: ClassInfo) -> None:
        for name, bindings in info.scope.bindings.items():
            found = [b.node for b in bindings if isinstance(b.node, FunctionNode) and not _is_overload(b.node)]
            if found:
                info.methods[name] = found


def _is_overload(node: FunctionNode) -> bool:
    """A declaration for type checkers: the last definition replaces it."""
    return any(ast.unparse(decorator).rpartition(".")[2] == "overload" for decorator in node.decorator_list)


def torch_class(name: str) -> str | None:
    """``ReLU`` for ``torch.nn.ReLU``, if torch.nn has such a module class."""
    prefix, _, short = name.rpartition(".")
    return short if prefix == "torch.nn" and short in torch_attribute_names() else None


def method_kind(node: FunctionNode, info: ClassInfo) -> MethodKind:
    """Whether a function of the class body gets the instance, the class or neither as its first argument."""
    if node.name in _IMPLICIT_STATIC:
        return "static"
    wrappers = [ast.unparse(decorator) for decorator in node.decorator_list]
    for binding in info.scope.bindings.get(node.name, []):  # forward = staticmethod(forward)
        if isinstance(binding.value, ast.Call):
            wrappers.append(ast.unparse(binding.value.func))
    for wrapper in wrappers:
        if wrapper.endswith("staticmethod"):
            return "static"
        if wrapper.endswith("classmethod"):
            return "class"
    return "instance"
