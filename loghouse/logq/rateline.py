"""`tail --hist`: a line below the records that shows how many come, second by second."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from loghouse.record import LEVELS, Record
from loghouse.render.colours import LEVEL_COLOURS, RESET
from loghouse.render.sparkline import sparkline

SECONDS = 60  # shown at most
AVERAGED = 5  # seconds for the rate
_TROUBLE = LEVELS[LEVELS.index("warning") :]


@dataclass(slots=True)
class RateLine:
    """Counts records by the second in which they came; draws on stderr, which is a terminal."""

    colour: bool
    clock: Callable[[], float] = time.monotonic
    _second: int = field(default=0, init=False)
    _seconds: deque[Counter[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._second = int(self.clock())
        self._seconds = deque([Counter()], maxlen=SECONDS)

    def count(self, page: Sequence[Record]) -> None:
        """These records came now."""
        self._turn()
        self._seconds[-1].update(record.level for record in page)

    def clear(self) -> None:
        """Take the line away, to print below the records again."""
        _write("\r\x1b[K")

    def draw(self) -> None:
        """Show it as it is now."""
        _write(f"\r\x1b[K{self.text(shutil.get_terminal_size().columns - 1)}")

    def text(self, columns: int) -> str:
        """The line in so many columns."""
        self._turn()
        totals = [each.total() for each in self._seconds]
        recent = list(self._seconds)[-AVERAGED:]
        rate = f"{sum(totals[-AVERAGED:]) / len(recent):>7.1f}/s "
        sums: Counter[str] = Counter()
        for each in recent:
            sums.update(each)
        troubles = [(level, sums[level] / len(recent)) for level in reversed(_TROUBLE) if sums[level]]
        notes = [f"  {level} {amount:.1f}/s" for level, amount in troubles]
        room = columns - len(rate) - sum(map(len, notes))
        while notes and room < AVERAGED:
            room += len(notes.pop())
        bars = "".join(
            self._paint(_worst(each), bar)
            for each, bar in list(zip(self._seconds, sparkline(totals), strict=True))[-max(room, 1) :]
        )
        named = zip(troubles, notes, strict=False)
        return rate + bars + "".join(self._paint(level, note) for (level, _), note in named)

    def _turn(self) -> None:
        """Begin a new second for each that has passed."""
        now = int(self.clock())
        for _ in range(min(now - self._second, SECONDS)):
            self._seconds.append(Counter())
        self._second = now

    def _paint(self, level: str, text: str) -> str:
        colour = LEVEL_COLOURS.get(level, "")
        return f"{colour}{text}{RESET}" if self.colour and colour else text


def _worst(levels: Counter[str]) -> str:
    return max(levels, key=LEVELS.index, default="")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
