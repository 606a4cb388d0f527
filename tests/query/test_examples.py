"""The thirty queries that define the language, and what each must mean."""

import re
import statistics

import pytest
from query.records import END, NOW, ROWS, START, Row
from query.test_filters_find import Wanted, has_phrase, ids

from loghouse.query import TimeRange, compile, parse
from loghouse.record import Record
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)


def found(store: Store, text: str) -> set[int]:
    compiled = compile(parse(text), WINDOW, limit=None, now_ns=NOW)
    return {Record(*row).source_id for row in store.rows(compiled.sql, compiled.params)}


def table(store: Store, text: str) -> list[object]:
    compiled = compile(parse(text), WINDOW, limit=None, now_ns=NOW)
    return list(store.rows(compiled.sql, compiled.params))


def records(store: Store, text: str) -> list[Record]:
    compiled = compile(parse(text), WINDOW, limit=None, now_ns=NOW)
    return [Record(*row) for row in store.rows(compiled.sql, compiled.params)]


def anywhere(row: Row, text: str) -> bool:
    return any(text in value for value in (row.raw, row.node, row.namespace, row.pod, row.container))


MEANINGS: dict[int, tuple[str, Wanted]] = {
    1: (
        "host=kube-1 and log.level > 10",
        lambda row: row.node == "kube-1" and (row.number("log.level") or 0) > 10,
    ),
    2: ("* =~ kube-[1-9]", lambda row: anywhere(row, "kube-")),
    3: (
        "log !~ (warning|info)",
        lambda row: "warning" not in row.message and "info" not in row.message,
    ),
    4: ("~component = clickhouse", lambda row: row.labels.get("component") == "clickhouse"),
    5: (
        "log = %error% or log != %success%",
        lambda row: "error" in row.message or "success" not in row.message,
    ),
    6: ("unhealthy is true", lambda row: row.fields.get("unhealthy") is True),
    7: ("status is null", lambda row: "status" in row.fields and row.fields["status"] is None),
    8: ("error", lambda row: "error" in row.tokens),
    9: (
        '"connection refused" -redis',
        lambda row: has_phrase(row.raw, "connection refused") and "redis" not in row.tokens,
    ),
    10: (
        "(timeout or refused) ns=prod level>=warn",
        lambda row: (
            bool(row.tokens & {"timeout", "refused"}) and row.namespace == "prod" and row.severity >= 5
        ),
    ),
    11: (
        "status:>=500 not path:/health*",
        lambda row: (row.number("status") or 0) >= 500 and not row.text("path").startswith("/health"),
    ),
    12: ("status:(500 or 502 or 503)", lambda row: row.number("status") in (500, 502, 503)),
    13: (
        "user.email:*@example.com",
        lambda row: row.text("user.email").lower().endswith("@example.com"),
    ),
    14: ('trace_id:="4bf92f35"', lambda row: row.text("trace_id") == "4bf92f35"),
    15: (
        "request_time > 500ms and bytes > 1MB",
        lambda row: (row.number("request_time") or 0) > 0.5 and (row.number("bytes") or 0) > 1e6,
    ),
    16: ("client:ip(10.0.0.0/8)", lambda row: row.text("client").startswith("10.")),
    18: ("_time:[2026-07-30T10:00Z, 2026-07-30T10:00:26Z) oom*", ids(25)),
    19: ("pod_name = api_v1", lambda row: row.pod == "api_v1"),
    20: (
        "status=200 or status=500 and not (path=/cart or path=/x)",
        lambda row: (
            row.number("status") == 200
            or (row.number("status") == 500 and row.text("path") not in ("/cart", "/x"))
        ),
    ),
    24: ("trace_id:* failed or error | uniq by trace_id keep last", ids(2, 30)),
}

SAME = [
    ("~component = clickhouse", "label.component=clickhouse"),
    ("status:(500 or 502 or 503)", "status in (500,502,503)"),
    ('trace_id:="4bf92f35"', 'trace_id == "4bf92f35"'),
    ("a=1 or b=2 and not (c=3 or d=4)", "a=1 or (b=2 and not (c=3 or d=4))"),
]


@pytest.mark.parametrize("number", MEANINGS)
def test_example_means_what_it_must(store: Store, number: int) -> None:
    text, wanted = MEANINGS[number]
    assert found(store, text) == {row.id for row in ROWS if wanted(row)}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_say_it(store: Store, one: str, other: str) -> None:
    assert found(store, one) == found(store, other)


def test_like_and_equality_differ_in_the_underscore(store: Store) -> None:
    assert found(store, "file = a_b.txt") == {15}
    assert found(store, "file like 'a_b.txt'") == {15, 16}


def test_a_bar_in_a_value_is_not_a_stage() -> None:
    assert parse("log !~ (warning|info)").stages == ()


def test_stats_before_and_behind(store: Store) -> None:
    rows = table(store, "error | stats count() by level, pod")
    assert (
        rows
        == table(store, "error | stats by (level, pod) count()")
        == table(store, "error|count() by level, pod")
    )
    assert len(rows) == len({(row.level, row.pod) for row in ROWS if "error" in row.tokens})


def test_histogram_has_every_bucket(store: Store) -> None:
    rows = table(store, "ns=prod | hist 5m by level")
    assert len(rows) == 12 * len({row.level for row in ROWS if row.namespace == "prod"})


def test_patterns_keep_twenty_and_start_with_the_most_frequent(store: Store) -> None:
    everything = table(store, "ns=prod | patterns")
    assert table(store, "ns=prod | patterns | top 20") == everything[:20]
    assert sum(row[1] for row in everything) == sum(row.namespace == "prod" for row in ROWS)


def test_rate_is_computed_and_sorted_by(store: Store) -> None:
    rows = table(
        store,
        "path:* | stats by (path) count() n, count() if (status>=500) bad, p95(request_time) p95 "
        "| eval rate=bad/n | sort rate desc | limit 10",
    )
    paths = {row.text("path") for row in ROWS} - {""}
    rates = {
        path: statistics.mean(
            float((row.number("status") or 0) >= 500) for row in ROWS if row.text("path") == path
        )
        for path in paths
    }
    assert {row[0]: row[4] for row in rows} == rates
    assert [row[4] for row in rows] == sorted(rates.values(), reverse=True)


def test_pattern_gives_fields_and_lines_without_it_fail_the_where(store: Store) -> None:
    text = "container=nginx | pattern 'OOM on <ip> (<word>)' | where word=error | top 5 ip"
    assert table(store, text) == [("10.1.2.34", 1, 1.0)]


def test_json_in_a_message_is_unpacked(store: Store) -> None:
    text = (
        'raw contains "healthy" | eval message = "{\\"user\\": \\"ann\\", \\"cart\\": {\\"total\\": 120.5}}" '
        '| json | where cart.total > 100 | format "{user} {cart.total}"'
    )
    assert {record.message for record in records(store, text)} == {"ann 120.5"}
    assert compile(parse(text), WINDOW, now_ns=NOW).fields == ("message",)


def test_masked_is_masked_everywhere(store: Store) -> None:
    shown = records(store, "ns=prod | mask email, ip | fields _time, pod, message | limit 0")
    assert len(shown) == sum(row.namespace == "prod" for row in ROWS)
    for record in shown:
        assert not re.search(
            r"@example|10\.1\.2|192\.168", f"{record.raw!r}{record.message!r}{record.strings}"
        )


def test_context_shows_neighbours_on_the_node(store: Store) -> None:
    shown = records(store, "redis | context before 5 after 2 across node window 10m")
    assert [(record.source_id, record.made) for record in shown] == [
        (23, {}),
        (22, {}),
        (21, {"_hit": "1"}),
    ]


def test_compare_by_pattern_tells_what_is_new(store: Store) -> None:
    rows = table(store, "level=error | compare 1d by pattern")
    assert {row[4] for row in rows} == {"new"}
    assert sum(row[1] for row in rows) == sum(row.level == "error" for row in ROWS)
