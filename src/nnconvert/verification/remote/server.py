"""The server on the user's Python: preloads torch, then forks one child for each job. Started by path.

It reads one JSON list of jobs a line from stdin and answers with one line, marked by ``MARK``, for each
list. It ends when stdin does, and takes running jobs with it.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import sys
import types
from typing import Any, BinaryIO

MARK = b"\x1e"
PACKAGE = "_nnconvert_remote"
USED_BY_BACKWARD = "torch.fx.experimental.symbolic_shapes"
"""What the first call of torch.autograd.grad imports; loaded once here rather than in every child."""
FOLDER = os.path.dirname(os.path.abspath(__file__))


def neighbour(name: str) -> Any:
    """Import a file of this folder under a package name of its own; the folder itself is not on sys.path."""
    if PACKAGE not in sys.modules:
        package = types.ModuleType(PACKAGE)
        package.__path__ = [FOLDER]
        sys.modules[PACKAGE] = package
    return importlib.import_module(f"{PACKAGE}.{name}")


def hello() -> dict[str, Any]:
    """What the parent must know before it sends jobs: ``torch`` is the version, or None with ``error``."""
    version = ".".join(map(str, sys.version_info[:3]))
    if importlib.util.find_spec("torch") is None:
        return {"python": version, "torch": None, "error": "torch is not installed"}
    try:
        torch = importlib.import_module("torch")
    except Exception as error:  # a broken installation can raise anything
        return {"python": version, "torch": None, "error": f"import torch fails: {error}"}
    if importlib.util.find_spec(USED_BY_BACKWARD) is not None:
        importlib.import_module(USED_BY_BACKWARD)
    torch.set_num_threads(1)
    return {"python": version, "torch": str(torch.__version__), "error": ""}


def send(channel: BinaryIO, message: object) -> None:
    channel.write(MARK + json.dumps(message).encode() + b"\n")
    channel.flush()


def serve(channel: BinaryIO, fork: bool) -> None:
    facts = hello()
    send(channel, facts)
    if facts["torch"] is None:
        return
    child, jobs = neighbour("child"), neighbour("jobs")
    gc.freeze()  # collections in the children leave the pages they share with this process alone
    warm = False
    for line in sys.stdin.buffer:
        wanted = json.loads(line)
        if fork and not warm and any(job["role"] == "trace" for job in wanted):
            warm = True
            neighbour("tracing").warm_up()
        if fork:
            send(channel, jobs.run_forked(wanted, child.run, channel))
        else:
            send(channel, jobs.run_spawned(wanted, [sys.executable, "-B", os.path.abspath(__file__), "job"]))


def run_one_job() -> None:
    """Where fork does not exist: this process is the child of one job, which it reads from stdin."""
    job = json.loads(sys.stdin.buffer.read())
    hello()
    child, jobs = neighbour("child"), neighbour("jobs")
    jobs.enter_child(job)
    child.run(job)


def main() -> None:
    # The folder of this script must not offer its files as modules to anyone.
    if sys.path and os.path.abspath(sys.path[0]) == FOLDER:
        del sys.path[0]
    if sys.argv[1] == "job":
        run_one_job()
        return
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(channel, fork=sys.argv[1] == "fork")


if __name__ == "__main__":
    main()
