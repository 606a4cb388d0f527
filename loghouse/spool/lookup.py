"""What the store has of a batch already: asked when its token cannot tell, or before the batch is cut."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from loghouse.errors import LoghouseError, StoreError
from loghouse.spool.batchfile import Block, read_blocks
from loghouse.spool.entry import Entry
from loghouse.spool.rows import Row

CLOCK_SKEW = 3600  # seconds that the clocks of sender and store may differ when we look for rows
SMALL_SKEW = 60  # the same when we count inserts
TOKENS_SURE = (
    2500  # inserts; the store knows the last 10,000 blocks, and an insert of several days has several
)
SOURCES_ASKED = 1000  # in one query
ACCESS_DENIED = 497

_INSERTS = "SELECT uniq(inserted_at) FROM logs WHERE inserted_at >= fromUnixTimestamp({after:UInt32})"
_VIEW_AGE = """SELECT dateDiff('second', metadata_modification_time, now()) FROM system.tables
WHERE database = currentDatabase() AND name = 'parse'"""
# Of a replica we cannot tell what another one shows; a policy may hide every row.
_SEEN = """SELECT count() FROM system.tables
WHERE database = currentDatabase() AND name = 'logs' AND engine = 'MergeTree'
    AND (total_rows = 0 OR exists(SELECT source_id, offset, inserted_at FROM logs))"""
_STORED = """WITH
    arrayMap(x -> toUInt64(x), splitByChar(',', {sources:String})) AS sources,
    arrayMap(x -> toUInt64(x), splitByChar(',', {lows:String})) AS lows,
    arrayMap(x -> toUInt64(x), splitByChar(',', {highs:String})) AS highs
SELECT source_id, arraySort(groupUniqArray(offset)) FROM logs
WHERE inserted_at >= fromUnixTimestamp(
        toUInt32(greatest(0, least({written:Int64}, toUnixTimestamp(now()) - {age:Int64}) - {skew:Int64})))
    AND offset BETWEEN transform(source_id, sources, lows, toUInt64(1))
    AND transform(source_id, sources, highs, toUInt64(0))
GROUP BY source_id"""

Stored = Mapping[int, Sequence[int]]  # the offsets of records by source, sorted


class Answering(Protocol):
    """A store that can be asked."""

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""


class Unreadable(LoghouseError):
    """A file of the spool cannot be read now."""


def token_known(store: Answering, entry: Entry) -> bool:
    """Whether there were so few inserts since the batch was written that the store still knows its token.

    An account that may only insert cannot see anything: then the token has to do. Raises `StoreError`.
    """
    after = max(0, int(entry.trailer.written_at) - SMALL_SKEW)
    answer = _seen(store, _INSERTS, {"after": after})
    return not answer or answer[0][0] < TOKENS_SURE


def view_age(store: Answering) -> float:
    """Seconds, up to one too many, since the view that fills `logs` was changed.

    What is sent under the same token has another one there since then. Infinite for an account that may only
    insert. Raises `StoreError`.
    """
    answer = _seen(store, _VIEW_AGE, {})
    return float(answer[0][0]) if answer else math.inf


def stored_is_seen(store: Answering) -> bool:
    """Whether what the store has acknowledged is found by the next query, and what is not found is not there.

    Not with replicated tables, which note a token and its rows at once, and not for an account that may only
    insert or that policies keep from all rows. Raises `StoreError`.
    """
    return _seen(store, _SEEN, {}) == [(1,)]


def stored(store: Answering, entry: Entry, now: float) -> Stored:
    """The records that the store has of a batch, and maybe others of the same files.

    They were inserted after the batch was written, by the sender's clock or that many seconds ago by the
    store's; at any time if the sender's clock was set back since. Nothing for an account that may only
    insert. Raises `StoreError`, `Unreadable`, `Damaged`.
    """
    asked = [(source, low, high) for source, (low, high) in _bounds(rows_of(entry)).items()]
    written = int(entry.trailer.written_at)
    age = int(now) - written
    found: dict[int, Sequence[int]] = {}
    for begin in range(0, len(asked), SOURCES_ASKED):
        columns = zip(*asked[begin : begin + SOURCES_ASKED], strict=True)
        texts = [",".join(map(str, column)) for column in columns]
        params = {
            "written": written if age >= -CLOCK_SKEW else 0,
            "age": age,
            "skew": CLOCK_SKEW,
            **dict(zip(("sources", "lows", "highs"), texts, strict=True)),
        }
        found.update((source, array("Q", offsets)) for source, offsets in _seen(store, _STORED, params))
    return found


def any_stored(store: Answering, entry: Entry, now: float) -> bool:
    """Whether the store has any record of a batch. Raises `StoreError`, `Unreadable`, `Damaged`."""
    offsets = stored(store, entry, now)
    return sum(row.lines for row in missing(rows_of(entry), offsets)) < entry.trailer.lines


def missing(rows: Iterable[Row], stored: Stored) -> Iterator[Row]:
    """The rows, or the lines of them, that are not stored.

    Lines of several days are stored a day at a time, so that any of the days may be missing.
    """
    for row in rows:
        offsets = stored.get(row.source, ())
        if row.span or not offsets:
            if not _has(offsets, row.offset):
                yield row
        else:
            yield from _missing_lines(row, offsets)


def rows_of(entry: Entry) -> Iterator[Row]:
    """The rows. Raises `Unreadable`, `Damaged`."""
    for block in blocks_of(entry):
        yield from block.rows


def blocks_of(entry: Entry) -> Iterator[Block]:
    """The blocks; what the disk says must not look like an error of the connection, which is an OSError too.

    Raises `Unreadable`, `Damaged`.
    """
    try:
        yield from read_blocks(entry.path)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def _seen(store: Answering, sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The answer, empty if the account may not ask."""
    try:
        return store.rows(sql, params)
    except StoreError as error:
        if error.code != ACCESS_DENIED:
            raise
        return []


def _bounds(rows: Iterable[Row]) -> dict[int, tuple[int, int]]:
    """By source, between which offsets its records begin."""
    bounds: dict[int, tuple[int, int]] = {}
    for row in rows:
        last = row.offset if row.span else row.offset + len(row.data)
        low, high = bounds.get(row.source, (row.offset, last))
        bounds[row.source] = min(low, row.offset), max(high, last)
    return bounds


def _missing_lines(row: Row, offsets: Sequence[int]) -> Iterator[Row]:
    """Lines that follow one another stay one row."""
    begin = end = position = 0
    for line in row.data.split(b"\n")[:-1]:
        following = position + len(line) + 1
        if _has(offsets, row.offset + position):
            if begin < end:
                yield row._replace(offset=row.offset + begin, data=row.data[begin:end])
            begin = following
        end = position = following
    if begin < end:
        yield row._replace(offset=row.offset + begin, data=row.data[begin:end])


def _has(offsets: Sequence[int], offset: int) -> bool:
    place = bisect_left(offsets, offset)
    return place < len(offsets) and offsets[place] == offset
