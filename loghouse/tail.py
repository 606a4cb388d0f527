"""New records as they are stored, in the order of their insertion: nothing twice and nothing missed.

The stamp `inserted_at` cannot tell what is new: it is taken when an insert begins, so a long insert appears
later than a short one that began after it. What cannot be late is the block, the unit in which ClickHouse
makes an insert visible (loghouse/blocks.py). A poll lists the parts of the table and reads the blocks that
were not there before, be they a part of their own or merged with others since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from loghouse.blocks import Blocks, Covered, Part, part
from loghouse.errors import StoreUnreachable
from loghouse.query import Live
from loghouse.record import Record
from loghouse.store.client import Store
from loghouse.store.records import records_of

PAGE_ROWS = 4096
SHORTEST_PAUSE = 0.05  # seconds between polls while records come
LONGEST_PAUSE = 0.15  # when nothing comes
RECONNECT_PAUSES = (0.2, 0.5, 1.0, 2.0)  # the last one again and again

Page = list[Record]


def follow(
    tail: Tail,
    notice: Callable[[str], None],
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Page]:
    """Pages of new records for ever; a store that goes away is waited for, and `notice` says so."""
    pause = SHORTEST_PAUSE
    while True:
        began = None
        try:
            for page in tail.news():
                pause = SHORTEST_PAUSE
                yield page
        except StoreUnreachable as error:
            notice(f"{error.message}; waiting for it to come back")
            began = clock()
            _wait_for_store(tail, wait)
            notice(f"connected again after {clock() - began:.0f} s")
            continue
        wait(pause)
        pause = min(pause * 1.25, LONGEST_PAUSE)


def _wait_for_store(tail: Tail, wait: Callable[[float], None]) -> None:
    attempt = 0
    while True:
        wait(RECONNECT_PAUSES[min(attempt, len(RECONNECT_PAUSES) - 1)])
        attempt += 1
        try:
            tail.parts()
        except StoreUnreachable:
            continue
        return


def parts_of(store: Store, table: str = "logs") -> frozenset[Part]:
    """The parts of a table now; answered from metadata, whatever the size of the table."""
    rows = store.rows(f"SELECT shardNum(), _part FROM {table} GROUP BY 1, 2")  # noqa: S608 - our own name
    return frozenset(part(shard, name) for shard, name in rows)


class Tail:
    """Knows which blocks of the table were read; one poll gives what is new."""

    def __init__(
        self,
        store: Store,
        wanted: Live,
        table: str = "logs",
        source: str | None = None,
        parts: Callable[[], frozenset[Part]] | None = None,
    ) -> None:
        """`source` is a subquery of our own with the columns of the table, `_part`, `_partition_id` and
        `_block_number`, read in its place.

        `parts` answers in place of `parts_of` where many tails ask; its answers never get older.
        """
        self._store = store
        self._wanted = wanted
        self._table = table
        self._asked_parts = parts
        self._source = source or table
        self._seen: frozenset[Part] = frozenset()
        self._covered = Covered()
        self._skipped: set[tuple[int, int]] = set()
        self._reading: list[Blocks] = []  # of a poll that has not ended, and perhaps was interrupted
        self._reached: tuple[int, int, int, int] | None = None  # where it was

    def start(self) -> None:
        """Take what is stored now as old."""
        self._seen = self.parts()
        for seen in self._seen:
            self._covered.add(seen)

    def skip(self, page: Page) -> None:
        """Take these records, found by a search after `start`, as given out."""
        self._skipped.update(map(_identity, page))

    def parts(self) -> frozenset[Part]:
        """The parts of the table now."""
        if self._asked_parts is not None:
            return self._asked_parts()
        return parts_of(self._store, self._table)

    def news(self) -> Iterator[Page]:
        """The records of one poll in pages, in the order of insertion; a broken one is finished first."""
        now = self.parts()
        new = now - self._seen
        resumed = bool(self._reading)
        if not resumed:
            self._reading = [blocks for each in new for blocks in self._covered.missing(each)]
        if self._reading:
            yield from self._read()
            for blocks in self._reading:
                self._covered.add(blocks)
            self._reading, self._reached = [], None
        if not resumed:
            self._seen = now

    def _read(self) -> Iterator[Page]:
        sql, params = self._query()
        for block in self._store.blocks(sql, params, {"max_block_size": PAGE_ROWS}):
            records = records_of(block)
            if page := [record for record in records if _identity(record) not in self._skipped]:
                yield page
            # Only now it is given out: if the connection breaks, reading goes on after this record.
            self._reached = _place(records[-1])

    def _query(self) -> tuple[str, dict[str, Any]]:
        """Reads the blocks of this poll, wherever merges have put them; of a broken one what is left."""
        params: dict[str, Any] = {}
        conditions = list(_among(self._reading, params))
        if self._reached is not None:
            conditions.append(
                "(toUnixTimestamp64Milli(inserted_at), toUnixTimestamp64Nano(timestamp), source_id, offset) "
                "> ({tail_stamp:Int64}, {tail_time:Int64}, {tail_source:UInt64}, {tail_offset:UInt64})"
            )
            names = ("tail_stamp", "tail_time", "tail_source", "tail_offset")
            params.update(zip(names, self._reached, strict=True))
        sql, bound = self._wanted.select(self._source, conditions)
        return sql, {**bound, **params}


# The first and the last block of a part, by its name: parts without wanted blocks are not opened.
_FIRST, _LAST = ("toUInt64OrZero(splitByChar('_', _part)[2])", "toUInt64OrZero(splitByChar('_', _part)[3])")


def _among(ranges: Iterable[Blocks], params: dict[str, Any]) -> Iterator[str]:
    """Conditions that are true for the rows of these blocks; adds what they bind to `params`.

    Not by the names of parts: between the list of parts and this query a merge may have given them new ones.
    """
    parts, blocks = [], []
    for number, each in enumerate(ranges):
        names = [f"tail_{number}_{what}" for what in Blocks._fields]
        shard, partition, first, last = names
        place = f"shardNum() = {{{shard}:UInt32}} AND _partition_id = {{{partition}:String}}"
        parts.append(f"({place} AND {_LAST} >= {{{first}:UInt64}} AND {_FIRST} <= {{{last}:UInt64}})")
        blocks.append(f"({place} AND _block_number BETWEEN {{{first}:UInt64}} AND {{{last}:UInt64}})")
        params.update(zip(names, each, strict=True))
    yield f"({' OR '.join(parts)})"
    yield f"({' OR '.join(blocks)})"


def _place(record: Record) -> tuple[int, int, int, int]:
    return record.inserted_ms, record.timestamp_ns, record.source_id, record.offset


def _identity(record: Record) -> tuple[int, int]:
    return record.source_id, record.offset
