"""Random filters before stages that count, order and compare: the rows that Python gives."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query.evaluation import Seen, evaluate, matches
from query.records import END, NOW, ROWS, SECOND, START
from query.test_compare import described
from query.test_meaning import (
    ask,
    calls,
    fields,
    filters,
    keys,
    labels,
    own,
    row_stages,
    text_columns,
)

from loghouse.query import TimeRange, compile, parse
from loghouse.query.ast import Filter, Key
from loghouse.query.parser import Query
from loghouse.query.stages.compare import Compare
from loghouse.query.stages.ends import Ends
from loghouse.query.stages.facets import Facets, FieldNames, FieldValues
from loghouse.query.stages.functions import Call
from loghouse.query.stages.grouping import Group
from loghouse.query.stages.hist import Hist
from loghouse.query.stages.sample import Sample
from loghouse.query.stages.sort import Sort, SortKey
from loghouse.query.stages.stage import Stage
from loghouse.query.stages.top import Top
from loghouse.query.stages.window import Window
from loghouse.record import Record
from loghouse.store.client import Store

quick = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))

LEVEL = st.just(Key("level"))
some_filters = st.one_of(st.none(), filters)
sort_keys = st.lists(
    st.builds(SortKey, st.one_of(fields, fields, text_columns, labels, own, LEVEL), st.booleans()),
    min_size=1,
    max_size=3,
    unique_by=lambda item: str(item.key),
).map(tuple)
group_keys = st.one_of(text_columns, labels, LEVEL, st.sampled_from(["path", "user.name", "nosuch"]).map(Key))
groups = st.lists(group_keys, max_size=2, unique_by=str).map(tuple)

tables: st.SearchStrategy[Stage] = st.one_of(
    st.builds(
        Top,
        st.integers(1, 9),
        st.lists(keys, min_size=1, max_size=2, unique_by=str).map(tuple),
        st.booleans(),
    ),
    st.builds(FieldValues, keys, st.integers(0, 9)),
    st.just(FieldNames()),
    st.builds(Facets, st.integers(1, 5)),
    st.builds(
        lambda step, found: Hist(step, tuple(map(Group, found))), st.sampled_from(["5m", "10m", "1h"]), groups
    ),
)
orders: st.SearchStrategy[Stage] = st.one_of(
    st.builds(Sort, sort_keys), st.builds(Ends, st.integers(1, 20), sort_keys, st.booleans())
)
windows = st.builds(
    lambda found, by, running: Window(
        tuple(Call(call.function, call.keys, "", call.only, f"n{n}") for n, call in enumerate(found)),
        by,
        running,
    ),
    st.lists(calls, min_size=1, max_size=3),
    st.lists(keys, max_size=2, unique_by=str).map(tuple),
    st.booleans(),
)
some_stages = st.lists(row_stages, max_size=2).map(tuple)


def check_table(store: Store, node: Filter | None, stage: Stage) -> None:
    query = Query(node, (stage,))
    assert ask(store, query)[1] == [pytest.approx(row, abs=1e-6) for row in evaluate(query)[1] or []]


@quick
@given(some_filters, tables)
def test_random_counts_are_those_of_python(store: Store, node: Filter | None, stage: Stage) -> None:
    check_table(store, node, stage)


def check_order(store: Store, node: Filter | None, stages: tuple[Stage, ...], last: Stage) -> None:
    query = Query(node, (*stages, last))
    assert ask(store, query)[0] == [seen.row.id for seen in evaluate(query)[0]]


@quick
@given(some_filters, some_stages, orders)
def test_random_orders_are_those_of_python(
    store: Store, node: Filter | None, stages: tuple[Stage, ...], last: Stage
) -> None:
    check_order(store, node, stages, last)


def check_window(store: Store, node: Filter | None, stages: tuple[Stage, ...], last: Window) -> None:
    query = Query(node, (*stages, last))
    read = parse(str(query))
    assert read.stages == query.stages
    compiled = compile(read, TimeRange(START, END), limit=None, now_ns=NOW)
    names = [call.column for call in last.calls]
    found = {}
    for row in store.rows(compiled.sql, compiled.params, compiled.settings):
        record = Record(*row)
        found[record.source_id] = [json.loads(record.made.get(name, "null")) for name in names]
    wanted = {seen.row.id: [seen.made[name] for name in names] for seen in evaluate(query)[0]}
    assert found.keys() == wanted.keys()
    for id, values in wanted.items():
        assert found[id] == pytest.approx(values), id


@quick
@given(some_filters, some_stages, windows)
def test_random_totals_are_those_of_python(
    store: Store, node: Filter | None, stages: tuple[Stage, ...], last: Window
) -> None:
    check_window(store, node, stages, last)


def check_compare(
    store: Store, node: Filter | None, by: tuple[Key, ...], start: int, length: int, ago: int
) -> None:
    query = Query(node, (Compare(f"{ago}s", by),))
    read = parse(str(query))
    assert read.stages == query.stages
    window = TimeRange(START + start * SECOND, START + (start + length) * SECOND)
    compiled = compile(read, window, limit=None, now_ns=NOW)
    rows: list[tuple[Any, ...]] = [
        tuple(row) for row in store.rows(compiled.sql, compiled.params, compiled.settings)
    ]
    now, before = (
        Counter(
            tuple(Seen(row).text(key) for key in by)
            for row in ROWS
            if start - back <= row.second < start + length - back and matches(node, Seen(row))
        )
        for back in (0, ago)
    )
    wanted = {key: described(now[key], before[key]) for key in (now | before or ([] if by else [()]))}
    assert {row[: len(by)]: row[len(by) :] for row in rows} == wanted
    changes = [abs(row[len(by)] - row[len(by) + 1]) for row in rows]
    assert changes == sorted(changes, reverse=True)


compare_case = (some_filters, groups, st.integers(0, 30), st.integers(1, 20), st.integers(1, 20))


@quick
@given(*compare_case)
def test_random_comparisons_are_those_of_python(
    store: Store, node: Filter | None, by: tuple[Key, ...], start: int, length: int, ago: int
) -> None:
    check_compare(store, node, by, start, length, ago)


def check_sample(store: Store, node: Filter | None, one_of: int) -> None:
    taken = set(ask(store, Query(None, (Sample(one_of),)))[0])
    everything = ask(store, Query(node))[0]
    assert ask(store, Query(node, (Sample(one_of),)))[0] == [id for id in everything if id in taken]
    # Whoever is among one of six is among one of three.
    assert set(ask(store, Query(None, (Sample(one_of * 2),)))[0]) <= taken


@quick
@given(some_filters, st.integers(1, 6))
def test_whether_a_record_is_sampled_does_not_depend_on_the_others(
    store: Store, node: Filter | None, one_of: int
) -> None:
    check_sample(store, node, one_of)


CHECKS = {
    "table": (check_table, (some_filters, tables)),
    "order": (check_order, (some_filters, some_stages, orders)),
    "window": (check_window, (some_filters, some_stages, windows)),
    "compare": (check_compare, compare_case),
    "sample": (check_sample, (some_filters, st.integers(1, 6))),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_many_random_counts(store: Store, name: str) -> None:
    check, case = CHECKS[name]

    @settings(quick, max_examples=400)
    @given(st.tuples(*case))
    def run(values: tuple[Any, ...]) -> None:
        check(store, *values)  # type: ignore[operator]

    run()
