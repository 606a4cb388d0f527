"""The time of the event: compared with a point in time or a period, in nanoseconds."""

from datetime import tzinfo

from loghouse.errors import UsageError
from loghouse.query.ast import Key, Operator, Value
from loghouse.query.params import Params
from loghouse.query.subjects.subject import Subject
from loghouse.query.timerange import TimeRange, parse_instant, parse_period


class MomentSubject(Subject):
    """A DateTime64(9) expression."""

    what = "a time"

    def __init__(self, key: Key, sql: str, params: Params, now_ns: int, zone: tzinfo) -> None:
        super().__init__(key)
        self._sql = sql
        self._params = params
        self._now = now_ns
        self._zone = zone

    @property
    def advice(self) -> str:
        return (
            f"Write: {self.key}:5m, {self.key} >= now-15m, {self.key}:[2026-08-01T10:00Z, 2026-08-01T11:00Z)"
        )

    def equals(self, value: Value) -> str:
        return self.during(value)

    def ordered(self, operator: Operator, value: Value) -> str:
        return f"{self._sql} {operator} {moment(self._params, instant(value, self._now, self._zone))}"

    def during(self, period: Value) -> str:
        covered = period_of(period, self._now, self._zone)
        return within(self._sql, covered, self._params)

    def present(self) -> str:
        return "1"


def instant(value: Value, now_ns: int, zone: tzinfo) -> int:
    """The point in time that an operand means; the error points at it."""
    try:
        return parse_instant(value.text, now_ns, zone)
    except UsageError as error:
        raise value.span.error(error.message, error.hint) from None


def period_of(value: Value, now_ns: int, zone: tzinfo) -> TimeRange:
    """The period that an operand means; the error points at it."""
    try:
        return parse_period(value.text, now_ns, zone)
    except UsageError as error:
        raise value.span.error(error.message, error.hint) from None


def moment(params: Params, nanoseconds: int) -> str:
    """SQL: a constant that the primary key and the partition key can be compared with."""
    return f"fromUnixTimestamp64Nano({params.integer(nanoseconds)}, 'UTC')"


def within(sql: str, covered: TimeRange, params: Params) -> str:
    """SQL: the time lies in the half-open range."""
    return f"({sql} >= {moment(params, covered.start)} AND {sql} < {moment(params, covered.end)})"
