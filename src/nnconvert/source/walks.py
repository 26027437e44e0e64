"""Walks over submodules: who iterates over children or modules, and which classes the walk keeps.

A new submodule without parameters changes what such a walk yields. A walk that looks at certain classes only
(``if isinstance(m, nn.Conv2d): ...``) does not notice.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.harmless import CHILD_WALKS
from nnconvert.source.keeps import EVERYTHING, NOTHING, Keeps
from nnconvert.source.names import Names
from nnconvert.source.scopes import Scope
from nnconvert.source.walked import Walked

_DEEP: Final = frozenset({"modules", "named_modules", "apply"})
_GLOBAL_HOOKS: Final = frozenset(
    {
        "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
        "register_module_backward_hook", "register_module_module_registration_hook",
    }
)  # fmt: skip
"""Functions of torch.nn.modules.module whose hooks every module runs."""
_WALKING: Final = CHILD_WALKS | _DEEP | _GLOBAL_HOOKS | {"_modules"}
_SAME: Final = frozenset({"copy.copy", "copy.deepcopy", "torch.compile"})
"""Functions whose result is what they are given, or a copy, or acts like it."""
_LOADING: Final = frozenset({"torch.load", "torch.jit.load", "pickle.load", "pickle.loads", "joblib.load"})
_RETURNING_SELF: Final = frozenset(
    {"to", "cuda", "cpu", "eval", "train", "float", "double", "half", "bfloat16", "requires_grad_", "share_memory"}
)
"""Methods of nn.Module that give back the module."""
_CONTAINERS: Final = frozenset({"Sequential", "ModuleList", "ModuleDict"})
_DEPTH: Final = 8


@dataclass(frozen=True, slots=True)
class Walk:
    node: ast.expr
    name: str
    """What it walks over: ``children``, ``_modules`` ..."""
    keeps: Keeps
    owners: tuple[ClassInfo, ...] | None
    """Classes whose instances are walked; None when it may be any."""
    is_deep: bool
    """Whether it also meets the submodules of submodules."""


class Walks:
    """Every walk of a file over children or modules."""

    def __init__(self, attributes: Attributes, names: Names) -> None:
        self.attributes = attributes
        self.names = names
        self.tree = attributes.tree
        self.walked = Walked(attributes, names)

    @cached_property
    def all(self) -> list[Walk]:
        nodes = self.tree.attributes_named(_WALKING)
        found = [walk for node in nodes if (walk := self._walk(node)) is not None]
        spoken = (node for node in self.tree.strings() if node.value == "_modules")  # vars(net)["_modules"]
        return found + [Walk(node, "_modules", EVERYTHING, None, is_deep=True) for node in spoken]

    def noticing(self, info: ClassInfo, module: str, has_weights: bool = False) -> Walk | None:
        """A walk that would notice a new submodule of this torch.nn class in instances of the class."""
        family = info.family()
        for walk in self.all:
            if walk.owners is not None and not any(owner in family for owner in walk.owners):
                continue
            if walk.keeps.notices(module, has_weights):
                return walk
        return None

    def _walk(self, node: ast.Attribute) -> Walk | None:
        deep = node.attr in _DEEP
        if node.attr in _GLOBAL_HOOKS:
            return Walk(node, node.attr, EVERYTHING, None, is_deep=True)
        keeps = self.walked.keeps(node)
        if keeps == NOTHING or (node.attr in CHILD_WALKS and self._is_container(node.value)):
            return None
        owners = self.owners(node.value, self.tree.scope_of[node], deep=deep)
        if owners is not None and not owners:
            return None
        return Walk(node, node.attr, keeps, None if deep else owners, is_deep=deep)

    def _is_container(self, receiver: ast.expr) -> bool:
        """``if isinstance(m, nn.Sequential): for c in m.children(): ...``: nothing is registered on one of these."""
        child: ast.AST = receiver
        for ancestor in self.tree.ancestors(receiver):
            if isinstance(ancestor, ast.If) and isinstance(receiver, ast.Name) and child in ancestor.body:
                match ancestor.test:
                    case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=receiver.id), wanted]):
                        wanted_class = self.names.qualname(wanted, self.tree.scope_of[receiver]) or ""
                        if torch_class(wanted_class) in _CONTAINERS:
                            return not _is_bound_in(ancestor.body, receiver.id)
            child = ancestor
        return False

    # -- whose children --------------------------------------------------------------------------------------

    def owners(
        self, receiver: ast.expr, scope: Scope, depth: int = 0, *, deep: bool = False
    ) -> tuple[ClassInfo, ...] | None:
        """Classes of the file that the receiver may be an instance of; None is any, () is none of them.

        ``deep``: a container of such instances counts, too.
        """
        if depth > _DEPTH:  # net = net.to(device)
            return None
        method = self.attributes.self_of(receiver)
        if method is not None:
            return (method.info,)
        if isinstance(receiver, ast.Call):
            return self._built(receiver, scope, depth, deep)
        if self.names.qualname(receiver, scope) is not None:
            return ()  # torch.func.apply, torch.nn.modules and the like: not an instance
        if isinstance(receiver, ast.Attribute):
            return self._all_built(self.given(receiver), scope, depth, deep)
        if self.attributes.classes.named(receiver, scope):
            return ()  # a class, not an instance: apply of an autograd.Function
        return self._all_built(self.given(receiver), scope, depth, deep) if isinstance(receiver, ast.Name) else None

    def _all_built(
        self, values: Sequence[ast.expr | None], scope: Scope, depth: int, deep: bool
    ) -> tuple[ClassInfo, ...] | None:
        found: list[ClassInfo] = []
        for value in values:
            around = self.tree.scope_of.get(value, scope) if value is not None else scope
            built = self._built(value, around, depth, deep) if isinstance(value, ast.Call) else None
            if built is None:
                return None
            found.extend(built)
        return tuple(found) if values else None

    def _built(self, call: ast.Call, scope: Scope, depth: int, deep: bool) -> tuple[ClassInfo, ...] | None:
        if isinstance(call.func, ast.Name) and call.func.id == "super":
            method = self.attributes.method_of(scope)
            return (method.info,) if method else None
        local = self.attributes.classes.named(call.func, scope)
        if local:
            return tuple(local)
        function = call.func
        if isinstance(function, ast.Call) and ast.unparse(function.func) == "getattr" and function.args:
            function = function.args[0]  # getattr(torchvision.models, name)()
        if isinstance(function, ast.Subscript) and isinstance(function.value, ast.Attribute):
            function = function.value if function.value.attr == "__dict__" else function  # models.__dict__[name]()
        qualname = self.names.qualname(function, scope)
        if qualname is not None:
            return self._returned(qualname, call, scope, depth, deep)
        if isinstance(function, ast.Attribute) and function.attr in _RETURNING_SELF:
            owners = self.owners(function.value, scope, depth + 1, deep=deep)
            own = any(function.attr in m.methods for owner in owners or () for m in owner.family())
            return None if own else owners
        return None

    def _returned(
        self, qualname: str, call: ast.Call, scope: Scope, depth: int, deep: bool
    ) -> tuple[ClassInfo, ...] | None:
        """What an imported function gives: nothing of this file, unless it is handed something of it."""
        if qualname in _SAME and call.args:
            return self.owners(call.args[0], scope, depth + 1, deep=deep)
        if qualname in _LOADING:
            return None
        home = self.tree.home
        if home is not home.index.at_hand and self.makers(call):
            return None  # in other files than the one at hand, what a function of the project gives may be anything
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if torch_class(qualname) in _CONTAINERS:
            inner = [self.owners(node, scope, depth + 1, deep=True) for node in given] if deep else []
            return () if all(owners == () for owners in inner) else None
        return None if any(self.owners(node, scope, depth + 1) for node in given) else ()

    def makers(self, call: ast.Call) -> Sequence[Path]:
        """The file of the project that has the function which is called, where it is imported."""
        home = self.tree.home
        qualname = self.names.qualname(call.func, self.tree.scope_of[call])
        path = home.index.file_of(qualname, home) if qualname is not None else None
        return [path] if path is not None else []

    def given(self, node: ast.expr) -> Sequence[ast.expr | None]:
        """What an expression that names something was given: the values of a name, or of an attribute of self."""
        if isinstance(node, ast.Attribute):
            owner = self.attributes.self_of(node.value)
            infos = [owner.info] if owner else self._annotated(node.value)
            return [store.value for info in infos for store in self.attributes.stores(info, node.attr)]
        if isinstance(node, ast.Name):
            found = self.tree.scope_of[node].lookup(node.id)
            return [b.value for b in found[1]] if found else []
        return [node]

    def _annotated(self, node: ast.expr) -> Sequence[ClassInfo]:
        """The classes that the annotation of a parameter names: ``model: Net``."""
        scope = self.tree.scope_of[node] if isinstance(node, ast.Name) else None
        found = scope.lookup(node.id) if scope is not None and isinstance(node, ast.Name) else None
        if found is None or [b.kind for b in found[1]] != ["parameter"]:
            return []
        annotation = getattr(found[1][0].node, "annotation", None)
        return self.attributes.classes.named(annotation, found[0].parent or found[0]) if annotation is not None else []


def _is_bound_in(body: Sequence[ast.stmt], name: str) -> bool:
    nodes = (node for statement in body for node in ast.walk(statement))
    return any(isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load) for node in nodes)
