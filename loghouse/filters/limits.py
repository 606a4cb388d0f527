"""How many lines a namespace may write: counted by the time that the lines bear, not by that of reading.

So a backlog that is read in a hurry is not taken for a flood. What is over the limit of ten seconds is
dropped.
"""

from __future__ import annotations

import re
from collections import OrderedDict

WINDOW = 10  # seconds
MAX_WINDOWS = 10_000  # that are remembered

_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d")


class Limit:
    """Lines by namespace and ten seconds."""

    def __init__(self, lines_per_second: float) -> None:
        self._room = max(1, round(lines_per_second * WINDOW))
        self._taken: OrderedDict[tuple[str, bytes], int] = OrderedDict()

    def take(self, namespace: str, window: bytes, lines: int) -> int:
        """How many of these lines may pass."""
        key = (namespace, window)
        taken = self._taken.get(key, 0)
        passing = min(lines, self._room - taken)
        self._taken[key] = taken + passing
        if len(self._taken) > MAX_WINDOWS:
            self._taken.popitem(last=False)
        return passing


def window_of(line: bytes, wrapper: str, now: bytes) -> bytes:
    """The ten seconds that a line belongs to: by its runtime's stamp, else those of now."""
    match wrapper:
        case "cri":
            stamp = line[:18] if _STAMP.match(line) else now
        case "docker":
            found = line.rfind(b'"time":"')
            stamp = line[found + 8 : found + 26] if found >= 0 else now
        case _:
            stamp = now
    return stamp
