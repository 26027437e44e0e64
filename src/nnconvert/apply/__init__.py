"""Carrying out a plan: edits of the text at the spans that the plan names. Nothing else changes."""

from nnconvert.apply.file import apply

__all__ = ["apply"]
