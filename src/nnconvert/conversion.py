"""One source on its way to a Result: decided, applied and checked, not yet verified."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

from nnconvert import files
from nnconvert.options import Options
from nnconvert.result import Result, guarded
from nnconvert.source.project import Neighbours

_PARSING = threading.Lock()
"""Held while Python's warnings are off, which is a setting of the whole process."""


def is_worth_parsing(path: Path, options: Options) -> bool:
    """The bytes test; what cannot be read is for convert_file to report."""
    try:
        source = path.read_bytes()
    except OSError:
        return True
    return b"\0" in source or files.may_convert(source, options)


def decided(source: bytes, options: Options, path: Path, neighbours: Neighbours) -> Result:
    """The conversion of one source, or its failure."""
    return guarded(path, source, lambda: convert(source, options, path, neighbours))


def convert(source: bytes, options: Options, path: Path, neighbours: Neighbours) -> Result:
    """Decide, apply and check; raises what speaks against it."""
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the parser, about the user's string literals
        return _convert(source, options, path, neighbours)


def _convert(source: bytes, options: Options, path: Path, neighbours: Neighbours) -> Result:
    from nnconvert.apply import apply
    from nnconvert.check import check
    from nnconvert.decide import decide

    decoded = files.decode(source)
    plan = decide(decoded.text, options, neighbours)
    if not plan.converted:
        return Result(path, "unchanged", source, source, plan)
    text = apply(decoded.text, plan, options)
    after = check(decoded.text, text, plan, options, neighbours)
    return Result(path, "changed", source, files.encode(text, decoded), plan, after=after)
