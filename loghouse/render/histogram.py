"""`hist` on a terminal: one bar a bucket of time, its groups (levels, most of the time) in their colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from loghouse.render.clock import Clock
from loghouse.render.colours import LEVEL_COLOURS, RESET, pod_colour
from loghouse.render.escapes import one_line
from loghouse.render.pages import RowPages, Writer
from loghouse.render.template import as_text
from loghouse.render.width import width

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_SHORTEST_BAR = 10
_NARROW = 60  # columns; below that times are shortened

Group = tuple[str, int]


def is_histogram(kinds: Sequence[str], columns: Sequence[str]) -> bool:
    """The table is one of buckets of time: time, at most one group, count."""
    return 2 <= len(kinds) <= 3 and columns[0] == "_time" and columns[-1] == "count" and kinds[0] == "time"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Draws buckets as bars that fit `columns` of a terminal; all of them are in memory meanwhile."""

    clock: Clock
    columns: int
    colour: bool

    def table(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int:
        """One line a bucket; below them the sums of the groups."""
        rows = [row for page in pages for row in page]
        shown = self._time_axis([row[0] for row in rows])
        buckets = [
            (
                self.clock.short(time)[shown],
                [(as_text(row[1]) if len(row) == 3 else "", row[-1]) for row in group],
            )
            for time, group in groupby(rows, itemgetter(0))
        ]
        lines = list(self._lines(buckets))
        if len(columns) == 3:
            lines.append(self._legend(buckets))
        if lines:
            out.write(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
            out.flush()
        return len(rows)

    def _time_axis(self, times: Sequence[int]) -> slice:
        """What of a time is shown: on a narrow terminal nothing that is the same everywhere."""
        if self.columns >= _NARROW or not times:
            return slice(0, 19)
        one_day = self.clock.short(times[0])[:10] == self.clock.short(times[-1])[:10]
        return slice(11, 19) if one_day else slice(5, 16)

    def _lines(self, buckets: Sequence[tuple[str, Sequence[Group]]]) -> Iterator[str]:
        totals = [sum(count for _, count in groups) for _, groups in buckets]
        highest = max(totals, default=0)
        figures = len(_grouped(highest))
        axis = len(buckets[0][0]) if buckets else 0
        room = max(_SHORTEST_BAR if self.columns >= _NARROW else 1, self.columns - axis - figures - 4)
        for (time, groups), total in zip(buckets, totals, strict=True):
            figure = _grouped(total)
            yield f"{time}  {figure:>{figures}}  {self._bar(groups, highest, room)}".rstrip()

    def _bar(self, groups: Sequence[Group], highest: int, room: int) -> str:
        """The groups one after another; each ends where their sum so far does, or roundings would add up."""
        bar, total, drawn = "", 0, 0
        for name, count in groups:
            total += count
            end = total * room * 8 // highest if highest else 0
            if count and end == 0:
                end = 1  # a single record among millions is seen as well
            cells = end // 8 - drawn // 8
            piece = "█" * cells
            if name == groups[-1][0]:
                piece += _EIGHTHS[end % 8]
            bar += self._paint(name, piece)
            drawn = end
        return bar

    def _legend(self, buckets: Sequence[tuple[str, Sequence[Group]]]) -> str:
        sums: dict[str, int] = {}
        for _, groups in buckets:
            for name, count in groups:
                sums[name] = sums.get(name, 0) + count
        parts = [
            self._paint(name, "█") + f" {one_line(name) or '-'} {_grouped(count)}"
            for name, count in sums.items()
        ]
        lines, used = [""], 0
        for part, (name, count) in zip(parts, sums.items(), strict=True):
            size = width(f"█ {one_line(name) or '-'} {_grouped(count)}") + 3
            if used and used + size > self.columns:
                lines.append("")
                used = 0
            lines[-1] += ("   " if used else "") + part
            used += size
        return "\n".join(lines)

    def _paint(self, name: str, text: str) -> str:
        if not self.colour or not text:
            return text
        colour: Any = LEVEL_COLOURS.get(name) or pod_colour(name)
        return f"{colour}{text}{RESET}"


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", " ")
