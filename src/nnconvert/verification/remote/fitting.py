"""Build a model only where it fits: what it would take is found out before its memory is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import ModuleType

from torch import nn

from .failure import MEMORY_REASON, words
from .imagined import construct, size_of
from .recipe import Namespace, Recipe
from .running import prepare

PART = 64
"""Of the memory limit, what a constructor may take unasked."""
COPIES = 3
"""What a run holds at once: the parameters, the state that is loaded, the gradients."""


def prepare_fitting(module: ModuleType, recipe: Recipe, seed: int, memory: int) -> tuple[nn.Module, Namespace]:
    """As ``prepare``; raises MemoryError for what could be built, but not run, in ``memory`` bytes."""
    try:
        with _little_memory(memory // PART):
            return prepare(module, recipe, seed)
    except Exception as error:  # the user's code may raise anything
        if words(error) != MEMORY_REASON:
            raise
    if _size(module, recipe, seed) * COPIES > memory:
        raise MemoryError
    return prepare(module, recipe, seed)


@contextlib.contextmanager
def _little_memory(size: int) -> Iterator[None]:
    """Let this process take so many bytes more, where the system can say how many it has."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            taken = next(int(line.split()[1]) << 10 for line in file if line.startswith("VmData"))
    except OSError:  # no Linux
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    lower = taken + size
    if before[0] == resource.RLIM_INFINITY or lower < before[0]:
        resource.setrlimit(resource.RLIMIT_DATA, (lower, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _size(module: ModuleType, recipe: Recipe, seed: int) -> int:
    """Bytes of the state, found out in a process of its own: what the constructor leaves in caches goes with it.

    0 where it cannot be found out.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, str(size_of(construct(module, recipe, seed)[0])).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return int(said or 0)
