"""Where the command line prints to. Imports click alone."""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO

import click


class Console:
    """stdout for code, diffs and answers, stderr for the rest. A reader that goes away ends no run."""

    def __init__(self, color: str = "auto") -> None:
        self._choice = color

    def out(self, data: bytes) -> None:
        _emit(sys.stdout.buffer, data)

    def err(self, text: str) -> None:
        words = text if self.colors(sys.stderr) else click.unstyle(text)
        _emit(
            sys.stderr.buffer,
            words.encode(sys.stderr.encoding or "utf-8", "backslashreplace"),
        )

    def status(self, text: str) -> None:
        """Show ``text`` as the last line of a terminal, in place of the one before; empty clears it."""
        if sys.stderr.isatty():
            _emit(sys.stderr.buffer, f"\r\x1b[K{text}".encode())

    def colors(self, stream: Any) -> bool:
        """Whether ``stream`` gets colors; NO_COLOR holds unless they are asked for."""
        if self._choice != "auto":
            return self._choice == "always"
        return stream.isatty() and not os.environ.get("NO_COLOR")


def _emit(stream: BinaryIO, data: bytes) -> None:
    try:
        stream.write(data)
        stream.flush()
    except BrokenPipeError:
        # The run goes on, and its exit code stays what it means.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
