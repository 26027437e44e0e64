"""The parent's side of verification: it starts the server on the user's Python and never imports torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nnconvert.errors import NnconvertError
from nnconvert.verification.interpreter import child_environment, find_python

SERVER = Path(__file__).parent / "remote" / "server.py"
MARK = b"\x1e"


class ServerError(NnconvertError):
    """The interpreter cannot be started, or its server ended on its own."""


class Server:
    """A process on the user's Python that has torch loaded and runs each job in a child of its own.

    Started by the first use, ended by ``close()`` or the ``with`` statement, together with
    all it runs. One thread at a time may use it. ``fork=False`` starts a fresh
    process for each job, as on systems that cannot fork.
    """

    def __init__(self, python: Path | None = None, *, fork: bool = hasattr(os, "fork")) -> None:
        self.python = find_python(python)
        self._fork = fork
        self._process: subprocess.Popen[bytes] | None = None
        self._facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def facts(self) -> dict[str, Any]:
        """``python`` and ``torch``: their versions (torch's is None where it cannot be imported)."""
        if self._process is None:
            self._start()
        return self._facts

    def run(self, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run jobs side by side and say how each ended. Raises ServerError; on Ctrl-C, ends all of them."""
        self.facts()
        process = self._process
        if process is None or process.stdin is None:
            raise ServerError(f"{self.python} is not running")
        try:
            process.stdin.write(json.dumps(jobs).encode() + b"\n")
            process.stdin.flush()
            results: list[dict[str, Any]] = self._receive(process)
        except BaseException:
            self.close()
            raise
        return results

    def close(self) -> None:
        """End the server and whatever runs under it; it starts again when it is used again."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                _close_quietly(pipe)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> None:
        command = [str(self.python), "-B", str(SERVER), "fork" if self._fork else "spawn"]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_environment(os.environ),
                # Ctrl-C reaches the parent alone, which then ends everything in order.
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise ServerError(f"{self.python} cannot be started: {error.strerror}") from error
        self._facts = self._receive(self._process)

    def _receive(self, process: subprocess.Popen[bytes]) -> Any:
        """The next answer; what anything else printed meanwhile is skipped."""
        if process.stdout is None:
            raise ServerError(f"{self.python} is not running")
        for line in process.stdout:
            if line.startswith(MARK):
                return json.loads(line[1:])
        raise ServerError(f"{self.python} ended before it answered; is it a Python 3.9 or later?")


def _close_quietly(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return  # the server is gone already
