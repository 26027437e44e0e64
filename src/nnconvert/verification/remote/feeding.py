"""In which order feeds are tried: the likely ones, and between them what the exceptions of others ask for."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from torch import nn

from .asked import asked_for
from .inputs import Feed, feeds, guided

DEEP = 6
"""How often a feed is changed by what its exceptions ask for."""
RUN = 2
"""Feeds that are asked for, before the next of the likely ones has its turn."""


class Queue:
    """Feeds of one built model; those whose parents came further in forward come first."""

    def __init__(self, model: nn.Module) -> None:
        self._likely: Iterator[Feed] = feeds(model)
        self._asked: list[tuple[int, int, int, int, Feed]] = []
        self._depth: dict[str, int] = {}
        self._count = 0
        self._in_a_row = 0

    def first(self, more: Iterable[Feed]) -> None:
        """These come before all others."""
        for feed in more:
            self._push(feed, 0, 1 << 30, 0)

    def take(self) -> Feed | None:
        """The next feed that was not tried, or None."""
        while True:
            feed = self._next()
            if feed is None:
                return None
            text = feed.text()
            if text not in self._depth or self._depth[text] < 0:
                self._depth[text] = abs(self._depth.get(text, 0))
                return feed

    def _next(self) -> Feed | None:
        if self._asked and self._in_a_row < RUN:
            self._in_a_row += 1
            return heapq.heappop(self._asked)[-1]
        self._in_a_row = 0
        likely = next(self._likely, None)
        return likely if likely is not None else heapq.heappop(self._asked)[-1] if self._asked else None

    def failed(self, feed: Feed, error: BaseException, progress: int) -> None:
        """Note what raised, and how far forward came."""
        depth = self._depth[feed.text()] + 1
        if depth > DEEP:
            return
        better = guided(feed, str(error))
        if better is not None:
            self._push(better, depth, progress + 1, 0)
        for rank, text in enumerate(asked_for(feed.text(), error)):
            self._push(Feed((), "", written=text), depth, progress, rank)

    def _push(self, feed: Feed, depth: int, progress: int, rank: int) -> None:
        """``rank`` is the place among what one exception asks for: the plainest comes first."""
        if feed.text() not in self._depth:
            # Below zero: asked for, not tried.
            self._depth[feed.text()] = -depth
            self._count += 1
            heapq.heappush(self._asked, (-progress, rank, -depth, self._count, feed))
