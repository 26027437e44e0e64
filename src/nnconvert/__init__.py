"""Rewrites PyTorch source between functionals and submodules, and proves that nothing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnconvert.api import Cache, Index, Result, Verifier, convert_file, convert_paths, convert_source, verify
    from nnconvert.discovery import Excludes
    from nnconvert.errors import NnconvertError, SourceError, UsageError
    from nnconvert.options import Options
    from nnconvert.plan import Plan
    from nnconvert.verification import Evidence, Hints

__all__ = [
    "Cache",
    "Evidence",
    "Excludes",
    "Hints",
    "Index",
    "NnconvertError",
    "Options",
    "Plan",
    "Result",
    "SourceError",
    "UsageError",
    "Verifier",
    "convert_file",
    "convert_paths",
    "convert_source",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``nnconvert --help`` stays quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nnconvert import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
