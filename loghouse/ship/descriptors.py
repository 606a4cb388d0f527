"""How many log files are open: those that rest for longest are closed when it gets too many."""

from __future__ import annotations

import resource
from collections import OrderedDict
from typing import Protocol

MOST = 2048  # open at once, whatever the system allows: each costs 2 kB of memory
RESERVED = 48  # descriptors for everything else: the spool, connections, directories


class Resting(Protocol):
    """What is needed of a lineage."""

    def rest(self) -> bool:
        """Close the file if there is nothing to read in it; whether it is closed."""


class Descriptors:
    """Lineages with open files, those first that were looked at longest ago."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: OrderedDict[int, Resting] = OrderedDict()

    def opened(self, lineage: Resting) -> None:
        """Note that the lineage has opened files; others may have to close theirs."""
        self._open[id(lineage)] = lineage
        self._open.move_to_end(id(lineage))
        # One that is being read cannot rest; each is asked once, so that this ends.
        for _ in range(len(self._open) - self._limit):
            key, oldest = self._open.popitem(last=False)
            if oldest is lineage or not oldest.rest():
                self._open[key] = oldest

    def closed(self, lineage: Resting) -> None:
        """Note that it has none any more."""
        self._open.pop(id(lineage), None)


def allowed() -> int:
    """How many log files may be open, after asking the system for as many as it gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
        soft = max(soft, raised)
    return MOST if soft == resource.RLIM_INFINITY else max(4, min(MOST, soft - RESERVED))
