"""What `stats` and `hist` group by: a field, `_time:5m`, `bytes:1000`."""

import re
from datetime import UTC, datetime

from loghouse.errors import UsageError
from loghouse.query.ast import Key, Placed, Value
from loghouse.query.columns import column_of
from loghouse.query.filters import FilterParser
from loghouse.query.made import as_text
from loghouse.query.relation import Context, Expression
from loghouse.query.rollup import counts_cells
from loghouse.query.stages.lists import comma_list
from loghouse.query.table import Rows
from loghouse.query.timerange import SECOND, parse_duration

_NETWORK = re.compile(r"/(?:\d\d?|1[01]\d|12[0-8])")


class Group(Placed, frozen=True):
    """A field, or the start of the bucket its value falls into."""

    key: Key
    bucket: str = ""

    def __str__(self) -> str:
        return f"{self.key}:{self.bucket}" if self.bucket else str(self.key)

    @property
    def is_time(self) -> bool:
        """A bucket of time."""
        return bool(self.bucket) and column_of(self.key) == "timestamp"

    def expression(self, rows: Rows) -> Expression:
        """Its value in each row."""
        whole = rows.expression(self.key)
        if not self.bucket:
            return whole
        if whole.kind == "time":
            step = duration(self)
            in_cells = counts_cells(step, bucket_shift(step, rows.context))
            return Expression(time_bucket(whole.sql, step, rows.context), "time", counted=in_cells)
        if _NETWORK.fullmatch(self.bucket):
            return Expression(_network(as_text(whole), int(self.bucket[1:])), "text", guarded=whole.guarded)
        size = Value(self.bucket).number
        if size is None or size <= 0:
            raise self.span.error(
                f'"{self.bucket}" is not the size of a bucket',
                f"Write: {self.key}:1000, _time:5m, or of addresses {self.key}:/24",
            )
        bound = rows.context.params.number(size)
        number = rows.number(self.key)
        return Expression(f"floor({number.sql} / {bound}) * {bound}", "number", guarded=number.guarded)


def _network(text: str, bits: int) -> str:
    """SQL: the network of that many bits an address lies in, '' for what is no address."""

    def start(version: int) -> str:
        address = f"toIPv{version}OrDefault({text})"
        return f"concat(toString(tupleElement(IPv{version}CIDRToRange({address}, {bits}), 1)), '/{bits}')"

    four, six = start(4), start(6)
    if bits > 32:
        return f"if(isIPv6String({text}), {six}, '')"
    return f"multiIf(isIPv4String({text}), {four}, isIPv6String({text}), {six}, '')"


def time_bucket(nanoseconds: str, step: int, context: Context) -> str:
    """SQL: the start of the bucket; days and weeks start at midnight of the reader's zone."""
    shift = bucket_shift(step, context)
    bound = context.params.integer(step)
    shifted = f"({nanoseconds} + {context.params.integer(shift)})" if shift else nanoseconds
    bucket = f"intDiv({shifted}, {bound}) * {bound}"
    return f"{bucket} - {context.params.integer(shift)}" if shift else bucket


def bucket_shift(step: int, context: Context) -> int:
    """How far buckets start before those counted from 1970 in UTC: the zone's offset, where it matters."""
    offset = datetime.fromtimestamp(context.window.start // SECOND, UTC).astimezone(context.zone).utcoffset()
    return (int(offset.total_seconds()) if offset else 0) * SECOND % step


def duration(group: Group) -> int:
    """The length of a bucket of time; the error points at it."""
    try:
        step = parse_duration(group.bucket)
    except UsageError as error:
        raise group.span.error(error.message, error.hint) from None
    if step == 0:
        raise group.span.error("a bucket cannot be empty", "Write: _time:5m")
    return step


def read_groups(parser: FilterParser) -> tuple[Group, ...]:
    """What follows `by`."""

    def item() -> Group:
        scan = parser.scan
        scan.skip_space()
        start = scan.pos
        key = parser.field()
        bucket = ""
        if scan.take(":"):
            bucket = scan.list_value() or ""
            if not bucket:
                raise scan.error(
                    f"expected the size of a bucket, {scan.found()}", "Write: _time:5m, or bytes:1000"
                )
        return Group(key, bucket, span=scan.span(start))

    return comma_list(parser, item)


def listed(groups: tuple[Group, ...]) -> str:
    """` by a, b`, or nothing."""
    return f" by {', '.join(map(str, groups))}" if groups else ""
