"""Everything that reading one file yields, built once and shared by all decisions."""

from __future__ import annotations

from functools import cached_property

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import Classes, ClassInfo, torch_attribute_names
from nnconvert.source.comments import Suppressions
from nnconvert.source.construction import Construction
from nnconvert.source.names import Names
from nnconvert.source.scopes import ScopeTree
from nnconvert.source.text import Source
from nnconvert.source.walks import Walks


class Reader:
    """The names, classes, attributes and walks of one source.

    ``functionals`` are the public names of torch.nn.functional that a star import of it brings.
    """

    def __init__(self, source: Source, module_bases: frozenset[str], functionals: frozenset[str]) -> None:
        self.source = source
        self.tree = ScopeTree(source.tree)
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

    def construction(self, info: ClassInfo) -> Construction:
        """What the ``__init__`` of the class does."""
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
    def suppressions(self) -> Suppressions:
        return Suppressions(self.source)
