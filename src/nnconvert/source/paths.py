"""Paths through statements: what belongs to a statement, and what every path passes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from nnconvert.source.nodes import children


def own_nodes(*nodes: ast.AST) -> Iterator[ast.AST]:
    """The nodes and what is in them, without functions and classes defined there, which run later."""
    stack: list[ast.AST] = list(nodes)
    while stack:
        current = stack.pop()
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield current
            stack.extend(children(current))


def own_calls(*nodes: ast.AST) -> Iterator[ast.Call]:
    return (child for child in own_nodes(*nodes) if isinstance(child, ast.Call))


def always(body: Sequence[ast.stmt], does: Callable[[ast.stmt], bool]) -> bool:
    """Whether every path through the statements that does not raise passes one that satisfies ``does``."""
    for statement in body:
        if isinstance(statement, ast.If):
            ends = [_raises(branch) or always(branch, does) for branch in (statement.body, statement.orelse)]
            if all(ends) and not (_raises(statement.body) and _raises(statement.orelse)):
                return True
        elif isinstance(statement, ast.With):
            if always(statement.body, does):
                return True
        elif isinstance(statement, ast.Try):
            handled = all(always(h.body, does) or _raises(h.body) for h in statement.handlers)
            if always(statement.finalbody, does) or (always(statement.body, does) and handled):
                return True
        elif not isinstance(statement, ast.For | ast.AsyncFor | ast.While | ast.Match) and does(statement):
            return True
        if any(isinstance(node, ast.Return) for node in own_nodes(statement)):
            return False
    return False


def _raises(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], ast.Raise)


def run_at_import(statement: ast.stmt) -> Iterator[ast.AST]:
    """What runs when the statement does: of functions the decorators and defaults, of classes the body, too."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [d for d in (*statement.args.defaults, *statement.args.kw_defaults) if d is not None]
        yield from own_nodes(*statement.decorator_list, *defaults)
    elif isinstance(statement, ast.ClassDef):
        yield from own_nodes(*statement.decorator_list, *statement.bases, *statement.keywords)
        for inner in statement.body:
            yield from run_at_import(inner)
    else:
        yield from own_nodes(statement)
