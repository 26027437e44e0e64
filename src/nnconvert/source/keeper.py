"""Reads from a loop or a function which modules a walk over children or modules does something with."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from nnconvert.source.attributes import Attributes
from nnconvert.source.classes import torch_attribute_names
from nnconvert.source.harmless import (
    asks_only,
    before_failure,
    has_children,
    is_about_parameters,
    is_child_walk,
    is_empty,
    is_free_of,
    is_harmless,
    is_name,
    is_parameter_walk,
    loops_over_children,
    outlives,
)
from nnconvert.source.imported import function_named
from nnconvert.source.keeps import EVERYTHING, NOTHING, PARAMETERS, Keeps
from nnconvert.source.names import Names
from nnconvert.source.scopes import FunctionNode, Scope
from nnconvert.source.surely import is_class_test, surely_read
from nnconvert.source.tested import About, Tests, is_class_name

_PLAIN_DECORATORS: Final = frozenset(
    {"staticmethod", "classmethod", "no_grad()", "inference_mode()", "ignore", "unused", "override"}
)


class Keeper:
    """Reads statements and tests about one variable that holds a module."""

    def __init__(self, attributes: Attributes, names: Names) -> None:
        self.attributes = attributes
        self.names = names
        self.tests = Tests(attributes, names)
        self._entered: list[tuple[FunctionNode, str]] = []
        """Functions that are being read, with the parameter that holds the module, since they may call one another."""

    def body(self, body: Iterable[ast.stmt], about: About, leave: type[ast.stmt]) -> Keeps:
        """What the body of a loop, or else of a function that is applied, does something with.

        ``leave``: the statement that goes on to the next module, ``continue`` or ``return``.
        """
        keeps = NOTHING
        for statement in body:
            if isinstance(statement, leave):
                return keeps | (self._returned(statement, about) if isinstance(statement, ast.Return) else NOTHING)
            if isinstance(statement, ast.If):
                operand = _skipped_unless(statement, leave)
                tested = self.tests.test(operand, about) if operand is not None else EVERYTHING
                if not tested.everything:
                    return keeps | tested
                keeps |= self._branches(statement, about, leave)
                if _leaves_else(statement, leave):
                    return keeps | self._any_branch(statement, about)
                about = _behind(statement, about)
            elif isinstance(statement, ast.Assign) and is_class_name(statement.value, about):
                if any(outlives(target, about.scope, about.loop) for target in statement.targets):
                    return EVERYTHING
                targets = {target.id for target in statement.targets if isinstance(target, ast.Name)}
                about = replace(about, class_names=about.class_names | targets)
            else:
                keeps |= self._statement(statement, about, leave)
            if keeps.everything:
                return EVERYTHING
        return keeps

    def _statement(self, statement: ast.stmt, about: About, leave: type[ast.stmt]) -> Keeps:
        variable, scope = about.variable, about.scope
        if is_harmless(statement, variable, scope, about.loop):
            return NOTHING
        if is_about_parameters(statement, variable, scope) or _yields_parameters(statement, variable):
            return PARAMETERS
        if isinstance(statement, ast.Raise) and about.for_all:
            return NOTHING  # it would end the program at the first module already
        if isinstance(statement, ast.With):
            return self.body(statement.body, about, leave)
        if isinstance(statement, ast.For):
            return self._loop(statement, about)
        if isinstance(statement, ast.Try):
            return self._tried(statement, about, leave)
        if isinstance(statement, ast.Expr) and not self.recurses(statement, scope):
            return self.called(statement.value, about)
        return NOTHING if isinstance(statement, ast.Expr) else EVERYTHING

    def _returned(self, statement: ast.Return, about: About) -> Keeps:
        value = statement.value
        if value is None or is_name(value, about.variable) or is_free_of(value, about.variable, about.scope):
            return NOTHING
        return self.called(value, about)

    def _loop(self, statement: ast.For, about: About) -> Keeps:
        if is_parameter_walk(statement.iter, about.variable):
            return PARAMETERS
        if is_child_walk(statement.iter, about.variable):
            return NOTHING  # what it does with children is a walk of its own
        target = statement.target
        if not isinstance(target, ast.Name) or target.id == about.variable:
            return EVERYTHING
        if not is_free_of(statement.iter, about.variable, about.scope) or outlives(target, about.scope, about.loop):
            return EVERYTHING
        inner = replace(about, each={**about.each, target.id: statement.iter})
        return self.body(statement.body, inner, ast.Continue) | self.body(statement.orelse, about, ast.Continue)

    def _tried(self, statement: ast.Try, about: About, leave: type[ast.stmt]) -> Keeps:
        failing = before_failure(statement, about.variable, about.scope, self.names)
        bodies = [failing if failing is not None else statement.body, statement.orelse, statement.finalbody]
        keeps = NOTHING
        for body in (*bodies, *(handler.body for handler in statement.handlers)):
            keeps |= self.body(body, about, leave)
        return keeps

    def _branches(self, statement: ast.If, about: About, leave: type[ast.stmt]) -> Keeps:
        keeps = NOTHING
        variable, scope = about.variable, about.scope
        about = _behind(statement, about)
        deeper = has_children(statement.test) and all(self.recurses(s, scope) for s in statement.body)
        if not (deeper or is_empty(statement.body)):
            keeps = self.tests.test(statement.test, about)
            if keeps.everything and is_class_test(statement.test, variable):
                # An instance without what is read first would have ended the program.
                read = surely_read(statement.body[0], variable) - torch_attribute_names()["Module"]
                keeps = Keeps(attributes=frozenset(sorted(read)[:1])) if read else keeps
            if keeps.everything and asks_only(statement.test, variable, scope):
                keeps = self.body(statement.body, about, leave)
        return keeps | self.body(statement.orelse, about, leave)

    def _any_branch(self, statement: ast.If, about: About) -> Keeps:
        """The modules that take a branch with a test, an empty one too."""
        further = statement.orelse[0]
        keeps = self.tests.test(statement.test, about)
        return keeps | self._any_branch(further, about) if isinstance(further, ast.If) else keeps

    # -- functions that get the module -----------------------------------------------------------------------

    def called(self, call: ast.expr, about: About) -> Keeps:
        """``init(m)``: a function that gets the module, and else nothing that has to do with it."""
        if not isinstance(call, ast.Call) or any(isinstance(argument, ast.Starred) for argument in call.args):
            return EVERYTHING
        others = [argument for argument in call.args if not is_name(argument, about.variable)]
        others += [keyword.value for keyword in call.keywords if not is_name(keyword.value, about.variable)]
        if len(others) + 1 != len(call.args) + len(call.keywords):
            return EVERYTHING
        variable, scope = about.variable, about.scope
        if not all(asks_only(other, variable, scope) for other in others):
            return EVERYTHING
        place: int | str | None = next((i for i, argument in enumerate(call.args) if is_name(argument, variable)), None)
        keyword = next((k.arg or "" for k in call.keywords if is_name(k.value, variable)), "")
        place = place if place is not None else keyword
        return self.functions(call.func, scope, place, for_all=about.for_all)

    def functions(self, function: ast.expr, scope: Scope, place: int | str, *, for_all: bool = True) -> Keeps:
        """What the functions do something with that an expression may stand for, given the module at this place."""
        definitions = self._definitions(function, scope)
        keeps = NOTHING if definitions else EVERYTHING
        for node, skip in definitions:
            parameters = [a.arg for a in (*node.args.posonlyargs, *node.args.args)][skip:]
            name = place if isinstance(place, str) else "".join(parameters[place : place + 1])
            if name not in parameters:
                return EVERYTHING
            keeps |= self._function(node, name, for_all)
        return keeps

    def _function(self, node: FunctionNode, parameter: str, for_all: bool) -> Keeps:
        if (node, parameter) in self._entered:
            return NOTHING  # it is being read already
        self._entered.append((node, parameter))
        try:
            about = About(parameter, self.attributes.tree.inner[node], for_all=for_all)
            return self.body(node.body, about, ast.Return)
        finally:
            self._entered.pop()

    def _definitions(self, function: ast.expr, scope: Scope) -> Sequence[tuple[FunctionNode, int]]:
        """The functions, each with how many parameters stand before the first that is given."""
        method = self.attributes.self_of(function.value) if isinstance(function, ast.Attribute) else None
        if isinstance(function, ast.Attribute):
            infos = method.info.family() if method else self.attributes.classes.named(function.value, scope)
            nodes = [node for info in infos for node in info.methods.get(function.attr, [])]
            if infos:
                found = [(node, 0 if _is_static(node) else 1) for node in nodes]
                return found if all(_is_plain(node) for node in nodes) else []
        named = function_named(function, scope)
        return [(named, 0)] if named is not None and _is_plain(named) else []

    def recurses(self, statement: ast.stmt, scope: Scope) -> bool:
        """``replace(child)`` within ``replace``, if that does nothing for a module without children."""
        call = statement.value if isinstance(statement, ast.Expr) else None
        name = call.func if isinstance(call, ast.Call) else None
        found = scope.lookup(name.id) if isinstance(name, ast.Name) else None
        around: Scope | None = scope
        while around is not None and around.kind != "function":
            around = around.parent
        if found is None or around is None or [b.node for b in found[1]] != [around.node]:
            return False
        assert isinstance(around.node, FunctionNode)
        return all(isinstance(s, ast.Return) or is_empty([s]) or loops_over_children(s) for s in around.node.body)


def _is_static(node: FunctionNode) -> bool:
    return any(ast.unparse(decorator).endswith("staticmethod") for decorator in node.decorator_list)


def _is_plain(node: FunctionNode) -> bool:
    """Whether a call of it runs its body, and no more."""
    return all(ast.unparse(decorator).rpartition(".")[2] in _PLAIN_DECORATORS for decorator in node.decorator_list)


def _behind(statement: ast.If, about: About) -> About:
    """In the branches of a statement that asks something of the module, and behind it."""
    free = is_free_of(statement.test, about.variable, about.scope)
    return about if free else replace(about, for_all=False)


def _yields_parameters(statement: ast.stmt, variable: str) -> bool:
    """``yield from m.named_parameters()``"""
    yielded = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(yielded, ast.YieldFrom) and is_parameter_walk(yielded.value, variable)


def _leaves_else(statement: ast.If, leave: type[ast.stmt]) -> bool:
    """``if isinstance(m, A): ... elif isinstance(m, B): ... else: continue``"""
    last = statement.orelse[-1] if statement.orelse else None
    return isinstance(last, leave) or (isinstance(last, ast.If) and _leaves_else(last, leave))


def _skipped_unless(statement: ast.If, leave: type[ast.stmt]) -> ast.expr | None:
    """The test of ``if not <test>: continue``."""
    test = statement.test
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and not statement.orelse
    leaves = is_empty(statement.body[:-1]) and isinstance(statement.body[-1], leave)
    return test.operand if negated and leaves and isinstance(test, ast.UnaryOp) else None
