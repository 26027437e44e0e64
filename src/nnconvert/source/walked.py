"""What a walk does with the modules that it meets, read from the call of ``modules()`` and what is around it."""

from __future__ import annotations

import ast
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.harmless import CHILD_WALKS, has_children, is_parameter_walk
from nnconvert.source.keeper import Keeper
from nnconvert.source.keeps import EVERYTHING, NOTHING, PARAMETERS, Keeps
from nnconvert.source.names import Names
from nnconvert.source.scopes import Comprehension, Scope
from nnconvert.source.tested import About

_LOOKUPS: Final = frozenset({"get", "pop", "__getitem__", "__contains__"})


class Walked:
    """Reads walks of one file."""

    def __init__(self, attributes: Attributes, names: Names) -> None:
        self.names = names
        self.tree = attributes.tree
        self.keeper = Keeper(attributes, names)

    def keeps(self, node: ast.Attribute) -> Keeps:
        """Which modules the walk does something with: ``net.modules``, ``net.children``, ``net._modules`` ..."""
        if node.attr == "_modules":
            return self._modules_use(node)
        call = self.tree.parents.get(node)
        called = isinstance(call, ast.Call) and call.func is node
        return self._call_keeps(node, call) if called and isinstance(call, ast.Call) else EVERYTHING

    def _modules_use(self, node: ast.Attribute) -> Keeps:
        parent = self.tree.parents.get(node)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return NOTHING
        if isinstance(parent, ast.Compare) and node in parent.comparators:
            return NOTHING
        if isinstance(parent, ast.Attribute) and parent.attr in _LOOKUPS:
            return NOTHING
        return EVERYTHING

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
        if self._decides_recursion(call, scope) or (node.attr == "named_modules" and self._is_looked_up(call)):
            return NOTHING
        if isinstance(parent, ast.For) and parent.iter is outer:
            variable = _module_variable(parent.target, node.attr)
            if variable is None:
                return EVERYTHING
            # A class without submodules never entered a walk over its children.
            about = About(variable, scope, loop=parent, for_all=node.attr not in CHILD_WALKS)
            return self.keeper.body(parent.body, about, ast.Continue)
        if isinstance(parent, ast.comprehension) and parent.iter is outer:
            return self._comprehension_keeps(parent, node.attr)
        return EVERYTHING

    def _is_looked_up(self, call: ast.Call) -> bool:
        """``dict(net.named_modules())["layer4"]``: a further name is none of those that are asked for."""
        made: ast.AST | None = self.tree.parents.get(call)
        while isinstance(made, ast.Starred | ast.List):
            made = self.tree.parents.get(made)
        if not (isinstance(made, ast.Call) and ast.unparse(made.func) == "dict" and len(made.args) == 1):
            return False
        holder = self.tree.parents.get(made)
        if not isinstance(holder, ast.Assign):
            return self._looks_up(made)
        name = holder.targets[0].id if isinstance(holder.targets[0], ast.Name) else ""
        scope = self.tree.scope_of[call]
        found = scope.lookup(name)
        if len(holder.targets) > 1 or found is None or found[0].kind != "function" or len(found[1]) > 1:
            return False
        uses = [n for n in self.tree.names() if n.id == name and self.tree.scope_of[n].lookup(name) == found]
        loads = [use for use in uses if isinstance(use.ctx, ast.Load)]
        return bool(loads) and all(self._looks_up(load) for load in loads)

    def _looks_up(self, node: ast.expr) -> bool:
        """``modules["layer4"]``, which fails where there is none; not ``in`` or ``get``, which may ask for any name."""
        parent = self.tree.parents.get(node)
        return isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load)

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
        about = About(variable, self.tree.inner[whole])
        if generator.ifs:
            return self.keeper.tests.test(ast.BoolOp(ast.And(), generator.ifs), about)
        if len(whole.generators) > 1 and is_parameter_walk(whole.generators[1].iter, variable):
            return PARAMETERS
        used = self.tree.parents.get(whole)
        counted = isinstance(used, ast.Call) and ast.unparse(used.func) in ("any", "sum")
        if counted and isinstance(whole, ast.GeneratorExp | ast.ListComp) and len(whole.generators) == 1:
            return self.keeper.tests.test(whole.elt, about)
        return EVERYTHING

    def _lambda_keeps(self, function: ast.Lambda, *, applied: bool = False) -> Keeps:
        """``lambda m: isinstance(m, nn.Linear) and f(m)``, ``lambda m: f(m) if isinstance(...) else 0``.

        ``applied``: run for what it does, as ``lambda m: init(m)`` is; else for its result.
        """
        if not function.args.args:
            return EVERYTHING
        about = About(function.args.args[0].arg, self.tree.inner[function])
        test = function.body
        if isinstance(test, ast.IfExp) and isinstance(test.orelse, ast.Constant):
            test = test.test
        keeps = self.keeper.tests.test(test, about)
        return self.keeper.called(test, about) if applied and keeps.everything else keeps

    def _function_keeps(self, function: ast.expr, scope: Scope, given: int = 0) -> Keeps:
        """What ``net.apply(function)`` does something with; ``given``: arguments that come before the module."""
        found = scope.lookup(function.id) if isinstance(function, ast.Name) else None
        held = found[1][0].value if found is not None and len(found[1]) == 1 else None
        if found is not None and isinstance(held, ast.Call | ast.Lambda):
            function, scope = held, found[0]  # init = partial(fill, std=0.02)
        if isinstance(function, ast.Lambda):
            return self._lambda_keeps(function, applied=True)
        if not isinstance(function, ast.Call):
            return self.keeper.functions(function, scope, given)
        partial = (self.names.qualname(function.func, scope) or "").endswith("partial")
        if not (partial and function.args) or any(isinstance(a, ast.Starred) for a in function.args):
            return EVERYTHING
        return self._function_keeps(function.args[0], scope, given + len(function.args) - 1)


def _module_variable(target: ast.expr, walk: str) -> str | None:
    if walk.startswith("named_"):
        if not (isinstance(target, ast.Tuple) and len(target.elts) == 2):
            return None
        target = target.elts[1]
    return target.id if isinstance(target, ast.Name) else None
