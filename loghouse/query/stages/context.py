"""`context`: the records around each hit."""

# ruff: noqa: S608 - every name in these texts is made here, and every value is bound

from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace

from loghouse.query.ast import And, Key, Placed, keys_of
from loghouse.query.columns import column_of
from loghouse.query.filters import FilterParser
from loghouse.query.records import Records, order_keys
from loghouse.query.relation import Expression, where_sql
from loghouse.query.stages.cut import row_count
from loghouse.query.stages.grouping import Group, duration
from loghouse.query.stages.sample import Sample
from loghouse.query.stages.stage import Stage
from loghouse.query.stages.unroll import Unroll
from loghouse.query.stages.where import Where
from loghouse.query.subjects.moment import within
from loghouse.query.table import Rows
from loghouse.query.timerange import HOUR, LAST, SECOND, TimeRange

HIT = "_hit"  # the field that marks the records that were searched for

MOST = 1000  # records before, and as many behind, each hit
MOST_HITS = 1000  # the newest ones
USUAL = 5
USUAL_WINDOW = "1h"

# What hits and neighbours have in common, as the table is sorted: it is found without a look at the rest.
_GROUPS = {
    "stream": ("namespace", "workload", "container", "pod"),
    "pod": ("namespace", "workload", "pod"),
    "node": ("node",),
}


class Context(Placed, frozen=True):
    """`context before 5 after 20 across node window 10m`."""

    live: ClassVar[bool] = False

    before: int = USUAL
    after: int = USUAL
    across: Key = Key("stream")
    window: str = USUAL_WINDOW

    def __str__(self) -> str:
        across = "" if self.across == Key("stream") else f" across {self.across}"
        window = "" if self.window == USUAL_WINDOW else f" window {self.window}"
        return f"context before {self.before} after {self.after}{across}{window}"

    def apply(self, rows: Rows) -> Rows:
        """As `surrounded` when nothing stands before."""
        return self.surrounded(rows, ())

    def surrounded(self, rows: Rows, before: Sequence[Stage]) -> Rows:
        """The hits and their neighbours in the order of time, each once; `_hit` is 1 in the hits.

        What earlier stages do to a record is done to its neighbours too: they are masked and have the fields.
        """
        if not isinstance(rows, Records):
            raise self.span.error(
                "context is about records, and this is a table", f"Put it before the stage: ... | {self}"
            )
        around = self._around(rows)
        group = self._group(around)
        mark = Expression(f"if((source_id, offset) IN {_identities(group)}, 1, NULL)", "number")
        reached = (
            "timestamp >= arrayMin(chosen).1",
            "timestamp <= arrayMax(chosen).1",
            "(timestamp, source_id, offset) IN (SELECT c.1, c.2, c.3 FROM (SELECT arrayJoin(chosen) AS c))",
        )
        # Scalar subqueries, by name: each is planned and run once, however often its value is used.
        given = f"WITH {self._found(rows, group)} AS found, {self._chosen(around, group)} AS chosen "
        found_rows: Rows = around.narrowed((*_who(group, "c"), *reached)).extended([(HIT, mark)], given)
        for stage in before:
            if stage.live and not isinstance(stage, (Where, Sample, Unroll)):
                found_rows = stage.apply(found_rows)
        assert isinstance(found_rows, Records)  # live stages leave records what they are
        return replace(found_rows, shown=found_rows.shown.also((HIT,)))

    def _found(self, rows: Records, group: tuple[str, ...]) -> str:
        """SQL: the newest hits, as tuples of what they have in common, time, source_id and offset."""
        hits = rows.limited(MOST_HITS)
        order = hits.order_by or order_keys(hits.context.order)
        columns = ", ".join((*group, "timestamp", "source_id", "offset"))
        places = f"SELECT ({columns}) AS place FROM {hits.tail_of_query(order)}"
        return f"(SELECT groupArray(place) FROM ({places}))"

    def _around(self, hits: Records) -> Records:
        """All records that may be shown: the filter does not choose among the neighbours, the scope does."""
        context, distance = hits.context, self.distance
        start, end = context.window.start - distance, context.window.end + distance
        covered = TimeRange(max(0, start), min(LAST, end))
        around = Records(
            context.table, context, (within("timestamp", covered, context.params),), shown=hits.shown
        )
        scope = context.scope
        for part in scope.items if isinstance(scope, And) else (scope,):
            # A level narrows what is searched for, not what stands around it.
            if part is not None and any(column_of(key) != "level" for key in keys_of(part)):
                around = around.where(part)
        return around

    def _group(self, around: Records) -> tuple[str, ...]:
        """SQL of what hits and neighbours have in common."""
        if self.across.kind == "plain" and self.across.name in _GROUPS:
            return _GROUPS[self.across.name]
        value = around.expression(self.across)
        if value.kind != "text":
            raise self.across.span.error(
                f"records are not joined by {self.across}", "Write: across stream, pod, node or a field"
            )
        return (value.sql,)

    @property
    def distance(self) -> int:
        """How far in time a neighbour may be, in nanoseconds."""
        return duration(Group(Key("_time"), self.window, span=self.span))

    def _chosen(self, around: Records, group: tuple[str, ...]) -> str:
        """SQL: when and which are the records to show, as tuples of time, source_id and offset.

        Only these small columns are sorted; the records themselves are read afterwards, by their place. Rows
        far from any hit are ruled out by cells of time before that.
        """
        params, size = around.context.params, len(group)
        distance = self.distance
        seconds = max(1, -(-distance // SECOND))
        bound, step = params.integer(distance), f"toIntervalSecond({params.integer(seconds)})"
        cell = f"toStartOfInterval(timestamp, {step})"
        cells = (
            f"SELECT DISTINCT toStartOfInterval(h.{size + 1}, {step}) + toIntervalSecond(d) "
            f"FROM (SELECT arrayJoin(found) AS h) ARRAY JOIN [-{seconds}, 0, {seconds}] AS d"
        )
        near = (
            *_who(group, "h"),
            f"{cell} IN ({cells})",
            f"timestamp >= arrayMin(h -> h.{size + 1}, found) - toIntervalNanosecond({bound})",
            f"timestamp <= arrayMax(h -> h.{size + 1}, found) + toIntervalNanosecond({bound})",
        )
        names = [f"g{place}" for place in range(size)]
        grouped = ", ".join(f"{sql} AS {name}" for sql, name in zip(group, names, strict=True))
        candidates = (
            f"SELECT {grouped}, timestamp AS t, source_id AS s, offset AS o, "
            f"toUnixTimestamp64Nano(timestamp) AS ns, (source_id, offset) IN {_identities(group)} AS hit "
            f"FROM {around.source}{where_sql((*around.conditions, *near))}"
        )
        ordered = f"PARTITION BY {', '.join(names)} ORDER BY t, s, o ROWS BETWEEN"
        past = f"maxIf(ns, hit) OVER ({ordered} {self.after} PRECEDING AND CURRENT ROW)"
        coming = f"minIf(ns, hit) OVER ({ordered} CURRENT ROW AND {self.before} FOLLOWING)"
        placed = f"SELECT t, s, o, ns, {past} AS past, {coming} AS coming FROM ({candidates})"
        return (
            f"(SELECT groupArray((t, s, o)) FROM ({placed}) "
            f"WHERE (past > 0 AND ns - past <= {bound}) OR (coming > 0 AND coming - ns <= {bound}))"
        )


def _identities(group: tuple[str, ...]) -> str:
    """SQL: source_id and offset of each hit in `found`."""
    source_id, offset = len(group) + 2, len(group) + 3
    return f"(SELECT h.{source_id}, h.{offset} FROM (SELECT arrayJoin(found) AS h))"


def _who(group: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Conditions: of a group that has a hit, and for a field, one that is there."""
    groups = ", ".join(f"{name}.{place}" for place in range(1, len(group) + 1))
    empty = f" WHERE {name}.1 != ''" if len(group) == 1 else ""
    return (f"({', '.join(group)}) IN (SELECT {groups} FROM (SELECT arrayJoin(found) AS {name}){empty})",)


def read(parser: FilterParser, name: str, start: int) -> Context:
    """`context [N] [before N] [after N] [across stream|pod|node|field] [window 10m]`, in any order."""
    scan = parser.scan
    before = after = None
    across, window = Key("stream"), USUAL_WINDOW
    scan.skip_space()
    if scan.text[scan.pos : scan.pos + 1].isdigit():
        before = after = _count(parser, name)
    while (word := _word(parser)) is not None:
        match word:
            case "before":
                before = _count(parser, word)
            case "after":
                after = _count(parser, word)
            case "window":
                scan.skip_space()
                window = scan.list_value() or ""
            case _:
                across = parser.field()
    if before is None and after is None:
        before = after = USUAL
    node = Context(before or 0, after or 0, across, window, span=scan.span(start))
    if node.distance > 24 * HOUR:
        raise node.span.error("neighbours are looked for within a day", "Write: window 1h")
    return node


def _word(parser: FilterParser) -> str | None:
    parser.scan.skip_space()
    return parser.scan.keyword("before", "after", "across", "by", "on", "window")


def _count(parser: FilterParser, name: str) -> int:
    start = parser.scan.pos
    count = row_count(parser, name)
    if count > MOST:
        raise parser.scan.error(f"at most {MOST} records are shown on each side", start=start)
    return count
