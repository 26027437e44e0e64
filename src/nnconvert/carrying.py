"""The old tree as the plan wants it, carried out independently of the edits, and the new one without what it adds."""

from __future__ import annotations

import ast
import copy
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from nnconvert.errors import CheckError
from nnconvert.plan import ClassPlan, Conversion, Plan, Rename, Retirement, Span, Wrap
from nnconvert.source.text import Source

_Node = TypeVar("_Node", bound=ast.AST)


class Planned:
    """The old tree's nodes and blocks of statements as the plan wants them; what it names must be met, once."""

    def __init__(self, source: Source, plan: Plan) -> None:
        self.source = source
        self.renames = {rename.span: rename for rename in plan.renames}
        self.waiting = {
            d.site.span: d.outcome
            for d in plan.converted
            if isinstance(d.outcome, Conversion) and not any(s.start <= d.site.span.start < s.end for s in plan.idle)
        }
        self.gone: dict[Span, Retirement | None] = {retired.assignment: retired for retired in plan.retired}
        self.gone.update(dict.fromkeys((*plan.blank_inits, *plan.idle)))
        self.before = {each.statement: each.lines for each in plan.before}
        spans = (*self.renames, *self.waiting, *self.gone, *self.before)
        self._starts = sorted(span.start for span in spans)

    def require_all_met(self) -> None:
        """Raise CheckError where something of the plan was not there."""
        if self.gone or self.before:
            raise CheckError("a planned assignment was not found again")
        if self.renames:
            raise CheckError("a planned use of a parameter was not found again")
        if self.waiting:
            raise CheckError("a planned call site was not found again")

    def concerns(self, span: Span) -> bool:
        """Whether the plan changes something there."""
        return bisect_left(self._starts, span.start) < bisect_left(self._starts, span.end)

    def block(self, block: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of a block without the assignments and methods that go, and with what comes in their place."""
        if not (self.gone or self.before) or not hasattr(block[0], "lineno"):
            return block
        return [
            new
            for statement in block
            for span in (self.source.span(statement),)
            for new in (*_parsed(self.before.pop(span, ())), *self._instead(statement, span))
        ]

    def _instead(self, statement: ast.stmt, span: Span) -> list[ast.stmt]:
        if span not in self.gone:
            return [statement]
        retired = self.gone.pop(span)
        if retired is None:
            for table in (self.gone, self.before):
                for inner in [s for s in table if span.start <= s.start and s.end <= span.end]:
                    del table[inner]
            return []
        kept = [new for text in retired.kept for new in _parsed((text,))]
        return [_given_to_local(statement, retired.local), *kept] if retired.local else kept

    def node(self, node: ast.AST) -> ast.AST:
        """The node that comes in the place of this one."""
        if not isinstance(node, ast.Call | ast.Attribute | ast.Name | ast.Constant) or not hasattr(node, "lineno"):
            return node
        span = self.source.span(node)
        if self.renames and isinstance(node, ast.Attribute | ast.Constant):
            rename = self.renames.pop(span, None)
            if rename is not None:
                return _renamed(node, rename)
        conversion = self.waiting.get(span)
        if conversion is None or isinstance(node, ast.Constant):
            return node
        if (conversion.kind == "reference") == isinstance(node, ast.Call):
            return node
        del self.waiting[span]
        if conversion.kind == "identity" and isinstance(node, ast.Call):
            return self.node(node.args[0] if node.args else node.keywords[0].value)
        callee = _made(conversion.callee)
        return _call(node, callee, conversion) if isinstance(node, ast.Call) else callee


def _renamed(node: ast.Attribute | ast.Constant, rename: Rename) -> ast.expr:
    """``self.conv2d.weight`` for ``self.weight``."""
    if isinstance(node, ast.Constant):
        return _made(rename.new)
    *path, last = rename.new.split(".")
    value = node.value
    for name in path:
        value = ast.Attribute(value, name, ast.Load())
    return ast.Attribute(value, last, node.ctx)


def _made(text: str) -> ast.expr:
    """An expression of the plan."""
    return _without_positions(ast.parse(text, mode="eval").body)


def _without_positions(tree: _Node) -> _Node:
    """Something of the plan's, so that it is not taken for something of the source."""
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            del node.lineno
    return tree


def _call(node: ast.Call, callee: ast.expr, conversion: Conversion) -> ast.Call:
    if conversion.wrap is not None:
        node = _wrapped(node, conversion.wrap)
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    if conversion.inputs is None:
        kept, keywords = list(node.args), list(node.keywords)
    else:
        kept, keywords = [arguments[index] for index in conversion.inputs], []
    if conversion.kind == "method" and isinstance(node.func, ast.Attribute):
        kept = [node.func.value, *kept]
    named = dict(conversion.named)
    keywords = [ast.keyword(named.get(i, k.arg), k.value) for i, k in enumerate(keywords, len(kept))]
    keywords = [ast.keyword(named[i], value) for i, value in enumerate(kept) if i in named] + keywords
    kept = [value for i, value in enumerate(kept) if i not in named]
    joined = _made(f"_({', '.join(conversion.settings)})")
    assert isinstance(joined, ast.Call)
    return ast.Call(callee, [*kept, *joined.args], [*keywords, *joined.keywords])


def _wrapped(node: ast.Call, wrap: Wrap) -> ast.Call:
    outer = _made(f"{wrap.callee}(_, {', '.join(wrap.settings)})")
    assert isinstance(outer, ast.Call)
    args, keywords = list(node.args), list(node.keywords)
    if wrap.place < len(args):
        outer.args[0], args[wrap.place] = args[wrap.place], outer
    else:
        keyword = keywords[wrap.place - len(args)]
        outer.args[0] = keyword.value
        keywords[wrap.place - len(args)] = ast.keyword(keyword.arg, outer)
    return ast.Call(node.func, args, keywords)


def _parsed(lines: Sequence[str]) -> list[ast.stmt]:
    return _without_positions(ast.parse("\n".join(lines))).body


def _given_to_local(statement: ast.stmt, local: str) -> ast.stmt:
    statement = copy.copy(statement)
    target = ast.Name(local, ast.Store())
    if isinstance(statement, ast.Assign):
        statement.targets = [target]
    elif isinstance(statement, ast.AnnAssign):
        statement.target, statement.simple = target, 1
    return statement


# -- what the new tree has besides -------------------------------------------------------------------------


class Added:
    """The statements of the new tree that the plan adds; CheckError where one is missing."""

    def __init__(self, source: Source, tree: ast.Module, plan: Plan) -> None:
        self._statements: set[ast.stmt] = set()
        after = _classes(tree) if plan.classes or plan.methods else {}
        if plan.classes:
            self._find_registrations(source, _classes(source.tree), after, plan.classes)
        self._find_methods(after, plan)

    def without(self, block: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of a block without those that the plan adds."""
        if self._statements.isdisjoint(block):
            return block
        return [statement for statement in block if statement not in self._statements]

    def _find_registrations(
        self,
        source: Source,
        before: dict[str, list[ast.ClassDef]],
        after: dict[str, list[ast.ClassDef]],
        classes: Iterable[ClassPlan],
    ) -> None:
        for plan in classes:
            old, new = before.get(plan.class_name, []), after.get(plan.class_name, [])
            # Of several classes with one name, the one in which the old text has the plan's anchor.
            begun = sum(source.span(node).start <= plan.anchor.offset for node in old)
            if not begun or len(old) != len(new):
                raise CheckError(f"the class {plan.class_name} was not found again")
            self._find_in_class(new[begun - 1], plan)

    def _find_in_class(self, node: ast.ClassDef, plan: ClassPlan) -> None:
        inits = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef) and s.name == "__init__"]
        names = {registration.name for registration in plan.registrations}
        places: dict[str, list[ast.stmt]] = {}
        for statement in inits[-1].body if inits else []:
            if _assigns(statement, names):
                places.setdefault(ast.dump(statement), []).append(statement)
        for registration in plan.registrations:
            text = f"{plan.anchor.receiver}.{registration.name} = {registration.constructor}"
            found = places.get(ast.dump(ast.parse(text).body[0]))
            if not found:
                raise CheckError(f"the registration of {registration.name} is not in __init__")
            self._statements.add(found.pop(0))
        if plan.anchor.new_init:
            self._statements.add(inits[-1])

    def _find_methods(self, classes: dict[str, list[ast.ClassDef]], plan: Plan) -> None:
        for method in plan.methods:
            wanted = ast.dump(ast.parse("\n".join(method.lines)).body[0])
            bodies = (node.body for node in classes.get(method.class_name, []))
            found = next((s for body in bodies for s in body if _is_new(s) and ast.dump(s) == wanted), None)
            if found is None or found in self._statements:
                raise CheckError(f"a new method of {method.class_name} was not found again")
            self._statements.add(found)


def _is_new(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef)


def _assigns(statement: ast.stmt, names: set[str]) -> bool:
    """``x.y = ...`` with one of these names: what a registration can be; nothing else is worth comparing."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return isinstance(target, ast.Attribute) and target.attr in names


def _classes(tree: ast.Module) -> dict[str, list[ast.ClassDef]]:
    """Every class under its dotted name, in source order."""
    found: dict[str, list[ast.ClassDef]] = {}
    stack: list[tuple[ast.AST, tuple[str, ...]]] = [(tree, ())]
    while stack:
        node, path = stack.pop()
        if isinstance(node, ast.ClassDef):
            path = (*path, node.name)
            found.setdefault(".".join(path), []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            path = (*path, node.name, "<locals>")
        stack.extend((child, path) for child in reversed(list(_statements_in(node))))
    return found


def _statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of the node's blocks, and what else has blocks: handlers and cases."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield from block
