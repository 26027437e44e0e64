"""Errors that a person caused or can mend; everything else is a defect of nnconvert."""

from __future__ import annotations


class NnconvertError(Exception):
    """A message in one line, for people."""


class UsageError(NnconvertError):
    """Options or configuration that make no sense; raised before anything is read."""


class SourceError(NnconvertError):
    """A source that cannot be read as Python: says where, counting from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class CheckError(NnconvertError):
    """One of the product's own checks failed after applying a plan; the file keeps its bytes."""
