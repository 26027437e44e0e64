"""What a migration did or would do, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nnconvert.checkpoint.keys import KeyMoves
from nnconvert.checkpoint.optimizer import OptimizerMoves


def table(keys: Sequence[KeyMoves], optimizers: Sequence[OptimizerMoves], left: Sequence[str]) -> str:
    """Every key, old and new, and every parameter's place in the optimizers."""
    lines = [line for moves in keys for line in _keys(moves)]
    lines += [line for moves in optimizers for line in _order(moves)]
    return "".join(f"{line}\n" for line in [*lines, *_left(left)])


def summary(keys: Sequence[KeyMoves], optimizers: Sequence[OptimizerMoves], left: Sequence[str]) -> str:
    """The same in short: one line for all that changes, one for each thing that is left."""
    parts = [f"{moves.place}: {_count(moves)}" for moves in keys]
    parts += [f"{moves.place}: {_ordered(moves)}" for moves in optimizers]
    return "".join(f"{line}\n" for line in ["; ".join(parts), *_left(left)])


def _keys(moves: KeyMoves) -> Iterator[str]:
    yield f"{moves.place} ({moves.fit.part.name}): {_count(moves)}"
    rows = [*moves.moves.items(), *((key, "(dropped)") for key in moves.dropped)]
    width = max((len(old) for old, _ in rows), default=0)
    for old, new in rows:
        yield f"  {old:<{width}}  -> {new}"


def _order(moves: OptimizerMoves) -> Iterator[str]:
    yield f"{moves.place} ({moves.part.name}): {_ordered(moves)}"
    for number, group in enumerate(moves.groups):
        rows = [
            (f"group {number}, {source} -> {place}", group.old[source], moves.part.new(group.old[source]))
            for place, source in enumerate(group.sources)
        ]
        if not moves.reorders:
            rows = [row for row in rows if row[1] != row[2]]
        widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
        for where, old, new in rows:
            yield f"  {where:<{widths[0]}}  {old:<{widths[1]}}  -> {new}"


def _count(moves: KeyMoves) -> str:
    words = f"{_plural(len(moves.moves), 'key')} renamed"
    return f"{words}, {_plural(len(moves.dropped), 'key')} dropped" if moves.dropped else words


def _ordered(moves: OptimizerMoves) -> str:
    parameters = f"{_plural(moves.parameters, 'parameter')} in {_plural(len(moves.groups), 'group')}"
    return f"{parameters}, {'put into the new order' if moves.reorders else 'the order stays'}"


def _left(left: Sequence[str]) -> list[str]:
    return [f"left as it is: {line}" for line in left]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
