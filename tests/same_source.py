"""Whether two sources are one, up to the names of attributes and to how calls are spelled.

Not for sources that give the name of an import another meaning somewhere.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator

from nnconvert.catalog import Pair, Spelling, by_module, by_spelling, pairs

_METHODS = {spelling.short: (pair, spelling) for pair in pairs() for spelling in pair.spellings if spelling.is_method}


def assert_same(first: str, second: str) -> None:
    """Both sources have one normal form."""
    assert normal_form(first) == normal_form(second)


def normal_form(source: str) -> str:
    """The source without its imports, and with qualified names for what it imports from torch.

    A call of a functional or constructor of the catalog has the name of its pair, and all it is given by keyword,
    sorted, without defaults. Attributes that hold no state are numbered by appearance. Comments stand at the end.
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


# -- names ---------------------------------------------------------------------------------------------------


def _plain_attributes(tree: ast.AST) -> list[str]:
    """The attributes that are never assigned a module with state, in order of appearance."""
    plain: dict[str, bool] = {}
    for node in _in_order(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in (t for t in targets if isinstance(t, ast.Attribute)):
                plain[target.attr] = plain.get(target.attr, True) and not _has_state(node.value)
    return [name for name, is_plain in plain.items() if is_plain]


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)


def _has_state(value: ast.expr | None) -> bool:
    """Whether it is an instance of a class, other than of one of the catalog's."""
    if not isinstance(value, ast.Call):
        return False
    name = _qualname(value.func)
    pair = by_module(name)
    if name == "torch.nn.Identity" or (
        pair is not None
        and pair.module_fixed.items() <= {keyword.arg: ast.unparse(keyword.value) for keyword in value.keywords}.items()
    ):
        return False
    return ast.unparse(value.func).rpartition(".")[2][:1].isupper()


def _qualname(node: ast.expr) -> str:
    """``torch.nn.ReLU``, in the normal form; empty for what is not of torch."""
    return node.id if isinstance(node, ast.Name) and node.id.partition(".")[0] == "torch" else ""


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """What an import of torch binds: name, qualified name."""
    for alias in node.names:
        qualname = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        if qualname.partition(".")[0] == "torch" and (alias.asname or isinstance(node, ast.ImportFrom)):
            yield alias.asname or alias.name, qualname


class _Normal(ast.NodeTransformer):
    def __init__(self, tree: ast.Module) -> None:
        self.names: dict[str, str] = {}
        self.instances: set[str] = set()
        """What methods call their instance."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.names.update(_imported(node))
            elif isinstance(node, ast.ClassDef):
                functions = (statement for statement in node.body if isinstance(statement, ast.FunctionDef))
                self.instances.update(f.args.args[0].arg for f in functions if f.args.args)
        self.tree: ast.AST = self.visit(tree)

    def visit_Import(self, _: ast.Import) -> None:
        """Goes."""

    def visit_ImportFrom(self, _: ast.ImportFrom) -> None:
        """Goes."""

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        owner = _qualname(node.value)
        return ast.Name(f"{owner}.{node.attr}", node.ctx) if owner else node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        name = _qualname(node.func)
        if (module := by_module(name)) is not None:
            constructor = Spelling(name, module.constructor)
            return _written(node, module, constructor, constructor)
        if name in by_spelling():
            pair, spelling = by_spelling()[name][0]
            return _written(node, pair, spelling, pair.way_back)
        return self._method(node)

    def _method(self, node: ast.Call) -> ast.Call:
        function = node.func
        if not (isinstance(function, ast.Attribute) and function.attr in _METHODS):
            return node
        if isinstance(function.value, ast.Name) and function.value.id in self.instances:
            return node
        pair, spelling = _METHODS[function.attr]
        with_input = Spelling(spelling.name, f"{pair.inputs[0]}, {spelling.parameters}")
        return _written(
            ast.Call(function, [function.value, *node.args], node.keywords), pair, with_input, pair.way_back
        )


# -- calls ---------------------------------------------------------------------------------------------------


def _written(call: ast.Call, pair: Pair, spelling: Spelling, target: Spelling) -> ast.Call:
    """The call as one of the target, as the normal form writes it; as it was, where it does not fit."""
    given = _bound(call, spelling)
    if given is None:
        return call
    names = {**pair.renames, "train": "training"}
    standard = {names.get(p.name, p.name): p.default for p in target.signature}
    texts = {names.get(p.name, p.name): p.default for p in spelling.signature if p.default is not None}
    texts = {name: text for name, text in texts.items() if name in standard}
    texts |= {**(pair.back_given if target is not spelling else {}), **spelling.fixed}
    values = {name: ast.parse(text, mode="eval").body for name, text in texts.items()}
    values |= {names.get(name, name): value for name, value in given.items()}
    different = (name for name in sorted(values) if ast.unparse(values[name]) != standard.get(name))
    return ast.Call(ast.Name(target.name), [], [ast.keyword(name, values[name]) for name in different])


def _bound(call: ast.Call, spelling: Spelling) -> dict[str, ast.expr] | None:
    positional = [parameter.name for parameter in spelling.signature if not parameter.keyword_only]
    given = {**dict(zip(positional, call.args, strict=False)), **{str(k.arg): k.value for k in call.keywords}}
    unpacks = any(isinstance(value, ast.Starred) for value in call.args)
    fits = len(given) == len(call.args) + len(call.keywords) and all(map(spelling.signature.get, given))
    return given if fits and not unpacks else None
