"""Uses of an attribute that do not go through self."""

from __future__ import annotations

import ast

from nnconvert.source.reader import Reader


def outside_loads(name: str, reader: Reader) -> list[ast.Attribute]:
    """Reads of ``<object>.<name>``, where that may be an instance: ``model.relu``, not ``F.relu``."""
    return [
        load
        for load in reader.attributes.outer_loads.get(name, [])
        if not (reader.names.qualname(load.value, reader.tree.scope_of[load]) or "").startswith("torch")
    ]
