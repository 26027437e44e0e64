"""``--output-format github``: workflow commands, which GitHub shows as annotations of the lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nnconvert.api import Result
from nnconvert.plan import Leave
from nnconvert.report.format import Run, Site, place_of_failure, shown_path, sites


@dataclass
class GithubFormat:
    run: Run

    def add(self, result: Result) -> str:
        return "".join(f"{line}\n" for line in self._commands(result))

    def document(self) -> str:
        return ""

    def _commands(self, result: Result) -> Iterator[str]:
        path = shown_path(result.path)
        if result.status == "failed":
            line, column = place_of_failure(result)
            yield _command("error", result.error, file=path, line=line, col=column, title="nnconvert: failed")
            return
        for evidence in result.evidence:
            if evidence.verdict == "differs":
                words = f"{evidence.class_name} differs: {evidence.reason}"
                yield _command("error", words, file=path, line=1, title="nnconvert: a difference was found")
        for site in sites(result):
            yield self._site(path, result, site)

    def _site(self, path: str, result: Result, site: Site) -> str:
        place, outcome = site.decision.site, site.decision.outcome
        if isinstance(outcome, Leave):
            title, words = f"nnconvert: left ({outcome.code})", f"{place.spelled} is left: {outcome.words}"
        else:
            verb = "converts" if not self.run.report.writes or result.status != "changed" else "was converted"
            title, words = f"nnconvert: {verb}", f"{place.spelled} -> {outcome.callee or 'its argument'}"
            words += f" ({'not reached' if site.reached is False else site.verdict})" if site.verdict else ""
            words += f"; changes behaviour: {outcome.note}" if outcome.note else ""
        start = place.position
        end = {"endLine": site.end.line}
        if site.end.line == start.line:  # columns of another line would be misread
            end["endColumn"] = site.end.column
        return _command("notice", words, file=path, line=start.line, col=start.column, **end, title=title)


def _command(level: str, words: str, **properties: object) -> str:
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(words)}"


def _data(text: str) -> str:
    """As GitHub's own toolkit escapes a message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
