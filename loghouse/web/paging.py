"""Records page by page, both ways and without a gap: a cursor is a time and how many of it are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from loghouse.errors import UsageError
from loghouse.query import Filter, TimeRange, compile, filter_sql
from loghouse.query.relation import Order
from loghouse.query.sql import narrowed
from loghouse.query.stages.cut import Offset
from loghouse.query.timerange import LAST, MINUTE, SECOND
from loghouse.record import Record
from loghouse.store.client import Store
from loghouse.store.records import records_of
from loghouse.web.parameters import Selected

PAGE_BYTES = 24 << 20  # of records in one page; what does not fit comes with the next
BLOCK_ROWS = 512
FIRST_PART = MINUTE
GROWTH = 16

_CURSOR = re.compile(r"(\d{1,19})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last record that is known: its time, and how many records of that time are known."""

    timestamp_ns: int
    known: int

    def __str__(self) -> str:
        return f"{self.timestamp_ns}.{self.known}"


@dataclass(frozen=True, slots=True)
class Page:
    """Records in the order that was asked for; `following` finds the next, None when there are none."""

    records: Sequence[Record]
    following: Cursor | None


def read_cursor(text: str) -> Cursor | None:
    """A cursor as it was given out; None for ''."""
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[1]) > LAST:
        raise UsageError(f'"{text[:100]}" is not a cursor', "Take it from the answer before")
    return Cursor(int(found[1]), int(found[2]))


def fetch(store: Store, selected: Selected, limit: int, order: Order, cursor: Cursor | None = None) -> Page:
    """At most `limit` records from the newest or the oldest on, or from the cursor on."""
    query = selected.query
    window = narrowed(query.filter, selected.window, selected.now_ns, selected.zone)
    known = 0
    if cursor is not None:
        reached = TimeRange(0, cursor.timestamp_ns + 1), TimeRange(cursor.timestamp_ns, LAST)
        window, known = window.intersect(reached[order == "oldest"]), cursor.known
    else:
        window = window.intersect(_written(store, selected.scope, selected.now_ns))
    records: list[Record] = []
    size = 0
    for part in _parts(window, order):
        if known:
            # The records of the cursor's moment that are known lie in the first part.
            query = replace(selected.query, stages=(*selected.query.stages, Offset(known)))
        wanted = replace(selected, query=query, window=part)
        for record in _records(store, wanted, limit + 1 - len(records), order):
            if len(records) == limit or (records and size > PAGE_BYTES):
                return Page(records, _after(records, cursor))
            records.append(record)
            size += len(record.raw)
        query, known = selected.query, 0
    return Page(records, None)


def _records(store: Store, selected: Selected, limit: int, order: Order) -> Iterator[Record]:
    compiled = compile(
        selected.query,
        selected.window,
        table=selected.table,
        scope=selected.scope,
        limit=limit,
        order=order,
        now_ns=selected.now_ns,
        zone=selected.zone,
    )
    settings = {**compiled.settings, "max_block_size": BLOCK_ROWS}
    with closing(store.blocks(compiled.sql, compiled.params, settings)) as blocks:
        for block in blocks:
            if block:
                yield from records_of(block)


def _parts(window: TimeRange, order: Order) -> Iterator[TimeRange]:
    """The window in growing parts from the end where the page begins.

    A page is mostly filled by the first of them, and a part costs what lies in it: of ten million records of
    an hour the newest 200 take a sixth of the time that a look at the whole hour takes.
    """
    length = FIRST_PART
    while window.start < window.end:
        if order == "newest":
            part = TimeRange(max(window.start, window.end - length), window.end)
            window = TimeRange(window.start, part.start)
        else:
            part = TimeRange(window.start, min(window.end, window.start + length))
            window = TimeRange(part.end, window.end)
        yield part
        length *= GROWTH


def _written(store: Store, scope: Filter | None, now_ns: int) -> TimeRange:
    """From the oldest to the newest record of the namespaces; a small table knows."""
    where, params = filter_sql(scope, now_ns=now_ns) if scope is not None else ("1", {})
    sql = "SELECT toUnixTimestamp(min(first_seen)), toUnixTimestamp(max(last_seen)) FROM streams"
    ((first, last),) = store.rows(f"{sql} WHERE {where}", params)  # made of bound values
    return TimeRange(first * SECOND, (last + 1) * SECOND) if last else TimeRange(0, 0)


def _after(records: Sequence[Record], before: Cursor | None) -> Cursor:
    last = records[-1].timestamp_ns
    known = sum(record.timestamp_ns == last for record in records)
    if before is not None and before.timestamp_ns == last:
        known += before.known
    return Cursor(last, known)
