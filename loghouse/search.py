"""From a query to rows: what `logq` and the web page print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from loghouse.query import Compiled, Filter, Order, Query, TimeRange, compile, is_live
from loghouse.record import Record
from loghouse.store.client import Columns, Store
from loghouse.store.records import records_of

PAGE_ROWS = 8192
# Above this a sort of everything goes to the disk of the server instead of its memory.
SORT_MEMORY = 500_000_000
OLDER_SECONDS = 2  # how long to look for older records when there are none in the window


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody asks for. `limit` None is all records; tables are never cut unless `limit_tables`."""

    query: Query
    window: TimeRange
    now_ns: int
    scope: Filter | None = None
    limit: int | None = None
    limit_tables: bool = False
    zone: tzinfo = UTC
    table: str = "logs"  # or a subquery of our own with its columns
    by_pod: bool = False  # all records: pod by pod, as the store has them, instead of in the order of time
    strings: bool = True  # False: nobody looks at the text fields of records, unless the query asks for some


@dataclass(slots=True)
class Found:
    """The answer to a search as it streams: iterate `records`, `raw` or `rows`, then look at the rest.

    Records come oldest first, unless the query sorts them or the search is `by_pod`.
    """

    store: Store
    search: Search
    compiled: Compiled
    streams: bool
    delivered: int = 0
    was_cut: bool = field(default=False)

    def records(self) -> Iterator[list[Record]]:
        """Pages of records."""
        return self._given_out(records_of(block) for block in self.blocks(self.compiled.sql))

    def raw(self) -> Iterator[list[bytes]]:
        """Pages of records as they were written; nothing else is read."""
        blocks = self.blocks(self.compiled.raw_sql, strings_as_bytes=True)
        return self._given_out(list(column) for (column,) in blocks)

    def rows(self) -> Iterator[list[Sequence[Any]]]:
        """Pages of rows of a table."""
        return self._given_out(list(zip(*block, strict=True)) for block in self.blocks(self.compiled.sql))

    def _given_out(self, pages: Iterator[list[Any]]) -> Iterator[list[Any]]:
        for page in pages:
            if page:
                yield page
                self.delivered += len(page)

    def blocks(self, sql: str, **settings: Any) -> Iterator[Columns]:
        """The blocks of an answer to the query's own SQL, or to another SELECT of the same rows.

        The store begins at once, before the first block is asked for.
        """
        settings = {**self.compiled.settings, **settings}
        if self.compiled.kind == "records":
            settings = {"max_block_size": PAGE_ROWS, **settings}
        if self.streams:
            settings["max_bytes_before_external_sort"] = SORT_MEMORY
        blocks = self.store.blocks(sql, self.compiled.params, settings)
        return blocks if self.compiled.kind == "table" or self.streams else self._turned(blocks)

    def _turned(self, answer: Iterator[Columns]) -> Iterator[Columns]:
        """Blocks that came newest first, cut to the limit and with the oldest first."""
        blocks = list(answer)
        limit = self.search.limit
        surplus = 0 if limit is None else max(0, sum(len(block[0]) for block in blocks) - limit)
        self.was_cut = surplus > 0
        if surplus:
            *full, last = blocks
            kept = len(last[0]) - surplus
            blocks = [*full, [column[:kept] for column in last]] if kept else full
        if not self.compiled.newest_first:
            yield from blocks
        else:
            yield from ([column[::-1] for column in block] for block in reversed(blocks))


def find(store: Store, search: Search) -> Found:
    """Compile a search; nothing is asked of the store before its rows are iterated."""
    streams = search.limit is None and is_live(search.query)
    everything: Order = "pods" if search.by_pod else "oldest"
    compiled = _compiled(search, None, everything if streams else "newest")
    if compiled.kind == "table":
        if search.limit_tables and search.limit is not None:
            compiled = _compiled(search, search.limit)
        return Found(store, search, compiled, streams=False)
    if search.limit is not None:
        compiled = _compiled(search, search.limit + 1)  # one more tells whether there are more
    return Found(store, search, compiled, streams)


def newest_before(store: Store, search: Search) -> int | None:
    """The time of the newest record before the window that would match, if it is found quickly."""
    if not is_live(search.query) or search.window.start <= 0:
        return None
    before = compile(
        search.query,
        TimeRange(0, search.window.start),
        table=search.table,
        scope=search.scope,
        limit=1,
        now_ns=search.now_ns,
        zone=search.zone,
    )
    settings = {
        **before.settings,
        "max_execution_time": OLDER_SECONDS,
        "timeout_overflow_mode": "break",
    }
    rows = store.rows(before.sql, before.params, settings)
    return int(rows[0][0]) if rows else None


def _compiled(search: Search, limit: int | None, order: Order = "newest") -> Compiled:
    return compile(
        search.query,
        search.window,
        table=search.table,
        scope=search.scope,
        limit=limit,
        order=order,
        now_ns=search.now_ns,
        zone=search.zone,
        strings=search.strings,
    )
