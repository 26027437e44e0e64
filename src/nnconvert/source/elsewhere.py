"""What other files do to the instances of a class: files of its project that may get hold of one, and of its bases.

An expression there is taken for an instance where nothing speaks against it: see ``instances``.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnconvert.source.classes import ClassInfo
from nnconvert.source.instances import may_be_instance, may_be_owner
from nnconvert.source.leads import last_name
from nnconvert.source.named import ASKING, string_values
from nnconvert.source.walks import Walk

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader
    from nnconvert.source.scan import Project


@dataclass(frozen=True, slots=True)
class _Known:
    """Files of the project, by what they have to do with a class."""

    naming: Set[Path]
    """They name it or a subclass."""
    meeting: Set[Path]
    """These, and those that import from them."""


class Elsewhere:
    """Seen from the file at hand, which has its own rules for what stands in it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.index = reader.index
        self._found: dict[ClassInfo, _Known] = {}
        self._answers: dict[tuple[str, ClassInfo, str], str] = {}

    def stored(self, info: ClassInfo, name: str) -> str:
        """Where ``<object>.<name>`` is stored on what may be an instance; empty where it is not."""
        return self._once(("stored", info, name), lambda: self._stored(info, name))

    def _stored(self, info: ClassInfo, name: str) -> str:
        project = self._project(info)
        for other in self.readers(info, project.storing(name) if project is not None else set()):
            for owner in other.attributes.outer_owners.get(name, []):
                if may_be_owner(owner, info, other):
                    return other.place(owner, self.reader)
        return ""

    def uses(self, info: ClassInfo, name: str) -> bool:
        """Whether an attribute of this name is stored on what may be an instance, or asked for by string."""
        return self.stored(info, name) != "" or self._once(("asked", info, name), lambda: self._asked(info, name)) != ""

    def _asked(self, info: ClassInfo, name: str) -> str:
        project = self._project(info)
        if project is None:
            return ""
        asking: set[Path] = set().union(*(project.naming([word]) for word in ASKING))
        for other in self.readers(info, asking & project.quoting(name)):
            for owner, node, scope in other.attributes.questions:
                if any(exact and name in text.split(".") for text, exact in string_values(node, scope)) and (
                    owner is None or may_be_owner(owner, info, other)
                ):
                    return other.place(node, self.reader)
        return ""

    def _once(self, question: tuple[str, ClassInfo, str], answer: Callable[[], str]) -> str:
        if question not in self._answers:
            self._answers[question] = answer()
        return self._answers[question]

    def rebound(self, name: str) -> str:
        """Where another file of the project gives a global of this one another value: ``net.P = 0.2``."""
        path = self.reader.path
        for place in sorted(self.index.project(path).storing(name) - {path}) if path is not None else ():
            other = self.index.reader(place)
            for owner in other.attributes.outer_owners.get(name, []) if other is not None else ():
                assert path is not None
                assert other is not None
                module = other.names.qualname(owner, other.tree.scope_of.get(owner, other.tree.module))
                if module is None:
                    continue
                # `net.consts.P = 0.2` reaches the module through one that imports it.
                among = isinstance(owner, ast.Attribute) and owner.attr == last_name(path)
                if among or self.index.module(module, other) == path:
                    return other.place(owner, self.reader)
        return ""

    def stored_unknown(self, info: ClassInfo) -> str:
        """Where something is stored under a computed name on what certainly is an instance."""
        return self._once(("unknown", info, ""), lambda: self._stored_unknown(info))

    def _stored_unknown(self, info: ClassInfo) -> str:
        project = self._project(info)
        family = info.family()
        for other in self.readers(info, project.naming(["setattr"]) if project is not None else set()):
            for owner in other.attributes.outer_unknown:
                owners = other.walks.owners(owner, other.tree.scope_of.get(owner, other.tree.module))
                if owners is not None and any(each in family for each in owners):
                    return other.place(owner, self.reader)
        return ""

    def walk(self, info: ClassInfo, module: str) -> str:
        """Where a walk over submodules would notice one of this class of torch.nn that comes or goes."""
        return self._once(("walk", info, module), lambda: self._walk(info, module))

    def _walk(self, info: ClassInfo, module: str) -> str:
        project = self._project(info)
        if project is not None:
            walking = project.walking
            looking = walking & project.testing(module)
        else:
            walking = looking = set()
        for other in self.readers(info, walking, looking):
            for walk in other.walks.all:
                if self._concerns(walk, info, other, module):
                    return f"{other.place(walk.node, self.reader)} walks over submodules ({walk.name})"
        return ""

    def _concerns(self, walk: Walk, info: ClassInfo, other: Reader, module: str) -> bool:
        """A walk over an instance, or over a model that may have one as a part, where it looks for the module."""
        receiver = walk.node.value if isinstance(walk.node, ast.Attribute) else None
        if receiver is None or not walk.keeps.notices(module):
            return False
        looks_for_it = walk.is_deep and module in walk.keeps.classes
        if looks_for_it and (other.path in self._known(info).meeting or _is_handed_in(receiver, other)):
            return True
        return may_be_instance(receiver, info, other)

    def may_hold(self, node: ast.expr, info: ClassInfo, other: Reader) -> bool:
        """Whether something unknown in another file may be an instance.

        That file names the class or a subclass; or a function made it whose file does so, or has the class.
        """
        values = other.walks.given(node)
        calls = [value for value in values if isinstance(value, ast.Call)]
        makers = [path for call in calls for path in other.walks.makers(call)]
        if makers and len(calls) == len(values):
            return any(path in self._known(info).naming or path == info.home.path for path in makers)
        return other.path in self._known(info).naming and self._names(other, info)

    def reading(self, info: ClassInfo, name: str) -> Iterator[Reader]:
        """The files that may meet an instance and reach an attribute of this name."""
        project = self._project(info)
        return self.readers(info, project.reaching(name) if project is not None else set())

    def naming(self, info: ClassInfo) -> Iterator[Reader]:
        """The files that take a method from the class or a subclass, or ask one of these for something by string."""
        project = self._project(info)
        if project is None:
            return iter(())
        named: set[Path] = set()
        for member in (info, *info.descendants()):
            named |= project.taking(member.node.name, (*member.methods, "__init__", "__new__", "__dict__"))
        return self.readers(info, named)

    def readers(self, info: ClassInfo, hits: Iterable[Path], anyway: Iterable[Path] = ()) -> Iterator[Reader]:
        """The files among the hits that may meet instances, those of the class's relatives, and some ``anyway``."""
        homes = {member.home.path for member in info.family()}
        paths = {path for path in {*homes, *anyway, *(self._known(info).meeting & set(hits))} if path is not None}
        for path in sorted(paths - {self.reader.path} if self.reader.path is not None else paths):
            other = self.index.reader(path)
            if other is not None:
                yield other

    def _project(self, info: ClassInfo) -> Project | None:
        path = info.home.path
        return self.index.project(path) if path is not None else None

    def _names(self, other: Reader, info: ClassInfo) -> bool:
        """Whether a file that has the name of the class or of a subclass means one of these, as far as it tells."""
        family, module = info.family(), other.tree.module
        for name in {member.node.name for member in (info, *info.descendants())}:
            named = other.classes.named(ast.Name(name, ast.Load()), module) if name in module.bindings else []
            if not named or any(each in family for each in named):
                return True
        return False

    def _known(self, info: ClassInfo) -> _Known:
        if info not in self._found:
            project = self._project(info)
            own = (info, *info.descendants())
            self._found[info] = (
                _Known(*project.knowing(self._places(own, project))) if project is not None else _Known(set(), set())
            )
        return self._found[info]

    def _places(self, members: Iterable[ClassInfo], project: Project) -> Iterator[tuple[str, Path]]:
        """All names of these classes in the project, with their files; those of installed packages left out."""
        for member in members:
            path = member.home.path
            if path is not None and not self.index.is_installed(path):
                yield from ((name, path) for name in project.names_of(member.node.name))


def _is_handed_in(node: ast.expr, reader: Reader) -> bool:
    """Whether a name is a parameter: of a function that does its work on any model."""
    found = reader.tree.scope_of[node].lookup(node.id) if isinstance(node, ast.Name) else None
    is_self = reader.attributes.self_of(node) is not None
    return found is not None and not is_self and all(b.kind == "parameter" for b in found[1])
