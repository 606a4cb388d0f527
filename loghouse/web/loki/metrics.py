"""Metric queries: counts in small buckets from the store, put together into the sliding windows of LogQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd

from loghouse.errors import UsageError
from loghouse.query import Filter, Query, TimeRange, compile
from loghouse.query.ast import Key
from loghouse.query.stages.functions import Call as Function
from loghouse.query.stages.grouping import Group
from loghouse.query.stages.stats import Stats
from loghouse.query.timerange import SECOND
from loghouse.render.template import as_text
from loghouse.store.client import Store
from loghouse.web.loki.labels import COLUMNS, Names
from loghouse.web.loki.logql import Aggregation, Constant, Metric, Range

MOST_POINTS = 11_000  # of a series, as in Loki
MOST_SERIES = 500
MILLISECOND = 1_000_000

Labels = tuple[tuple[str, str], ...]
Series = Mapping[Labels, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Grid:
    """The moments for which values are asked, in nanoseconds, end inclusive."""

    start: int
    end: int
    step: int

    @property
    def moments(self) -> Sequence[int]:
        """All of them."""
        return range(self.start, self.end + 1, self.step)

    def checked(self) -> Grid:
        """The same; raises `UsageError` for one that cannot be drawn."""
        if self.step <= 0 or self.end < self.start:
            raise UsageError("the step or the time range is empty", "Give start < end and a step")
        if (self.end - self.start) // self.step >= MOST_POINTS:
            raise UsageError(f"more than {MOST_POINTS} points in a series", "Take a longer step")
        return self


@dataclass(frozen=True, slots=True)
class Reader:
    """How the store is asked for one person."""

    store: Store
    names: Names
    scope: Filter | None
    table: str
    now_ns: int

    def series(self, metric: Metric, grid: Grid) -> Series:
        """The series of a metric query over the grid; None where there is nothing."""
        match metric:
            case Constant():
                return {(): [metric.value] * len(grid.moments)}
            case Range():
                return self._range(metric, grid, COLUMNS)
            case Aggregation():
                return self._aggregated(metric, grid)

    def _aggregated(self, metric: Aggregation, grid: Grid) -> Series:
        inner = metric.inner
        if isinstance(inner, Range) and metric.name == "sum":
            # Counted by these labels alone, often from the counts per 15 seconds.
            return self._range(inner, grid, metric.by)
        if isinstance(inner, Range):
            labels = tuple(dict.fromkeys((*metric.by, *COLUMNS)))
            series = self._range(inner, grid, labels)
        else:
            series = self.series(inner, grid)
        if metric.name in ("topk", "bottomk"):
            return _ranked(series, metric.count, metric.name == "topk")
        return _folded(series, metric)

    def _range(self, metric: Range, grid: Grid, labels: Sequence[str]) -> Series:
        """For each moment t the lines of (t - range, t], out of buckets that fit both range and step."""
        bucket = _bucket(metric.range_ns, grid)
        first = (grid.start - metric.offset_ns - metric.range_ns) // bucket * bucket
        last = (grid.end - metric.offset_ns) // bucket * bucket
        counts = self._counts(metric, TimeRange(max(0, first), max(1, last)), bucket, labels)
        width = metric.range_ns // bucket
        per = metric.range_ns / SECOND if metric.function in ("rate", "bytes_rate") else 1
        ends = [(moment - metric.offset_ns) // bucket - first // bucket for moment in grid.moments]
        places = (last - first) // bucket
        found: dict[Labels, Sequence[float | None]] = {}
        for key, amounts in counts.items():
            sums = list(accumulate((amounts.get(first // bucket + n, 0) for n in range(places)), initial=0))
            found[key] = [(sums[end] - sums[max(0, end - width)]) / per or None for end in ends]
        return found

    def _counts(
        self, metric: Range, window: TimeRange, bucket: int, labels: Sequence[str]
    ) -> Mapping[Labels, Mapping[int, float]]:
        keys = [self.names.of_stream(name) for name in labels]
        function = "bytes" if metric.function.startswith("bytes") else "count"
        groups = (Group(Key("_time"), f"{bucket // MILLISECOND}ms"), *_distinct(keys))
        compiled = compile(
            Query(metric.lines.filter, (Stats((Function(function, name="amount"),), groups),)),
            window,
            table=self.table,
            scope=self.scope,
            now_ns=self.now_ns,
        )
        columns = [_distinct(keys).index(Group(key)) for key in keys]
        found: dict[Labels, dict[int, float]] = defaultdict(dict)
        for at, *values, amount in self.store.stream(compiled.sql, compiled.params, compiled.settings):
            texts = [as_text(values[column]) for column in columns]
            named = tuple((name, text) for name, text in zip(labels, texts, strict=True) if text)
            if named not in found and len(found) >= MOST_SERIES:
                raise UsageError(
                    f"more than {MOST_SERIES} series", "Group by fewer labels: sum by (namespace)"
                )
            found[named][at // bucket] = float(amount)
        return found


def _distinct(keys: Sequence[Key]) -> tuple[Group, ...]:
    """Two names may mean one column; it is grouped by once."""
    return tuple(dict.fromkeys(Group(key) for key in keys))


def _bucket(range_ns: int, grid: Grid) -> int:
    """The longest bucket that divides the range and the step, if that does not make too many."""
    bucket = gcd(range_ns, grid.step) // MILLISECOND * MILLISECOND
    if bucket == 0 or range_ns % bucket or grid.step % bucket:
        raise UsageError("ranges and steps are in milliseconds", "Write [5m] and a step of 1m")
    if (grid.end - grid.start + range_ns) // bucket > 20 * MOST_POINTS:
        raise UsageError("the range and the step fit each other badly", "Take a step that divides the range")
    return bucket


def _folded(series: Series, metric: Aggregation) -> Series:
    groups: dict[Labels, list[Sequence[float | None]]] = defaultdict(list)
    for labels, values in series.items():
        kept = dict(labels)
        groups[tuple((name, kept[name]) for name in metric.by if name in kept)].append(values)
    return {
        key: [_fold(metric.name, column) for column in zip(*rows, strict=True)]
        for key, rows in groups.items()
    }


def _fold(name: str, values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    if not present:
        return None
    match name:
        case "sum":
            return sum(present)
        case "avg":
            return sum(present) / len(present)
        case "min":
            return min(present)
        case "max":
            return max(present)
    return float(len(present))


def _ranked(series: Series, count: int, largest: bool) -> Series:
    """At each moment the series with the largest, or smallest, values there."""
    kept: dict[Labels, list[float | None]] = {
        labels: [None] * len(values) for labels, values in series.items()
    }
    for place in range(max(map(len, series.values()), default=0)):
        there = [(value, labels) for labels, values in series.items() if (value := values[place]) is not None]
        for value, labels in sorted(there, reverse=largest)[:count]:
            kept[labels][place] = value
    return {labels: values for labels, values in kept.items() if any(value is not None for value in values)}


def points(values: Sequence[float | None], grid: Grid) -> Iterator[tuple[float, str]]:
    """The points of a series as Loki writes them: seconds and a text."""
    for moment, value in zip(grid.moments, values, strict=True):
        if value is not None:
            yield moment / SECOND, f"{value:.15g}"
