"""Time as people write it; the clock stands at Thursday 2026-07-30 11:00:00 UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from query.records import NOW, SECOND

from loghouse.errors import UsageError
from loghouse.query import TimeRange, parse_duration, parse_instant, parse_period, window

MOSCOW = ZoneInfo("Europe/Moscow")  # UTC+3
BERLIN = ZoneInfo("Europe/Berlin")  # UTC+2 in summer


EARLIEST = datetime.fromisoformat("1970-01-02")
LATEST = datetime.fromisoformat("2261-01-01")


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("2h", 7200),
        ("1d", 86400),
        ("1w", 604800),
        ("90s", 90),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2.5s", 2.5),
        ("250ms", 0.25),
        ("10us", 1e-5),
        ("7ns", 7e-9),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == round(seconds * SECOND)


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "-5m", "5m ago", "five minutes", "9" * 20 + "w"])
def test_wrong_durations(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-07-30T11:00:00+00:00"),
        ("now-15m", "2026-07-30T10:45:00+00:00"),
        ("now - 1d", "2026-07-29T11:00:00+00:00"),
        ("now+1h", "2026-07-30T12:00:00+00:00"),
        ("15m", "2026-07-30T10:45:00+00:00"),
        ("2h ago", "2026-07-30T09:00:00+00:00"),
        ("today", "2026-07-30T00:00:00+03:00"),
        ("yesterday", "2026-07-29T00:00:00+03:00"),
        ("yesterday 14:30", "2026-07-29T14:30:00+03:00"),
        ("yesterday at 14:30", "2026-07-29T14:30:00+03:00"),
        ("Today 09:00 UTC", "2026-07-30T09:00:00+00:00"),
        ("13:30", "2026-07-30T13:30:00+03:00"),
        ("14:30", "2026-07-29T14:30:00+03:00"),  # 14:30 in Moscow is still to come
        ("10:59:59Z", "2026-07-30T10:59:59+00:00"),
        ("2026-07-30", "2026-07-30T00:00:00+03:00"),
        ("2026-07", "2026-07-01T00:00:00+03:00"),
        ("2026-07-30T10", "2026-07-30T10:00:00+03:00"),
        ("2026-07-30 10:15", "2026-07-30T10:15:00+03:00"),
        ("2026-07-30T10:15:20Z", "2026-07-30T10:15:20+00:00"),
        ("2026-07-30t10:15:20z", "2026-07-30T10:15:20+00:00"),
        ("2026-07-30T10:15:20+05:30", "2026-07-30T10:15:20+05:30"),
        ("2026-07-30T10:15:20-0200", "2026-07-30T10:15:20-02:00"),
        ("2026-07-30 10:15 +05", "2026-07-30T10:15:00+05:00"),
        ("1785405600", "2026-07-30T10:00:00+00:00"),
        ("1785405600000", "2026-07-30T10:00:00+00:00"),
        ("1785405600000000", "2026-07-30T10:00:00+00:00"),
        ("1785405600000000000", "2026-07-30T10:00:00+00:00"),
    ],
)
def test_instants(text: str, expected: str) -> None:
    assert parse_instant(text, NOW, MOSCOW) == ns(expected)


def test_nanoseconds_are_kept() -> None:
    assert parse_instant("2026-07-30T10:15:20.123456789Z", NOW) % SECOND == 123_456_789
    assert parse_instant("2026-07-30T10:15:20,5Z", NOW) % SECOND == 500_000_000
    assert parse_instant("1785405600000000001", NOW) == 1785405600000000001


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "25:00",
        "12:60",
        "2026-13-01",
        "2026-02-30",
        "2026-07-30T",
        "now-",
        "now-5",
        "5",
        "1969-12-31",
        "2262-06-01",
        "9999-12-31",
        "now-100000w",
        "2026-07-30T10:00:00+99",
        "2026-07T10",
        "-5m",
        "0000-01-01",
        "99999999999999999999",
    ],
)
def test_wrong_times_say_how_to_write_them(text: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_instant(text, NOW)
    assert "Write it like" in error.value.hint


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("5m", "2026-07-30T10:55:00+00:00", "2026-07-30T11:00:00+00:00"),
        ("2h ago", "2026-07-30T09:00:00+00:00", "2026-07-30T11:00:00+00:00"),
        ("now-15m", "2026-07-30T10:45:00+00:00", "2026-07-30T11:00:00+00:00"),
        ("yesterday", "2026-07-29T00:00:00+02:00", "2026-07-30T00:00:00+02:00"),
        ("2026-02", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        ("2026-12", "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("2026-07-30", "2026-07-30T00:00:00+02:00", "2026-07-31T00:00:00+02:00"),
        ("2026-07-30T10", "2026-07-30T10:00:00+02:00", "2026-07-30T11:00:00+02:00"),
        ("10:15", "2026-07-30T10:15:00+02:00", "2026-07-30T10:16:00+02:00"),
        ("2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),  # 23 hours in Berlin
        ("1785405600", "2026-07-30T10:00:00+00:00", "2026-07-30T10:00:01+00:00"),
    ],
)
def test_periods(text: str, start: str, end: str) -> None:
    assert parse_period(text, NOW, BERLIN) == TimeRange(ns(start), ns(end))


def test_window_of_the_options() -> None:
    hour = 3600 * SECOND
    assert window(NOW) == TimeRange(NOW - hour, NOW)
    assert window(NOW, since="2h") == TimeRange(NOW - 2 * hour, NOW)
    assert window(NOW, start="yesterday", end="today") == TimeRange(
        ns("2026-07-29T00:00:00+00:00"), ns("2026-07-30T00:00:00+00:00")
    )
    assert window(NOW, end="10:00") == TimeRange(NOW - 2 * hour, NOW - hour)
    for wrong in ({"since": "1h", "start": "today"}, {"start": "now", "end": "today"}, {"since": "soon"}):
        with pytest.raises(UsageError):
            window(NOW, **wrong)  # type: ignore[arg-type]


def test_intersection() -> None:
    assert TimeRange(0, 10).intersect(TimeRange(5, 20)) == TimeRange(5, 10)
    assert TimeRange(0, 10).intersect(TimeRange(15, 20)) == TimeRange(15, 15)


@given(st.text(max_size=30) | st.from_regex(r"(now|today|\d{1,4})[-: T+\dmhdwZ.]{0,12}", fullmatch=True))
def test_any_text_is_a_time_or_a_usage_error(text: str) -> None:
    try:
        found = parse_period(text, NOW, BERLIN)
    except UsageError:
        return
    assert 0 <= found.start <= found.end


@given(st.datetimes(EARLIEST, LATEST))
def test_iso_times_round_trip(moment: datetime) -> None:
    text = moment.replace(tzinfo=UTC).isoformat()
    whole = round(moment.replace(microsecond=0, tzinfo=UTC).timestamp()) * SECOND
    assert parse_instant(text, NOW) == whole + moment.microsecond * 1000
