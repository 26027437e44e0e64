"""The product's own checks of a conversion: what they find wrong is never written."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from nnconvert.decide import decide
from nnconvert.errors import CheckError, SourceError
from nnconvert.options import Options
from nnconvert.plan import ClassPlan, Conversion, Plan, Rename, Retirement, Span, Wrap
from nnconvert.source.project import Neighbours
from nnconvert.source.text import Source, parse

_Node = TypeVar("_Node", bound=ast.AST)


def check(old: str, new: str, plan: Plan, options: Options, neighbours: Neighbours | None = None) -> Plan | None:
    """Raise CheckError unless the new text parses, keeps all comments, differs by the plan, and is stable.

    Returns what a second run decides; None where this run has left call sites for reasons of its own.
    """
    try:
        tree = parse(new)
    except SourceError as error:
        raise CheckError(f"the result does not parse: line {error.line}: {error.message}") from error
    dropped = Counter(text for retired in plan.retired for text in retired.dropped)
    if missing := _comments(old) - _comments(new) - dropped:
        raise CheckError(f"a comment would be lost: {next(iter(missing))}")
    _check_tree(Source(old), tree, plan)
    return _check_stable(old, new, plan, options, neighbours)


def _comments(text: str) -> Counter[str]:
    if "#" not in text:
        return Counter()
    lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")).readline
    return Counter(t.string for t in tokenize.generate_tokens(lines) if t.type == tokenize.COMMENT)


def _check_stable(old: str, new: str, plan: Plan, options: Options, neighbours: Neighbours | None) -> Plan | None:
    expected = 0
    given, options = options, replace(options, ranks=(), differing=(), lines=())  # the places have moved
    if given.lines or given.differing:  # what remains of all the others; ranks say more of the old text only
        now = decide(old, replace(given, ranks=()), neighbours) if given.ranks else plan
        expected = len(decide(old, options, neighbours).converted) - len(now.converted)
    again = decide(new, options, neighbours)
    if len(again.converted) != expected or max(len(again.classes), len(again.retired)) > expected:
        first = again.converted[0].site if again.converted else plan.converted[0].site
        raise CheckError(f"a second run would change line {first.position.line} ({first.spelled}) again")
    return again if given == options else None


# -- the same tree, but for the plan ---------------------------------------------------------------------


def _check_tree(source: Source, new: ast.Module, plan: Plan) -> None:
    """Carry the plan out on the old tree, independently of the edits, and compare with the new one."""
    _retire(source, plan)
    planned = _Planned(source, plan)
    wanted = list(_flat(_without_imports(source.tree), planned.replaced))
    if planned.renames:
        raise CheckError("a planned use of a parameter was not found again")
    if planned.waiting:
        raise CheckError("a planned call site was not found again")
    _strip_registrations(source, new, plan.classes)
    _strip_methods(new, plan)
    found = list(_flat(_without_imports(new), lambda node: node))
    if wanted != found:
        raise CheckError("the result differs from the source by more than the plan")


def _flat(tree: ast.AST, replaced: Callable[[ast.AST], ast.AST]) -> Iterator[object]:
    """The tree in one line, each node after replacement; without recursion, for deeply nested sources."""
    stack: list[object] = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, ast.AST):
            node = replaced(item)
            yield type(node)
            stack.extend((value, name) for name, value in reversed(list(ast.iter_fields(node))))
        elif isinstance(item, tuple):
            yield item[1]
            stack.append(item[0])
        elif isinstance(item, list):
            yield len(item)
            stack.extend(reversed(item))
        else:
            yield type(item)
            yield repr(item)  # a NaN equals itself, -0.0 is not 0.0


class _Planned:
    """The old tree's nodes as the plan wants them."""

    def __init__(self, source: Source, plan: Plan) -> None:
        self.source = source
        self.renames = {rename.span: rename for rename in plan.renames}
        self.waiting = {
            d.site.span: d.outcome
            for d in plan.converted
            if isinstance(d.outcome, Conversion) and not any(s.start <= d.site.span.start < s.end for s in plan.idle)
        }

    def replaced(self, node: ast.AST) -> ast.AST:
        if self.renames and isinstance(node, ast.Attribute | ast.Constant) and hasattr(node, "lineno"):
            rename = self.renames.pop(self.source.span(node), None)
            if rename is not None:
                return _renamed(node, rename)
        if not isinstance(node, ast.Call | ast.Attribute | ast.Name) or not hasattr(node, "lineno"):
            return node
        span: Span = self.source.span(node)
        conversion = self.waiting.get(span)
        if conversion is None or (conversion.kind == "reference") == isinstance(node, ast.Call):
            return node
        del self.waiting[span]
        if conversion.kind == "identity" and isinstance(node, ast.Call):
            return self.replaced(node.args[0] if node.args else node.keywords[0].value)
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


def _without_imports(tree: ast.Module) -> ast.Module:
    body = [s for s in tree.body if not isinstance(s, ast.Import | ast.ImportFrom)]
    return ast.Module(body, tree.type_ignores)


def _retire(source: Source, plan: Plan) -> None:
    """Take the assignments and methods out of the old tree that go, and put in what comes in their place."""
    gone: dict[Span, Retirement | None] = {retired.assignment: retired for retired in plan.retired}
    gone.update(dict.fromkeys((*plan.blank_inits, *plan.idle)))
    before = {each.statement: each.lines for each in plan.before}
    for node in ast.walk(source.tree) if gone or before else ():
        for _, block in ast.iter_fields(node):
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt) and hasattr(block[0], "lineno"):
                block[:] = [
                    new
                    for statement in block
                    for new in (*_parsed(before.pop(source.span(statement), ())), *_instead(statement, source, gone))
                ]
    if gone or before:
        raise CheckError("a planned assignment was not found again")


def _instead(statement: ast.stmt, source: Source, gone: dict[Span, Retirement | None]) -> list[ast.stmt]:
    span = source.span(statement)
    if span not in gone:
        return [statement]
    retired = gone.pop(span)
    if retired is None:
        return []
    kept = [new for text in retired.kept for new in _parsed((text,))]
    return [_given_to_local(statement, retired.local), *kept] if retired.local else kept


def _parsed(lines: Sequence[str]) -> list[ast.stmt]:
    return _without_positions(ast.parse("\n".join(lines))).body


def _given_to_local(statement: ast.stmt, local: str) -> ast.stmt:
    target = ast.Name(local, ast.Store())
    if isinstance(statement, ast.Assign):
        statement.targets = [target]
    elif isinstance(statement, ast.AnnAssign):
        statement.target, statement.simple = target, 1
    return statement


# -- the new statements ----------------------------------------------------------------------------------


def _strip_registrations(source: Source, tree: ast.Module, classes: tuple[ClassPlan, ...]) -> None:
    """Take the planned statements out again; CheckError where one is missing."""
    before, after = _classes(source.tree), _classes(tree)
    for plan in classes:
        old, new = before.get(plan.class_name, []), after.get(plan.class_name, [])
        # Of several classes with one name, the one in which the old text has the plan's anchor.
        begun = sum(source.span(node).start <= plan.anchor.offset for node in old)
        if not begun or len(old) != len(new):
            raise CheckError(f"the class {plan.class_name} was not found again")
        _strip(new[begun - 1], plan)


def _strip(node: ast.ClassDef, plan: ClassPlan) -> None:
    inits = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef) and s.name == "__init__"]
    body = inits[-1].body if inits else []
    places: dict[str, list[ast.stmt]] = {}
    for statement in body:
        if _is_assignment(statement):
            places.setdefault(ast.dump(statement), []).append(statement)
    taken: set[ast.stmt] = set()
    for registration in plan.registrations:
        text = f"{plan.anchor.receiver}.{registration.name} = {registration.constructor}"
        found = places.get(ast.dump(ast.parse(text).body[0]))
        if not found:
            raise CheckError(f"the registration of {registration.name} is not in __init__")
        taken.add(found.pop(0))
    body[:] = [statement for statement in body if statement not in taken]
    if plan.anchor.new_init:
        node.body.remove(inits[-1])


def _strip_methods(tree: ast.Module, plan: Plan) -> None:
    """Take the planned methods out again; CheckError where one is missing."""
    found = _classes(tree)
    for method in plan.methods:
        wanted = ast.dump(ast.parse("\n".join(method.lines)).body[0])
        for node in found.get(method.class_name, []):
            place = next((s for s in node.body if ast.dump(s) == wanted), None)
            if place is not None:
                node.body.remove(place)
                break
        else:
            raise CheckError(f"a new method of {method.class_name} was not found again")


def _is_assignment(statement: ast.stmt) -> bool:
    """``x.y = ...``: what a registration can be; nothing else is worth comparing."""
    return isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Attribute)


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
        stack.extend((child, path) for child in reversed(list(ast.iter_child_nodes(node))))
    return found
