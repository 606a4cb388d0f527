"""Rows of the ingest table, as all senders make them, and the columns that the store wants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

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

PACKET_BYTES = 2 << 20  # of row data in one block of an insert: what a sender holds in memory
PACKET_ROWS = 10_000


class Place(NamedTuple):
    """Where rows come from. Rows share it, so it is kept once a block. Names may hold lone surrogates."""

    wrapper: str = "plain"
    namespace: str = ""
    pod: str = ""
    container: str = ""
    node: str = ""
    workload: str = ""
    pod_uid: str = ""
    restart: int = 0
    labels: tuple[tuple[str, str], ...] = ()


Head = tuple[Place, int, int, int]  # of a row: all of it but its data


class Row(NamedTuple):
    """Whole lines of one file, or one joined record.

    `source` and `offset` name the file by its content and the place of the first byte in it. `span` is 0 when
    `data` is the bytes of the file as they are; else `data` is one record that stands for `span` bytes there.
    `data` ends with a line end.
    """

    place: Place
    source: int
    offset: int
    span: int
    data: bytes

    @property
    def lines(self) -> int:
        """How many records it holds."""
        return 1 if self.span else self.data.count(b"\n")


def packets(rows: Iterable[Row]) -> Iterator[list[Sequence[Any]]]:
    """The columns of the rows in blocks of a few MB; the same rows always give the same blocks."""
    gathered: list[Row] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += len(row.data)
        if size >= PACKET_BYTES or len(gathered) == PACKET_ROWS:
            yield _columns_of(gathered)
            gathered, size = [], 0
    if gathered:
        yield _columns_of(gathered)


def columns(heads: Sequence[Head], data: Sequence[bytes]) -> list[Sequence[Any]]:
    """Rows column by column, in the order of `COLUMNS`; strings are bytes for the driver."""
    encoded = {place: _encoded(place) for place in {head[0] for head in heads}}
    places = [encoded[head[0]] for head in heads]
    return [
        [source for _, source, _, _ in heads],
        [offset for _, _, offset, _ in heads],
        [span for _, _, _, span in heads],
        *([place[index] for place in places] for index in range(len(Place._fields))),
        data,
    ]


def _columns_of(rows: Sequence[Row]) -> list[Sequence[Any]]:
    return columns([row[:4] for row in rows], [row.data for row in rows])


def _encoded(place: Place) -> tuple[Any, ...]:
    *names, restart, labels = place
    return (*map(_bytes, names), restart, {_bytes(key): _bytes(value) for key, value in labels})


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogateescape")
