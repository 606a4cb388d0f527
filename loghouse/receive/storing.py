"""Rows into the ingest table; an insert that ClickHouse has acknowledged is on its disk."""

from __future__ import annotations

import threading
from typing import Any

from loghouse.config import StoreUrl
from loghouse.receive.intake import Row
from loghouse.spool.delivery import TABLE
from loghouse.spool.rows import COLUMNS
from loghouse.store.client import Store

INSERT_TIMEOUT = 50.0  # seconds; less than senders wait


class StoreSink:
    """Inserts each commit at once, in the thread that commits."""

    def __init__(self, url: StoreUrl, node: str) -> None:
        self._store = Store(url, read_timeout=INSERT_TIMEOUT)
        self._node = node
        self._lock = threading.Lock()

    def commit(self, id: str, rows: list[Row]) -> None:
        """Store the rows under the deduplication token `id`. Raises `StoreError`."""
        settings = {
            "async_insert": 0,
            "insert_deduplicate": 1,
            "insert_deduplication_token": id,
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            "max_partitions_per_insert_block": 0,
            "materialize_skip_indexes_on_insert": 0,
        }
        with self._lock:
            self._store.insert(TABLE, COLUMNS, columns(rows, self._node), settings)

    def close(self) -> None:
        with self._lock:
            self._store.close()


def columns(rows: list[Row], node: str) -> list[list[Any]]:
    """The rows column by column, in the order of the shipper's `COLUMNS`."""
    streams = [row.piece.stream for row in rows]
    return [
        [row.source for row in rows],
        [row.offset for row in rows],
        [0] * len(rows),
        [row.piece.wrapper.encode() for row in rows],
        [_text(stream.namespace) for stream in streams],
        [_text(stream.pod) for stream in streams],
        [_text(stream.container) for stream in streams],
        [_text(stream.node or node) for stream in streams],
        [_text(stream.workload) for stream in streams],
        [_text(stream.pod_uid) for stream in streams],
        [0] * len(rows),
        [{_text(key): _text(value) for key, value in stream.labels} for stream in streams],
        [row.piece.data for row in rows],
    ]


def _text(value: str) -> bytes:
    return value.encode(errors="replace")
