"""Find in a file's own text how its classes are built and fed: main blocks, tests, docstrings."""

from __future__ import annotations

import ast
import builtins
import doctest
from collections.abc import Iterator
from dataclasses import dataclass, field

FEEDING = ("test", "main", "demo", "example")
FACTORIES = 12
"""Functions that are called for a model without arguments, the first ones of the file."""
PASS_THROUGH = {"to", "cuda", "cpu", "eval", "train", "float", "double", "half"}
"""Methods that give the instance (or tensor) itself back: ``Net().cuda().eval()``."""


@dataclass(frozen=True)
class Example:
    """One way the file itself builds a class; ``inputs`` is empty where the instance is not called there."""

    source: str
    setup: tuple[str, ...]
    construct: str
    inputs: tuple[str, ...] = ()


@dataclass
class Scope:
    """Statements that run one after the other, and what their function's parameters are bound to."""

    label: str
    statements: list[ast.stmt]
    bindings: list[tuple[int, str, str]] = field(default_factory=list)
    """Position, name, and the statement that binds it."""
    feeds: bool = False
    """Whether calls of instances here are meant as examples."""

    def bind(self) -> None:
        for position, statement in enumerate(self.statements):
            if isinstance(statement, ast.For):
                first = f"{ast.unparse(statement.target)} = next(iter({ast.unparse(statement.iter)}))"
                targets = [n.id for n in ast.walk(statement.target) if isinstance(n, ast.Name)]
                self.bindings += [(position, name, first) for name in targets]
            for name in _bound_names(statement):
                self.bindings.append((position, name, ast.unparse(statement)))


def examples(source: str, class_name: str, known: set[str]) -> Iterator[Example]:
    """Examples of ``class_name``, the most telling first; ``known`` are the module's own names."""
    tree = OnProcessor().visit(ast.parse(source))
    scopes = list(_scopes(tree, class_name))
    for scope in scopes:
        scope.bind()
    short = class_name.rpartition(".")[2]
    yield from (e for s in scopes if s.feeds for e in examples_in(s, {short}, known))
    factories = _factories(tree, short)
    yield from (e for s in scopes if s.feeds for e in examples_in(s, set(factories), known))
    yield from (e for s in scopes if not s.feeds for e in examples_in(s, {short}, known))
    bare = [(name, call) for name, call in factories.items() if call]
    for name, call in bare[:FACTORIES]:
        yield Example(f"{name}()", (), call)


class OnProcessor(ast.NodeTransformer):
    """Examples for a GPU become examples for the processor, and what would be downloaded stays away."""

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        if node.arg == "pretrained" and isinstance(node.value, ast.Constant) and node.value.value is True:
            node.value = ast.copy_location(ast.Constant(False), node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "cuda":
            return node.func.value
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and node.value.split(":")[0] == "cuda":
            return ast.copy_location(ast.Constant("cpu"), node)
        return node


def _scopes(tree: ast.Module, class_name: str) -> Iterator[Scope]:
    short = class_name.rpartition(".")[2]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == short:
            for inner in [node, *node.body]:
                yield from _doctest_scope(inner, short)
    for statement in tree.body:
        if isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test):
            yield Scope('if __name__ == "__main__"', statements_of(statement.body), feeds=True)
    yield from _doctest_scope(tree, "the module")
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield function_scope(node, f"{node.name}()")


def function_scope(node: ast.FunctionDef | ast.AsyncFunctionDef, label: str) -> Scope:
    """The body of a function, with its parameters bound to their defaults."""
    scope = Scope(label, statements_of(node.body), feeds=node.name.startswith(FEEDING))
    scope.bindings = [(-1, name, text) for name, text in _parameter_bindings(node.args)]
    return scope


def _doctest_scope(node: ast.AST, label: str) -> Iterator[Scope]:
    if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
        return
    text = ast.get_docstring(node) or ""
    statements: list[ast.stmt] = []
    try:
        for example in doctest.DocTestParser().get_examples(text):
            statements += ast.parse(example.source).body
    except (SyntaxError, ValueError):
        return  # prose that only looks like an example
    if statements:
        tree = OnProcessor().visit(ast.Module(statements, []))
        yield Scope(f"docstring of {label}", statements_of(tree.body), feeds=True)


def statements_of(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Statements in order, those of nested blocks too; functions and classes inside are left alone."""
    flat: list[ast.stmt] = []
    for statement in statements:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        flat.append(statement)
        for name in ("body", "orelse", "finalbody"):
            flat += statements_of(getattr(statement, name, []))
    return flat


def _parameter_bindings(arguments: ast.arguments) -> Iterator[tuple[str, str]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[tuple[ast.arg, ast.expr | None]] = list(
        zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults)  # noqa: B905 (Python 3.9)
    )
    defaults += list(zip(arguments.kwonlyargs, arguments.kw_defaults))  # noqa: B905
    for argument, default in defaults:
        if default is not None:
            yield argument.arg, f"{argument.arg} = {ast.unparse(default)}"
    if arguments.vararg:
        yield arguments.vararg.arg, f"{arguments.vararg.arg} = ()"
    if arguments.kwarg:
        yield arguments.kwarg.arg, f"{arguments.kwarg.arg} = {{}}"


def _bound_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        targets = [t for target in statement.targets for t in getattr(target, "elts", [target])]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).partition(".")[0] for alias in statement.names]
    return []


def _factories(tree: ast.Module, class_name: str) -> dict[str, str]:
    """Functions of the module that name the class, or one that does; their call without arguments where it works."""
    found: dict[str, str] = {}
    functions = [f for f in tree.body if isinstance(f, ast.FunctionDef) and not f.name.startswith(FEEDING)]
    spoken = {f.name: {n.id for n in ast.walk(f) if isinstance(n, ast.Name)} for f in functions}
    naming = {name for name, names in spoken.items() if class_name in names}
    naming |= {name for name, names in spoken.items() if not naming.isdisjoint(names)}
    for function in functions:
        if function.name in naming:
            arguments = function.args
            required = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
            bare = required == 0 and all(d is not None for d in arguments.kw_defaults)
            names = [a.arg for a in [*arguments.args, *arguments.kwonlyargs]]
            offline = ", ".join(f"{name}=None" for name in names if name in ("pretrained", "weights"))
            found[function.name] = f"{function.name}({offline})" if bare else ""
    return found


def examples_in(scope: Scope, builders: set[str], known: set[str]) -> Iterator[Example]:
    """Every call of a builder in the scope, together with the calls of what it built."""
    for position, statement in enumerate(scope.statements):
        for call in _own_calls(statement):
            if _called_name(call) not in builders:
                continue
            construct = ast.unparse(call)
            setup = _setup(call, position, scope, known)
            if setup is None:
                continue
            fed = list(_feeds(scope, position, call)) if scope.feeds else []
            for where, text in fed:
                needed = _setup(ast.parse(f"f({text})", mode="eval"), where, scope, known | {"f"})
                if needed is not None:
                    both = tuple(dict.fromkeys([*setup, *needed]))
                    yield Example(scope.label, both, construct, (text,))
            yield Example(scope.label, setup, construct)


def _own_calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """Calls in the statement itself, not in the blocks below it (these are statements of their own)."""
    below = {
        id(node)
        for name in ("body", "orelse", "finalbody", "handlers")
        for inner in getattr(statement, name, [])
        for node in ast.walk(inner)
    }
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and id(node) not in below:
            yield node


def _called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _feeds(scope: Scope, position: int, construct: ast.Call) -> Iterator[tuple[int, str]]:
    """Where the instance that ``construct`` builds is called later, and the text of the arguments."""
    statement = scope.statements[position]
    names = set(_bound_names(statement))
    for where, later in enumerate(scope.statements[position:], position):
        for call in _own_calls(later):
            function = _strip(call.func)
            if isinstance(function, ast.Attribute) and function.attr == "forward":
                function = _strip(function.value)
            if function is construct or (isinstance(function, ast.Name) and function.id in names):
                arguments = [*map(ast.unparse, call.args)]
                arguments += [f"{k.arg}={ast.unparse(k.value)}" if k.arg else f"**{ast.unparse(k.value)}"
                              for k in call.keywords]  # fmt: skip
                yield where, ", ".join(arguments)


def _strip(node: ast.expr) -> ast.expr:
    """``Net().to(device).eval()`` -> ``Net()``."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PASS_THROUGH:
        node = node.func.value
    return node


def _setup(node: ast.AST, position: int, scope: Scope, known: set[str]) -> tuple[str, ...] | None:
    """Statements before ``position`` that bind what ``node`` needs; None if a name stays unknown."""
    chosen: dict[tuple[int, str], None] = {}
    pending = [(position, name) for name in _free_names(node)]
    seen: set[tuple[int, str]] = set()
    while pending:
        before, name = pending.pop()
        if (before, name) in seen:
            continue
        seen.add((before, name))
        bound = [(where, text) for where, other, text in scope.bindings if other == name and where < before]
        if not bound:
            if name in known or hasattr(builtins, name):
                continue
            return None
        chosen[bound[-1]] = None
        pending += [(bound[-1][0], other) for other in _free_names(ast.parse(bound[-1][1]))]
    return tuple(text for _, text in sorted(chosen))


def _free_names(node: ast.AST) -> list[str]:
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    inside = {a.arg for n in ast.walk(node) if isinstance(n, ast.Lambda) for a in n.args.args}
    return [n.id for n in names if isinstance(n.ctx, ast.Load) and n.id not in stored | inside]
