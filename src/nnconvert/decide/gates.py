"""Conditions for a whole call site, before its arguments matter: whose self, which class, which mode."""

from __future__ import annotations

import ast
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.sites import Site
from nnconvert.options import Options
from nnconvert.source.classes import ClassInfo
from nnconvert.source.facts import Method
from nnconvert.source.inits import resets_later, skips_own_init
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Scope

_SPECIAL_METHODS: Final = frozenset(
    {
        *("__setattr__", "__getattr__", "__getattribute__", "__delattr__", "__slots__", "__dir__", "__new__"),
        *("children", "named_children"),  # by these train() and eval() reach the submodules
    }
)

_MOST_LINKS: Final = 160
"""Python reads 200 parentheses inside of one another; some may stand around the chain."""


def method_of_site(site: Site, reader: Reader) -> Method:
    """The method that the site runs in, with self visible; raises LeaveError."""
    check_position(site.node, reader)
    method = reader.attributes.method_of(site.scope)
    if method is None:
        if _in_class(site.scope):
            raise LeaveError("NNC106", "runs in the class body, in a decorator or as a default value")
        raise LeaveError("NNC103", "no self in a free function" if site.scope.kind != "module" else "no self here")
    if method.kind != "instance":
        raise LeaveError("NNC106", f"{method.node.name} is a {method.kind} method")
    check_kind(method.info, reader)
    if method.receiver is None:
        raise LeaveError("NNC108", f"{method.node.name} binds the name of its instance again")
    found = site.scope.lookup(method.receiver)
    if found is None or found[0] is not method.scope:
        raise LeaveError("NNC108", f"`{method.receiver}` is another variable here")
    if method.node.name == "__init__" and site.kind not in ("reference", "shared"):
        nested = site.scope is not method.scope
        words = "stands in a function made by __init__" if nested else "runs once, at construction"
        raise LeaveError("NNC107", words)
    return method


def _in_class(scope: Scope) -> bool:
    found: Scope | None = scope
    while found is not None:
        if found.kind == "class":
            return True
        found = found.parent
    return False


def check_kind(info: ClassInfo, reader: Reader) -> None:
    """Refuse what is not certainly a module class, and containers; raises LeaveError."""
    kind, base = reader.classes.kind(info)
    if kind == "other":
        raise LeaveError("NNC104", f"{info.qualname} is not a module class")
    if kind == "unknown":
        raise LeaveError("NNC105", f"what `{base}` is and does is not known here")
    if kind == "container":
        raise LeaveError("NNC301", f"{info.qualname} is a container")


def check_position(node: ast.expr, reader: Reader) -> None:
    """Refuse what stands where Python gives no exact positions; raises LeaveError."""
    if any(isinstance(ancestor, ast.JoinedStr) for ancestor in reader.tree.ancestors(node)):
        raise LeaveError("NNC111", "stands inside an f-string")


def check_depth(site: Site, reader: Reader) -> None:
    """Refuse the links of a chain of method calls that would stand inside of one another; raises LeaveError."""
    if site.kind != "method":
        return
    links, top = 0, site.node
    while (outer := _link_around(top, reader)) is not None:
        top = outer
    while isinstance(top, ast.Call) and isinstance(top.func, ast.Attribute):
        links, top = links + 1, top.func.value
    if links > _MOST_LINKS:
        raise LeaveError("NNC112", f"a chain of {links} calls would become too many nested parentheses for Python")


def _link_around(node: ast.expr, reader: Reader) -> ast.Call | None:
    """``x.a().b()`` around ``x.a()``."""
    attribute = reader.tree.parents.get(node)
    call = reader.tree.parents.get(attribute) if isinstance(attribute, ast.Attribute) else None
    return call if isinstance(call, ast.Call) and call.func is attribute else None


def check_differing(node: ast.expr, reader: Reader, options: Options) -> None:
    """Refuse what verification found guilty of a difference; raises LeaveError."""
    span = reader.source.span(node)
    for differing, words in options.differing:
        if differing == span:
            raise LeaveError("NNC701", words)


def check_suppressed(node: ast.expr | ast.stmt, reader: Reader) -> None:
    """Refuse what a comment on its lines, or on the header of a def or class around it, asks to skip."""
    suppressions = reader.suppressions
    if suppressions.covers(node.lineno, node.end_lineno or node.lineno):
        raise LeaveError("NNC501", "a comment asks to skip it")
    for ancestor in reader.tree.ancestors(node):
        if not isinstance(ancestor, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if suppressions.covers_header(ancestor):
            raise LeaveError("NNC501", f"a comment asks to skip {ancestor.name}")


def check_class(info: ClassInfo, reader: Reader) -> None:
    """Refuse classes on which registering does not do what it does elsewhere."""
    for member in info.family():
        special = sorted(_SPECIAL_METHODS & set(member.scope.bindings))
        if special:
            raise LeaveError("NNC303", f"{member.qualname} defines {special[0]}")
    for member in info.ancestors():
        if reader.classes.is_dataclass(member):
            raise LeaveError("NNC303", f"{member.qualname} is a dataclass")
    for member in info.descendants():
        if reader.classes.kind(member)[0] == "container":
            raise LeaveError("NNC301", f"{member.qualname} is a container")
    skipping = skips_own_init(info, reader.attributes)
    if skipping is not None:
        raise LeaveError("NNC110", f"{skipping.qualname} does not run {info.qualname}.__init__")
    resetting = resets_later(info, reader.attributes)
    if resetting is not None:
        raise LeaveError("NNC110", f"{resetting} makes instances anew, without their __init__")


def check_walks(info: ClassInfo, module: str, reader: Reader) -> None:
    walk = reader.walks.noticing(info, module)
    if walk is not None:
        line = reader.source.position(reader.source.span(walk.node).start).line
        raise LeaveError("NNC302", f"line {line} walks over the submodules ({walk.name}) and would notice a new one")
    elsewhere = reader.elsewhere.walk(info, module)
    if elsewhere:
        raise LeaveError("NNC302", f"{elsewhere} and would notice a new one")


def check_mode(info: ClassInfo, reader: Reader) -> None:
    """Refuse operations that depend on the mode where the mode may not reach a submodule."""
    attributes = reader.attributes
    if "training" in attributes.outer_stores or attributes.stores(info, "training"):
        raise LeaveError("NNC405", "the file assigns .training directly")
    if where := reader.elsewhere.stored(info, "training") or reader.elsewhere.stored_unknown(info):
        raise LeaveError("NNC405", f"{where} assigns .training directly, perhaps")
    unknown = any(attributes.facts[member].stores_unknown_names for member in info.family())
    if unknown or attributes.outer_stores_unknown:
        raise LeaveError("NNC405", "attributes are stored under computed names, perhaps .training")
    for member in info.family():
        for name in ("train", "eval", "training"):
            if name in member.scope.bindings:
                raise LeaveError("NNC405", f"{member.qualname} defines {name} itself")
