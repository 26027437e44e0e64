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
from nnconvert.source.keeps import EVERYTHING, NOTHING, PARAMETERS, Keeper, Keeps, has_children, is_parameter_walk
from nnconvert.source.names import Names
from nnconvert.source.scopes import Comprehension, FunctionNode, Scope

_SHALLOW: Final = frozenset({"children", "named_children"})
_DEEP: Final = frozenset({"modules", "named_modules", "apply"})
_GLOBAL_HOOKS: Final = frozenset(
    {
        "register_module_forward_hook", "register_module_forward_pre_hook", "register_module_full_backward_hook",
        "register_module_backward_hook", "register_module_module_registration_hook",
    }
)  # fmt: skip
"""Functions of torch.nn.modules.module whose hooks every module runs."""
_WALKING: Final = _SHALLOW | _DEEP | _GLOBAL_HOOKS | {"_modules"}
_SAME: Final = frozenset({"copy.copy", "copy.deepcopy", "torch.compile"})
"""Functions whose result is what they are given, or a copy, or acts like it."""
_LOADING: Final = frozenset({"torch.load", "torch.jit.load", "pickle.load", "pickle.loads", "joblib.load"})
_RETURNING_SELF: Final = frozenset(
    {"to", "cuda", "cpu", "eval", "train", "float", "double", "half", "bfloat16", "requires_grad_", "share_memory"}
)
"""Methods of nn.Module that give back the module."""
_CONTAINERS: Final = frozenset({"Sequential", "ModuleList", "ModuleDict"})
_DEPTH: Final = 8
_LOOKUPS: Final = frozenset({"get", "pop", "__getitem__", "__contains__"})


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
        self.keeper = Keeper(attributes, names)

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
        if node.attr == "_modules":
            keeps = self._modules_use(node)
        elif deep or node.attr in _SHALLOW:
            call = self.tree.parents.get(node)
            called = isinstance(call, ast.Call) and call.func is node
            keeps = self._call_keeps(node, call) if called and isinstance(call, ast.Call) else EVERYTHING
        else:
            return None
        if keeps == NOTHING:
            return None
        owners = self.owners(node.value, self.tree.scope_of[node])
        if owners is not None and not owners:
            return None
        return Walk(node, node.attr, keeps, None if deep else owners, is_deep=deep)

    def _modules_use(self, node: ast.Attribute) -> Keeps:
        parent = self.tree.parents.get(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return NOTHING
        if isinstance(parent, ast.Compare) and node in parent.comparators:
            return NOTHING
        if isinstance(parent, ast.Attribute) and parent.attr in _LOOKUPS:
            return NOTHING
        return EVERYTHING

    # -- whose children --------------------------------------------------------------------------------------

    def owners(self, receiver: ast.expr, scope: Scope, depth: int = 0) -> tuple[ClassInfo, ...] | None:
        """Classes of the file that the receiver may be an instance of; None is any, () is none of them."""
        if depth > _DEPTH:  # net = net.to(device)
            return None
        method = self.attributes.self_of(receiver)
        if method is not None:
            return (method.info,)
        if isinstance(receiver, ast.Call):
            return self._built(receiver, scope, depth)
        if self.names.qualname(receiver, scope) is not None:
            return ()  # torch.func.apply, torch.nn.modules and the like: not an instance
        if isinstance(receiver, ast.Attribute):
            return self._all_built(self.given(receiver), scope, depth)
        if self.attributes.classes.named(receiver, scope):
            return ()  # a class, not an instance: apply of an autograd.Function
        return self._all_built(self.given(receiver), scope, depth) if isinstance(receiver, ast.Name) else None

    def _all_built(self, values: Sequence[ast.expr | None], scope: Scope, depth: int) -> tuple[ClassInfo, ...] | None:
        found: list[ClassInfo] = []
        for value in values:
            built = self._built(value, scope, depth) if isinstance(value, ast.Call) else None
            if built is None:
                return None
            found.extend(built)
        return tuple(found) if values else None

    def _built(self, call: ast.Call, scope: Scope, depth: int) -> tuple[ClassInfo, ...] | None:
        if isinstance(call.func, ast.Name) and call.func.id == "super":
            method = self.attributes.method_of(scope)
            return (method.info,) if method else None
        local = self.attributes.classes.named(call.func, scope)
        if local:
            return tuple(local)
        function = call.func
        if isinstance(function, ast.Call) and ast.unparse(function.func) == "getattr" and function.args:
            function = function.args[0]  # getattr(torchvision.models, name)()
        qualname = self.names.qualname(function, scope)
        if qualname is not None:
            return self._returned(qualname, call, scope, depth)
        if isinstance(function, ast.Attribute) and function.attr in _RETURNING_SELF:
            owners = self.owners(function.value, scope, depth + 1)
            own = any(function.attr in m.methods for owner in owners or () for m in owner.family())
            return None if own else owners
        return None

    def _returned(self, qualname: str, call: ast.Call, scope: Scope, depth: int) -> tuple[ClassInfo, ...] | None:
        """What an imported function gives: nothing of this file, unless it is handed something of it."""
        if qualname in _SAME and call.args:
            return self.owners(call.args[0], scope, depth + 1)
        if qualname in _LOADING:
            return None
        home = self.tree.home
        if home is not home.index.at_hand and self.makers(call):
            return None  # in other files than the one at hand, what a function of the project gives may be anything
        if torch_class(qualname) in _CONTAINERS:
            return ()
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
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
            return [store.value for store in self.attributes.stores(owner.info, node.attr)] if owner else []
        if isinstance(node, ast.Name):
            found = self.tree.scope_of[node].lookup(node.id)
            return [b.value for b in found[1]] if found else []
        return [node]

    # -- what is kept ----------------------------------------------------------------------------------------

    def _call_keeps(self, node: ast.Attribute, call: ast.Call) -> Keeps:
        scope = self.tree.scope_of[node]
        if node.attr == "apply":
            if len(call.args) != 1 or call.keywords:
                return NOTHING  # not nn.Module.apply(fn)
            return self._function_keeps(call.args[0], scope)
        outer: ast.AST = call
        parent = self.tree.parents.get(call)
        if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
            if parent.func.id == "filter" and isinstance(parent.args[0], ast.Lambda):
                return self._lambda_keeps(parent.args[0])
            if parent.func.id in ("list", "tuple"):
                outer, parent = parent, self.tree.parents.get(parent)
        if self._decides_recursion(call, scope):
            return NOTHING
        if isinstance(parent, ast.For) and parent.iter is outer:
            variable = _module_variable(parent.target, node.attr)
            return self.keeper.body(parent.body, variable, scope, loop=True) if variable else EVERYTHING
        if isinstance(parent, ast.comprehension) and parent.iter is outer:
            return self._comprehension_keeps(parent, node.attr)
        return EVERYTHING

    def _decides_recursion(self, call: ast.Call, scope: Scope) -> bool:
        """``if len(list(m.children())) > 0: replace(m)`` within ``replace``."""
        child: ast.AST = call
        for ancestor in self.tree.ancestors(call):
            if isinstance(ancestor, ast.If) and ancestor.test is child and not ancestor.orelse:
                return has_children(child) and all(self.keeper.recurses(s, scope) for s in ancestor.body)
            if isinstance(ancestor, ast.stmt):
                return False
            child = ancestor
        return False

    def _comprehension_keeps(self, generator: ast.comprehension, walk: str) -> Keeps:
        whole = self.tree.parents[generator]
        variable = _module_variable(generator.target, walk)
        if not isinstance(whole, Comprehension) or variable is None or whole.generators[0] is not generator:
            return EVERYTHING
        scope = self.tree.inner[whole]
        if generator.ifs:
            return self.keeper.test(ast.BoolOp(ast.And(), generator.ifs), variable, scope)
        if len(whole.generators) > 1 and is_parameter_walk(whole.generators[1].iter, variable):
            return PARAMETERS
        used = self.tree.parents.get(whole)
        counted = isinstance(used, ast.Call) and ast.unparse(used.func) in ("any", "sum")
        if counted and isinstance(whole, ast.GeneratorExp | ast.ListComp) and len(whole.generators) == 1:
            return self.keeper.test(whole.elt, variable, scope)
        return EVERYTHING

    def _lambda_keeps(self, function: ast.Lambda) -> Keeps:
        """``lambda m: isinstance(m, nn.Linear) and f(m)``, ``lambda m: f(m) if isinstance(...) else 0``."""
        if not function.args.args:
            return EVERYTHING
        variable, scope = function.args.args[0].arg, self.tree.inner[function]
        test = function.body
        if isinstance(test, ast.IfExp) and isinstance(test.orelse, ast.Constant):
            test = test.test
        return self.keeper.test(test, variable, scope)

    def _function_keeps(self, function: ast.expr, scope: Scope) -> Keeps:
        if isinstance(function, ast.Lambda):
            return self._lambda_keeps(function)
        if isinstance(function, ast.Call) and function.args:
            if (self.names.qualname(function.func, scope) or "").endswith("partial"):
                return self._function_keeps(function.args[0], scope)
            return EVERYTHING
        definitions, skip = self._definitions(function, scope)
        keeps = NOTHING if definitions else EVERYTHING
        for node in definitions:
            parameters = [*node.args.posonlyargs, *node.args.args][skip if _takes_self(node) else 0 :]
            if not parameters:
                return EVERYTHING
            keeps |= self.keeper.body(node.body, parameters[0].arg, self.tree.inner[node], loop=False)
        return keeps

    def _definitions(self, function: ast.expr, scope: Scope) -> tuple[list[FunctionNode], int]:
        if isinstance(function, ast.Attribute):
            method = self.attributes.self_of(function.value)
            infos = method.info.family() if method else self.attributes.classes.named(function.value, scope)
            return [node for info in infos for node in info.methods.get(function.attr, [])], 1
        found = scope.lookup(function.id) if isinstance(function, ast.Name) else None
        nodes = [b.node for b in found[1] if isinstance(b.node, FunctionNode)] if found else []
        return (nodes, 0) if found and len(nodes) == len(found[1]) else ([], 0)


def _module_variable(target: ast.expr, walk: str) -> str | None:
    if walk.startswith("named_"):
        if not (isinstance(target, ast.Tuple) and len(target.elts) == 2):
            return None
        target = target.elts[1]
    return target.id if isinstance(target, ast.Name) else None


def _takes_self(node: FunctionNode) -> bool:
    return not any(ast.unparse(d).endswith("staticmethod") for d in node.decorator_list)
