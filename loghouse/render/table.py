"""Tables: the rows of `stats`, `top` and their like, drawn on a terminal and tab-separated in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from loghouse.render.escapes import one_line
from loghouse.render.pages import RowPages, Writer
from loghouse.render.template import as_text
from loghouse.render.width import width

SHORT = 12  # columns of the screen: a value that is no longer stays on one line where there is room for that
LEAST = 16  # of a column of longer ones
AMPLE = 40  # a column that has so much is not made narrower


def render_tsv(columns: Sequence[str], pages: RowPages, out: Writer) -> int:
    """A header and one line a row; tabs and newlines inside a value are spelled out.

    What cannot be answered leaves no header: the first rows are waited for.
    """
    coming = iter(pages)
    first = list(islice(coming, 1))
    out.write(_tabbed(columns))
    return render_bare_rows(columns, chain(first, coming), out)


def render_bare_rows(columns: Sequence[str], pages: RowPages, out: Writer) -> int:
    """As `render_tsv`, without the header."""
    count = 0
    for page in pages:
        out.write(b"".join(map(_tabbed, page)))
        out.flush()
        count += len(page)
    out.flush()
    return count


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """Draws a table that fits `width` columns of a terminal; all its rows are in memory meanwhile."""

    width: int
    colour: bool

    def table(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int:
        """Numbers to the right, text to the left, long values folded."""
        rows = [row for page in pages for row in page]
        out.write(self._drawn(columns, rows).encode("utf-8", "backslashreplace"))
        out.flush()
        return len(rows)

    def _drawn(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
        # Rich takes 0.1 s to import, which only a drawn table is worth.
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        cells = [[one_line(name) for name in columns], *([_shown(value) for value in row] for row in rows)]
        widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
        is_roomy = sum(min(size, AMPLE) for size in widths) + 3 * len(widths) <= self.width
        least = sum(size if size <= SHORT else LEAST for size in widths) + (3 if is_roomy else 1) * len(
            widths
        )
        drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, int(is_roomy)), show_edge=is_roomy)
        for place, name in enumerate(cells[0]):
            numeric = all(_is_number(row[place]) or row[place] is None for row in rows)
            drawn.add_column(
                Text(name),
                justify="right" if numeric else "left",
                overflow="fold",
                no_wrap=least <= self.width and widths[place] <= SHORT,
            )
        for row in cells[1:]:
            drawn.add_row(*map(Text, row))
        console = Console(
            width=self.width,
            force_terminal=self.colour,
            no_color=not self.colour,
            color_system="standard" if self.colour else None,
            highlight=False,
            legacy_windows=False,
        )
        with console.capture() as capture:
            console.print(drawn)
        return capture.get()


def _tabbed(row: Sequence[Any]) -> bytes:
    cells = (one_line(as_text(_whole(value))).replace("\t", "\\t") for value in row)
    return ("\t".join(cells) + "\n").encode("utf-8", "backslashreplace")


def _whole(value: Any) -> Any:
    """2.0 as 2, as it was written most of the time."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if is_whole else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", " ") if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 10_000 else f"{value:,.0f}".replace(",", " ")
    return one_line(as_text(value))
