"""The resolution order that is read from source is Python's own."""

from __future__ import annotations

import random

import pytest

from nnconvert.source.inits import linearize
from nnconvert.source.project import Neighbours


@pytest.mark.parametrize("seed", range(20))
def test_resolution_order(seed: int) -> None:
    chance = random.Random(seed)
    names: list[str] = []
    lines: list[str] = []
    namespace: dict[str, type] = {}
    for name in "ABCDEFGH":
        bases = chance.sample(names, min(len(names), chance.randint(0, 3)))
        line = f"class {name}({', '.join(bases)}): pass"
        try:
            exec(line, namespace)
        except TypeError:  # no consistent order
            continue
        names.append(name)
        lines.append(line)
    reader = Neighbours().read("\n".join(lines), frozenset(), frozenset())
    for info in reader.classes:
        order = [getattr(base, "qualname", base) for base in linearize(info, reader.attributes)]
        assert order == [c.__name__ for c in namespace[info.qualname].__mro__ if c is not object]
