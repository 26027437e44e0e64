"""How long verification may take in one run, all of its files together."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

REMEDY = "--verify-time-limit gives it more"


@dataclass(frozen=True, slots=True)
class Deadline:
    """When verification ends, by the monotonic clock."""

    at: float = math.inf
    limit: float = math.inf
    """The seconds that the whole run has."""

    def left(self) -> float:
        return self.at - time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.left() <= 0

    def words(self) -> str:
        return f"the {self.limit:g} s that this run may verify were over"


NEVER = Deadline()


class Budget:
    """The seconds of one run, by the clock. What is done between two verifications does not count."""

    def __init__(self, seconds: float | None) -> None:
        self._limit = self._left = math.inf if seconds is None else seconds

    @contextlib.contextmanager
    def spending(self) -> Iterator[Deadline]:
        """What is done inside counts."""
        started = time.monotonic()
        try:
            yield Deadline(started + self._left, self._limit)
        finally:
            self._left -= time.monotonic() - started
