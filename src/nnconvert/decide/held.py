"""A functional held on self: ``self.act = F.relu`` in ``__init__``, called as ``self.act(x)``."""

from __future__ import annotations

import ast

from nnconvert.catalog import by_spelling
from nnconvert.decide.arguments import LeaveError
from nnconvert.decide.constructor import constructor_text
from nnconvert.decide.draft import Draft
from nnconvert.decide.imports import Importer
from nnconvert.decide.sites import Site
from nnconvert.decide.uses import outside_loads
from nnconvert.source.attributes import Attributes
from nnconvert.source.facts import Method, Store
from nnconvert.source.reader import Reader


def draft_held(site: Site, method: Method, importer: Importer, reader: Reader) -> Draft:
    """The assignment becomes one of a module; raises LeaveError where a use is not a plain call."""
    attributes = reader.attributes
    store = _store(site, method, attributes)
    pair, spelling = site.pairs[0]
    if len({pair.module for pair, _ in site.pairs}) > 1 or pair.training is not None or pair.state:
        raise LeaveError("NNC109", f"{site.functional} is handed on, and its calls do not say all it needs")
    required = [p for p in spelling.signature if p.default is None and p.name not in pair.inputs]
    if required:
        raise LeaveError("NNC109", f"{site.functional} is handed on without its {required[0].name}")
    most = sum(parameter.name in pair.inputs for parameter in spelling.signature)
    _check_uses(store, method, most, reader)
    construction = reader.construction(method.info)
    index = construction.index_of(store.node)
    if index is None:
        raise LeaveError("NNC109", f"self.{store.name} is assigned under a condition")
    constructor = constructor_text(importer.module(pair.module, construction), pair, spelling, {})
    return Draft(method, pair.module, constructor, None, index, registers=False, shareable=False, attribute=store.name)


def _store(site: Site, method: Method, attributes: Attributes) -> Store:
    """The one assignment of ``self.x``, in ``__init__``, that this reference is the value of, or one of two."""
    value: ast.expr = site.node
    while isinstance(parent := attributes.tree.parents.get(value), ast.IfExp) and parent.test is not value:
        value = parent  # F.relu if act == "relu" else F.gelu
    for stores in attributes.facts[method.info].stores.values():
        for store in stores:
            if store.value is value and method.node.name == "__init__":
                every = attributes.stores(method.info, store.name)
                if len(every) != 1 or store.name in attributes.outer_stores:
                    raise LeaveError("NNC109", f"self.{store.name} is assigned more than once")
                statement = attributes.tree.parents.get(value)
                _check_choices(value, attributes)
                if isinstance(statement, ast.Assign) and len(statement.targets) > 1:
                    raise LeaveError("NNC109", f"what self.{store.name} is given goes elsewhere, too")
                return store
    raise LeaveError("NNC109", "handed on as a value")


def _check_choices(value: ast.expr, attributes: Attributes) -> None:
    """Whatever ``F.relu if a else F.gelu`` gives has to become a module."""
    tree, names = attributes.tree, attributes.tree.home.names
    choices = [value]
    for choice in choices:
        if isinstance(choice, ast.IfExp):
            choices += [choice.body, choice.orelse]
        elif (
            not isinstance(choice, ast.Name | ast.Attribute)
            or names.qualname(choice, tree.scope_of[choice]) not in by_spelling()
        ):
            raise LeaveError("NNC109", "what else the attribute may be given is no functional")


def _check_uses(store: Store, method: Method, most: int, reader: Reader) -> None:
    name, info, attributes = store.name, method.info, reader.attributes
    taken_elsewhere = attributes.is_defined_in_class_body(info, name) or name in attributes.asked_names
    computed = any(attributes.facts[m].stores_unknown_names for m in info.family())
    if taken_elsewhere or computed or any(name.startswith(p) for p in attributes.prefixes(info)):
        raise LeaveError("NNC109", f"self.{name} is reached by other means, too")
    loads = [load for member in info.family() for load in attributes.facts[member].loads.get(name, [])]
    for load in (*loads, *outside_loads(name, reader)):
        call = attributes.tree.parents.get(load)
        plain = isinstance(call, ast.Call) and call.func is load and not call.keywords
        if not (plain and isinstance(call, ast.Call) and 1 <= len(call.args) <= most):
            raise LeaveError("NNC109", f"self.{name} is used for more than plain calls")
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            raise LeaveError("NNC109", f"self.{name} is called with unpacked arguments")
