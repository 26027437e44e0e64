"""Uses of an attribute that do not go through self."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.named import string_values, table_use
from nnconvert.source.names import root_name
from nnconvert.source.reader import Reader
from nnconvert.source.scopes import Binding

_SETTINGS: Final = re.compile(
    r"(^|_)(config|configs|cfg|conf|args|opts?|options|hps?|hparams|params|settings|flags|ns|namespace|ctx)$", re.I
)
_NO_MODULE: Final = re.compile(
    r"\b(\w*(Config|Args|Arguments|Namespace)|dict|str|int|float|bool|Tensor|ndarray)\b", re.I
)


def outside_loads(name: str, reader: Reader) -> list[ast.Attribute]:
    """Reads of ``<object>.<name>``, where that may be an instance: ``model.relu``, not ``F.relu``."""
    return [
        load
        for load in reader.attributes.outer_loads.get(name, [])
        if not (reader.names.qualname(load.value, reader.tree.scope_of[load]) or "").startswith("torch")
    ]


def may_be_instance(node: ast.expr, info: ClassInfo, reader: Reader) -> bool:
    """Whether an expression may be an instance of the class or a relative, as far as the file tells.

    What is called a configuration, or annotated as something that is no module, is none.
    """
    scope = reader.tree.scope_of.get(node, reader.tree.module)
    method = reader.attributes.self_of(node)
    if method is not None:
        return method.info in info.family()
    if reader.names.qualname(node, scope) is not None:
        return False
    last = node.attr if isinstance(node, ast.Attribute) else ""
    root = root_name(node)
    if _SETTINGS.search(last) or (root is not None and _SETTINGS.search(root.id)) or _is_parsed(node):
        return False
    found = scope.lookup(node.id) if isinstance(node, ast.Name) else None
    if found is not None and all(_is_no_module(binding, reader) for binding in found[1]):
        return False
    owners = reader.walks.owners(node, scope)
    return owners is None or any(owner in info.family() for owner in owners)


def _is_no_module(binding: Binding, reader: Reader) -> bool:
    """A parameter annotated as a configuration, a number or another class; the result of ``parse_args()``."""
    if binding.value is not None:
        return _is_parsed(binding.value)
    annotation = getattr(binding.node, "annotation", None)
    if annotation is None:
        return False
    named = reader.classes.named(annotation, reader.tree.module)
    if named:
        return all(reader.classes.kind(info)[0] == "other" for info in named)
    return _NO_MODULE.search(ast.unparse(annotation)) is not None


def _is_parsed(node: ast.expr) -> bool:
    called = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    return called in ("parse_args", "parse_known_args")


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


def stored_outside(name: str, info: ClassInfo, reader: Reader) -> bool:
    """Whether ``<object>.<name>`` is assigned, where that may be an instance of the class, or the class itself."""
    owners = reader.attributes.outer_owners.get(name, [])
    return any(may_be_instance(owner, info, reader) or _is_class(owner, info, reader) for owner in owners)


def _is_class(node: ast.expr, info: ClassInfo, reader: Reader) -> bool:
    """``Net.act = nn.GELU()``: Python looks there before it asks nn.Module for the submodule."""
    return any(named in info.family() for named in reader.classes.named(node, reader.tree.scope_of[node]))


def asked_by_string(name: str, info: ClassInfo, reader: Reader) -> bool:
    """Whether ``getattr(<object>, "<name>")`` and the like may reach the attribute, or a list of names in a call."""
    if name in reader.attributes.listed_names:
        return True
    for target, node, scope in reader.attributes.questions():
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
    for call in reader.tree.calls():
        if isinstance(call.func, ast.Name) and call.func.id in ("vars", "dir") and call.args:
            method = reader.attributes.self_of(call.args[0])
            if method is not None and method.info in family:
                yield call
    yield from (load for load in loads if table_use(load, reader.tree) == (None, False))
