"""Results on their way to the console, in the format that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from nnconvert.api import Result
from nnconvert.console import Console
from nnconvert.diff import unified
from nnconvert.report import Report, formats
from nnconvert.report.format import Run
from nnconvert.report.statistics import Statistics
from nnconvert.settings import STDIN, Arguments


class Output:
    """One run: told every result, it prints what belongs on stdout and on stderr, and knows the exit code."""

    def __init__(self, arguments: Arguments, verifies: bool) -> None:
        self.console = Console(arguments.color)
        self.has_document = arguments.output_format in formats.DOCUMENTS
        self._statistics = Statistics() if arguments.statistics else None
        self._diff = arguments.diff and not self.has_document
        self._quiet = arguments.quiet
        self._report = Report(
            writes=arguments.writes,
            check=arguments.check,
            verifies=verifies,
            quiet=arguments.quiet,
            verbose=arguments.verbose,
            brief=arguments.output_format != "text",
        )
        run = Run(
            direction="to-functional" if arguments.to_functional else "to-module",
            report=self._report,
            statistics=self._statistics,
            diff=arguments.diff,
            source=arguments.writes and STDIN in arguments.paths,
        )
        self._format = formats.create(arguments.output_format, run)

    def add(self, result: Result) -> None:
        """Count a result and print what is to be said of it now."""
        self.console.err(self._report.add(result))
        if self._statistics is not None:
            self._statistics.add(result)
        if self._format is not None:
            self.console.err(self._format.add(result))
        if self._diff:
            self.console.out(unified(result.path, result.old, result.new, color=self.console.colors(sys.stdout)))

    def end(self) -> int:
        """Print the document and the summary; the exit code."""
        if self._format is not None:
            self.console.out(self._format.document().encode())
        if self._statistics is not None and not self.has_document:
            self.console.err(self._statistics.text())
        self.console.err(self._report.summary())
        return self._report.exit_code

    def progress(self, results: Iterable[Result], total: int) -> Iterator[Result]:
        """The results again, with a line on a terminal that says how far the run is."""
        if self._quiet or total < 2:
            yield from results
            return
        self.console.status(f"0 of {total} files")
        for done, result in enumerate(results, start=1):
            self.console.status("")
            yield result
            self.console.status(f"{done} of {total} files" if done < total else "")
