"""`context` shows the neighbours that a plain reading of each stream shows, each once, hits marked."""

import json
from collections.abc import Callable
from itertools import groupby

import pytest
from query.records import END, NOW, ROWS, SECOND, START, Row

from loghouse.errors import QueryError
from loghouse.query import TimeRange, compile, parse, scope_filter
from loghouse.record import Record
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)
Group = Callable[[Row], object]


def shown(store: Store, text: str, window: TimeRange = WINDOW) -> dict[int, bool]:
    """The records, and whether each is a hit."""
    query = parse(text)
    assert parse(str(query)) == query
    compiled = compile(query, window, limit=None, now_ns=NOW)
    records = [Record(*row) for row in store.rows(compiled.sql, compiled.params, compiled.settings)]
    assert len({record.source_id for record in records}) == len(records)
    assert [record.timestamp_ns for record in records] == sorted(
        (record.timestamp_ns for record in records), reverse=True
    )
    return {record.source_id: json.loads(record.made.get("_hit", "0")) == 1 for record in records}


def expected(hits: set[int], before: int, after: int, group: Group, seconds: float = 3600) -> dict[int, bool]:
    """The same, row by row."""
    found = {}
    for _, rows in groupby(sorted(ROWS, key=lambda row: (repr(group(row)), row.second)), key=group):
        stream = list(rows)
        for place, row in enumerate(stream):
            for other in range(max(0, place - after), min(len(stream), place + before + 1)):
                near = abs(stream[other].second - row.second) <= seconds
                if near and stream[other].id in hits and group(row) != "":
                    found[row.id] = row.id in hits
    return found


def stream(row: Row) -> object:
    return (row.namespace, row.workload, row.container, row.pod)


ACROSS: dict[str, Group] = {
    "": stream,
    "across stream": stream,
    "across pod": lambda row: (row.namespace, row.pod),
    "across node": lambda row: row.node,
    "across trace_id": lambda row: row.text("trace_id"),
    "across ~tier": lambda row: row.labels.get("tier", ""),
    "across namespace": lambda row: row.namespace,
}


@pytest.mark.parametrize("across", ACROSS)
@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 2), (1000, 1000)])
def test_neighbours_of_each_hit(store: Store, across: str, before: int, after: int) -> None:
    hits = {row.id for row in ROWS if "error" in row.tokens or "failed" in row.tokens}
    if across.endswith(("trace_id", "~tier")):
        group = ACROSS[across]
        hits = {id for id in hits if group(ROWS[id - 1]) != ""}
    text = f"error or failed | context before {before} after {after} {across}"
    assert shown(store, text) == expected(hits, before, after, ACROSS[across])


@pytest.mark.parametrize("seconds", [0.5, 1, 3, 40])
def test_neighbours_are_not_farther_than_the_window(store: Store, seconds: float) -> None:
    hits = {row.id for row in ROWS if "error" in row.tokens}
    text = f"error | context 10 across node window {seconds}s"
    assert shown(store, text) == expected(hits, 10, 10, lambda row: row.node, seconds)


def test_neighbours_outside_of_the_time_asked_for_are_shown(store: Store) -> None:
    window = TimeRange(START + 20 * SECOND, START + 22 * SECOND)
    assert shown(store, "redis | context before 2 after 2", window) == {21: True, 22: False, 23: False}
    window = TimeRange(START + 23 * SECOND, START + 24 * SECOND)
    assert shown(store, "retry | context 1", window) == {22: False, 23: True, 24: False}


def test_context_stands_behind_other_stages_and_before_them(store: Store) -> None:
    assert shown(store, "trace_id:* | last 1 | context before 1") == {1: False, 2: True}
    assert shown(store, "error | context 1 | where _hit = 1") == {
        row.id: True for row in ROWS if "error" in row.tokens
    }
    assert shown(store, "nosuchword | context 5") == {}
    assert parse("* | stream_context 3 by node") == parse("* | context before 3 after 3 across node")
    assert str(parse("* | context")) == "* | context before 5 after 5"


def test_neighbours_pass_the_stages_before(store: Store) -> None:
    """They have the fields that stages made, and are masked as the hits are."""
    text = "error | eval size = length(message) | replace 'e' with '*' | context 2 | where size > 0"
    query = compile(parse(text), WINDOW, limit=None, now_ns=NOW)
    found = [Record(*row) for row in store.rows(query.sql, query.params, query.settings)]
    marks = [json.loads(record.made.get("_hit", "0")) for record in found]
    assert 0 in marks and 1 in marks
    assert all(json.loads(record.made["size"]) > 0 for record in found)
    assert not any("e" in str(record.message) for record in found)


def test_the_scope_holds_for_neighbours_but_the_level_does_not(store: Store) -> None:
    scope = scope_filter(["prod"], [], [], [], ["error"])
    compiled = compile(parse("| context 50 across node"), WINDOW, scope=scope, limit=None, now_ns=NOW)
    records = [Record(*row) for row in store.rows(compiled.sql, compiled.params, compiled.settings)]
    nodes = {row.node for row in ROWS if row.severity >= 6 and row.namespace == "prod"}
    assert {record.source_id for record in records} == {
        row.id for row in ROWS if row.namespace == "prod" and row.node in nodes and row.id != 32
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("| stats count() | context", "this is a table"),
        ("| context before 2000", "at most 1000"),
        ("| context window 2d", "within a day"),
        ("| context across level", "not joined by level"),
        ("| context before", "expected a number of rows"),
        ("| context window x", "not a duration"),
    ],
)
def test_context_refuses(text: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        compile(parse(text), WINDOW, now_ns=NOW)
    assert message in refused.value.message
