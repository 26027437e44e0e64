"""Tables about nodes that hold for the trees of all files at once."""

from __future__ import annotations

import ast
from typing import Final, Generic, TypeVar, overload

_T = TypeVar("_T")


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
