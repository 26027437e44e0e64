"""Everything that reading one file yields, built once and shared by all decisions."""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import Classes, ClassInfo, torch_attribute_names
from nnconvert.source.comments import Suppressions
from nnconvert.source.construction import Construction
from nnconvert.source.elsewhere import Elsewhere
from nnconvert.source.names import Names
from nnconvert.source.text import Source
from nnconvert.source.tree import ScopeTree
from nnconvert.source.walks import Walks

if TYPE_CHECKING:
    from nnconvert.source.index import Index


_LOOKING: Final = frozenset({"index", "count", "copy"})


class Reader:
    """The names, classes, attributes and walks of one source.

    ``functionals`` are the public names of torch.nn.functional that a star import of it brings. ``path`` is the
    file's, absolute, and ``index`` what knows the other files.
    """

    def __init__(
        self,
        source: Source,
        module_bases: frozenset[str],
        functionals: frozenset[str],
        path: Path | None,
        index: Index,
    ) -> None:
        self.source = source
        self.path = path
        self.index = index
        self.generation = index.generation
        self.tree = ScopeTree(source.tree)
        self.tree.home = self
        nn = frozenset(torch_attribute_names()) | {"Parameter", "functional", "init", "parallel", "utils"}
        star_names = {"torch.nn": nn, "torch.nn.functional": functionals}
        self.names = Names(self.tree, star_names)
        self.classes = Classes(self.tree, self.names, module_bases)
        self.attributes = Attributes(self.tree, self.classes)
        self._constructions: dict[ClassInfo, Construction] = {}

    @cached_property
    def changes_globals(self) -> bool:
        """Whether the file may bind names of the module by ``globals()``, ``exec`` or ``sys.modules``."""
        tree = self.tree
        found = (n for n in tree.names() if n.id in ("globals", "exec") and tree.scope_of[n].lookup(n.id) is None)
        if any(True for _ in found):
            return True
        modules = (n for n in tree.attributes() if n.attr == "modules")
        return any(self.names.qualname(node, tree.scope_of[node]) == "sys.modules" for node in modules)

    @cached_property
    def changes_all(self) -> bool:
        """Whether the file changes ``__all__`` other than by assigning it."""
        parents = self.tree.parents
        used = [parents.get(name) for name in self.tree.names() if name.id == "__all__"]
        stored = any(isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) for node in used)
        return stored or any(isinstance(node, ast.Attribute) and node.attr not in _LOOKING for node in used)

    def renew(self, generation: int) -> None:
        """Forget what was found with the help of other files, since one of them is another now."""
        self.generation = generation
        self._constructions.clear()
        self.attributes.readings.clear()
        self.look_again()

    def look_again(self) -> None:
        """Forget what depends on which file is at hand."""
        for found in ("walks", "elsewhere"):
            self.__dict__.pop(found, None)

    def take_apart(self) -> None:
        """Nobody will ask any more: what was read is freed now, whenever garbage is collected."""
        for info in self.classes:
            info.__dict__.clear()
        self.tree.take_apart()
        self.__dict__.clear()

    @property
    def name(self) -> str:
        """What the file is called."""
        return self.path.name if self.path is not None else ""

    def place(self, node: ast.AST, seen_from: Reader) -> str:
        """Where a node of this file is, in words for a reader of that one: ``line 3``, ``base.py line 3``."""
        line = f"line {getattr(node, 'lineno', 0)}"
        return line if self is seen_from else f"{self.name} {line}"

    def construction(self, info: ClassInfo) -> Construction:
        """What the ``__init__`` of the class does."""
        if info.home is not self:
            return info.home.construction(info)
        if info not in self._constructions:
            self._constructions[info] = Construction(info, self.attributes)
        return self._constructions[info]

    @cached_property
    def unit(self) -> str:
        """One step of indentation, as the file has it."""
        for info in self.classes:
            indent = self.source.indent(info.node.body[0].lineno)
            outer = self.source.indent(info.node.lineno)
            if info.node.body[0].lineno > info.node.lineno and len(indent) > len(outer):
                return indent[len(outer) :]
        return "    "

    @cached_property
    def walks(self) -> Walks:
        return Walks(self.attributes, self.names)

    @cached_property
    def elsewhere(self) -> Elsewhere:
        """What other files do to instances of the classes of this one."""
        return Elsewhere(self)

    @cached_property
    def suppressions(self) -> Suppressions:
        return Suppressions(self.source)
