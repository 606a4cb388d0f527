"""Records page by page, both ways and without a gap: a cursor is a time and how many of it are known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from loghouse.errors import UsageError
from loghouse.query import TimeRange, compile
from loghouse.query.relation import Order
from loghouse.query.stages.cut import Offset
from loghouse.query.timerange import LAST
from loghouse.record import Record
from loghouse.store.client import Store
from loghouse.store.records import records_of
from loghouse.web.parameters import Selected

PAGE_BYTES = 24 << 20  # of records in one page; what does not fit comes with the next
BLOCK_ROWS = 512

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
    query, window = selected.query, selected.window
    if cursor is not None:
        query = replace(query, stages=(*query.stages, Offset(cursor.known)))
        window = window.intersect(
            TimeRange(0, cursor.timestamp_ns + 1)
            if order == "newest"
            else TimeRange(cursor.timestamp_ns, LAST)
        )
    compiled = compile(
        query,
        window,
        table=selected.table,
        scope=selected.scope,
        limit=limit + 1,
        order=order,
        now_ns=selected.now_ns,
        zone=selected.zone,
    )
    records: list[Record] = []
    size = 0
    with closing(
        store.blocks(compiled.sql, compiled.params, {**compiled.settings, "max_block_size": BLOCK_ROWS})
    ) as blocks:
        for block in blocks:
            if not block:
                continue
            for record in records_of(block):
                if len(records) == limit or (records and size > PAGE_BYTES):
                    return Page(records, _after(records, cursor))
                records.append(record)
                size += len(record.raw)
    return Page(records, None)


def _after(records: Sequence[Record], before: Cursor | None) -> Cursor:
    last = records[-1].timestamp_ns
    known = sum(record.timestamp_ns == last for record in records)
    if before is not None and before.timestamp_ns == last:
        known += before.known
    return Cursor(last, known)
