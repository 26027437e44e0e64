"""Which call sites are asked for."""

from __future__ import annotations

from collections.abc import Set

from nnconvert.options import Options
from nnconvert.plan import CallSite


def is_selected(site: CallSite, names: Set[str], options: Options) -> bool:
    """Whether ``--select``, ``--ignore``, ``--lines`` and ``--class`` speak for the site.

    ``names``: its family, and all that its functional may be called besides ``site.functional``.
    """
    names = {site.functional, *names}
    if (options.select and not names & options.select) or names & options.ignore:
        return False
    line = site.position.line
    if options.lines and not any(first <= line <= last for first, last in options.lines):
        return False
    return not options.classes or site.class_name in options.classes
