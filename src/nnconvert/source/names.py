"""What a dotted name means in one file: ``F.relu`` -> ``torch.nn.functional.relu``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import cached_property

from nnconvert.source.scopes import Binding, Scope
from nnconvert.source.tree import ScopeTree

_TORCH_NN_MODULES = re.compile(r"^torch\.nn\.modules\.(?:[a-z_0-9]+\.)?(?=_?[A-Z])")
_DEPTH = 8


class Names:
    """Resolves names against the imports of one file.

    ``star_names`` tells which public names a starred module of torch brings. Of other star imports those bring what
    their file offers, where it is found; the rest may bring anything.
    """

    def __init__(self, tree: ScopeTree, star_names: dict[str, frozenset[str]]) -> None:
        self.tree = tree
        self._star_names = star_names
        self._stars = tree.module.bindings.get("*", [])

    @cached_property
    def _unknown_stars(self) -> list[Binding]:
        return [star for star in self._stars if self._brought(star) is None]

    def _brought(self, star: Binding) -> frozenset[str] | None:
        module = star.qualname or ""
        if module in self._star_names:
            return self._star_names[module]
        home = self.tree.home
        return home.index.offered(module, home)

    def qualname(self, node: ast.expr, scope: Scope, depth: int = 0) -> str | None:
        """The qualified name that a name or attribute chain stands for, or None when that is not certain."""
        if scope.tree is not self.tree:
            return scope.tree.home.names.qualname(node, scope, depth)
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Attribute):
            base = self.qualname(node.value, scope, depth + 1)
            full = None if base is None else canonical(f"{base}.{node.attr}")
            return None if full in self.replaced else full
        if not isinstance(node, ast.Name):
            return None
        found = scope.lookup(node.id)
        if found is None:
            return self._from_star(node.id)
        where, bindings = found
        if where is self.tree.module and self._restarred(bindings):
            return None
        agreed = self._agreed(bindings, where, depth)
        return None if agreed in self.replaced else agreed

    def possible(self, node: ast.expr) -> set[str]:
        """The qualified names that the import of its root anywhere in the file could give an expression."""
        suffix = ""
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            suffix = f".{root.attr}{suffix}"
            root = root.value
        if not isinstance(root, ast.Name):
            return set()
        imported = self._imported.get(root.id, set())
        return {canonical(qualname + suffix) for qualname in imported}

    @cached_property
    def _imported(self) -> dict[str, set[str]]:
        """Name -> all that imports bind it to, in any scope."""
        found: dict[str, set[str]] = {}
        for scope in self.tree.inner.values():
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    if binding.kind == "import" and binding.qualname:
                        found.setdefault(name, set()).add(binding.qualname)
        return found

    @cached_property
    def replaced(self) -> frozenset[str]:
        """Qualified names that the file gives another meaning: ``F.relu = x``, ``setattr(F, "relu", x)``."""
        stored = {name for node in self.tree.stored for name in self.possible(node)}
        for call in self.tree.calls():
            if isinstance(call.func, ast.Name) and call.func.id in ("setattr", "delattr") and len(call.args) > 1:
                name = call.args[1]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    stored.update(f"{base}.{name.value}" for base in self.possible(call.args[0]))
        return frozenset(stored)

    def _agreed(self, bindings: list[Binding], where: Scope, depth: int) -> str | None:
        meanings = {self._meaning(b, where, depth) for b in bindings if not self._is_import_fallback(b)}
        return meanings.pop() if len(meanings) == 1 else None

    def _meaning(self, binding: Binding, where: Scope, depth: int) -> str | None:
        if binding.kind == "import":
            return None if self._type_checking_only(binding.node) else canonical(binding.qualname or "")
        if binding.kind == "assign" and isinstance(binding.value, ast.Attribute | ast.Name):
            # `F = nn.functional` is an import in all but name.
            meaning = self.qualname(binding.value, where, depth + 1)
            return meaning if meaning is not None and meaning.startswith("torch.") else None
        return None

    def _is_import_fallback(self, binding: Binding) -> bool:
        """``except ImportError: F = None``: where that runs, no class of the file could use torch."""
        value = binding.value
        if not (isinstance(value, ast.Constant) and value.value is None):
            return False
        return any(isinstance(node, ast.ExceptHandler) for node in self.tree.ancestors(binding.node))

    def _type_checking_only(self, node: ast.AST) -> bool:
        child = node
        for ancestor in self.tree.ancestors(node):
            test = ancestor.test if isinstance(ancestor, ast.If) and child in ancestor.body else None
            if test is not None and ast.unparse(test).rpartition(".")[2] == "TYPE_CHECKING":
                return True
            child = ancestor
        return False

    def _restarred(self, bindings: Iterable[Binding]) -> bool:
        """Whether a later star import of an unknown file may have bound the name again."""
        last = max(getattr(b.node, "lineno", 0) for b in bindings)
        return any(getattr(star.node, "lineno", 0) > last for star in self._unknown_stars)

    def _from_star(self, name: str) -> str | None:
        for star in reversed(self._stars):
            known = self._brought(star)
            if known is None:
                return None
            if name in known:
                module = star.qualname or ""
                found = module + name if module.endswith(".") else f"{module}.{name}"
                return canonical(self.tree.home.index.meaning(found, self.tree.home))
        return None

    def is_star_candidate(self, node: ast.expr, scope: Scope) -> bool:
        """Whether a star import of an unknown file binds the root of the chain, perhaps."""
        root = root_name(node)
        if root is None or not self._unknown_stars:
            return False
        found = scope.lookup(root.id)
        return found is None or (found[0] is self.tree.module and self._restarred(found[1]))


def canonical(name: str) -> str:
    """One name for each thing: ``torch.nn.modules.activation.ReLU`` is ``torch.nn.ReLU``."""
    return _TORCH_NN_MODULES.sub("torch.nn.", name)


def root_name(node: ast.AST) -> ast.Name | None:
    """``a`` of ``a.b.c``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node if isinstance(node, ast.Name) else None
