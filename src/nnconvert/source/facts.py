"""What one class does with attributes of self: its methods, where they store and read."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from nnconvert.source.classes import ClassInfo, MethodKind
from nnconvert.source.scopes import FunctionNode, Scope


@dataclass(frozen=True, eq=False)
class Method:
    info: ClassInfo
    node: FunctionNode
    scope: Scope
    kind: MethodKind
    receiver: str | None
    """Name of the first parameter; None where there is none or where the method binds it again."""


@dataclass(frozen=True, eq=False)
class Store:
    """One place that stores, changes or deletes ``self.<name>``."""

    name: str
    node: ast.AST
    method: Method
    value: ast.expr | None
    """The value of a plain assignment; None for anything else."""


@dataclass
class Facts:
    """What one class (without its bases) does with attributes of self."""

    stores: dict[str, list[Store]] = field(default_factory=dict)
    loads: dict[str, list[ast.Attribute]] = field(default_factory=dict)
    prefixes: set[str] = field(default_factory=set)
    """``relu`` for ``setattr(self, f"relu{i}", ...)``."""
    stores_unknown_names: bool = False
