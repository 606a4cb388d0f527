"""`compare` sets what is found beside the same time before, as counting both in Python does."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from query.records import END, NOW, ROWS, SECOND, START, Row

from loghouse.errors import QueryError
from loghouse.query import TimeRange, compile, parse
from loghouse.store.client import Store

NOW_WINDOW = TimeRange(START + 11 * SECOND, START + 21 * SECOND)


def table(store: Store, text: str, window: TimeRange = NOW_WINDOW) -> list[tuple[Any, ...]]:
    query = parse(text)
    assert parse(str(query)) == query
    compiled = compile(query, window, limit=None, now_ns=NOW)
    assert compiled.kind == "table"
    return [tuple(row) for row in store.rows(compiled.sql, compiled.params, compiled.settings)]


def expected(
    key: Callable[[Row], object], wanted: Callable[[Row], bool] = lambda row: True
) -> dict[object, Any]:
    """Now, before, times and the word, by key."""
    now = Counter(key(row) for row in ROWS if 11 <= row.second < 21 and wanted(row))
    before = Counter(key(row) for row in ROWS if 1 <= row.second < 11 and wanted(row))
    return {name: described(now[name], before[name]) for name in now | before}


def described(now: int, before: int) -> tuple[int, int, Any, str]:
    if not before:
        return now, before, None, "new" if now else "same"
    times = now / before
    word = "gone" if not now else "more" if times >= 2 else "less" if times <= 0.5 else "same"
    return now, before, pytest.approx(times, abs=1e-6), word


def test_compare_by_fields(store: Store) -> None:
    rows = table(store, "| compare 10s by level, ns")
    found = {row[:2]: row[2:] for row in rows}
    assert found == expected(lambda row: (row.level, row.namespace))
    changes = [abs(row[2] - row[3]) for row in rows]
    assert changes == sorted(changes, reverse=True)
    assert compile(parse("| compare 10s by level"), NOW_WINDOW, now_ns=NOW).columns == (
        "level",
        "now",
        "before",
        "times",
        "change",
    )


def test_compare_by_a_field_of_the_record_and_by_nothing(store: Store) -> None:
    assert {row[0]: row[1:] for row in table(store, "| compare 10s by path")} == expected(
        lambda row: row.text("path")
    )
    assert table(store, "| compare 10s") == [described(10, 10)]


def test_compare_by_pattern(store: Store) -> None:
    found = {row[0]: row[1:] for row in table(store, "| compare 10s by pattern")}
    assert found["request failed"] == (0, 2, 0.0, "gone")
    assert found["slow call"] == (2, 1, 2.0, "more")
    assert found["percent <num> done"] == (2, 0, None, "new")
    assert sum(row[0] for row in found.values()) == sum(row[1] for row in found.values()) == 10


def test_the_filter_is_asked_at_both_times(store: Store) -> None:
    found = {row[0]: row[1:] for row in table(store, "status:* or slow | eval k = format | compare 10s by k")}
    assert found == expected(
        lambda row: row.format, lambda row: row.text("status") != "" or "slow" in row.tokens
    )


@pytest.mark.parametrize(
    "condition",
    [
        "_time:[2026-07-30T10:00:11Z, 2026-07-30T10:00:21Z)",
        "_time >= 2026-07-30T10:00:11Z _time < 2026-07-30T10:00:21Z",
        "_time >= now-3589s _time < now-3579s",
    ],
)
def test_times_in_the_filter_move_with_it(store: Store, condition: str) -> None:
    found = {
        row[0]: row[1:] for row in table(store, f"{condition} | compare 10s by level", TimeRange(START, END))
    }
    assert found == expected(lambda row: row.level)


def test_compare_goes_on_as_a_table(store: Store) -> None:
    rows = table(store, "| compare 10s by level | where change = new | sort level | fields level, now")
    new = {key: value for key, value in expected(lambda row: row.level).items() if value[3] == "new"}
    assert dict(rows) == {key: value[0] for key, value in new.items()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("| stats count() | compare 1d", "this is a table"),
        ("| compare", "expected how long before"),
        ("| compare pattern", "not a duration"),
        ("| compare 1d by pattern, level", "pattern stands alone"),
    ],
)
def test_compare_refuses(text: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile(parse(text), NOW_WINDOW, now_ns=NOW)
    assert message in refused.value.message
