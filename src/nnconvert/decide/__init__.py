"""Deciding, call site by call site: convert or leave. Changes nothing."""

from __future__ import annotations

from nnconvert.decide.possible import may_have_sites
from nnconvert.options import Options
from nnconvert.plan import Plan
from nnconvert.source.project import Neighbours
from nnconvert.source.text import require_python


def decide(text: str, options: Options, neighbours: Neighbours | None = None) -> Plan:
    """The plan for one file's text; raises SourceError where it does not parse.

    ``neighbours`` tells what other files of the project say of this one; without, it stands alone.
    """
    if not may_have_sites(text, options):
        require_python(text)
        return Plan(options.direction, ())
    neighbours = neighbours or Neighbours()
    if options.direction == "to-functional":
        from nnconvert.decide import to_functional

        return to_functional.decide(text, options, neighbours)
    from nnconvert.decide import to_module

    return to_module.decide(text, options, neighbours)
