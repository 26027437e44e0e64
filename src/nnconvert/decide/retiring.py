"""Whether a submodule may go: assigned once, unconditionally, and only ever called (SEMANTICS rules 27 and 29)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.borrowed import Borrowed
from nnconvert.decide.gates import check_class, check_kind, check_mode, check_suppressed
from nnconvert.decide.submodules import Built, Submodule
from nnconvert.decide.uses import asked_by_string, named_in_path, outside_use, stored_outside, whole_tables
from nnconvert.source.construction import Construction
from nnconvert.source.facts import Store
from nnconvert.source.paths import own_nodes
from nnconvert.source.reader import Reader

_CONTAINERS: Final = frozenset({"Sequential", "ModuleList", "ModuleDict"})
_REGISTERING: Final = frozenset({"add_module", "register_module", "setattr", "append", "insert", "extend"})


def assignment(submodule: Submodule, reader: Reader) -> tuple[Construction, int]:
    """The ``__init__`` and the index of the one statement in it that assigns the submodule; raises LeaveError."""
    check_kind(submodule.info, reader)
    for built in submodule.built:
        if not built.is_certain:
            raise LeaveError("NNC101", "the name of the class is bound again between its import and here")
    store = _only_store(submodule, reader)
    check_suppressed(submodule.built[0].call, reader)
    construction = reader.construction(submodule.info)
    index = _index(submodule, store, construction)
    check_class(submodule.info, reader)
    Borrowed(reader).check(submodule.info, _calling(submodule, reader))
    _check_names(submodule, reader)
    _check_uses(submodule, reader)
    _check_elsewhere(submodule, reader)
    built = submodule.built[0]
    walk = reader.walks.noticing(submodule.info, built.module, has_weights=built.weighted is not None)
    if walk is not None:
        line = reader.source.position(reader.source.span(walk.node).start).line
        raise LeaveError(
            "NNC302", f"line {line} walks over the submodules ({walk.name}) and would notice that one goes"
        )
    elsewhere = reader.elsewhere.walk(submodule.info, submodule.built[0].module)
    if elsewhere:
        raise LeaveError("NNC302", f"{elsewhere} and would notice that one goes")
    return construction, index


def _calling(submodule: Submodule, reader: Reader) -> list[str] | None:
    """The methods that call the submodule; None where anything may use what it holds."""
    if submodule.built[0].weighted is not None:
        return None
    methods = [reader.attributes.method_of(reader.tree.scope_of[call]) for call in submodule.calls]
    return [method.node.name for method in methods if method is not None]


def check_own_mode(submodule: Submodule, construction: Construction, index: int, reader: Reader) -> None:
    """Refuse a submodule whose mode may be another than that of self; raises LeaveError."""
    check_mode(submodule.info, reader)
    if construction.base_sets_mode() or construction.sets_mode_before(index):
        raise LeaveError("NNC405", "__init__ switches the mode before the submodule is there")


# -- the assignment --------------------------------------------------------------------------------------


def _only_store(submodule: Submodule, reader: Reader) -> Store:
    name, shown = submodule.name, f"self.{submodule.name}"
    stores = reader.attributes.stores(submodule.info, name)
    if len(stores) != 1:
        raise LeaveError("NNC602", f"{shown} is assigned {len(stores)} times")
    [store] = stores
    if store.value is not submodule.built[0].call:
        raise LeaveError("NNC601", f"which module {shown} is depends on a condition")
    if store.method.node.name != "__init__":
        raise LeaveError("NNC601", f"{shown} is assigned in {store.method.node.name}()")
    if reader.tree.scope_of[store.node] is not store.method.scope:
        raise LeaveError("NNC601", f"{shown} is assigned in a function inside of __init__")
    return store


def _index(submodule: Submodule, store: Store, construction: Construction) -> int:
    shown = f"self.{submodule.name}"
    if construction.init is None:
        raise LeaveError("NNC304", "__init__ is defined more than once, under a condition, or without a name for self")
    if construction.base_call is None:
        raise LeaveError("NNC304", "__init__ does not call the __init__ of its base on every path")
    index = construction.index_of(store.node)
    if index is None:
        raise LeaveError("NNC601", f"{shown} is assigned under a condition, in a loop or in a block")
    if any(isinstance(node, ast.Return) for node in own_nodes(*construction.body[:index])):
        raise LeaveError("NNC601", f"__init__ may return before {shown} is assigned")
    if index <= construction.base_call:
        raise LeaveError("NNC304", "assigned before super().__init__()")
    statement = construction.body[index]
    if isinstance(statement, ast.Assign) and len(statement.targets) > 1:
        raise LeaveError("NNC603", f"what {shown} is given goes elsewhere, too")
    target = statement.targets[0] if isinstance(statement, ast.Assign) else store.node
    if target is not store.node:
        raise LeaveError("NNC601", f"{shown} is assigned together with others")
    return index


# -- the uses --------------------------------------------------------------------------------------------


def _check_names(submodule: Submodule, reader: Reader) -> None:
    """Refuse what the class or the file reaches by its name, other than as self.<name>."""
    name, info, attributes = submodule.name, submodule.info, reader.attributes
    shown = f"self.{name}"
    if attributes.is_defined_in_class_body(info, name):
        raise LeaveError("NNC605", f"the class body speaks of {name}, too")
    if stored_outside(name, info, reader) is not None:
        raise LeaveError("NNC605", f"{shown} is assigned from outside of the class")
    if asked_by_string(name, info, reader):
        raise LeaveError("NNC605", f"the file reaches {shown} by its name in a string")
    if path := named_in_path(name, reader):
        raise LeaveError("NNC605", f"line {path.lineno} names it in a path: {path.value!r}")
    computed = attributes.outer_stores_unknown or any(attributes.facts[m].stores_unknown_names for m in info.family())
    if computed or any(name.startswith(prefix) for prefix in attributes.stored_prefixes(info)):
        raise LeaveError("NNC605", f"attributes are stored under computed names, perhaps {shown}")


def _check_uses(submodule: Submodule, reader: Reader) -> None:
    name, info, tree = submodule.name, submodule.info, reader.tree
    for member in info.family():
        for load in reader.attributes.facts[member].loads.get(name, []):
            if member is not info:
                where = member.home.place(load, reader)
                raise LeaveError("NNC606", f"{member.qualname} uses self.{name}, too ({where})")
            call = tree.parents.get(load)
            if not (isinstance(call, ast.Call) and call.func is load):
                raise LeaveError("NNC603", f"line {load.lineno} uses self.{name} for more than a call")
    outside = outside_use(name, info, reader)
    if outside is not None:
        words = f"line {outside.lineno} reaches it from outside of the class: {ast.unparse(outside)}"
        raise LeaveError("NNC605", words)
    if not submodule.calls:
        raise LeaveError("NNC608", f"nothing in this file calls self.{name}")


def _check_elsewhere(submodule: Submodule, reader: Reader) -> None:
    """Refuse what another file of the project reaches from outside of the class; raises LeaveError."""
    name, info = submodule.name, submodule.info
    for other in reader.elsewhere.reading(info, name):
        found = outside_use(name, info, other) or stored_outside(name, info, other)
        if found is not None:
            where = other.place(found, reader)
            raise LeaveError("NNC605", f"{where} reaches it from outside of the class: {ast.unparse(found)}")
        if asked_by_string(name, info, other):
            raise LeaveError("NNC605", f"{other.name} reaches self.{name} by its name in a string")
        if path := named_in_path(name, other):
            raise LeaveError("NNC605", f"{other.place(path, reader)} names it in a path: {path.value!r}")


def check_new_attribute(submodule: Submodule, reader: Reader) -> None:
    """Refuse a new attribute where the class goes through all of its own (``vars(self).items()``)."""
    for node in whole_tables(submodule.info, reader):
        raise LeaveError("NNC611", f"line {node.lineno} goes through all attributes of self")


# -- modules that are no attribute -----------------------------------------------------------------------


def why_not_owned(built: Built, reader: Reader) -> LeaveError:
    """The reason for a module that is built for something else than an attribute of self."""
    for ancestor in _expressions_around(built.call, reader):
        if isinstance(ancestor, ast.Call):
            qualname = reader.names.qualname(ancestor.func, reader.tree.scope_of[ancestor]) or ""
            short = qualname.rpartition(".")[2]
            if short in _CONTAINERS:
                return LeaveError("NNC604", f"an entry of nn.{short}")
            called = ancestor.func.attr if isinstance(ancestor.func, ast.Attribute) else ast.unparse(ancestor.func)
            if called in _REGISTERING:
                return LeaveError("NNC604", f"registered by {called}")
            return LeaveError("NNC603", f"handed to {called}")
        if isinstance(ancestor, ast.List | ast.Tuple | ast.Dict | ast.ListComp | ast.DictComp | ast.GeneratorExp):
            return LeaveError("NNC604", "an entry of a list, tuple or dict")
    if reader.attributes.method_of(reader.tree.scope_of[built.call]) is None:
        return LeaveError("NNC103", "built in a free function or at module level")
    return LeaveError("NNC603", "held by something else than an attribute of self")


def _expressions_around(node: ast.AST, reader: Reader) -> Iterator[ast.AST]:
    for ancestor in reader.tree.ancestors(node):
        if isinstance(ancestor, ast.stmt):
            return
        yield ancestor
