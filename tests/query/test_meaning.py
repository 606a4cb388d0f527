"""Random queries print, read back, and give the rows that the evaluation in plain Python gives."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from query.evaluation import evaluate
from query.records import END, NOW, ROWS, START

from loghouse.query import TimeRange, compile, parse
from loghouse.query.ast import (
    Compare,
    Contains,
    Everything,
    FieldText,
    Filter,
    Has,
    In,
    InNetwork,
    IsBool,
    IsNull,
    Key,
    Like,
    Missing,
    Not,
    Range,
    Regex,
    Text,
    Value,
    all_of,
    any_of,
)
from loghouse.query.parser import Query
from loghouse.query.stages import expressions as ex
from loghouse.query.stages.columns import Drop, Fields
from loghouse.query.stages.cut import Limit, Offset
from loghouse.query.stages.ends import Ends
from loghouse.query.stages.eval import Assignment, Eval
from loghouse.query.stages.functions import Call
from loghouse.query.stages.grouping import Group
from loghouse.query.stages.rename import NewName, Rename
from loghouse.query.stages.replace import Replace
from loghouse.query.stages.stage import Stage
from loghouse.query.stages.stats import Stats
from loghouse.query.stages.top import Top
from loghouse.query.stages.uniq import Uniq
from loghouse.query.stages.where import Where
from loghouse.record import Record
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)

FIELDS = sorted({name for row in ROWS for name in row.fields if name not in ("msg", "level")})
fields = st.sampled_from([*FIELDS, "nosuch"]).map(Key)
text_columns = st.sampled_from(
    ["ns", "pod", "container_name", "host", "workload", "format", "message", "raw"]
).map(Key)
labels = st.sampled_from(["component", "tier", "app.kubernetes.io/name", "none"]).map(
    lambda name: Key(name, "label")
)
own = st.sampled_from([Key("level", "literal"), Key("msg", "literal")])
texts_of = st.one_of(fields, fields, text_columns, labels, own)
# Values that stand in the records, whole or in part, and some that do not.
found_texts = sorted(
    {row.text(name) for row in ROWS for name in row.fields if row.text(name)}
    | {row.pod for row in ROWS}
    | {"prod", "app", "refused", "user logged", "err", "/", "a_b", "%done", "50%", "\\", "'", '"', "x"}
)
texts = st.sampled_from([text for text in found_texts if len(text) < 60])
numbers = st.sampled_from(["200", "500", "0", "-3.5", "0.61", "17", "1000", "2000000", "502"])
levels = st.sampled_from(["warn", "error", "info", "fatal", "notice", "unknown"])
values = st.builds(Value.read, st.one_of(texts, numbers, st.sampled_from(["true", "false"])), st.booleans())
patterns = st.sampled_from(["^/", "[0-9]+$", "(?i)REFUSED|cart", "^$", "a.b", r"\d{3}", "x|y"])
quantities = st.sampled_from(["500ms", "0.1s", "1m", "20KB", "1MiB"])
names = st.sampled_from(["made", "other", "status"]).map(Key)

PHRASES = ["error", "Refused", "connection refused", "100%", "api_v1"]
bounds = numbers.map(Value)
leaves: st.SearchStrategy[Filter] = st.one_of(
    st.builds(
        Text, st.sampled_from(["error", "Refused", "connection refused", "100%", "api_v1"]), st.booleans()
    ),
    st.builds(Regex, st.sampled_from(["refused", "^slow", "[aeiou]{2}"])),
    st.builds(Compare, texts_of, st.sampled_from(["=", "!=", "=="]), values),
    st.builds(Compare, texts_of, st.sampled_from(["=~", "!~"]), patterns.map(Value)),
    st.builds(Compare, fields, st.sampled_from([">", "<", ">=", "<="]), numbers.map(Value)),
    st.builds(Compare, fields, st.sampled_from([">", "<"]), quantities.map(Value)),
    st.builds(Compare, st.just(Key("level")), st.sampled_from(["=", "!=", ">", "<="]), levels.map(Value)),
    st.builds(FieldText, texts_of, values.filter(lambda value: any(map(str.isalnum, value.text)))),
    st.builds(In, texts_of, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Contains, texts_of, texts, st.booleans()),
    st.builds(
        Like,
        texts_of,
        st.sampled_from(["%a%", "a_b%", "/c___", "%\\%%", "_00", "%E%"]),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(IsNull, fields, st.booleans()),
    # A stage may make `status` a number, and a number is refused as neither true nor false.
    st.builds(IsBool, fields.filter(lambda key: key.name != "status"), st.booleans()),
    st.builds(Has, st.one_of(texts_of, st.just(Key("level")))),
    st.builds(Missing, texts_of),
    st.builds(
        Range,
        fields,
        numbers.map(Value),
        st.one_of(st.none(), numbers.map(Value)),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(InNetwork, fields, st.sampled_from(["10.0.0.0/8", "192.168.0.0/16", "fd00::/8"])),
    st.just(Everything()),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=5,
)
NUMBERS = ["status", "request_time", "bytes", "retries", "made"]
expressions = st.recursive(
    st.one_of(
        st.sampled_from(["0", "2", "0.5", "100"]).map(ex.Number),
        st.sampled_from(["status", "request_time", "bytes", "retries", "made"]).map(
            lambda name: ex.Field(Key(name))
        ),
    ),
    lambda inner: st.one_of(
        st.builds(ex.Binary, st.sampled_from("+-*/%"), inner, inner),
        st.builds(ex.Negative, inner),
    ),
    max_leaves=4,
)
made_texts = st.one_of(
    texts.map(ex.String),
    st.builds(
        lambda items: ex.Call("concat", tuple(map(ex.Field, items))),
        st.lists(texts_of, min_size=1, max_size=3),
    ),
    st.builds(lambda key: ex.Call("upper", (ex.Field(key),)), st.sampled_from([Key("pod"), Key("path")])),
    st.builds(ex.Choice, leaves, texts.map(ex.String), texts.map(ex.String)),
    st.builds(ex.Choice, leaves, st.just(ex.Number("1")), st.just(ex.Number("0"))),
)
assignments = st.builds(Assignment, names, st.one_of(expressions, made_texts))
row_stages: st.SearchStrategy[Stage] = st.one_of(
    st.builds(Where, filters),
    st.builds(Eval, st.lists(assignments, min_size=1, max_size=2).map(tuple)),
    st.builds(lambda old, new: Rename((NewName(old, new),), True), texts_of, names),
    st.builds(Replace, texts, texts, st.one_of(fields, st.just(Key("pod")))),
    st.builds(Limit, st.integers(0, 40)),
    st.builds(Offset, st.integers(0, 10)),
    st.builds(Ends, st.integers(1, 20), st.just(()), st.booleans()),
    st.builds(Uniq, st.lists(texts_of, min_size=1, max_size=2).map(tuple), st.booleans()),
    st.just(Fields((Key("pod"), Key("status")))),
    st.just(Drop((Key("pod"),))),
)
# A stage may make status a number, which sorts otherwise than text.
keys = texts_of.filter(lambda key: key.name != "status")
calls = st.one_of(
    st.just(Call("count")),
    st.builds(lambda key: Call("count", (key,)), keys),
    st.builds(lambda name, key: Call(name, (key,)), st.sampled_from(["sum", "min", "max", "avg"]), fields),
    st.builds(lambda only: Call("count", (), "", only), leaves),
)
some_fields = st.sampled_from(["path", "level"]).map(Key)
tables: st.SearchStrategy[Stage] = st.one_of(
    st.builds(
        lambda calls, groups: Stats(
            tuple(Call(call.function, call.keys, "", call.only, f"n{n}") for n, call in enumerate(calls)),
            tuple(map(Group, dict.fromkeys(groups))),
        ),
        st.lists(calls, min_size=1, max_size=3),
        st.lists(
            st.one_of(text_columns, labels, st.sampled_from(["path", "status", "level"]).map(Key)), max_size=2
        ),
    ),
    st.builds(
        lambda n, keys: Top(n, tuple(dict.fromkeys(keys))),
        st.integers(1, 9),
        st.lists(keys, min_size=1, max_size=2),
    ),
)


def ask(store: Store, query: Query) -> tuple[list[int], list[tuple[Any, ...]]]:
    """The records, or the rows of the table, that the store gives to the query as it is printed."""
    read = parse(str(query))
    assert (read.filter or Everything(), read.stages) == (query.filter or Everything(), query.stages)
    compiled = compile(read, WINDOW, limit=None, now_ns=NOW)
    rows = store.rows(compiled.sql, compiled.params, compiled.settings)
    if compiled.kind == "records":
        return [Record(*row).source_id for row in rows], []
    return [], [tuple(row) for row in rows]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(filters)
def test_random_filters_find_what_python_finds(store: Store, node: Filter) -> None:
    query = Query(node)
    assert ask(store, query)[0] == [seen.row.id for seen in evaluate(query)[0]]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.none(), filters), st.lists(row_stages, min_size=1, max_size=4).map(tuple))
def test_random_stages_leave_what_python_leaves(
    store: Store, node: Filter | None, stages: tuple[Stage, ...]
) -> None:
    query = Query(node, stages)
    assert ask(store, query)[0] == [seen.row.id for seen in evaluate(query)[0]]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(st.none(), filters), st.lists(row_stages, max_size=2).map(tuple), tables)
def test_random_tables_hold_what_python_computes(
    store: Store, node: Filter | None, stages: tuple[Stage, ...], last: Stage
) -> None:
    query = Query(node, (*stages, last))
    found, expected = ask(store, query)[1], evaluate(query)[1]
    assert expected is not None
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        assert row == pytest.approx(wanted, abs=1e-6)  # shares have six digits
