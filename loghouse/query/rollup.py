"""The table `counts`, records per 15 seconds: read instead of them where only their number is asked for."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Sequence

from loghouse.query.params import Params
from loghouse.query.subjects.moment import within
from loghouse.query.timerange import SECOND, TimeRange

CELL = 15 * SECOND
COLUMNS = frozenset(("namespace", "workload", "container", "level"))
# What a function over records is over their counts.
_OF_COUNTS = (("count()", "sum(records)"), ("sum(length(raw))", "sum(bytes)"))


def counts_cells(step: int, shift: int) -> bool:
    """Whether buckets of this length, begun that much earlier, are made of whole cells."""
    return step % CELL == 0 and shift % CELL == 0


def over_counts(function: str) -> str:
    """The SQL of a function over records, `count()` or `sum(length(raw))`, for rows of `source`."""
    for of_records, of_counts in _OF_COUNTS:
        function = function.replace(of_records, of_counts)
    return function


def source(window: TimeRange, conditions: Sequence[str], params: Params) -> str | None:
    """Rows with `timestamp`, `records`, `bytes` and the columns above; None when there is no whole cell.

    Whole cells come from `counts`, what the window has before and after them from the records themselves.
    """
    inside = TimeRange(-(-window.start // CELL) * CELL, window.end // CELL * CELL)
    if inside.start >= inside.end:
        return None
    where = "".join(f" AND {condition}" for condition in conditions)
    columns = ", ".join(sorted(COLUMNS))
    start, end = (params.integer(moment // SECOND) for moment in (inside.start, inside.end))
    parts = [
        f"SELECT toDateTime64(time, 9, 'UTC') AS timestamp, {columns}, records, bytes FROM counts "
        f"WHERE time >= toDateTime({start}, 'UTC') AND time < toDateTime({end}, 'UTC'){where}"
    ]
    for edge in (TimeRange(window.start, inside.start), TimeRange(inside.end, window.end)):
        if edge.start < edge.end:
            parts.append(
                f"SELECT timestamp, {columns}, toUInt64(1) AS records, toUInt64(length(raw)) AS bytes "
                f"FROM logs WHERE {within('timestamp', edge, params)}{where}"
            )
    return f"({' UNION ALL '.join(parts)})"
