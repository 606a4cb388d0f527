"""What rules ask of the store: counts of records by group, never the records themselves.

A group is the texts of the fields that a rule groups by; without any there is one, `()`. The work and the
memory of a query are bounded: 10 million matching records are counted by the store, a few rows come back.
"""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, TypeAlias

from loghouse.query import Query, TimeRange, compile, parse
from loghouse.query.timerange import SECOND
from loghouse.render.escapes import decoded
from loghouse.store.client import Store

Group: TypeAlias = tuple[str, ...]
Counts: TypeAlias = Mapping[Group, float]

MAX_GROUPS = 2000  # rows of one answer for each bucket of time; further groups are not counted, but told
_BUCKETS = 500  # of time in one query
_FEW = 4  # ranges that are asked for one by one, which reads the rollup and no more than needed
_SETTINGS: Mapping[str, Any] = {
    "max_execution_time": 60,
    "max_memory_usage": 2_000_000_000,
    "group_by_overflow_mode": "any",
}


@dataclass(slots=True)
class Counting:
    """The questions of one rule; `overflowed` says that there were more groups than are counted."""

    store: Store
    by: Sequence[str] = ()
    overflowed: bool = field(default=False)

    def totals(self, query: Query, ranges: Sequence[TimeRange]) -> list[Counts]:
        """How many records each group has in each range."""
        if len(ranges) <= _FEW:
            return [self._grouped(query, each, "count()") for each in ranges]
        return self._bucketed(query, ranges)

    def uniques(self, query: Query, name: str, ranges: Sequence[TimeRange]) -> list[Counts]:
        """How many values of a field each group has in each range, about."""
        return [self._grouped(query, each, f"count_uniq({name})") for each in ranges]

    def sightings(self, query: Query, name: str, range_: TimeRange) -> Iterator[tuple[Group, str, int, int]]:
        """The values of a field in a range: group, value, when first and last seen."""
        if name == "pattern":
            stages = "| patterns | fields pattern, first_seen, last_seen"
            for value, first, last in self.rows(query, stages, range_):
                yield (), _text(value), int(first), int(last)
            return
        by = ", ".join([*self.by, name])
        for *group, value, first, last in self.rows(
            query, f"| stats min(_time) as first_one, max(_time) as last_one by {by}", range_
        ):
            if value != "":
                yield tuple(map(_text, group)), _text(value), int(first), int(last)

    def rows(
        self,
        query: Query,
        stages: str,
        range_: TimeRange,
        limit: int | None = None,
        most: int = MAX_GROUPS,
    ) -> list[Any]:
        """The rows of a query with these stages added; `stages` are LQL of ours and of the rule file.

        `limit` cuts what comes out, `most` what is counted.
        """
        added = parse(stages).stages
        whole = Query(query.filter, (*query.stages, *added), query.text)
        compiled = compile(whole, range_, now_ns=range_.end, limit=limit)
        settings = {**compiled.settings, **_SETTINGS, "max_rows_to_group_by": most}
        rows = self.store.rows(compiled.sql, compiled.params, settings)
        self.overflowed = self.overflowed or len(rows) >= most
        return rows

    def _grouped(self, query: Query, range_: TimeRange, figure: str) -> Counts:
        by = f" by {', '.join(self.by)}" if self.by else ""
        rows = self.rows(query, f"| stats {figure} as figure_0{by}", range_)
        found: dict[Group, float] = defaultdict(float)
        for *group, number in rows:
            found[tuple(map(_text, group))] += float(number or 0)
        return {group: number for group, number in found.items() if number}

    def _bucketed(self, query: Query, ranges: Sequence[TimeRange]) -> list[Counts]:
        """Many ranges at once: counts of buckets that all ranges are made of, then sums of them."""
        step = math.gcd(*(edge for each in ranges for edge in (each.start, each.end)))
        whole = TimeRange(min(each.start for each in ranges), max(each.end for each in ranges))
        times: dict[Group, list[int]] = defaultdict(list)
        numbers: dict[Group, list[float]] = defaultdict(list)
        by = "".join(f", {name}" for name in self.by)
        for piece in _pieces(whole, step):
            stages = f"| stats count() as figure_0 by _time:{step}ns{by}"
            for time, *group, number in self.rows(query, stages, piece, most=_BUCKETS * MAX_GROUPS):
                key = tuple(map(_text, group))
                times[key].append(int(time))
                numbers[key].append(float(number))
        answers: list[dict[Group, float]] = [{} for _ in ranges]
        for key, starts in times.items():
            sums = [0.0, *accumulate(numbers[key])]
            for answer, each in zip(answers, ranges, strict=True):
                low, high = (bisect.bisect_left(starts, edge) for edge in (each.start, each.end))
                if sums[high] > sums[low]:
                    answer[key] = sums[high] - sums[low]
        return list(answers)


def _pieces(whole: TimeRange, step: int) -> Iterator[TimeRange]:
    """A range in parts of so many buckets."""
    size = step * _BUCKETS
    start = whole.start
    while start < whole.end:
        yield TimeRange(start, min(start + size, whole.end))
        start += size


def _text(value: Any) -> str:
    return value if isinstance(value, str) else decoded(value) if isinstance(value, bytes) else str(value)


def slice_of(range_: TimeRange, count: float, wanted: int) -> TimeRange:
    """The newest part of a range that holds about so many records, if they come evenly."""
    length = range_.end - range_.start
    part = length if count <= wanted else max(SECOND, int(length * wanted / count))
    return TimeRange(max(range_.start, range_.end - part), range_.end)
