"""What a query would read, asked of ClickHouse before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loghouse.record import SECOND_LOOK
from loghouse.store.client import Store


@dataclass(frozen=True, slots=True)
class Cost:
    """An upper bound: `size` is bytes on disk, all columns of the parts' granules counted."""

    parts: int
    rows: int
    size: int


def estimate(store: Store, sql: str, params: Mapping[str, Any]) -> Cost:
    """What the query would read at most; nothing for tables whose parts other servers hold."""
    parts = rows = size = 0
    tables = store.rows(f"EXPLAIN ESTIMATE {sql}", looking_once(params))
    for database, table, each_parts, each_rows, _ in tables:
        stored, total = table_size(store, table, database)
        parts, rows = parts + each_parts, rows + each_rows
        size += stored * each_rows // total if total else 0
    return Cost(parts, rows, size)


def looking_once(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a query with which it reads no record twice."""
    return {**params, SECOND_LOOK: 0} if SECOND_LOOK in params else params


def table_size(store: Store, table: str = "logs", database: str | None = None) -> tuple[int, int]:
    """Compressed bytes and rows of a table."""
    rows = store.rows(
        "SELECT sum(data_compressed_bytes), sum(rows) FROM system.parts "
        "WHERE database = if({database:String} = '', currentDatabase(), {database:String}) "
        "AND table = {table:String} AND active",
        {"database": database or "", "table": table},
    )
    return int(rows[0][0]), int(rows[0][1])
