"""``--output-format json``: one document with every call site, as docs/output.schema.json describes it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from nnconvert import diff, files
from nnconvert.api import Result
from nnconvert.decide.reasons import REASONS
from nnconvert.errors import SourceError
from nnconvert.plan import Conversion, Position
from nnconvert.report.format import Run, Site, shown_path, sites, version
from nnconvert.verification.evidence import Evidence

VERSION = 1
"""Of the document: it grows where a key goes or changes its meaning, and not where one is added."""


@dataclass
class JsonFormat:
    run: Run
    _files: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: Result) -> str:
        self._files.append(self._file(result))
        return ""

    def document(self) -> str:
        run, listed = self.run, [entry["status"] for entry in self._files]
        whole: dict[str, Any] = {
            "version": VERSION,
            "tool": {"name": "nnconvert", "version": version()},
            "direction": run.direction,
            "writes": run.report.writes,
            "verifies": run.report.verifies,
            "exit_code": run.report.exit_code,
            "summary": {
                "files": dict(sorted(Counter(listed).items())),
                "converted": run.report.converted,
                "left": run.report.left,
            },
            "files": self._files,
        }
        if run.statistics is not None:
            whole["statistics"] = run.statistics.data()
        return json.dumps(whole, indent=2) + "\n"

    def _file(self, result: Result) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "path": shown_path(result.path),
            "status": result.status,
            "error": result.error or None,
            "sites": [_site(site) for site in sites(result)],
            "evidence": [_evidence(evidence) for evidence in result.evidence],
        }
        if self.run.diff:
            entry["diff"] = _text(result, diff.unified(result.path, result.old, result.new))
        if self.run.source:
            entry["source"] = _source(result)
        return entry


def _site(site: Site) -> dict[str, Any]:
    place, outcome = site.decision.site, site.decision.outcome
    entry: dict[str, Any] = {
        "functional": place.functional,
        "spelled": place.spelled,
        "class": place.class_name,
        "method": place.method,
        "start": _position(place.position, place.span.start),
        "end": _position(site.end, place.span.end),
    }
    if isinstance(outcome, Conversion):
        return entry | {
            "decision": "convert",
            "kind": outcome.kind,
            "to": outcome.callee or None,
            "submodule": outcome.submodule or None,
            "module": outcome.module,
            "note": outcome.note or None,
            "verdict": site.verdict,
            "reached": site.reached,
        }
    reason = REASONS[outcome.code]
    return entry | {
        "decision": "leave",
        "code": outcome.code,
        "name": reason.name,
        "reason": outcome.words,
        "remedy": reason.remedy or None,
    }


def _position(position: Position, offset: int) -> dict[str, int]:
    return {"line": position.line, "column": position.column, "offset": offset}


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """All of it, the class first under its short name, and without what only the command line needs."""
    fields = asdict(evidence)
    del fields["misused"]
    return {"class": fields.pop("class_name"), **fields}


def _source(result: Result) -> str | None:
    """The text that would stand on stdout; None for what failed or cannot be read (excluded, and so never read)."""
    try:
        return None if result.status == "failed" else files.decode(result.new).text
    except SourceError:
        return None


def _text(result: Result, data: bytes) -> str:
    """A diff as text: in the encoding of the file, as far as that can be read."""
    try:
        encoding = files.decode(result.old).encoding
    except SourceError:
        encoding = "utf-8"
    return data.decode(encoding, "backslashreplace")
