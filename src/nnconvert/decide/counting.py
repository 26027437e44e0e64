"""The statement that counts a batch, as nn.BatchNorm2d does in training, and where it can stand."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.plan import Before
from nnconvert.source.reader import Reader

_SIMPLE: Final = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return)
_LATER: Final = (
    *(ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.Yield, ast.YieldFrom, ast.Await),
)


def counted_statement(call: ast.Call, reader: Reader) -> ast.stmt:
    """The statement that evaluates the call, exactly once and whatever happens; raises LeaveError."""
    child: ast.AST = call
    for ancestor in reader.tree.ancestors(call):
        if isinstance(ancestor, ast.stmt):
            _check_statement(ancestor, call, reader)
            return ancestor
        if isinstance(ancestor, _LATER) or _is_conditional(child, ancestor):
            raise LeaveError("NNC422", "a batch is counted in front of the statement, which may not run the call once")
        child = ancestor
    raise LeaveError("NNC422", "the call stands in no statement")


def _check_statement(statement: ast.stmt, call: ast.Call, reader: Reader) -> None:
    source = reader.source
    span = source.span(statement)
    if not isinstance(statement, _SIMPLE):
        raise LeaveError("NNC422", "the call stands in the head of a compound statement")
    if any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in ast.walk(statement)):
        raise LeaveError("NNC422", "the statement hands control to others while it runs")
    if source.text[source.line_starts[statement.lineno - 1] : span.start].strip():
        raise LeaveError("NNC422", "the statement does not begin its line, so nothing can go in front of it")
    method = reader.attributes.method_of(reader.tree.scope_of[call])
    if method is None or reader.tree.scope_of[call] is not method.scope:
        raise LeaveError("NNC422", "the call stands in a function inside of the method")


def _is_conditional(child: ast.AST, parent: ast.AST) -> bool:
    """Whether the parent may leave the child out."""
    if isinstance(parent, ast.IfExp):
        return child is not parent.test
    if isinstance(parent, ast.BoolOp):
        return child is not parent.values[0]
    if isinstance(parent, ast.Compare):
        return child in parent.comparators[1:]
    return False


def before(counted: Iterable[tuple[ast.stmt, str, str]], unit: str, reader: Reader) -> list[Before]:
    """The statements that count, one group for each statement and receiver.

    ``counted``: statement, name of the instance, attribute of the counter, in source order.
    """
    groups: dict[tuple[ast.stmt, str], list[str]] = {}
    for statement, receiver, counter in counted:
        groups.setdefault((statement, receiver), []).append(f"{unit}{receiver}.{counter}.add_(1)")
    return [
        Before(reader.source.span(statement), (f"if {receiver}.training:", *lines))
        for (statement, receiver), lines in groups.items()
    ]
