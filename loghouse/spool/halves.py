"""Cutting a batch in two, down to single lines: how one bad line is found among good ones."""

from collections.abc import Iterable, Iterator

from loghouse.spool.rows import Row


def halves(rows: Iterable[Row], count: int, size: int) -> Iterator[tuple[int, Row]]:
    """The `count` rows of `size` bytes, each with the half it belongs to, 0 or 1; neither half is empty.

    A single row of several lines is cut in two; of a single line nothing comes.
    """
    if count == 1:
        yield from _cut(next(iter(rows)))
        return
    passed = 0
    for number, row in enumerate(rows):
        second = number > 0 and (number == count - 1 or passed * 2 >= size)
        passed += len(row.data)
        yield int(second), row


def _cut(row: Row) -> Iterator[tuple[int, Row]]:
    """A row of several lines as two."""
    if row.span:
        return
    middle = len(row.data) // 2
    place = row.data.find(b"\n", middle) + 1
    if not 0 < place < len(row.data):
        place = row.data.rfind(b"\n", 0, middle) + 1
    if not 0 < place < len(row.data):
        return
    yield 0, row._replace(data=row.data[:place])
    yield 1, row._replace(offset=row.offset + place, data=row.data[place:])
