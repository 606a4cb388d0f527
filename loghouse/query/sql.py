"""Compiles a query: one SELECT, its bound values, and what its rows are."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from functools import partial
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from loghouse.query.ast import And, Compare, During, Filter, Range, Span
from loghouse.query.columns import column_of
from loghouse.query.conditions import condition
from loghouse.query.params import Params, Scalar
from loghouse.query.parser import Query
from loghouse.query.records import Records
from loghouse.query.relation import Context, Kind, Order, Shown
from loghouse.query.stages.stage import ComparingStage, SurroundingStage
from loghouse.query.subjects.moment import instant, period_of, within
from loghouse.query.table import Rows
from loghouse.query.timerange import LAST, TimeRange
from loghouse.record import COLUMNS

MAX_VALUES = 1900  # a value travels as a setting of the statement, and the embedded store takes 2000 of them

_SETTINGS: Mapping[str, int] = {
    # ClickHouse reads a query of at most 256 KB unless told otherwise; a long filter is longer.
    "max_query_size": 16_777_216,
    # It skips what cannot be among the newest only up to a limit of 1000, and `logq` asks for 1001.
    "query_plan_max_limit_for_top_k_optimization": 100_000,
    # What was unpacked for a search is kept for the next one, where the server has room for that.
    "use_uncompressed_cache": 1,
    # What follows from pairs of comparisons: nothing here, for a third of the time to plan `patterns`.
    "optimize_and_compare_chain": 0,
}
_OF_TABLES: Mapping[str, int] = {
    **_SETTINGS,
    # It reads 1 MB at a time, 2,000 long records, so that the newest few are found early. Who counts all is a
    # tenth faster with larger blocks: each block goes through each function.
    "preferred_block_size_bytes": 16_777_216,
}


class Compiled(Struct, frozen=True):
    """A query that ClickHouse can run.

    `kind` "records": the columns are those of `Record`, in order, and `shown` says which fields the reader
    asked for. `kind` "table": the columns are the last stage's, of the `kinds` beside them; times are
    nanoseconds.
    """

    sql: str
    params: Mapping[str, Scalar]
    columns: tuple[str, ...]
    kind: Literal["records", "table"]
    kinds: tuple[Kind, ...] = ()
    shown: Shown = Shown()
    newest_first: bool = True  # of records: nothing in the query asked for another order than that of time
    made: tuple[str, ...] = ()  # of records: the names of fields that stages made
    raw_sql: str = ""  # of records: the same rows, the column `raw` alone
    settings: Mapping[str, int] = field(default_factory=lambda: dict(_SETTINGS))

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The fields the reader asked for, None if all."""
        return self.shown.fields


def compile(
    query: Query,
    window: TimeRange,
    *,
    table: str = "logs",
    scope: Filter | None = None,
    limit: int | None = None,
    order: Order = "newest",
    now_ns: int,
    zone: tzinfo = UTC,
    strings: bool = True,
) -> Compiled:
    """The SQL of a query over a window of time.

    `table` is a name from our own code. `scope` is a filter outside of the query's own, such as the
    namespaces somebody may read: nothing the query says can widen it. `limit` caps what comes out.
    Without `strings` that column of the records is empty, unless the query asks for fields: to plan how it is
    taken out of a dozen formats takes longer than many queries.
    """
    params = Params()
    window = narrowed(query.filter, window, now_ns, zone)
    context = Context(params, window, now_ns, zone, order, table, scope)
    rows = _rows(query, context, len(query.stages))
    if limit is not None:
        rows = rows.limited(limit)
    if len(params.values) > MAX_VALUES:
        raise Span(query.text, 0, len(query.text)).error(
            f"the query has {len(params.values)} values, at most {MAX_VALUES} can be sent",
            "Ask in several queries",
        )
    if isinstance(rows, Records):
        return Compiled(
            rows.select(strings or rows.shown.fields is not None),
            params.values,
            tuple(COLUMNS),
            "records",
            shown=rows.shown,
            newest_first=rows.newest_first,
            made=rows.made.names(),
            raw_sql=rows.select_raw(),
        )
    names = tuple(column.name for column in rows.columns)
    return Compiled(
        rows.select(),
        params.values,
        names,
        "table",
        tuple(column.kind for column in rows.columns),
        settings=_OF_TABLES,
    )


def filter_sql(
    node: Filter, *, now_ns: int, zone: tzinfo = UTC, prefix: str = "p"
) -> tuple[str, Mapping[str, Scalar]]:
    """One condition on rows of `logs` and its bound values, whose names start with `prefix`."""
    params = Params(prefix)
    context = Context(params, TimeRange(0, LAST), now_ns, zone)
    return condition(node, Records("logs", context).subject), params.values


def _rows(query: Query, context: Context, count: int) -> Rows:
    """What is left after the filter and the first stages."""
    within_window = within("timestamp", context.window, context.params)
    counted = () if context.table == "logs" else None
    rows: Rows = Records(context.table, context, (within_window,), counted=counted)
    for part in (context.scope, query.filter):
        if part is not None:
            rows = rows.where(part)
    for place, stage in enumerate(query.stages[:count]):
        if isinstance(stage, ComparingStage):
            rows = stage.compared(rows, partial(_earlier, query, context, place))
        elif isinstance(stage, SurroundingStage):
            rows = stage.surrounded(rows, query.stages[:place])
        else:
            rows = stage.apply(rows)
    return rows


def _earlier(query: Query, context: Context, count: int, shift: int) -> Rows:
    start, end = max(0, context.window.start - shift), max(0, context.window.end - shift)
    moved = replace(context, window=TimeRange(start, end), shift=context.shift + shift)
    return _rows(query, moved, count)


def narrowed(node: Filter | None, window: TimeRange, now_ns: int, zone: tzinfo = UTC) -> TimeRange:
    """The window cut to the times that the filter asks for at its top: `_time:5m error`."""
    match node:
        case And():
            for item in node.items:
                window = narrowed(item, window, now_ns, zone)
        case During():
            return window.intersect(period_of(node.period, now_ns, zone))
        case Range() if column_of(node.key) == "timestamp":
            # An end that is included, or a start that is not, is a nanosecond away.
            low = instant(node.low, now_ns, zone) + (not node.with_low) if node.low else 0
            high = instant(node.high, now_ns, zone) + node.with_high if node.high else LAST
            return window.intersect(TimeRange(low, high))
        case Compare() if column_of(node.key) == "timestamp":
            return window.intersect(_compared(node, now_ns, zone))
    return window


def _compared(node: Compare, now_ns: int, zone: tzinfo) -> TimeRange:
    match node.op:
        case ">" | ">=":
            return TimeRange(instant(node.value, now_ns, zone) + (node.op == ">"), LAST)
        case "<" | "<=":
            return TimeRange(0, instant(node.value, now_ns, zone) + (node.op == "<="))
        case "=" | "==":
            return period_of(node.value, now_ns, zone)
    return TimeRange(0, LAST)
