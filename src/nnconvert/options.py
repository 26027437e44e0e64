"""What a person may ask of one run, as far as decisions depend on it."""

from __future__ import annotations

from dataclasses import dataclass

from nnconvert.plan import Direction, Span


@dataclass(frozen=True, slots=True)
class Options:
    direction: Direction = "to-module"
    share: bool = False
    """One submodule for equal constructor calls."""
    split_shared: bool = False
    methods: bool = False
    """Also tensor methods: ``x.relu()``."""
    unsafe: bool = False
    parameters: bool = False
    """Also conversions that move parameters and buffers, and so change state_dict keys."""
    ranks: tuple[tuple[int, int], ...] = ()
    """Line of a call whose source does not tell how many dimensions its input has, and how many it was seen to have."""
    load_old: bool = False
    """Classes whose keys change accept old checkpoints, too."""
    select: frozenset[str] = frozenset()
    """Functionals or families; empty means all."""
    ignore: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    """Only in these classes (dotted names); empty means all."""
    lines: tuple[tuple[int, int], ...] = ()
    """Only call sites that start on these lines (first and last, from 1); empty means all."""
    module_bases: frozenset[str] = frozenset()
    """Qualified names of further classes known to derive from nn.Module (``lightning.LightningModule``)."""
    differing: tuple[tuple[Span, str], ...] = ()
    """Call sites that verification found guilty of a difference, and what differed: they are left."""
    line_length: int = 88
    """For the generated statements; the rest of the file is never formatted."""
