"""`patterns` on a terminal: figures and trend of each template, below them the template and a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.render.clock import Clock
from loghouse.render.colours import DIM, RESET
from loghouse.render.escapes import one_line
from loghouse.render.pages import RowPages, Writer
from loghouse.render.sparkline import sparkline, squeezed
from loghouse.render.template import as_text
from loghouse.render.width import cut, width

COLUMNS = ("pattern", "count", "share", "trend", "first_seen", "last_seen", "sample")
_BOLD = "\x1b[1m"
_SHORTEST_TREND = 8  # columns
_SMALLEST_SAMPLE = 20  # columns; a narrower terminal shows no samples


def is_pattern_list(columns: Sequence[str]) -> bool:
    """The table is what the stage `patterns` makes of records."""
    return tuple(columns) == COLUMNS


@dataclass(frozen=True, slots=True)
class PatternList:
    """Draws templates so that each fits the `columns` of a terminal."""

    clock: Clock
    columns: int
    colour: bool

    def table(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int:
        """Two or three lines a template, the most frequent first."""
        count = 0
        for page in pages:
            out.write("".join(map(self._drawn, page)).encode("utf-8", "backslashreplace"))
            out.flush()
            count += len(page)
        return count

    def _drawn(self, row: Sequence[Any]) -> str:
        pattern, count, share, trend, first, last, sample = row
        figures = f"{f'{count:,}'.replace(',', ' '):>11}  {share:6.1%}"
        if self.columns > len(figures) + _SHORTEST_TREND:
            figures += f"  {sparkline(squeezed(trend, self.columns - len(figures) - 2))}"
        times = f"{self.clock.short(first)[:19]} – {self._end(first, last)}"
        lines = [f"{figures}  {self._paint(DIM, times)}" if self.columns >= 88 else figures]
        lines.append("  " + self._paint(_BOLD, self._fitted(as_text(pattern))))
        shown = as_text(sample)
        if shown != as_text(pattern) and self.columns >= _SMALLEST_SAMPLE:
            lines.append("  " + self._paint(DIM, self._fitted(shown)))
        return "\n".join(lines) + "\n"

    def _end(self, first: int, last: int) -> str:
        """The last time; of the same day without the date."""
        begun, ended = self.clock.short(first)[:19], self.clock.short(last)[:19]
        return ended[11:] if begun[:10] == ended[:10] else ended

    def _fitted(self, text: str) -> str:
        plain, room = one_line(text), max(self.columns - 2, 8)
        return plain if width(plain) <= room else cut(plain, room - 1) + "…"

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{RESET}" if self.colour and text else text
