"""``--output-format sarif``: a SARIF 2.1.0 log, which code scanning services and editors read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nnconvert.api import Result
from nnconvert.decide.reasons import REASONS
from nnconvert.plan import Leave, Position
from nnconvert.report.format import Run, Site, place_of_failure, shown_path, sites, version

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_CONVERTS, _DIFFERS = "converts", "differs"
_OWN_RULES = {
    _CONVERTS: "The call site converts.",
    _DIFFERS: "Verification found a difference; the file is left as it was.",
}


@dataclass
class SarifFormat:
    run: Run
    _results: list[dict[str, Any]] = field(default_factory=list)
    _notifications: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: Result) -> str:
        if result.status == "failed":
            place = _location(result.path, Position(*place_of_failure(result)))
            words = {"level": "error", "message": {"text": result.error}, "locations": [place]}
            self._notifications.append(words)
        else:
            self._results += _results(result)
        return ""

    def document(self) -> str:
        used = sorted({found["ruleId"] for found in self._results})
        for found in self._results:
            found["ruleIndex"] = used.index(found["ruleId"])
        invocation: dict[str, Any] = {
            "executionSuccessful": not self._notifications,
            "exitCode": self.run.report.exit_code,
        }
        if self._notifications:
            invocation["toolExecutionNotifications"] = self._notifications
        driver = {"name": "nnconvert", "version": version(), "rules": [_rule(name) for name in used]}
        log = {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": driver},
                    "columnKind": "unicodeCodePoints",
                    "invocations": [invocation],
                    "results": self._results,
                }
            ],
        }
        return json.dumps(log, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    if name in _OWN_RULES:
        return {"id": name, "shortDescription": {"text": _OWN_RULES[name]}}
    reason = REASONS[name]
    rule = {
        "id": name,
        "name": "".join(word.capitalize() for word in reason.name.split("-")),
        "shortDescription": {"text": reason.summary},
        "fullDescription": {"text": reason.why},
        "defaultConfiguration": {"level": "note"},
    }
    return rule | ({"help": {"text": reason.remedy}} if reason.remedy else {})


def _results(result: Result) -> Iterator[dict[str, Any]]:
    for evidence in result.evidence:
        if evidence.verdict == "differs":
            words = f"{evidence.class_name} differs: {evidence.reason}"
            yield _result(_DIFFERS, "error", words, _location(result.path, Position(1, 1)))
    for site in sites(result):
        place, outcome = site.decision.site, site.decision.outcome
        location = _location(result.path, place.position, site.end)
        if isinstance(outcome, Leave):
            yield _result(outcome.code, "note", f"{place.spelled} is left: {outcome.words}", location)
        else:
            words = f"{place.spelled} -> {outcome.callee or 'its argument'}{_verdict(site)}"
            words += f"; changes behaviour: {outcome.note}" if outcome.note else ""
            yield _result(_CONVERTS, "note", words, location)


def _verdict(site: Site) -> str:
    if site.verdict is None:
        return ""
    return f" ({'not reached' if site.reached is False else site.verdict})"


def _result(rule: str, level: str, words: str, location: dict[str, Any]) -> dict[str, Any]:
    return {"ruleId": rule, "level": level, "message": {"text": words}, "locations": [location]}


def _location(path: Path, start: Position, end: Position | None = None) -> dict[str, Any]:
    region = {"startLine": start.line, "startColumn": start.column}
    if end is not None:
        region |= {"endLine": end.line, "endColumn": end.column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": region}}


def _uri(path: Path) -> str:
    """Relative to the working folder, or a file: URI."""
    shown = shown_path(path)
    uri = quote(os.fsencode(shown))
    return f"file://{uri}" if Path(shown).is_absolute() else uri
