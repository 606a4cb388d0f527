"""When a record of a plain file was written: every usual spelling, and what has no time of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from loghouse.config import StoreUrl
from loghouse.local.store import zone_name
from loghouse.local.tables import PIECES, TABLES, cut_sql
from loghouse.store.client import Store

YEAR = 2026
SUMMER = datetime(2026, 8, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(store_url: StoreUrl) -> Iterator[Store]:
    """The tables of a store of files."""
    url = StoreUrl(store_url.host, store_url.port, "times")
    with Store(store_url) as connection:
        connection.rows("CREATE DATABASE times")
    with Store(url) as connection:
        for table in TABLES:
            connection.rows(table)
        yield connection


def times(store: Store, *lines: bytes, wrapper: bytes = b"plain") -> list[str]:
    """The times of lines of one file, in UTC; Berlin is two hours ahead in summer."""
    for table in ("lines", PIECES):
        store.rows(f"TRUNCATE TABLE {table}")
    data = b"".join(line + b"\n" for line in lines)
    store.insert(PIECES, ("source_id", "wrapper", "data"), [[1], [wrapper], [data]], {})
    store.rows(cut_sql("Europe/Berlin", YEAR))
    return [text for (text,) in store.rows("SELECT toString(timestamp) FROM logs ORDER BY offset")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2026-08-01T10:00:00.123456789Z started", "10:00:00.123456789"),
        (b"2026-08-01 10:00:00,123+02:00 started", "08:00:00.123000000"),
        (b"2026/08/01 10:00:00 [error] 7#7: nginx", "08:00:00.000000000"),
        (b"2026-08-01 10:00:00.5 UTC [1] LOG:  postgres", "10:00:00.500000000"),
        (b"[2026-08-01T10:00:00.1+00:00] app.ERROR: monolog [] []", "10:00:00.100000000"),
        (b'10.0.0.1 - - [01/Aug/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"', "10:00:00.000000000"),
        (b"1:M 01 Aug 2026 10:00:00.123 * redis", "08:00:00.123000000"),
        (b"[01-Aug-2026 10:00:00] NOTICE: php-fpm", "08:00:00.000000000"),
        (b"[Sat Aug 01 10:00:00.123456 2026] [core:error] apache", "08:00:00.123456000"),
        (b"Aug  1 10:00:00 host sshd[1]: syslog", "08:00:00.000000000"),
        (b"Aug  1 10:00:00 10.0.0.1 sshd[1]: of a host without a name", "08:00:00.000000000"),
        (b"Aug  1 10:00:00 host ftpd[1]: at Fri Jun 17 07:07:00 2005", "08:00:00.000000000"),
        (b"Aug  1 10:00:00 host app: since 2005-06-17T07:07:00Z", "08:00:00.000000000"),
        (b"Aug 01 10:00:00 2026 a year behind", "08:00:00.000000000"),
        (b"I0801 10:00:00.123456       1 klog.go:1] klog", "08:00:00.123456000"),
        (b'{"ts":1785578400.25,"msg":"seconds"}', "10:00:00.250000000"),
        (b'{"time":1785578400123,"msg":"milliseconds"}', "10:00:00.123000000"),
        (b'{"msg":"text","@timestamp":"2026-08-01T10:00:00Z"}', "10:00:00.000000000"),
        (b"1785578400.123     45 10.0.0.1 TCP_MISS/200 squid", "10:00:00.123000000"),
    ],
)
def test_a_time_is_read_as_it_is_written(store: Store, line: bytes, expected: str) -> None:
    assert times(store, line) == [f"2026-08-01 {expected}"]


def test_a_record_without_a_time_has_that_of_the_one_before_it(store: Store) -> None:
    assert times(
        store,
        b"== header ==",
        b"2026-08-01T10:00:00Z ERROR boom",
        b"\tat Foo.bar(Foo.java:7)",
        b"2026-13-45 99:99:99 no such time",
        b"2026-08-01T10:00:05Z INFO next",
    ) == [f"2026-08-01 10:00:0{second}.000000000" for second in (0, 0, 0, 0, 5)]


def test_a_month_that_is_still_to_come_was_last_year(store: Store) -> None:
    (found,) = times(store, b"Dec 31 23:59:59 host cron[1]: x")
    assert datetime.fromisoformat(found[:19]).replace(tzinfo=UTC) < datetime.now(UTC)


def test_the_stamp_of_the_runtime_comes_before_one_in_the_text(store: Store) -> None:
    line = b"2026-08-01T10:00:00.000000001Z stdout F 2020-01-01 00:00:00 text"
    assert times(store, line, wrapper=b"cri") == ["2026-08-01 10:00:00.000000001"]


@pytest.mark.parametrize(
    ("wrapper", "first", "last"),
    [
        (b"cri", b"2026-08-01T10:00:00Z stdout F one", b"2026-08-01T10:00:05Z stderr F two"),
        (
            b"docker",
            b'{"log":"one\\n","stream":"stdout","time":"2026-08-01T10:00:00Z"}',
            b'{"log":"two\\n","stream":"stdout","time":"2026-08-01T10:00:05Z"}',
        ),
    ],
)
def test_a_line_that_is_not_the_runtimes_lies_between_its_neighbours(
    store: Store, wrapper: bytes, first: bytes, last: bytes
) -> None:
    broken = b"12 half a line that a full disk left"
    found = times(store, broken, first, broken, last, broken, wrapper=wrapper)
    assert found == [f"2026-08-01 10:00:0{second}.000000000" for second in (0, 0, 0, 5, 5)]


def test_a_file_without_times_is_of_now(store: Store) -> None:
    (found,) = times(store, b"no time at all")
    assert (
        abs((datetime.fromisoformat(found[:19]).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()) < 60
    )


def test_the_zone_of_the_machine_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert zone_name(None) == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "<+03>-3")
    assert zone_name(None) == "UTC"
    assert (zone_name("utc"), zone_name("Europe/Paris")) == ("UTC", "Europe/Paris")
