"""What would make a call site run that verification never reached, read from the source around it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def what_reaches(tree: ast.Module, line: int) -> str:
    """``only where self.deep (deep=False by default)``; empty where nothing around the line says more."""
    chain = _around(tree, line)
    functions = [node for node in chain if isinstance(node, Function)]
    if not functions:
        return ""
    conditions = [*_conditions(chain[chain.index(functions[-1]) :], line)]
    words = [f"only where {' and '.join(conditions)}"] if conditions else []
    words += [f"in {f.name}(), which did not run" for f in functions[-1:] if not conditions or len(functions) > 1]
    said = _defaults(chain, conditions)
    return ", ".join(words) + (f" ({', '.join(said)} by default)" if said else "")


def _around(tree: ast.Module, line: int) -> list[ast.AST]:
    """The statements and conditional expressions that hold the line, from the outermost inwards."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        for child in ast.iter_child_nodes(node):
            if getattr(child, "lineno", line + 1) <= line <= (getattr(child, "end_lineno", 0) or 0):
                if isinstance(child, (ast.stmt, ast.IfExp, ast.Lambda)):
                    found.append(child)
                pending.append(child)
    return found


def _conditions(chain: list[ast.AST], line: int) -> Iterator[str]:
    """What must hold, statement by statement: branches that are taken, and those that leave and are not."""
    for node in chain:
        for body in _bodies(node):
            holding = [s for s in body if s.lineno <= line <= (s.end_lineno or s.lineno)]
            for before in body[: body.index(holding[0])] if holding else ():
                if isinstance(before, ast.If) and isinstance(before.body[-1], LEAVING) and not before.orelse:
                    yield _negated(before.test)
        if isinstance(node, (ast.If, ast.While)) and not _holds(node.test, line):
            taken = any(_holds(statement, line) for statement in node.body)
            yield ast.unparse(node.test) if taken else _negated(node.test)
        elif isinstance(node, ast.IfExp) and not _holds(node.test, line, whole=True):
            taken = _holds(node.body, line)
            both = taken and _holds(node.orelse, line)
            yield (
                f"one side of {ast.unparse(node.test)}"
                if both
                else (ast.unparse(node.test) if taken else _negated(node.test))
            )
        elif isinstance(node, ast.ExceptHandler):
            yield f"except {ast.unparse(node.type) if node.type else ''}".strip()


def _bodies(node: ast.AST) -> list[list[ast.stmt]]:
    return [body for name in ("body", "orelse", "finalbody") if isinstance(body := getattr(node, name, None), list)]


def _holds(node: ast.stmt | ast.expr, line: int, whole: bool = False) -> bool:
    first, last = node.lineno, node.end_lineno or node.lineno
    return first <= line <= last and not (whole and first == last)


def _negated(test: ast.expr) -> str:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    text = ast.unparse(test)
    return f"not {text}" if isinstance(test, (ast.Name, ast.Attribute, ast.Call)) else f"not ({text})"


def _defaults(chain: list[ast.AST], conditions: list[str]) -> list[str]:
    """Parameters with a default that the conditions speak of: of the method, or of the class's constructor."""
    cls = next((node for node in reversed(chain) if isinstance(node, ast.ClassDef)), None)
    functions = [node for node in chain if isinstance(node, Function)]
    functions += [s for s in (cls.body if cls is not None else ()) if isinstance(s, Function) and s.name == "__init__"]
    names = {n.attr if isinstance(n, ast.Attribute) else n.id for text in conditions for n in _names(text)}
    found: dict[str, None] = {}
    for function in functions:
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        with_default = [*zip(positional[::-1], arguments.defaults[::-1], strict=False)]
        with_default += [
            (a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None
        ]
        found.update({f"{a.arg}={ast.unparse(d)}": None for a, d in with_default if a.arg in names})
    return list(found)


def _names(text: str) -> Iterator[ast.Name | ast.Attribute]:
    try:
        tree = ast.parse(text)
    except SyntaxError:  # words rather than an expression
        return
    yield from (node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute)))
