"""What code surely does with a variable before anything else."""

from __future__ import annotations

import ast

from nnconvert.source.scopes import Comprehension


def is_class_test(test: ast.expr, variable: str) -> bool:
    """``isinstance(m, conv_type)``"""
    if not (isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and len(test.args) == 2):
        return False
    return test.func.id == "isinstance" and isinstance(test.args[0], ast.Name) and test.args[0].id == variable


def surely_read(statement: ast.stmt, variable: str) -> frozenset[str]:
    """Attributes of the variable that a statement reads on every way through it that does not raise."""
    if isinstance(statement, ast.If):
        ways = [body for body in (statement.body, statement.orelse) if not (body and isinstance(body[0], ast.Raise))]
        read = [surely_read(body[0], variable) if body else frozenset() for body in ways]
        return frozenset.intersection(*read) if read else frozenset()
    if not isinstance(statement, ast.Expr | ast.Assign | ast.AugAssign):
        return frozenset()
    nodes = list(ast.walk(statement))
    if any(isinstance(node, ast.Lambda | ast.IfExp | ast.BoolOp | Comprehension) for node in nodes):
        return frozenset()
    loads = (node for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load))
    return frozenset(load.attr for load in loads if isinstance(load.value, ast.Name) and load.value.id == variable)
