"""Deciding, call site by call site: convert or leave. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from nnconvert.options import Options
from nnconvert.plan import Plan


def decide(text: str, options: Options, imported: Callable[[], frozenset[str]] = frozenset) -> Plan:
    """The plan for one file's text; raises SourceError where it does not parse.

    ``imported`` tells which names other files import from this one (``*``: all); these imports stay.
    """
    if options.direction == "to-functional":
        from nnconvert.decide import to_functional

        return to_functional.decide(text, options, imported)
    from nnconvert.decide import to_module

    return to_module.decide(text, options, imported)
