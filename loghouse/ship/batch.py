"""Blocks of the ingest table, bounded in bytes and rows.

Each has its own id, so that a repeated insert is stored once.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from loghouse.ship.offsets import Position, Waits
from loghouse.ship.paths import Origin

MAX_BYTES = 24 << 20
MIN_BYTES = 4 << 20
BYTES_PER_FILE = 2 << 10  # with many files their state takes the memory, so batches have to be smaller
MAX_ROWS = 20_000

COLUMNS = (
    "source_id",
    "offset",
    "span",
    "wrapper",
    "namespace",
    "pod",
    "container",
    "node",
    "workload",
    "pod_uid",
    "restart",
    "labels",
    "data",
)


class Row(NamedTuple):
    """A row of the ingest table, see docs/plan.md."""

    origin: Origin
    wrapper: str
    source: int
    offset: int
    span: int
    data: bytes


@dataclass(slots=True)
class Batch:
    """Rows that are stored together, and the positions that hold once they are."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    rows: list[Row] = field(default_factory=list)
    size: int = 0
    positions: dict[int, Position] = field(default_factory=dict)
    waits: dict[str, Waits] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        self.size += len(row.data)

    def full(self, files: int) -> bool:
        """Whether it should go out, when so many files are followed."""
        limit = max(MAX_BYTES - BYTES_PER_FILE * files, min(MIN_BYTES, MAX_BYTES))
        return self.size >= limit or len(self.rows) >= MAX_ROWS

    @property
    def empty(self) -> bool:
        return not (self.rows or self.positions or self.waits)

    def columns(self, node: str) -> list[list[Any]]:
        """The rows column by column, in the order of `COLUMNS`; strings are bytes for the driver."""
        rows = self.rows
        origins = [row.origin for row in rows]
        return [
            [row.source for row in rows],
            [row.offset for row in rows],
            [row.span for row in rows],
            [row.wrapper.encode() for row in rows],
            [_text(origin.namespace) for origin in origins],
            [_text(origin.pod) for origin in origins],
            [_text(origin.container) for origin in origins],
            [_text(node)] * len(rows),
            [_text(origin.workload) for origin in origins],
            [_text(origin.pod_uid) for origin in origins],
            [origin.restart for origin in origins],
            [{} for _ in rows],
            [row.data for row in rows],
        ]


def _text(name: str) -> bytes:
    return name.encode(errors="surrogateescape")
