"""Whose turn it is to be looked at: those that were seen before and new ones alternate.

At the start there may be 100,000 new ones, and what is written meanwhile should not wait for all of them.
"""

from __future__ import annotations

import heapq
from collections import deque

from loghouse.ship.follow import Lineage


class Turns:
    """Lineages in the order of their next turns; `Lineage.due` says when that is, 0 for a new one."""

    def __init__(self) -> None:
        self._scheduled: list[tuple[float, Lineage]] = []  # a heap
        self._new: deque[Lineage] = deque()
        self._new_next = False

    def add(self, lineage: Lineage) -> None:
        """A new one, which has its turn as soon as possible."""
        self._new.append(lineage)

    def schedule(self, lineage: Lineage, due: float) -> None:
        """Its next turn; one that was scheduled before counts no more."""
        lineage.due = due
        heapq.heappush(self._scheduled, (due, lineage))

    def next_at(self, now: float) -> float | None:
        """When somebody has a turn."""
        if self._new:
            return now
        return self._scheduled[0][0] if self._scheduled else None

    def take(self, now: float) -> Lineage | None:
        """Who has a turn now; None if the turn at hand was replaced by another."""
        due = bool(self._scheduled) and self._scheduled[0][0] <= now
        self._new_next = not self._new_next
        if self._new and (self._new_next or not due):
            lineage = self._new.popleft()
            return None if lineage.due else lineage
        if not due:
            return None
        at, lineage = heapq.heappop(self._scheduled)
        return lineage if at == lineage.due else None
