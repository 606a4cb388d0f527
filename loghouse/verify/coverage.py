"""Gaps and doubles in what the store holds of each file, by hour; the store does the work.

A row stands for `length` bytes of a file (a stream that a receiver takes counts bytes in the same way) from
`offset` on. The parts of a joined record and the lines of an event may lie around rows of the other stream,
so rows may overlap; but in one file, ordered by offset, the rows before a place stand for at least the bytes
before it. Two rows with one offset are one line stored twice. What rules of the shipper dropped is in
the store as records that stand for those bytes, so it is no gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from loghouse.filters.dropped import CONTAINER, NAMESPACE
from loghouse.query import TimeRange

SECOND = 1_000_000_000
QUANTILES = (0.5, 0.9, 0.99)

_WITHIN = (
    "inserted_at >= fromUnixTimestamp64Nano({start:Int64}) "
    "AND inserted_at < fromUnixTimestamp64Nano({end:Int64})"
)

_FILES = """
SELECT
    toStartOfHour(inserted_at) AS hour, namespace, pod, container, source_id,
    count() AS records,
    sum(length) AS bytes,
    countIf(again) AS doubles,
    countIf(hole > 0) AS gaps,
    sum(hole) AS missing,
    minIf(offset - hole, hole > 0) AS first_gap,
    minIf(offset, again) AS first_double
FROM
(
    SELECT
        *,
        max(lacking) OVER (by_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS lacked,
        toUInt64(greatest(0, lacking - greatest(0, lacked))) AS hole
    FROM
    (
        SELECT
            *,
            sum(if(again, 0, length))
                OVER (by_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
            min(offset) OVER (PARTITION BY source_id) AS base,
            toInt64(offset - base) - toInt64(before) AS lacking
        FROM
        (
            SELECT
                inserted_at, namespace, pod, container, source_id, offset, length,
                lagInFrame(offset, 1, 18446744073709551615) OVER by_offset = offset AS again
            FROM logs
            WHERE {within} AND length > 0
            WINDOW by_offset AS (PARTITION BY source_id ORDER BY offset, inserted_at)
        )
        WINDOW by_offset AS (PARTITION BY source_id ORDER BY offset, inserted_at)
    )
    WINDOW by_offset AS (PARTITION BY source_id ORDER BY offset, inserted_at)
)
GROUP BY hour, namespace, pod, container, source_id
HAVING doubles > 0 OR gaps > 0 OR {all:UInt8}
ORDER BY doubles > 0 OR gaps > 0 DESC, hour, namespace, pod, container, source_id
LIMIT {limit:UInt32}
"""

_WHOLE = """
SELECT
    count(), uniqExact(source_id), countIf(length = 0),
    quantilesTDigest(0.5, 0.9, 0.99)(greatest(0, toFloat64(inserted_at) - toFloat64(timestamp)))
FROM logs
WHERE {within}
"""

_DROPPED = """
SELECT
    JSONExtractString(raw, 'rule') AS rule,
    sum(JSONExtractUInt(raw, 'lines')) AS lines,
    sum(JSONExtractUInt(raw, 'bytes')) AS bytes
FROM logs
WHERE {within} AND namespace = {namespace:String} AND container = {container:String}
GROUP BY rule
ORDER BY rule
"""


class Rows(Protocol):
    """What this needs of `loghouse.store.client.Store`."""

    def rows(
        self, sql: str, params: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The rows of a query."""


@dataclass(frozen=True, slots=True)
class FileHour:
    """What was stored of one file in one hour. Offsets are None where there is nothing to show."""

    hour: str
    namespace: str
    pod: str
    container: str
    source: int
    records: int
    bytes: int
    doubles: int
    gaps: int
    missing: int  # bytes
    first_gap: int | None
    first_double: int | None

    @property
    def sound(self) -> bool:
        return not self.doubles and not self.gaps


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a rule of the shippers dropped on purpose; no gap."""

    rule: str
    lines: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The answer: the files that are not sound (or all), and figures of everything that was looked at."""

    files: Sequence[FileHour]
    records: int
    sources: int
    unplaced: int  # records without a place in a file, which nothing can be said of
    delays: Mapping[float, float]  # seconds from the record's time to its storing, by quantile
    cut: bool  # there are more files than were asked for
    dropped: Sequence[Dropped] = ()

    @property
    def sound(self) -> bool:
        return all(file.sound for file in self.files)


def coverage(store: Rows, window: TimeRange, everything: bool = False, limit: int = 1000) -> Coverage:
    """Look at what was stored in a window of time. `everything` lists the sound files too, up to `limit`."""
    params = {"start": window.start, "end": window.end}
    asked = {**params, "all": int(everything), "limit": limit + 1}
    settings = {"max_bytes_before_external_sort": 1 << 30}
    marked = {**params, "namespace": NAMESPACE, "container": CONTAINER}
    rows = store.rows(_FILES.replace("{within}", _WITHIN), asked, settings)
    files = [_file_hour(row) for row in rows]
    ((records, sources, unplaced, delays),) = store.rows(_WHOLE.replace("{within}", _WITHIN), params)
    return Coverage(
        files[:limit],
        records,
        sources,
        unplaced,
        dict(zip(QUANTILES, delays, strict=True)) if records else {},
        len(files) > limit,
        [Dropped(*row) for row in store.rows(_DROPPED.replace("{within}", _WITHIN), marked)],
    )


def _file_hour(row: tuple[Any, ...]) -> FileHour:
    hour, *names, source, records, size, doubles, gaps, missing, first_gap, first_double = row
    namespace, pod, container = (str(name) for name in names)
    return FileHour(
        f"{hour:%Y-%m-%d %H:00}",
        namespace,
        pod,
        container,
        source,
        records,
        size,
        doubles,
        gaps,
        missing,
        first_gap if gaps else None,
        first_double if doubles else None,
    )
