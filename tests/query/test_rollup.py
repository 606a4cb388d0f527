"""Counting reads the counts per 15 seconds where it can, and answers what the records themselves would."""

from collections import Counter
from typing import Any

import pytest
from query.records import END, NOW, ROWS, SECOND, START, Row

from loghouse.query import TimeRange, compile, parse
from loghouse.store.client import Store

WHOLE = TimeRange(START, END)
RAGGED = TimeRange(START + 3 * SECOND + 1, START + 27 * SECOND)
INSIDE_A_CELL = TimeRange(START + SECOND, START + 14 * SECOND)


def sql_of(text: str, window: TimeRange = WHOLE) -> str:
    return compile(parse(text), window, now_ns=NOW).sql


def answer(store: Store, text: str, window: TimeRange) -> list[tuple[Any, ...]]:
    query = compile(parse(text), window, now_ns=NOW)
    return [tuple(row) for row in store.rows(query.sql, query.params, query.settings)]


def inside(window: TimeRange) -> list[Row]:
    return [row for row in ROWS if window.start <= row.timestamp < window.end]


@pytest.mark.parametrize(
    "text",
    [
        "| stats count()",
        "* | stats count() by level, ns",
        "ns=prod level>=warn | stats count() by _time:30s",
        "container in (app, nginx) | top 3 workload",
        "not ns=staging | hist 1m by level",
        "| stats bytes() by namespace",
        "ns=prod | where level=error | stats rate() by container",
    ],
)
def test_numbers_of_records_come_from_the_counts(text: str) -> None:
    assert " FROM counts " in sql_of(text)
    assert " FROM logs " not in sql_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "error | stats count()",
        "pod=shop-1 | stats count()",
        "~tier=db | stats count()",
        "_time:5m or ns=prod | stats count()",
        "* | stats count() by pod",
        "* | stats count() by status",
        "* | stats count() by _time:10s",
        "* | stats count() if (error)",
        "* | stats count(status)",
        "* | stats count_uniq(namespace)",
        "* | stats count() by namespace, node",
        "ns=prod | limit 5 | stats count()",
        "ns=prod | uniq by pod | stats count()",
        "* | hist 1s",
    ],
)
def test_what_the_counts_do_not_know_comes_from_the_records(text: str) -> None:
    assert " FROM counts " not in sql_of(text)


def test_a_window_inside_one_cell_reads_the_records() -> None:
    assert " FROM counts " not in sql_of("| stats count()", INSIDE_A_CELL)


@pytest.mark.parametrize("window", [WHOLE, RAGGED, INSIDE_A_CELL])
def test_the_ends_of_a_window_are_counted_to_the_nanosecond(store: Store, window: TimeRange) -> None:
    rows = inside(window)
    assert rows
    assert answer(store, "| stats count()", window) == [(len(rows),)]
    assert answer(store, "| stats bytes()", window) == [(sum(len(row.raw.encode()) for row in rows),)]
    levels = Counter((row.level, row.place.namespace) for row in rows if row.place.namespace != "staging")
    assert (
        Counter(
            {
                (level, ns): n
                for level, ns, n in answer(store, "-ns=staging | stats count() by level, ns", window)
            }
        )
        == levels
    )


def test_buckets_of_counts_are_those_of_the_records(store: Store) -> None:
    window = TimeRange(START + 7 * SECOND, END - 1)
    by_minute = Counter((row.timestamp - START) // (60 * SECOND) for row in inside(window))
    found = answer(store, "| hist 1m", window)
    assert len(found) == 60
    assert found == [(START + minute * 60 * SECOND, by_minute[minute]) for minute in range(60)]


def test_shares_of_counts_add_up(store: Store) -> None:
    found = answer(store, "| top 10 ns", WHOLE)
    assert sum(count for _, count, _ in found) == len(ROWS)
    assert [share for _, _, share in found] == [count / len(ROWS) for _, count, _ in found]
