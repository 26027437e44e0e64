"""The process pool of the command line: when there is one, and how it ends."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import islice
from multiprocessing.process import BaseProcess
from pathlib import Path

from nnconvert.cache import Cache
from nnconvert.conversion import is_worth_parsing
from nnconvert.options import Options

_WORTH_A_POOL = 8
"""Files; for fewer the start of the workers costs more than they save."""
_GRACE = 0.5
"""Seconds."""
_SIGNALS = {signal.SIGINT, signal.SIGTERM}


def usable_cpus() -> int:
    """How many CPUs this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def pool(jobs: int, files: Iterable[Path], options: Options, cache: Cache | None = None) -> Iterator[Executor | None]:
    """Processes for the files of a run, or None where one process is quicker; left early, it ends them at once."""
    parsed = (file for file in files if is_worth_parsing(file, options) and not (cache and cache.knows(file)))
    if jobs < 2 or len(list(islice(parsed, _WORTH_A_POOL))) < _WORTH_A_POOL:
        yield None
        return
    executor = _started(jobs)
    try:
        yield executor
    except BaseException:
        # First it must have dropped what was cancelled: at the end of a worker it would stumble over that. And it must
        # be through before Python ends, which otherwise writes into what it is closing.
        closing = threading.Thread(target=executor.shutdown, kwargs={"cancel_futures": True})
        closing.start()
        _end(multiprocessing.active_children())
        closing.join()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _end(workers: Iterable[BaseProcess]) -> None:
    """What they do may come to its end, if that is soon."""
    latest = time.monotonic() + _GRACE
    for worker in workers:
        worker.join(max(0, latest - time.monotonic()))
        worker.terminate()


def _started(jobs: int) -> Executor:
    """A pool whose workers run already: until each has its own answer to signals, none comes through."""
    executor = ProcessPoolExecutor(jobs, initializer=_in_worker)
    if not hasattr(signal, "pthread_sigmask"):
        return executor
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        executor.submit(os.getpid)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return executor


def _in_worker() -> None:
    """Ctrl-C is the parent's to answer; and no worker outlives its parent, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
