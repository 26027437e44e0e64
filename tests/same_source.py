"""Whether two sources are one, up to names, and to how a call spells what it calls and gives it.

Not for sources that give the name of an import another meaning somewhere.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Mapping

from nnconvert.catalog import Pair, Spelling, by_module, by_spelling, pairs

_STATELESS = frozenset({"Identity"})
_METHODS = {spelling.short: (pair, spelling) for pair in pairs() for spelling in pair.spellings if spelling.is_method}


def assert_same(first: str, second: str) -> None:
    """Both sources have one normal form."""
    assert normal_form(first) == normal_form(second)


def normal_form(source: str) -> str:
    """The source with qualified names for what it imports, and no imports.

    Every call of a functional or constructor of the catalog has the name of its pair and all it is given as keyword
    arguments, sorted, without defaults; attributes that are no state are numbered in order of appearance; comments
    stand at the end.
    """
    tree = _Normal(ast.parse(source)).tree
    numbers = {name: f"_{number}" for number, name in enumerate(_plain_attributes(tree))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            node.attr = numbers.get(node.attr, node.attr)
    return "\n".join((ast.unparse(tree), *_comments(source)))


def _comments(source: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return sorted(token.string for token in tokens if token.type == tokenize.COMMENT)


def _plain_attributes(tree: ast.AST) -> Iterator[str]:
    """Names of the attributes that are assigned something, but for submodules with state, in order of appearance."""
    found: dict[str, bool] = {}
    for statement in _in_order(tree):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        for target in (t for t in targets if isinstance(t, ast.Attribute)):
            found[target.attr] = found.get(target.attr, True) and not _has_state(getattr(statement, "value", None))
    return (name for name, is_plain in found.items() if is_plain)


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


def _has_state(value: ast.expr | None) -> bool:
    name = _qualname(value.func) if isinstance(value, ast.Call) else ""
    module = name.removeprefix("torch.nn.")
    return module[:1].isupper() and module not in _STATELESS and by_module(module) is None


def _qualname(node: ast.expr) -> str:
    """What the normal form calls an import, or something that is reached through one; else empty."""
    return node.id if isinstance(node, ast.Name) and "torch" in node.id else ""


class _Normal(ast.NodeTransformer):
    def __init__(self, tree: ast.Module) -> None:
        self.names: dict[str, str] = {}
        """Imported name -> qualified name."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.names.update(_imported(node))
        self.instances = {
            function.args.args[0].arg
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for function in node.body
            if isinstance(function, ast.FunctionDef) and function.args.args
        }
        self.tree: ast.AST = self.visit(tree)

    def visit_Import(self, _: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, _: ast.ImportFrom) -> None:
        return None

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        root = _qualname(node.value)
        return ast.Name(f"{root}.{node.attr}", node.ctx) if root else node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        name = _qualname(node.func)
        module = by_module(name)
        if module is not None and name.startswith("torch.nn."):
            signature = Spelling(name, module.constructor)
            return _given(node, name, module, signature, module.constructor_signature_defaults())
        if name in by_spelling():
            pair, spelling = by_spelling()[name][0]
            return _functional(node, pair, spelling)
        return node


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"
        elif alias.asname is not None:
            yield alias.asname, alias.name
