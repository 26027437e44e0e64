"""Carrying out a plan: edits of the text at the spans that the plan names. What no edit touches keeps its bytes."""

from nnconvert.apply.file import apply

__all__ = ["apply"]
