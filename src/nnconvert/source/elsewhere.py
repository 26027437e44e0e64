"""What other files do to the instances of a class: files of its project that may get hold of one, and of its bases.

An expression there is taken for an instance where nothing speaks against it: see ``instances``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nnconvert.source.classes import ClassInfo
from nnconvert.source.instances import may_be_instance
from nnconvert.source.walks import Walk

if TYPE_CHECKING:
    from nnconvert.source.reader import Reader
    from nnconvert.source.scan import Project

_WALKS: Final = ("children", "named_children", "modules", "named_modules", "_modules", "apply")


class Elsewhere:
    """Seen from the file at hand, which has its own rules for what stands in it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.index = reader.index
        self._known: dict[ClassInfo, tuple[Set[Path], Set[Path]]] = {}

    def stored(self, info: ClassInfo, name: str) -> str:
        """Where ``<object>.<name>`` is stored on what may be an instance; empty where it is not."""
        project = self._project(info)
        for other in self.readers(info, project.storing(name) if project is not None else set()):
            for owner in other.attributes.outer_owners.get(name, []):
                if may_be_instance(owner, info, other):
                    return other.place(owner, self.reader)
        return ""

    def stored_unknown(self, info: ClassInfo) -> str:
        """Where something is stored under a computed name on what certainly is an instance."""
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
        project = self._project(info)
        if project is not None:
            walking: set[Path] = set().union(*(project.naming([word]) for word in _WALKS))
            looking = walking & project.naming([module])
        else:
            walking = looking = set()
        for other in self.readers(info, walking, looking):
            for walk in other.walks.all:
                if self._concerns(walk, info, other, module):
                    return f"{other.place(walk.node, self.reader)} walks over submodules ({walk.name})"
        return ""

    def _concerns(self, walk: Walk, info: ClassInfo, other: Reader, module: str) -> bool:
        """A walk over an instance; of those over anything that has one as a part, those that look for the module."""
        if not walk.keeps.notices(module):
            return False
        if walk.is_deep and module in walk.keeps.classes:
            return True
        receiver = walk.node.value if isinstance(walk.node, ast.Attribute) else None
        return receiver is not None and may_be_instance(receiver, info, other)

    def may_hold(self, node: ast.expr, info: ClassInfo, other: Reader) -> bool:
        """Whether something unknown in another file may be an instance.

        That file names the class; or a function of the project made it whose file does so or has the class.
        """
        values = other.walks.given(node)
        calls = [value for value in values if isinstance(value, ast.Call)]
        makers = [path for call in calls for path in other.walks.makers(call)]
        if makers and len(calls) == len(values):
            return any(path in self._naming(info) or path == info.home.path for path in makers)
        return other.path in self._naming(info)

    def reading(self, info: ClassInfo, name: str) -> Iterator[Reader]:
        """The files that know the class and speak of the name."""
        project = self._project(info)
        return self.readers(info, project.naming([name]) if project is not None else set())

    def naming(self, info: ClassInfo) -> Iterator[Reader]:
        """The files that name the class or a relative of the project."""
        project = self._project(info)
        if project is None:
            return iter(())
        named = {path for member in self._members(info) for path in project.naming([member.node.name])}
        return self.readers(info, named)

    def readers(self, info: ClassInfo, hits: Iterable[Path], anyway: Iterable[Path] = ()) -> Iterator[Reader]:
        """The files among the hits that know the class, those of its relatives, and some ``anyway``."""
        homes = {member.home.path for member in info.family()}
        paths = {path for path in {*homes, *anyway, *(self._knowing(info)[1] & set(hits))} if path is not None}
        for path in sorted(paths - {self.reader.path} if self.reader.path is not None else paths):
            other = self.index.reader(path)
            if other is not None:
                yield other

    def _project(self, info: ClassInfo) -> Project | None:
        path = info.home.path
        return self.index.project(path) if path is not None else None

    def _members(self, info: ClassInfo) -> Iterator[ClassInfo]:
        """The class and its relatives, without those of installed packages."""
        for member in info.family():
            path = member.home.path
            if member is info or (path is not None and not self.index.is_installed(path)):
                yield member

    def _naming(self, info: ClassInfo) -> Set[Path]:
        return self._knowing(info)[0]

    def _knowing(self, info: ClassInfo) -> tuple[Set[Path], Set[Path]]:
        """The files that name the class or a relative, and all that may get hold of an instance."""
        if info not in self._known:
            project = self._project(info)
            self._known[info] = (set(), set())
            if project is not None:
                members = list(self._members(info))
                names = {name for member in members for name in project.names_of(member.node.name)}
                modules = {member.home.path for member in members if member.home.path is not None}
                self._known[info] = project.knowing(names, modules)
        return self._known[info]
