"""``--load-old``: classes whose keys change accept checkpoints that were saved before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nnconvert.plan import NewMethod, StateChange
from nnconvert.source.classes import ClassInfo
from nnconvert.source.quotes import prevailing_quote
from nnconvert.source.reader import Reader

_BODY = (
    "def _load_from_state_dict(self, state_dict, prefix, *args, **kwargs):",
    "    # checkpoints from before these parameters moved",
    "    for old, new in {moved}:",
    "        if prefix + old in state_dict:",
    "            state_dict[prefix + new] = state_dict.pop(prefix + old)",
    "    super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)",
)
"""torch hands each module a dict of its own, so that the keys can be renamed in place."""


def loaders(changes: Iterable[tuple[ClassInfo, StateChange]], reader: Reader) -> Iterator[NewMethod]:
    """A method for each class, behind its ``__init__``."""
    source = reader.source
    quote = prevailing_quote(source)
    for info, change in changes:
        init = reader.construction(info).init
        assert init is not None
        pairs = [f"({quote}{old}{quote}, {quote}{new}{quote})" for old, new in change.keys]
        moved = f"({', '.join(pairs)}{',' if len(pairs) == 1 else ''})"
        last = init.node.end_lineno or init.node.lineno
        offset = source.line_starts[last] if last < len(source.line_starts) else len(source.text)
        lines = tuple(line.replace("{moved}", moved) for line in _BODY)
        yield NewMethod(change.class_name, offset, source.indent(init.node.lineno), reader.unit, lines)
