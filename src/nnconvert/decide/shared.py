"""``--split-shared``: one submodule for each call site where the source shares one without state."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from nnconvert.catalog import by_module
from nnconvert.decide.draft import Draft
from nnconvert.decide.loops import is_repeated, literal_loop
from nnconvert.decide.sites import STATELESS_WITHOUT_FUNCTIONAL, Site
from nnconvert.decide.uses import outside_loads
from nnconvert.source.classes import ClassInfo, torch_class
from nnconvert.source.facts import Method, Store
from nnconvert.source.quotes import unparse
from nnconvert.source.reader import Reader


def split_shared(reader: Reader) -> Iterator[Site]:
    """Every call but the first of a submodule without state that several call sites, or the turns of a loop, use."""
    for info in reader.classes:
        if reader.classes.kind(info)[0] != "module":
            continue
        for stores in list(reader.attributes.facts[info].stores.values()):
            if len(stores) == 1:
                yield from _copies(stores[0], info, reader)


def _copies(store: Store, info: ClassInfo, reader: Reader) -> Iterator[Site]:
    module = _stateless_module(store, reader)
    if module is None or not _only_called(store, info, reader):
        return
    loads = [load for m in info.family() for load in reader.attributes.facts[m].loads.get(store.name, [])]
    calls: list[ast.Call] = []
    for load in sorted(loads, key=lambda node: (node.lineno, node.col_offset)):
        method = reader.attributes.method_of(reader.tree.scope_of[load])
        call = reader.tree.parents.get(load)
        mine = method is not None and method.info is info and method.node.name != "__init__"
        if mine and isinstance(call, ast.Call):
            calls.append(call)
    pair = by_module(module)
    functional = pair.functional if pair is not None else module.lower()
    rows = ((pair, pair.spellings[0]),) if pair is not None else ()
    for place, call in enumerate(calls):
        repeated = is_repeated(call, reader)
        loop = literal_loop(call, reader, first_is_there=place == 0) if repeated else None
        if place == 0 and not repeated:
            continue  # it keeps the submodule
        # The first one keeps the submodule, which would then serve every turn of the loop.
        suspicion = "NNC306" if place == 0 and loop is None else ""
        scope = reader.tree.scope_of[call]
        yield Site("shared", call, call.func, scope, functional, rows, suspicion, module, loop)


def _stateless_module(store: Store, reader: Reader) -> str | None:
    """The class of ``self.x = nn.ReLU(...)`` where it has no state and its arguments can be written twice."""
    value = store.value
    if not isinstance(value, ast.Call) or store.method.node.name != "__init__":
        return None
    construction = reader.construction(store.method.info)
    index = construction.index_of(store.node)
    if index is None or _shares_line(construction.body, index):
        return None
    statement = construction.body[index]
    if isinstance(statement, ast.Assign) and len(statement.targets) > 1:
        return None  # the other name's uses, a hook perhaps, are of this very submodule
    qualname = reader.names.qualname(value.func, store.method.scope)
    module = torch_class(qualname) if qualname is not None else None
    if module is None:
        return None
    arguments = [*value.args, *(keyword.value for keyword in value.keywords)]
    effects = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.Starred)
    if any(isinstance(node, effects) for argument in arguments for node in ast.walk(argument)):
        return None
    if module in STATELESS_WITHOUT_FUNCTIONAL:
        return module
    pair = by_module(module)
    if pair is None or pair.module_fixed:
        return None
    names = [parameter.name for parameter in pair.constructor_signature]
    given = {*names[: len(value.args)], *(keyword.arg for keyword in value.keywords)}
    return None if given & set(pair.state) else module


def _shares_line(body: Sequence[ast.stmt], index: int) -> bool:
    """Whether another statement follows on the line: the copy goes behind it, too late for its names."""
    return index + 1 < len(body) and body[index + 1].lineno == body[index].end_lineno


def _only_called(store: Store, info: ClassInfo, reader: Reader) -> bool:
    attributes, name = reader.attributes, store.name
    if len(attributes.stores(info, name)) != 1 or attributes.is_defined_in_class_body(info, name):
        return False
    if name in attributes.outer_stores or name in attributes.asked_names or outside_loads(name, reader):
        return False
    if any(attributes.facts[m].stores_unknown_names for m in info.family()):
        return False
    loads = [load for m in info.family() for load in attributes.facts[m].loads.get(name, [])]
    return all(isinstance(call := reader.tree.parents.get(load), ast.Call) and call.func is load for load in loads)


def draft_shared(site: Site, method: Method, reader: Reader) -> Draft:
    assert isinstance(site.callee, ast.Attribute)
    store = reader.attributes.stores(method.info, site.callee.attr)[0]
    assert store.value is not None
    text = reader.source.segment(store.value)
    if "\n" in text or "\r" in text:
        text = unparse(store.value, reader.source)
    construction = reader.construction(method.info)
    index = construction.index_of(store.node)
    assert index is not None
    behind = construction.body[index]
    return Draft(
        method,
        site.module,
        text,
        None,
        index + 1,
        shareable=False,
        attribute=store.name,
        behind=behind,
        loop=site.loop,
    )
