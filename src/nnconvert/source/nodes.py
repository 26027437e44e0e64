"""Tables about nodes that hold for the trees of all files at once."""

from __future__ import annotations

import ast
from typing import Any, Final, Generic, TypeVar, overload

_T = TypeVar("_T")

_NO_NODES: Final = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "kind", "lineno", "type_ignores", "type_comment"}
)
_FIELDS: Final[dict[type[ast.AST], tuple[str, ...]]] = {}
_MIXED: Final = frozenset({ast.Dict, ast.Global, ast.Nonlocal, ast.MatchClass, ast.arguments})
"""Nodes with lists that hold something else than nodes, too."""


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes that a node consists of, in the order of its fields; operators and contexts are left out."""
    kind = type(node)
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = _FIELDS[kind] = tuple(field for field in kind._fields if field not in _NO_NODES)
    found: list[ast.AST] = []
    for field in fields:
        value: Any = getattr(node, field, None)
        if type(value) is list:
            found += value if kind not in _MIXED else [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


class NodeTable(Generic[_T]):
    """Something that nodes know, whatever file they are from; it is kept on the nodes themselves."""

    def __init__(self, attribute: str) -> None:
        self._attribute: Final = attribute

    def __getitem__(self, node: ast.AST) -> _T:
        found: _T = getattr(node, self._attribute)
        return found

    def __contains__(self, node: ast.AST) -> bool:
        return hasattr(node, self._attribute)

    @overload
    def get(self, node: ast.AST | None) -> _T | None: ...
    @overload
    def get(self, node: ast.AST | None, default: _T) -> _T: ...
    def get(self, node: ast.AST | None, default: _T | None = None) -> _T | None:
        return getattr(node, self._attribute, default)
