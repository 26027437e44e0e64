"""The formats by name."""

from __future__ import annotations

from nnconvert.report.format import Format, Run

DOCUMENTS = ("json", "sarif")
"""Formats that are one document on stdout, where nothing else stands beside it."""


def create(name: str, run: Run) -> Format | None:
    """The format of that name; None for text, which Report itself writes."""
    if name == "json":
        from nnconvert.report.json_format import JsonFormat

        return JsonFormat(run)
    if name == "github":
        from nnconvert.report.github import GithubFormat

        return GithubFormat(run)
    if name == "sarif":
        from nnconvert.report.sarif import SarifFormat

        return SarifFormat(run)
    return None
