"""Deciding, call site by call site: convert or leave. Changes nothing."""

from __future__ import annotations

from nnconvert.decide.possible import may_have_sites
from nnconvert.options import Options
from nnconvert.plan import Plan
from nnconvert.source.project import Neighbours
from nnconvert.source.text import Source, require_python


def decide(text: str | Source, options: Options, neighbours: Neighbours | None = None) -> Plan:
    """The plan for one file's text, which may be parsed already; raises SourceError where it does not parse.

    ``neighbours`` tells what other files of the project say of this one; without, it stands alone.
    """
    if not may_have_sites(text if isinstance(text, str) else text.text, options):
        if isinstance(text, str):
            require_python(text)
        return Plan(options.direction, ())
    neighbours = neighbours or Neighbours()
    if options.direction == "to-functional":
        from nnconvert.decide import to_functional

        return to_functional.decide(text, options, neighbours)
    from nnconvert.decide import to_module

    return to_module.decide(text, options, neighbours)
