"""Run jobs in processes of their own, side by side, under limits; nothing that a job does ends the server."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

Job = dict[str, Any]
Result = dict[str, Any]
"""``status`` ("exited", "signal" or "timeout"), ``code`` (exit code or signal), ``output`` (its end)."""

TAIL = 16 << 10
POLL = 0.01


def enter_child(job: Job) -> None:
    """Limits, folder and arguments of the process that runs one job."""
    os.chdir(job["work"])
    sys.argv = [job["path"]]
    if os.name == "posix":
        import resource

        # Not RLIMIT_AS: libraries reserve far more address space than they ever use.
        _limit(resource.RLIMIT_DATA, job["memory"])
        _limit(resource.RLIMIT_CORE, 0)
        # A last resort, should the server itself be gone: processor time, not the wall clock.
        _limit(resource.RLIMIT_CPU, int(job["time"]) * 2 + 10)


def _limit(which: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(which)[1]
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(which, (wanted, hard))
    except (ValueError, OSError) as error:  # macOS refuses some limits; the time limit still holds
        print(f"limit {which} not set: {error}", file=sys.stderr)


class Forked:
    """A running child, the read end of its output, and the end of that output so far."""

    def __init__(self, job: Job, run: Callable[[Job], None], channel: BinaryIO) -> None:
        self.output, write = os.pipe()
        self.deadline = time.monotonic() + job["clock"]
        self.tail = bytearray()
        self.result: Result | None = None
        self.pid = os.fork()
        if self.pid == 0:
            self._become_child(job, run, write, channel)
        os.close(write)

    def _become_child(self, job: Job, run: Callable[[Job], None], write: int, channel: BinaryIO) -> None:
        code = 1
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((null, 0), (write, 1), (write, 2)):
                os.dup2(source, target)
            for used in (null, write, self.output, channel.fileno()):
                os.close(used)
            sys.stdin = open(0, closefd=False)  # noqa: SIM115 (lives as long as the process)
            enter_child(job)
            run(job)
            code = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def read(self) -> bool:
        """Take what the child wrote, and keep the end of it; False when its output was closed."""
        data = os.read(self.output, 1 << 16)
        self.tail += data
        del self.tail[:-TAIL]
        return bool(data)

    def check(self) -> None:
        """Note how the child ended, if it did; end it if its time is over."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            self.result = {"status": "signal" if code < 0 else "exited", "code": abs(code)}
            self.kill()
        elif time.monotonic() > self.deadline:
            self.end()
            self.result = {"status": "timeout", "code": 0}

    def end(self) -> None:
        self.kill()
        os.waitpid(self.pid, 0)

    def kill(self) -> None:
        """Kill the child and everything it started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return  # nothing is left of the group (macOS says so by PermissionError)


def run_forked(jobs: list[Job], run: Callable[[Job], None], channel: BinaryIO) -> list[Result]:
    """Fork a child for each job and wait for all; when the parent closes our stdin, kill them and exit."""
    children = [Forked(job, run, channel) for job in jobs]
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        for child in children:
            selector.register(child.output, selectors.EVENT_READ, child)
        while any(child.result is None for child in children):
            _wait(selector, children)
    for child in children:
        os.close(child.output)
    return [{**(c.result or {}), "output": c.tail.decode("utf-8", "replace")} for c in children]


def _wait(selector: selectors.BaseSelector, children: list[Forked]) -> None:
    for key, _ in selector.select(POLL):
        if key.data is None:
            for child in children:
                if child.result is None:
                    child.end()
            os._exit(0)
        if not key.data.read():
            selector.unregister(key.fileobj)
    for child in children:
        if child.result is None:
            child.check()


def run_spawned(jobs: list[Job], command: list[str]) -> list[Result]:
    """The same where fork does not exist: a fresh process for each job, its output dropped."""
    processes = [_spawn(job, command) for job in jobs]
    deadlines = [time.monotonic() + job["clock"] for job in jobs]
    return [_wait_for(process, deadline) for process, deadline in zip(processes, deadlines)]  # noqa: B905 (Python 3.9)


def _spawn(job: Job, command: list[str]) -> subprocess.Popen[bytes]:
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=null, stderr=null)
    if process.stdin is not None:
        process.stdin.write(json.dumps(job).encode())
        process.stdin.close()
    return process


def _wait_for(process: subprocess.Popen[bytes], deadline: float) -> Result:
    try:
        code = process.wait(max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return {"status": "timeout", "code": 0, "output": ""}
    return {"status": "signal" if code < 0 else "exited", "code": abs(code), "output": ""}
