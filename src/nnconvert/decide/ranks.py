"""How many dimensions the input of a normalisation has, which says whether it is nn.BatchNorm1d, 2d or 3d."""

from __future__ import annotations

import ast
import re
from typing import Final

from nnconvert.catalog import Pair, by_spelling, weighted_by_spelling
from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.sites import Site
from nnconvert.options import Options
from nnconvert.source.classes import torch_class
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import FunctionNode, Scope

_KEEPS: Final = frozenset({"activation", "dropout"})
"""Families whose functionals give back the shape that they get."""
_SPATIAL: Final = re.compile(r"(Lazy)?(Conv|ConvTranspose|BatchNorm|InstanceNorm|MaxPool|AvgPool)([123])d")
_SPATIAL_FUNCTIONALS: Final = re.compile(r"(conv|conv_transpose|max_pool|avg_pool)([123])d")
_REBINDING: Final = (
    ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Lambda, ast.NamedExpr, ast.Match, ast.Try,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
"""What may bind the name itself, or run its use again after it was bound."""
_DEPTH: Final = 8


def rank_of(site: Site, reader: Reader, options: Options) -> Pair:
    """The class for the rank of the site's input, as its source or a run has told; raises LeaveError."""
    assert isinstance(site.node, ast.Call)
    named = next((k.value for k in site.node.keywords if k.arg == site.pairs[0][0].inputs[0]), None)
    tensor = site.node.args[0] if site.node.args else named
    rank = dict(options.ranks).get(site.node.lineno) or (
        _rank(tensor, site.scope, reader) if tensor is not None else None
    )
    if rank is None:
        raise LeaveError("NNC414", "how many dimensions its input has is not known here: verification would tell")
    for pair, _ in site.pairs:
        if pair.weights is not None and rank in pair.weights.rank:
            return pair
    raise LeaveError("NNC416", f"torch.nn has no class for an input of {rank} dimensions")


def _rank(node: ast.expr, scope: Scope, reader: Reader, depth: int = 0) -> int | None:
    """The rank of what a convolution or pooling gives, also through activations; else None."""
    if depth > _DEPTH:
        return None
    if isinstance(node, ast.Name):
        value = _last_value(node, reader)
        return _rank(value, scope, reader, depth + 1) if value is not None else None
    if not isinstance(node, ast.Call):
        return None
    qualname = reader.names.qualname(node.func, scope)
    if qualname is not None:
        spatial = _SPATIAL_FUNCTIONALS.fullmatch(qualname.rpartition(".")[2])
        if spatial and qualname in {**by_spelling(), **weighted_by_spelling()}:
            return int(spatial[2]) + 2
        rows = by_spelling().get(qualname)
        keeps = rows is not None and rows[0][0].family in _KEEPS and bool(node.args)
        return _rank(node.args[0], scope, reader, depth + 1) if keeps else None
    return _of_submodule(node, reader)


def _last_value(name: ast.Name, reader: Reader) -> ast.expr | None:
    """What the name was given last in front of its use, in the same block or one around it, if that is certain."""
    child: ast.AST = name
    for ancestor in reader.tree.ancestors(name):
        if isinstance(ancestor, _REBINDING):
            return None
        block = next((b for _, b in ast.iter_fields(ancestor) if isinstance(b, list) and child in b), [])
        for statement in reversed(block[: block.index(child)] if block else []):
            if isinstance(statement, ast.Assign) and [ast.unparse(t) for t in statement.targets] == [name.id]:
                value: ast.expr = statement.value
                return value
            if any(
                isinstance(n, ast.Name) and n.id == name.id and isinstance(n.ctx, ast.Store)
                for n in ast.walk(statement)
            ):
                return None
        if isinstance(ancestor, FunctionNode):
            return None
        child = ancestor
    return None


def _of_submodule(node: ast.Call, reader: Reader) -> int | None:
    """``self.conv(x)`` where self.conv is an nn.Conv2d."""
    function = node.func
    method = reader.attributes.self_of(function.value) if isinstance(function, ast.Attribute) else None
    if method is None or not isinstance(function, ast.Attribute):
        return None
    values = [store.value for store in reader.attributes.stores(method.info, function.attr)]
    ranks = set()
    for value in values:
        qualname = reader.names.qualname(value.func, method.scope) if isinstance(value, ast.Call) else None
        spatial = _SPATIAL.fullmatch(torch_class(qualname or "") or "")
        ranks.add(int(spatial[3]) + 2 if spatial else None)
    return ranks.pop() if len(ranks) == 1 else None
