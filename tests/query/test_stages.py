"""Each stage gives the rows that a plain reading in Python gives."""

import statistics
from collections import Counter
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from query.records import END, NOW, ROWS, SECOND, START, Row

from loghouse.errors import QueryError
from loghouse.query import Compiled, Live, TimeRange, all_filters, compile, is_live, parse
from loghouse.query.stages.functions import ALIASES, FUNCTIONS
from loghouse.record import Record
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)
MINUTE = 60 * SECOND


def compiled(text: str, window: TimeRange = WINDOW, limit: int | None = None) -> Compiled:
    return compile(parse(text), window, limit=limit, now_ns=NOW)


def table(store: Store, text: str, window: TimeRange = WINDOW) -> list[tuple[Any, ...]]:
    query = compiled(text, window)
    assert query.kind == "table"
    rows = [tuple(row) for row in store.rows(query.sql, query.params, query.settings)]
    assert all(len(row) == len(query.columns) == len(query.kinds) for row in rows)
    return rows


def found(store: Store, text: str, limit: int | None = None) -> list[int]:
    query = compiled(text, limit=limit)
    assert query.kind == "records"
    return [Record(*row).source_id for row in store.rows(query.sql, query.params, query.settings)]


def most_first(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def numbers(name: str) -> list[float]:
    return [number for row in ROWS if (number := row.number(name)) is not None]


def test_stats_counts_each_group_most_first(store: Store) -> None:
    expected = most_first(Counter(row.namespace for row in ROWS))
    assert table(store, "| stats count() by ns") == expected
    assert table(store, "* | stats by (ns) count()") == expected
    assert table(store, "| count() by ns") == expected
    assert compiled("| count() by ns").columns == ("ns", "count()")


def test_stats_of_two_keys_groups_pairs_and_orders_levels(store: Store) -> None:
    rows = table(store, "ns=prod | stats count() by level, pod")
    counts = Counter((row.severity, row.level, row.pod) for row in ROWS if row.namespace == "prod")
    assert rows == [(level, pod, n) for (_, level, pod), n in most_first(counts)]


def test_stats_groups_by_field_and_label(store: Store) -> None:
    assert table(store, "path:* | stats count() n by path") == most_first(
        Counter(row.text("path") for row in ROWS if row.text("path"))
    )
    assert table(store, "| stats count() by ~tier") == most_first(
        Counter(row.labels.get("tier", "") for row in ROWS)
    )


def test_stats_functions(store: Store) -> None:
    text = (
        "| stats count(), count(path), dc(path), uniq_exact(path), sum(status), avg(status), min(status), "
        "max(status), median(status), quantile(0.25, status), p95(status), stddev(status), rate(), bytes()"
    )
    [row] = table(store, text)
    status = numbers("status")
    paths = {row.text("path") for row in ROWS}
    assert row == pytest.approx(
        (
            len(ROWS),
            sum(row.text("path") != "" for row in ROWS),
            len(paths),
            len(paths),
            sum(status),
            statistics.mean(status),
            min(status),
            max(status),
            statistics.median(status),
            statistics.quantiles(status, n=4, method="inclusive")[0],
            statistics.quantiles(status, n=20, method="inclusive")[-1],
            statistics.pstdev(status),
            len(ROWS) / 3600,
            sum(len(row.raw.encode()) for row in ROWS),
        )
    )


@pytest.mark.parametrize("by", ["path", "trace_id", "nosuchfield", "path, namespace", "path, _time:1m"])
@pytest.mark.parametrize("number", ["status", "request_time", "user.id", "nosuchnumber"])
@pytest.mark.parametrize("only", ["", " if (level:error)", " if (status:*)"])
def test_functions_of_numbers_need_no_count_to_know_their_groups(
    store: Store, number: str, by: str, only: str
) -> None:
    """Of records that have neither one is read, where it stands for all of them."""
    functions = ", ".join(f"{name}({number}){only}" for name in ("sum", "max", "median", "histogram"))
    alone = table(store, f"| stats {functions} by {by}")
    with_count = table(store, f"| stats {functions}, count() by {by}")
    assert len(alone) > 1 or by == "nosuchfield"
    assert alone == [row[:-1] for row in with_count]


@pytest.mark.parametrize("by", ["path", "trace_id", "channel", "nosuchfield", "path, namespace"])
@pytest.mark.parametrize("number", ["status", "request_time", "user.id", "nosuchnumber"])
def test_stats_of_a_number_by_a_text_count_who_has_both_either_and_none(
    store: Store, number: str, by: str
) -> None:
    """Such records are read apart: those with the text, of the others those with the number, the rest."""
    groups: dict[tuple[str, ...], list[float | None]] = {}
    for row in ROWS:
        key = tuple(row.namespace if name == "namespace" else row.text(name) for name in by.split(", "))
        groups.setdefault(key, []).append(row.number(number))
    expected = {
        key: (len(found), round(sum(known), 6), max(known, default=None))
        for key, found in groups.items()
        for known in [[number for number in found if number is not None]]
    }
    rows = table(store, f"| stats count() n, sum({number}) s, max({number}) m by {by} | eval s = round(s, 6)")
    width = len(by.split(", "))
    assert {row[:width]: row[width:] for row in rows} == expected


def test_stats_functions_that_pick_values(store: Store) -> None:
    text = (
        "path:* | stats first(path) a, last(path) b, arg_max(path, request_time) c, arg_min(path, status) d, "
        "uniq_values(path) e, values(status) f, any(format) g, min(_time) h, max(level) i"
    )
    [row] = table(store, text)
    having = [row for row in ROWS if row.text("path")]
    assert row[:4] == (having[0].text("path"), having[-1].text("path"), "/health/live", "/cart")
    assert row[4] == sorted({row.text("path") for row in having})
    assert sorted(row[5]) == sorted(row.text("status") for row in having)
    assert row[6] in ("json", "logfmt")
    assert row[7:] == (having[0].timestamp, "error")
    assert compiled(text).kinds == ("text", "text", "text", "text", "list", "list", "text", "time", "level")


def test_stats_of_nothing(store: Store) -> None:
    assert table(store, "nosuchword | stats count(), sum(status), avg(status), max(status)") == [
        (0, 0.0, None, None)
    ]
    assert table(store, "nosuchword | stats count() by pod") == []


def test_stats_with_conditions_and_names(store: Store) -> None:
    text = (
        "path:* | stats by (path) count() n, count() if (status>=500) bad, p95(request_time) as p95 "
        "| where bad > 0 | sort bad desc, path | limit 2"
    )
    assert compiled(text).columns == ("path", "n", "bad", "p95")
    rows = table(store, text)
    bad = {
        path: sum((row.number("status") or 0) >= 500 for row in ROWS if row.text("path") == path)
        for path in {row.text("path") for row in ROWS} - {""}
    }
    expected = sorted(((path, n) for path, n in bad.items() if n), key=lambda item: (-item[1], item[0]))[:2]
    assert [(row[0], row[2]) for row in rows] == expected


def written(name: str) -> str:
    """A call of the function with fields of the right kind."""
    arguments = {"count": "", "rate": "", "bytes": "", "quantile": "0.9, status", "p75": "status"}
    if ALIASES.get(name, name) in ("arg_min", "arg_max"):
        return f"{name}(path, status)"
    return f"{name}({arguments.get(name, 'status')})"


@pytest.mark.parametrize("name", [*FUNCTIONS, *ALIASES, "p75"])
def test_a_condition_leaves_the_same_rows_as_a_filter(store: Store, name: str) -> None:
    call = written(name)
    conditional = table(store, f"trace_id:* | stats {call} if (status >= 500) n")
    assert conditional == table(store, f"trace_id:* status >= 500 | stats {call} n")
    assert len(conditional) == 1


@pytest.mark.parametrize("name", ["bytes()", "first(n)", "last(n)"])
def test_functions_of_records_refuse_tables(name: str) -> None:
    with pytest.raises(QueryError, match="is about records, and this is a table"):
        compiled(f"| stats count() n | stats {name}")


def test_stats_by_time_comes_in_order(store: Store) -> None:
    rows = table(store, "| stats count(), rate() by _time:10s, ns")
    expected = Counter((START + int(row.second) // 10 * 10 * SECOND, row.namespace) for row in ROWS)
    order = sorted(expected.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    assert rows == [(time, ns, n, n / 10) for (time, ns), n in order]
    assert compiled("| stats count() by _time:10s").columns == ("_time", "count()")


def test_stats_by_buckets_of_a_number(store: Store) -> None:
    rows = table(store, "has(status) | stats count() n by status:100 | sort n desc | where n > 2")
    assert rows == [(500.0, 3)]


def test_days_start_at_midnight_of_the_readers_zone(store: Store) -> None:
    zone = ZoneInfo("Asia/Kolkata")
    query = compile(parse("| hist 1d"), WINDOW, limit=None, now_ns=NOW, zone=zone)
    rows = store.rows(query.sql, query.params)
    midnight = START - (10 * 60 + 330) * MINUTE  # 10:00 UTC is 15:30 in Kolkata
    assert list(rows) == [(midnight, len(ROWS))]


def test_hist_fills_empty_buckets(store: Store) -> None:
    rows = table(store, "ns=prod | hist 5m by level")
    prod = [row for row in ROWS if row.namespace == "prod"]
    seen = sorted({(row.severity, row.level) for row in prod})
    expected = [
        (START + bucket * 5 * MINUTE, level, sum(row.level == level for row in prod) if bucket == 0 else 0)
        for bucket in range(12)
        for _, level in seen
    ]
    assert rows == expected
    assert compiled("| hist 5m by level").columns == ("_time", "level", "count")


def test_hist_of_nothing_is_all_zeros(store: Store) -> None:
    assert table(store, "nosuchword | hist 15m") == [(START + n * 15 * MINUTE, 0) for n in range(4)]


def test_hist_buckets_are_aligned_and_cover_a_ragged_window(store: Store) -> None:
    window = TimeRange(START + 61 * SECOND, START + 6 * MINUTE)
    assert [row[0] for row in table(store, "| hist 5m", window)] == [START, START + 5 * MINUTE]


def test_hist_draws_the_time_the_filter_asks_for(store: Store) -> None:
    assert [row[0] for row in table(store, "_time:10m | hist 5m")] == [END - 10 * MINUTE, END - 5 * MINUTE]


def test_hist_chooses_a_step(store: Store) -> None:
    assert len(table(store, "| hist")) == 60


def test_hist_refuses_too_many_buckets() -> None:
    with pytest.raises(QueryError, match="hist 1ms makes 3600000 buckets"):
        compiled("| hist 1ms")


def test_limit_and_offset(store: Store) -> None:
    newest = [row.id for row in reversed(ROWS)]
    assert found(store, "| limit 3") == newest[:3]
    assert found(store, "| head 3 | offset 1") == newest[1:3]
    assert found(store, "| offset 2 | limit 2") == newest[2:4]
    assert found(store, "| limit 0") == newest
    assert found(store, "| limit 5", limit=2) == newest[:2]
    assert found(store, "| limit 2", limit=5) == newest[:2]


def test_where_after_limit_sees_only_what_was_left(store: Store) -> None:
    newest = list(reversed(ROWS))[:12]
    assert found(store, "| limit 12 | where error") == [row.id for row in newest if "error" in row.tokens]
    assert table(store, "| limit 12 | stats count()") == [(12,)]
    assert found(store, "| where error | limit 2") == found(store, "error", limit=2)


@pytest.mark.parametrize(
    "stage", ["where status>=500", "filter status >= 500", "status>=500", "(status>=500)"]
)
def test_where_and_its_short_forms(store: Store, stage: str) -> None:
    assert sorted(found(store, f"has(path) | {stage}")) == [2, 3, 4]


def test_sort_of_records(store: Store) -> None:
    expected = sorted(
        (row for row in ROWS if row.number("status") is not None),
        key=lambda row: (row.number("status"), row.second),
        reverse=True,
    )
    assert found(store, "has(status) | sort status desc") == [row.id for row in expected]
    assert found(store, "| sort by (level desc, _time) | limit 2") == [25, 23]
    assert found(store, "| sort node, _time | limit 3") == [1, 2, 3]


def test_sort_of_a_table(store: Store) -> None:
    rows = table(store, "| stats count() n by pod | sort pod desc")
    assert [row[0] for row in rows] == sorted({row.pod for row in ROWS}, reverse=True)


def test_uniq_keeps_the_first_or_the_last(store: Store) -> None:
    assert sorted(found(store, "trace_id:* | uniq by trace_id keep last")) == [2]
    assert sorted(found(store, "trace_id:* | uniq trace_id")) == [1]
    last: dict[str, Row] = {row.message: row for row in ROWS}
    assert sorted(found(store, "| uniq keep last")) == sorted(row.id for row in last.values())
    assert sorted(found(store, "| dedup by (namespace, level)")) == sorted(
        {(row.namespace, row.level): row.id for row in reversed(ROWS)}.values()
    )
    assert table(store, "| stats count() n by ns, node | uniq by ns | fields ns") == [("prod",), ("staging",)]


def test_top_and_rare(store: Store) -> None:
    counts = most_first(Counter(row.node for row in ROWS))
    assert table(store, "| top 2 node") == [(node, n, pytest.approx(n / len(ROWS))) for node, n in counts[:2]]
    assert [row[0] for row in table(store, "| rare node")] == [
        node for node, _ in sorted(counts, key=lambda item: (item[1], item[0]))
    ]
    assert compiled("| top 5 by pod, node").columns == ("pod", "node", "count", "share")
    assert len(table(store, "| stats count() by level | top 2")) == 2


def test_fields_and_drop_mark_records_and_cut_tables(store: Store) -> None:
    query = compiled("error | fields _time, pod_name, ~app, user.id, `level`")
    assert query.kind == "records"
    assert query.fields == ("timestamp", "pod", "~app", "user.id", "level")
    assert compiled("| drop pod, raw").shown.dropped == ("pod", "raw")
    assert compiled("| fields pod, raw | drop raw").fields == ("pod",)
    assert Live(parse("| keep pod"), NOW).shown.fields == ("pod",)
    assert table(store, "| stats count() n, bytes() b by ns | fields ns, n") == table(
        store, "| stats count() n by ns"
    )
    assert compiled("| stats count() n, bytes() b by ns | drop b").columns == ("ns", "n")


def test_stages_on_tables_of_tables(store: Store) -> None:
    text = "| stats count() n by pod, level | stats max(n) most, count() levels by pod | sort pod"
    by_pod: dict[str, Counter[str]] = {}
    for row in ROWS:
        by_pod.setdefault(row.pod, Counter())[row.level] += 1
    assert table(store, text) == [
        (pod, max(by_pod[pod].values()), len(by_pod[pod])) for pod in sorted(by_pod)
    ]
    assert table(store, "| stats count() n by level | where level >= error | stats sum(n) errors") == [
        (sum(row.severity >= 6 for row in ROWS),)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "| stats count() n by level | where level:err*",
        "| stats count() by _time:5m | where _time > now-2h | sort _time desc",
        "| stats values(pod) pods by ns | fields pods",
        "| limit 20 | sort status | uniq by status | top path | where count > 1",
        "| hist 5m by ns, level | where count > 0 | limit 3 | offset 1 | sort count",
        "| top 3 status | uniq keep last | stats sum(count)",
    ],
)
def test_long_pipelines_run(store: Store, text: str) -> None:
    query = compiled(text, limit=100)
    store.rows(query.sql, query.params, query.settings)


def test_tail_takes_stages_that_judge_each_record_alone() -> None:
    query = parse("error | where status>=500 | fields pod | ns=prod")
    assert is_live(query)
    assert str(all_filters(query)) == "error and status >= 500 and ns = prod"
    assert all_filters(parse("| fields pod")) is None


@pytest.mark.parametrize(
    "text",
    [
        "error | where level>=info | fields pod, status",
        "| eval n = length(message) * 2, word = upper(pod) | where n > 10 | drop word",
        '| json | format "{pod}: {user.id}"',
        "| mask email, ip | replace 'o' with '0' | decolorize | where level >= info",
        "| logfmt | rename status as code | where code >= 500",
        "| regexp '(?P<first>[a-z]+)' | where has(first) | sample 1",
        "| pattern '<a> <b>' | label_format c=a | where has(b)",
    ],
)
def test_a_tail_gives_the_records_of_a_search(store: Store, text: str) -> None:
    """The same rows, the same fields made by stages, in the order in which they were stored."""
    searched = compiled(text)
    sql, params = Live(parse(text), NOW).select(
        "logs", ("timestamp >= fromUnixTimestamp64Nano({first:Int64})",)
    )
    found = store.rows(sql, {**params, "first": WINDOW.start}, searched.settings)
    wanted = store.rows(searched.sql, searched.params, searched.settings)
    records, expected = (
        sorted((Record(*row) for row in rows), key=lambda record: record.source_id)
        for rows in (found, wanted)
    )
    assert records == expected != []
    assert [row[1] for row in found] == sorted(row[1] for row in wanted)


@pytest.mark.parametrize(
    "stage",
    ["stats count()", "hist 5m", "sort pod", "limit 5", "uniq by pod", "top pod", "patterns", "unroll tags"],
)
def test_tail_refuses_the_others_at_their_place(stage: str) -> None:
    query = parse(f"error | eval a = 1 | {stage}")
    with pytest.raises(QueryError) as error:
        Live(query, NOW)
    assert query.text[error.value.start : error.value.end] == stage
    assert "logq search" in error.value.hint


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_order_decides_what_a_limit_keeps(store: Store, order: Literal["newest", "oldest"]) -> None:
    query = compile(parse("| limit 2"), WINDOW, order=order, limit=None, now_ns=NOW)
    kept = [Record(*row).source_id for row in store.rows(query.sql, query.params)]
    assert kept == ([32, 31] if order == "newest" else [1, 2])
