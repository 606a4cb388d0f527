"""New records as they are stored, in the order of their insertion: nothing twice and nothing missed.

The stamp `inserted_at` alone cannot tell what is new: it is taken when an insert begins, so a long insert
appears later than a short one that began after it. What cannot be late is the part, the unit in which
ClickHouse makes an insert visible. A poll lists the parts of the table (their names only, which costs next to
nothing) and reads those that were not there before:

- a part that was never merged holds nothing but new records;
- a merged part holds old records and perhaps some that were inserted and merged between two polls. Of those
  only the last `OVERLAP_MS` of insertion are read again, and what was given out is known by its identity.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from loghouse.errors import StoreUnreachable
from loghouse.record import Record
from loghouse.store.client import Store
from loghouse.store.records import SELECT_RECORD, records_of

OVERLAP_MS = 60_000  # milliseconds an insert may take
START_OVERLAP_MS = 5_000  # the same for inserts that run while the tail begins
KNOWN_IDENTITIES = 100_000  # about 10 MB; above it the overlap gets shorter
PAGE_ROWS = 4096
SHORTEST_PAUSE = 0.05  # seconds between polls while records come
LONGEST_PAUSE = 0.15  # when nothing comes
RECONNECT_PAUSES = (0.2, 0.5, 1.0, 2.0)  # the last one again and again

# The names of parts travel as one text: older drivers and servers disagree on how an array is bound.
_PARTS = "has(splitByChar(',', {{{name}:String}}), _part)"

Page = list[Record]


@dataclass(frozen=True, slots=True)
class Condition:
    """What a record has to be like: SQL over the columns of `logs`, with its parameters."""

    sql: str
    params: Mapping[str, Any]


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


@dataclass(slots=True)
class _Known:
    """The identities given out lately, by the stamp of their insertion."""

    floor: int = 0  # what was inserted before this is not read again
    count: int = 0
    by_stamp: dict[int, set[tuple[int, int]]] = field(default_factory=dict)

    def add(self, stamp: int, source_id: int, offset: int) -> bool:
        """Remember a record; False if it is known already."""
        identities = self.by_stamp.setdefault(stamp, set())
        before = len(identities)
        identities.add((source_id, offset))
        self.count += len(identities) - before
        return len(identities) > before

    def add_record(self, record: Record) -> bool:
        """`add` for a whole record."""
        return self.add(record.inserted_ms, record.source_id, record.offset)

    def forget(self) -> None:
        """Drop what is older than the overlap, and the oldest while there is too much."""
        newest = max(self.by_stamp, default=0)
        self.floor = max(self.floor, newest - OVERLAP_MS)
        for stamp in sorted(self.by_stamp):
            if stamp >= self.floor and self.count <= KNOWN_IDENTITIES:
                return
            self.floor = max(self.floor, stamp + 1)
            self.count -= len(self.by_stamp.pop(stamp))


def parts_of(store: Store, table: str = "logs") -> set[str]:
    """The parts of a table now."""
    rows = store.rows(f"SELECT _part FROM {table} GROUP BY _part")  # noqa: S608 - our own name
    return {name for (name,) in rows}


class Tail:
    """Knows which parts of the table were read; one poll gives what is new."""

    def __init__(
        self,
        store: Store,
        condition: Condition,
        table: str = "logs",
        source: str | None = None,
        parts: Callable[[], set[str]] | None = None,
    ) -> None:
        """`source` is a subquery of our own with the columns of the table and `_part`, read in its place.

        `parts` answers in place of `parts_of` where many tails ask; its answers never get older.
        """
        self._store = store
        self._condition = condition
        self._table = table
        self._asked_parts = parts
        self._source = source or table
        self._seen: set[str] = set()
        self._known = _Known()
        self._unfinished: set[str] = set()
        self._reached: tuple[int, int, int, int] = (0, 0, 0, 0)

    def start(self) -> None:
        """Take what is stored now as old."""
        while True:
            self._seen = self.parts()
            self._known = self._inserted_lately()
            if self._seen <= self.parts():  # else a merge came between, and old records would look new
                return

    def skip(self, page: Page) -> None:
        """Take these records, found by a search after `start`, as given out."""
        for record in page:
            self._known.add_record(record)

    def parts(self) -> set[str]:
        """The parts of the table now; answered from metadata, whatever the size of the table."""
        if self._asked_parts is not None:
            return self._asked_parts()
        return parts_of(self._store, self._table)

    def news(self) -> Iterator[Page]:
        """The records of one poll in pages, in the order of insertion."""
        now = self.parts()
        unread = now - self._seen
        if unread:
            self._unfinished &= now
            yield from self._read(unread)
            self._unfinished = set()
            self._reached = (0, 0, 0, 0)
            self._known.forget()
        self._seen = now

    def _read(self, parts: set[str]) -> Iterator[Page]:
        sql, params = self._query(parts)
        for block in self._store.blocks(sql, params, {"max_block_size": PAGE_ROWS}):
            page = list(filter(self._known.add_record, records_of(block)))
            if page:
                yield page
                # Only now it is given out: if the connection breaks, reading goes on after this record.
                self._unfinished = parts
                self._reached = max(self._reached, _place(page[-1]))

    def _query(self, parts: set[str]) -> tuple[str, dict[str, Any]]:
        """Reads unmerged parts whole, of merged ones the overlap, of interrupted ones what is left."""
        unmerged = {part for part in parts if _is_unmerged(part)}
        conditions = [
            f"({self._condition.sql})",
            _PARTS.format(name="tail_parts"),
            f"({_PARTS.format(name='tail_unmerged')} OR inserted_at >= "
            "fromUnixTimestamp64Milli({tail_floor:Int64}))",
        ]
        params = {
            **self._condition.params,
            "tail_parts": ",".join(sorted(parts)),
            "tail_unmerged": ",".join(sorted(unmerged)),
            "tail_floor": self._known.floor,
        }
        if self._unfinished:
            conditions.append(
                f"(NOT {_PARTS.format(name='tail_unfinished')} OR (toUnixTimestamp64Milli(inserted_at), "
                "toUnixTimestamp64Nano(timestamp), source_id, offset) > "
                "({tail_stamp:Int64}, {tail_time:Int64}, {tail_source:UInt64}, {tail_offset:UInt64}))"
            )
            params["tail_unfinished"] = ",".join(sorted(self._unfinished))
            names = ("tail_stamp", "tail_time", "tail_source", "tail_offset")
            params.update(zip(names, self._reached, strict=True))
        sql = (
            f"SELECT {SELECT_RECORD} FROM {self._source} WHERE {' AND '.join(conditions)} "  # noqa: S608 - bound
            "ORDER BY inserted_at, timestamp, source_id, offset"
        )
        return sql, params

    def _inserted_lately(self) -> _Known:
        """What the parts seen hold of the last seconds, so that their merge brings nothing up again."""
        known = _Known(floor=self._server_time() - START_OVERLAP_MS)
        sql = (
            "SELECT toUnixTimestamp64Milli(inserted_at), source_id, offset "  # noqa: S608 - values are bound
            f"FROM {self._source} WHERE ({self._condition.sql}) AND {_PARTS.format(name='tail_parts')} "
            "AND inserted_at >= fromUnixTimestamp64Milli({tail_floor:Int64})"
        )
        params = {
            **self._condition.params,
            "tail_parts": ",".join(sorted(self._seen)),
            "tail_floor": known.floor,
        }
        for row in self._store.stream(sql, params):
            known.add(*row)
        known.forget()
        return known

    def _server_time(self) -> int:
        return int(self._store.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0])


def _place(record: Record) -> tuple[int, int, int, int]:
    return record.inserted_ms, record.timestamp_ns, record.source_id, record.offset


def _is_unmerged(part: str) -> bool:
    """A part is called `partition_first_last_level`, an insert is level 0; a mutation appends a number."""
    numbers = part.split("_")
    return len(numbers) == 4 and numbers[3] == "0"
