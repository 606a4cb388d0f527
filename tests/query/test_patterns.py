"""`patterns` groups messages as masking them in Python does."""

import re
from collections import Counter
from typing import Any

import pytest
from query.records import END, NOW, ROWS, START, Row

from loghouse.errors import QueryError
from loghouse.query import TimeRange, compile, parse
from loghouse.query.templates import MOST_TEMPLATES as MOST
from loghouse.query.templates import Measure, templates_sql
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)
COUNT = Measure("count", "number", "count()", "sum({})")

# A message and the template it must have, written by hand.
TEMPLATES = {
    "took 15ms for user 42": "took <num> for user <num>",
    "took 0.5 s": "took <num> s",
    "GET from 10.1.2.3:8080 done": "GET from <ip> done",
    "id 123e4567-e89b-12d3-a456-426614174000 gone": "id <uuid> gone",
    "at 0xDEADbeef": "at <hex>",
    "commit 5f7e9a1c33": "commit <hex>",
    'user "ann lee" in': "user <quoted> in",
    "name='x y' don't and can't": "name=<quoted> don't and can't",
    "worker_7 order12": "worker_<num> order<num>",
    "to fd00::5 and 2001:db8:0:1::2 or ::1": "to <ip> and <ip> or <ip>",
    "from 10.0.0.0/8 to 1.2.3": "from <ip> to <num>.<num>",
    "at 2026-07-30T10:00:00.123Z x": "at <time> x",
    "2026/07/30 10:00:00 [error]": "<time> [error]",
    "[30/Jul/2026:10:00:00 +0000] got": "[<time>] got",
    "Thu Jul 30 10:00:00 2026: up": "<time>: up",
    "Jul  3 10:00:00 host": "<time> host",
    "10:00:00,5 took 1m20s": "<time> took <num>",
    "1:M 30 Jul 2026 10:00:00.123 * Ready": "<num>:M <time> * Ready",
    "[30-Jul-2026 10:00:00] NOTICE: up": "[<time>] NOTICE: up",
    "26/07/30 10:00:00 INFO storage": "<time> INFO storage",
    "I0730 10:00:00.123456       7 x.go:12] up": "I<time>       <num> x.go:<num>] up",
    "pod web-dm9xg8m2fz-abc": "pod web-<id>-abc",
    "0.5 KB of 12MiB is 4%": "<num> of <num> is <num>",
    "x=-5 a-5 5-7": "x=<num> a-<num> <num>-<num>",
    "ids 1 22 333 end": "ids <num> end",
    '{"user": "ann", "n": 5}': "{user: <quoted>, n: <num>}",
    "größe 3 🙂": "größe <num> 🙂",
    "": "",
    "a facade": "a facade",
    "'); DROP TABLE logs; --": "'); DROP TABLE logs; --",
}


def table(store: Store, text: str) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    query = compile(parse(text), WINDOW, now_ns=NOW)
    assert query.kind == "table"
    return query.columns, [tuple(row) for row in store.rows(query.sql, query.params, query.settings)]


@pytest.mark.parametrize("message", TEMPLATES, ids=list(TEMPLATES.values()))
def test_what_changes_is_masked(store: Store, message: str) -> None:
    query = templates_sql("m", "(SELECT {text:String} AS m)", [COUNT])
    assert list(store.rows(query, {"text": message})) == [(TEMPLATES[message], 1)]


# Messages, and the templates that must be left of them with how many each stands for.
MERGED = {
    ("user ann in", "user bob in", "user eve in"): {"user <*> in": 3},
    ("link is up", "link is down"): {"link is up": 1, "link is down": 1},
    ("start done", "stop done", "load done"): {"start done": 1, "stop done": 1, "load done": 1},
    ("open /a1/b on x", "open /tmp/a22/b on x"): {"open <*> on x": 2},
    ("login user=ann ok", "login user=bob ok", "login user=eve ok"): {"login user=<*> ok": 3},
    ("login user=ann ok", "login host=bob ok", "login port=eve ok"): {
        "login user=ann ok": 1,
        "login host=bob ok": 1,
        "login port=eve ok": 1,
    },
    ("id 5 of ann", "id 6 of bob", "id 7 of eve", "id 8 of eve"): {"id <num> of <*>": 4},
}


@pytest.mark.parametrize("messages", MERGED, ids=lambda messages: messages[0])
def test_words_that_differ_in_many_templates_are_values(store: Store, messages: tuple[str, ...]) -> None:
    query = templates_sql("m", "(SELECT arrayJoin(splitByChar('|', {texts:String})) AS m)", [COUNT])
    assert dict(store.rows(query, {"texts": "|".join(messages)})) == MERGED[messages]


def test_too_many_templates_are_left_alone(store: Store) -> None:
    words = "translate(hex(number), '0123456789', 'ghijklmnop')"
    rows = f"(SELECT concat('x ', {words}, ' y z') AS m FROM numbers({MOST + 5}))"
    assert len(store.rows(templates_sql("m", rows, [COUNT]))) == MOST + 5


def mask(text: str) -> str:
    """The template, taken word by word; for the messages of the test's own records."""

    def kind(found: re.Match[str]) -> str:
        token = found.group()
        if token.startswith('"'):
            return "<quoted>"
        if token.count(".") == 3 and token[0].isdigit():
            return "<ip>"
        if re.fullmatch(r"[0-9a-fA-F]{8,}", token) and not token.isdigit():
            return "<hex>"
        if re.fullmatch(r"[0-9.]+(ms|s|%)?", token):
            return "<num>"
        return re.sub(r"\d+", "<num>", token)

    return re.sub(
        r'"[^"]*"|\b\d+(?:\.\d+){3}(?::\d+)?\b|\b\d+\.\d+(?:ms|s)?\b|\d+%|\w+', kind, text, flags=re.ASCII
    )


def by_template() -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in ROWS:
        groups.setdefault(mask(row.message), []).append(row)
    return groups


def test_every_record_is_counted_once_with_its_times(store: Store) -> None:
    columns, rows = table(store, "| patterns")
    assert columns == ("pattern", "count", "share", "trend", "first_seen", "last_seen", "sample")
    groups = by_template()
    assert [row[0] for row in rows] == sorted(groups, key=lambda text: (-len(groups[text]), text.encode()))
    for pattern, count, share, trend, first, last, sample in rows:
        records = groups[pattern]
        assert count == len(records)
        assert share == pytest.approx(len(records) / len(ROWS))
        parts = Counter((row.timestamp - START) // ((END - START) // 24) for row in records)
        assert list(trend) == [parts[place] for place in range(24)]
        times = [row.timestamp for row in records]
        assert (first, last) == (min(times), max(times))
        assert sample in {row.message for row in records if row.timestamp == first}


def test_patterns_of_a_field_and_of_a_table(store: Store) -> None:
    columns, rows = table(store, "path:* | patterns path | fields pattern, count")
    assert columns == ("pattern", "count")
    assert sum(count for _, count in rows) == sum(row.text("path") != "" for row in ROWS)
    columns, rows = table(store, "path:* | stats count() by path | patterns path")
    assert columns == ("pattern", "count", "share", "sample")
    assert sum(row[1] for row in rows) == len({row.text("path") for row in ROWS} - {""})


def test_patterns_go_on_through_other_stages(store: Store) -> None:
    _, all_rows = table(store, "| patterns")
    assert table(store, "| patterns | top 2")[1] == all_rows[:2]
    assert table(store, "| patterns | where count > 1")[1] == [row for row in all_rows if row[1] > 1]
    assert table(store, "nosuchword | patterns")[1] == []


@pytest.mark.parametrize("text", ["patterns", "patterns path"])
def test_patterns_print_and_read_back(text: str) -> None:
    assert str(parse(f"| {text}")) == f"* | {text}"
    assert parse(f"| {text.replace('patterns', 'cluster by')}" if " " in text else "| cluster") == parse(
        f"| {text}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("| patterns a, b", "patterns takes one field"),
        ("| patterns level", "level is no text"),
        ("| stats count() by pod | patterns", 'no column "message"'),
    ],
)
def test_patterns_refuse_what_is_no_text(text: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile(parse(text), WINDOW, now_ns=NOW)
    assert message in str(refused.value)
