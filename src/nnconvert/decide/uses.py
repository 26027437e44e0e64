"""Uses of an attribute that do not go through self."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.instances import may_be_instance, may_be_owner
from nnconvert.source.named import string_values, table_use
from nnconvert.source.reader import Reader


def outside_loads(name: str, reader: Reader) -> list[ast.Attribute]:
    """Reads of ``<object>.<name>``, where that may be an instance: ``model.relu``, not ``F.relu``."""
    return [
        load
        for load in reader.attributes.outer_loads.get(name, [])
        if not (reader.names.qualname(load.value, reader.tree.scope_of[load]) or "").startswith("torch")
    ]


def outside_use(name: str, info: ClassInfo, reader: Reader) -> ast.Attribute | None:
    """A read of ``<object>.<name>`` that may be a submodule of the class: not a tensor's method, not a number."""
    for load in reader.attributes.outer_loads.get(name, []):
        parent = reader.tree.parents.get(load)
        if isinstance(parent, ast.Call) and parent.func is load and _cannot_be_forward(parent):
            continue
        if not _is_a_number(load, reader) and may_be_instance(load.value, info, reader):
            return load
    return None


def _cannot_be_forward(call: ast.Call) -> bool:
    """``x.relu()``, ``x.softmax(-1)``, ``x.flatten(start_dim=1)``: no module without state is called like that."""
    first = next(iter(call.args), None)
    if isinstance(first, ast.UnaryOp):
        first = first.operand
    return isinstance(first, ast.Constant) or (first is None and not any(k.arg == "input" for k in call.keywords))


def _is_a_number(load: ast.Attribute, reader: Reader) -> bool:
    """What goes into arithmetic, or into the constructor of a class without children."""
    parent = reader.tree.parents.get(load)
    if isinstance(parent, ast.keyword):
        parent = reader.tree.parents.get(parent)
    if isinstance(parent, ast.Call) and parent.func is not load:
        qualname = reader.names.qualname(parent.func, reader.tree.scope_of[parent]) or ""
        return torch_class(qualname) not in (None, "Sequential", "ModuleList", "ModuleDict", "Module", "DataParallel")
    return isinstance(parent, ast.BinOp | ast.UnaryOp)


def stored_outside(name: str, info: ClassInfo, reader: Reader) -> ast.expr | None:
    """The object of ``<object>.<name> = ...``, where it may be an instance of the class, or the class itself."""
    owners = reader.attributes.outer_owners.get(name, [])
    return next((owner for owner in owners if may_be_owner(owner, info, reader)), None)


def asked_by_string(name: str, info: ClassInfo, reader: Reader) -> bool:
    """Whether ``getattr(<object>, "<name>")`` and the like may reach the attribute, or a list of names in a call."""
    if name in reader.attributes.listed_names:
        return True
    for target, node, scope in reader.attributes.questions:
        if target is not None and not may_be_instance(target, info, reader):
            continue
        for text, exact in string_values(node, scope):
            parts = text.split(".")
            anything = not exact and not text and name in reader.attributes.spoken_strings
            if anything or (name in parts if exact else bool(text) and name.startswith(parts[-1])):
                return True
    return False


def whole_tables(info: ClassInfo, reader: Reader) -> Iterator[ast.expr]:
    """Reads of ``self.__dict__`` and ``vars(self)`` as a whole, not for one name in them."""
    family = info.family()
    loads = [load for member in family for load in reader.attributes.facts[member].loads.get("__dict__", [])]
    for call in reader.attributes.reflections:
        if isinstance(call.func, ast.Name) and call.func.id in ("vars", "dir"):
            method = reader.attributes.self_of(call.args[0])
            if method is not None and method.info in family:
                yield call
    yield from (load for load in loads if table_use(load, reader.tree) == (None, False))
