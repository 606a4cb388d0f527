"""What renderers take: rows in pages, each page a block of the store or the news of one poll.

A renderer writes and flushes a page at once, so many rows go fast and a single new row is seen at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from loghouse.record import Record

Pages = Iterable[Sequence[Record]]
RawPages = Iterable[Sequence[bytes]]
RowPages = Iterable[Sequence[Sequence[Any]]]


class Writer(Protocol):
    """Where bytes go: standard output, a file or a buffer."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


class RecordRenderer(Protocol):
    """Writes records; returns how many."""

    def __call__(self, pages: Pages, out: Writer) -> int: ...


class TableRenderer(Protocol):
    """Writes the rows of a table with these columns; returns how many."""

    def __call__(self, columns: Sequence[str], pages: RowPages, out: Writer) -> int: ...
