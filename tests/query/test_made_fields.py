"""Fields that stages make: each has the value that a plain reading in Python gives, in every record."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from query.records import END, NOW, ROWS, START, Row

from loghouse.errors import QueryError
from loghouse.query import Compiled, TimeRange, compile, is_live, parse
from loghouse.record import Record
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)


def compiled(text: str) -> Compiled:
    query = parse(text)
    assert parse(str(query)) == query
    return compile(query, WINDOW, limit=None, now_ns=NOW)


def found(store: Store, text: str) -> dict[int, Record]:
    query = compiled(text)
    assert query.kind == "records"
    rows = [Record(*row) for row in store.rows(query.sql, query.params, query.settings)]
    return {record.source_id: record for record in rows}


def table(store: Store, text: str) -> list[tuple[Any, ...]]:
    query = compiled(text)
    return [tuple(row) for row in store.rows(query.sql, query.params, query.settings)]


def made(store: Store, text: str, name: str) -> dict[int, Any]:
    """The value of a field in each record that has it."""
    return {
        id: json.loads(record.made[name]) for id, record in found(store, text).items() if name in record.made
    }


def values(value: Callable[[Row], Any]) -> dict[int, Any]:
    """What Python computes for each record, where it computes something."""
    return {row.id: result for row in ROWS if (result := value(row)) not in (None, "")}


def one(row: Row, name: str, result: Callable[[float], float]) -> float | None:
    number = row.number(name)
    return None if number is None else result(number)


def both(row: Row, one: str, other: str, result: Callable[[float, float], float]) -> float | None:
    a, b = row.number(one), row.number(other)
    return None if a is None or b is None else result(a, b)


EXPRESSIONS: dict[str, Callable[[Row], Any]] = {
    "status + 1": lambda row: one(row, "status", lambda n: n + 1),
    "status - bytes / 2 * 3": lambda row: both(row, "status", "bytes", lambda a, b: a - b / 2 * 3),
    "(status - bytes) / 4": lambda row: both(row, "status", "bytes", lambda a, b: (a - b) / 4),
    "-request_time": lambda row: one(row, "request_time", lambda n: -n),
    "status % 7": lambda row: one(row, "status", lambda n: math.fmod(n, 7)),
    "status / retries": lambda row: None,  # a division by zero, or by what is not there
    "1 / 0": lambda row: None,
    "-5 % 3": lambda row: -2,
    "status": lambda row: row.number("status") if row.number("status") is not None else row.text("status"),
    '"fixed"': lambda row: "fixed",
    'concat(pod, ":", status)': lambda row: f"{row.pod}:{row.text('status')}",
    "upper(path)": lambda row: row.text("path").upper(),
    "lower(city)": lambda row: row.text("city").lower(),
    "length(message)": lambda row: len(row.message),
    'coalesce(trace_id, note, "none")': lambda row: row.text("trace_id") or row.text("note") or "none",
    "round(request_time, 1)": lambda row: one(row, "request_time", lambda n: round(n, 1)),
    "max(status, bytes)": lambda row: both(row, "status", "bytes", max),
    "min(status, bytes)": lambda row: both(row, "status", "bytes", min),
    "abs(count)": lambda row: one(row, "count", lambda n: abs(n)),
    "seconds(took)": lambda row: {10: 0.51, 11: 80, 13: 0.09}.get(row.id),
    "bytes(size)": lambda row: {10: 20e3, 11: 3 * 2**20}.get(row.id),
    "num(version)": lambda row: None,
    "hour(_time)": lambda row: 10,
    "date(_time)": lambda row: "2026-07-30",
    "weekday(_time)": lambda row: 4,
    "level": lambda row: row.level,
    'if (status >= 500) "bad" else if (status >= 400) "their own" else "fine"': lambda row: (
        "bad" if (row.number("status") or 0) >= 500 else "their own" if row.id == 29 else "fine"
    ),
    "if (has(status)) 1 else 0": lambda row: float(row.text("status") != ""),
    "text(status)": lambda row: row.number("status") if row.text("status") else None,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_eval_computes_what_python_computes(store: Store, expression: str) -> None:
    result = made(store, f"| eval x = {expression}", "x")
    wanted = values(EXPRESSIONS[expression])
    assert result.keys() == wanted.keys()
    for id, value in wanted.items():
        assert result[id] == (value if isinstance(value, str) else pytest.approx(value)), id


def test_eval_takes_names_made_before_it(store: Store) -> None:
    result = made(store, "| eval a = status * 2, b = a + 1 | eval b = b + a", "b")
    assert result == {row.id: status * 4 + 1 for row in ROWS if (status := row.number("status")) is not None}


def test_made_fields_are_filtered_sorted_grouped_and_counted(store: Store) -> None:
    double = {row.id: status * 2 for row in ROWS if (status := row.number("status")) is not None}
    assert found(store, "| eval d = status * 2 | where d > 900").keys() == {
        id for id, value in double.items() if value > 900
    }
    query = compiled("| eval d = status * 2 | where has(d) | sort d desc | limit 2")
    assert [row[16] for row in store.rows(query.sql, query.params)] == [4, 3]
    assert table(store, "| eval d = status * 2 | stats count() n, max(d) m, sum(d) s") == [
        (len(ROWS), max(double.values()), sum(double.values()))
    ]
    assert dict(table(store, "| eval d = status * 2 | where d is not null | stats count() by d")) == dict(
        Counter(double.values())
    )
    assert len(found(store, "| eval d = status * 2 | where d is null")) == len(ROWS) - len(double)
    kinds = dict(table(store, '| eval kind = if (level >= error) "bad" else "ok" | stats count() by kind'))
    assert kinds == Counter("bad" if row.severity >= 6 else "ok" for row in ROWS)


def test_a_made_field_hides_the_one_of_the_record_and_a_column(store: Store) -> None:
    assert len(found(store, '| eval status = "none" | where status = none')) == len(ROWS)
    assert found(store, "| eval level = status | where level = error") == {}
    assert found(store, '| eval level = "WARN" | where level = warning').keys() == {row.id for row in ROWS}
    assert found(store, '| eval pod = "p" | where pod_name = p')[1].pod == "p"
    assert found(store, '| eval message = "gone" | where message contains failed') == {}
    assert found(store, '| eval host = "h" | where node = kube-1 host = h').keys() == {
        row.id for row in ROWS if row.node == "kube-1"
    }


def test_eval_of_a_table(store: Store) -> None:
    text = '| stats count() n by level | eval twice = n * 2, name = concat(level, "!") | sort level'
    counts = Counter((row.severity, row.level) for row in ROWS)
    assert table(store, text) == [(name, n, n * 2, f"{name}!") for (_, name), n in sorted(counts.items())]
    assert compiled(text).columns == ("level", "n", "twice", "name")
    assert compiled("| stats count() n | eval n = n / 2").columns == ("n",)


def test_pattern_takes_text_between_what_is_written(store: Store) -> None:
    text = "format=text | pattern 'refused<rest>'"
    rows = [row for row in ROWS if row.format == "text"]
    matching = {row.id: row.raw.partition("refused")[2] for row in rows if "refused" in row.raw}
    assert made(store, text, "rest") == {id: rest for id, rest in matching.items() if rest}
    errors = made(store, text, "_error")
    assert errors.keys() == {row.id for row in rows} - matching.keys()
    assert set(errors.values()) == {"the text does not match the pattern"}
    anchored = made(store, "format=text | pattern '<first> <_>'", "first")
    assert anchored == {row.id: row.raw.split(" ")[0] for row in rows if row.raw.count(" ")}


def test_regexp_takes_named_groups(store: Store) -> None:
    regex = r"(?P<who>user|api) (\w+)(?: (?P<how>in|out|nowhere))?"
    wanted = {row.id: re.search(regex, row.message) for row in ROWS}
    who = made(store, f'| regexp "{regex}" prefix "x."', "x.who")
    assert who == {id: match["who"] for id, match in wanted.items() if match}
    how = made(store, f'| regexp "{regex}" prefix "x."', "x.how")
    assert how == {id: match["how"] for id, match in wanted.items() if match and match["how"]}
    assert made(store, "| regexp '(?P<kind>[a-z]+)$' from file", "kind") == {15: "txt", 16: "txt"}


JSON_TEXT = '{"a": {"b": 5, "t": "x y"}, "n": null, "yes": true, "s": "7", "l": [1, "q"]}'


def literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("a.b = 5", True),
        ("a.b > 4", True),
        ("a.t = 'x y'", True),
        ("a.t:x", True),
        ("n is null", True),
        ("n is not null", False),
        ("missing(n)", True),
        ("yes is true", True),
        ("yes = true", True),
        ("s > 6", True),
        ("s = 7", True),
        ("s is true", False),
        ("a.none = 5", False),
        ("has(a.none)", False),
        ("l contains q", True),
        ("not a.b = 5", False),
    ],
)
@pytest.mark.parametrize("before", ["", "INFO done "])
def test_json_reads_a_message_with_its_types(
    store: Store, condition: str, matches: bool, before: str
) -> None:
    condition = condition.replace("contains q", 'contains "q"')
    text = f"format=text | eval message = {literal(before + JSON_TEXT)} | json | where {condition}"
    assert bool(found(store, text)) == matches


def test_json_shows_its_fields_and_keeps_those_of_the_record(store: Store) -> None:
    record = found(store, f"trace_id:* | eval m = {literal(JSON_TEXT)} | json from m | where status = 500")[2]
    shown = {name: json.loads(text) for name, text in record.made.items()}
    assert shown.pop("m") == JSON_TEXT
    assert shown == {"a.b": 5, "a.t": "x y", "n": None, "yes": True, "s": "7", "l": [1, "q"]}


def test_json_with_a_prefix_and_with_fields(store: Store) -> None:
    start = f"trace_id:* | eval m = {literal(JSON_TEXT)}"
    assert len(found(store, f'{start} | json from m prefix "in." | where in.a.b = 5 missing(a.b)')) == 2
    only = found(store, f"{start} | json from m fields (a.b, `yes`) | drop m")[1].made
    assert {name: json.loads(text) for name, text in only.items() if name != "m"} == {"a.b": 5, "yes": "true"}
    in_table = table(store, f"{start} | stats any(m) m | json from m fields (s, a.b) | fields s, a.b")
    assert in_table == [("7", "5")]


@pytest.mark.parametrize("stage", ["json", "json fields (a)"])
def test_json_without_an_object_is_an_error_of_the_record(store: Store, stage: str) -> None:
    errors = made(store, f"| {stage}", "_error")
    assert errors == {row.id: "the text holds no JSON object" for row in ROWS if row.format != "json"}
    assert set(made(store, f"| {stage} from path", "_error")) == {row.id for row in ROWS}


def test_logfmt_reads_pairs_of_any_text(store: Store) -> None:
    text = '| eval m = "a=1 b=\\"two words\\" c" | logfmt from m'
    record = found(store, text)[1]
    assert {name: json.loads(value) for name, value in record.made.items() if name != "m"} == {
        "a": 1,
        "b": "two words",
    }
    assert len(found(store, f"{text} | where a > 0 b:words")) == len(ROWS)
    assert made(store, "format=text | logfmt", "_error").keys() == {
        row.id for row in ROWS if row.format == "text" and row.id != 25
    }


SYSLOG = {
    '<34>1 2026-07-30T10:00:00Z web nginx 77 ID47 [x@1 a="b"] it\'s down': {
        "priority": 34,
        "facility": "auth",
        "level": "critical",
        "hostname": "web",
        "app_name": "nginx",
        "proc_id": 77,
        "msg_id": "ID47",
        "message": "it's down",
    },
    "<13>Jul  3 10:00:00 web su[12]: failed: no": {
        "facility": "user",
        "level": "notice",
        "app_name": "su",
        "proc_id": 12,
        "message": "failed: no",
    },
    "Jul 13 10:00:00 web cron: ran": {"level": "info", "app_name": "cron", "message": "ran"},
}


@pytest.mark.parametrize("line", SYSLOG)
def test_syslog_is_taken_apart(store: Store, line: str) -> None:
    record = found(store, f"| eval m = {literal(line)} | syslog from m | where not has(_error)")[1]
    shown = {name: json.loads(text) for name, text in record.made.items()}
    shown |= {"level": record.level, "message": record.message}
    assert {name: shown[name] for name in SYSLOG[line]} == SYSLOG[line]


def test_what_is_no_syslog_stays(store: Store) -> None:
    record = found(store, "format=text | syslog")[21]
    assert (record.message, record.level) == ("Connection refused by redis", "error")
    assert json.loads(record.made["_error"]) == "the text is not syslog"


def test_an_error_of_one_stage_is_kept_by_the_next(store: Store) -> None:
    errors = made(store, "format=text | pattern 'nowhere <x>' | regexp '(?P<y>.)'", "_error")
    assert errors[21] == "the text does not match the pattern"


def test_format_makes_the_message_or_a_field(store: Store) -> None:
    text = 'has(user.id) | format "{user.name} ({user.id}) at {pod}/{~tier}: {level} {{done}}"'
    assert {id: record.message for id, record in found(store, text).items()} == {
        row.id: f"{row.text('user.name')} ({row.text('user.id')}) at {row.pod}/: {row.level} {{done}}"
        for row in ROWS
        if row.text("user.id")
    }
    assert compiled(text).fields == ("message",)
    query = compiled(text)
    assert {row[0] for row in store.rows(query.raw_sql, query.params)} == {
        record.message for record in found(store, text).values()
    }
    assert made(store, '| format "{status}!" as s', "s")[1] == "200!"
    assert table(store, '| stats count() n by ns | format "{ns} has {n}"') == [
        ("prod has 29",),
        ("staging has 3",),
    ]


def test_replace_and_replace_regexp(store: Store) -> None:
    messages = {id: record.message for id, record in found(store, '| replace ("re", "<>")').items()}
    assert messages == {row.id: row.message.replace("re", "<>") for row in ROWS}
    paths = made(store, r'| replace_regexp ("/(\w)(\w*)", "<$2\1>") in path', "path")
    assert paths == values(lambda row: re.sub(r"/(\w)(\w*)", r"<\2\1>", row.text("path")))
    assert table(store, '| stats count() n by ns | replace ("prod", "live") in ns')[0] == ("live", 29)
    assert parse('| replace "a" with "b" at path') == parse('| replace ("a", "b") in path')


def test_mask_replaces_what_is_private_everywhere(store: Store) -> None:
    shown = found(store, "| eval who = user.email | mask email, ip")
    assert json.loads(shown[8].made["who"]) == "<email>"
    assert shown[25].message == "err: oomkill of <ip>:8080 see http://x.y/z?a=1"
    assert json.loads(shown[13].raw)["client"] == "<ip>"
    assert found(store, '| mask email | where user.email = "<email>"').keys() == {8, 9}
    only = found(store, "| mask number in message")
    assert (only[15].message, json.loads(only[15].raw)["rate"]) == ("percent <number>% done", "100%")
    assert table(
        store, "client:* | stats count() by client | mask ip | stats sum(`count()`) by client | fields client"
    )


MASKED = {
    "mail ann.lee+x@mail.example.com now": "mail <email> now",
    "from 10.1.2.3:80 and fd00::5 or 2001:db8::1:0 ok": "from <ip>:80 and <ip> or <ip> ok",
    "at 10:15:00 it was 1.2.3": "at 10:15:00 it was 1.2.3",
    "card 4111 1111 1111 1111 declined": "card <card> declined",
    "2026 4111-1111-1111-1111 and 1234 6011000990139424": "2026 <card> and 1234 <card>",
    "3782 822463 10005 at 1732200000000000": "<card> at 1732200000000000",
    "Authorization: Bearer abcdefghij.123": "Authorization: <token>",
    "jwt eyJhbGci.eyJzdWIi.abc_d-e x": "jwt <token> x",
}


@pytest.mark.parametrize("text", MASKED)
def test_usual_kinds_are_masked(store: Store, text: str) -> None:
    assert made(store, f"| limit 1 | eval m = {literal(text)} | mask", "m") == {32: MASKED[text]}


def test_decolorize_takes_colours_out_of_text_and_of_json(store: Store) -> None:
    text = "\x1b[31mred\x1b[0m and \\u001b[1;32mgreen\\u001b[m"
    assert made(store, f"| limit 1 | eval m = {literal(text)} | decolorize", "m") == {32: "red and green"}


def test_rename_and_copy(store: Store) -> None:
    assert found(store, "| rename status as code, path as uri | where code >= 500 uri:*").keys() == {2, 3, 4}
    with pytest.raises(QueryError, match='"status" is called "code"'):
        compiled("| rename status as code | where status = 500")
    assert compiled("| rename status as code").shown.dropped == ("status",)
    assert compiled("| fields status, path | rename status as code").fields == ("path", "code")
    assert found(store, "| copy ~tier as tier | where tier = db").keys() == {
        row.id for row in ROWS if row.labels.get("tier") == "db"
    }
    assert found(store, "| copy status as code | where code = status").keys() == set()
    query = compiled("| stats count() n by ns | rename n as number | copy ns as place")
    assert query.columns == ("ns", "number", "place")
    assert found(store, "| rename status as code | eval status = 1 | where status = 1").keys() == {
        row.id for row in ROWS
    }


def test_unroll_gives_a_row_for_each_value(store: Store) -> None:
    numbers = literal('[1, "two", null, {"a": 1}]')
    text = f"trace_id:* | eval l = {numbers} | unroll l | stats count() n by l | sort l"
    assert table(store, text) == [("1", 2), ("two", 2), ('{"a":1}', 2), ("", 2)]
    assert len(found(store, "| unroll path")) == len(ROWS)
    pods = table(store, "| stats uniq_values(pod) pods by ns | unroll pods | fields pods")
    assert {row[0] for row in pods} == {row.pod for row in ROWS}


def test_sample_is_the_same_each_time_and_about_the_share(store: Store) -> None:
    assert found(store, "| sample 1").keys() == {row.id for row in ROWS}
    taken = found(store, "| sample 3").keys()
    assert taken == found(store, "| sample 3").keys()
    assert 0 < len(taken) < len(ROWS)
    assert table(store, "| sample 3 | stats count()") == [(len(taken),)]
    assert parse("| sample 0.5%") == parse("| sample 200")
    assert len(table(store, "| stats count() by pod, level | sample 2")) < len(
        {(r.pod, r.level) for r in ROWS}
    )


def test_first_and_last(store: Store) -> None:
    assert found(store, "| first 3").keys() == {1, 2, 3}
    assert found(store, "| last 3").keys() == {30, 31, 32}
    assert found(store, "| last 2 by status").keys() == {3, 4}
    assert found(store, "| first 2 by level desc").keys() == {23, 25}
    assert found(store, "| first 12 | where error").keys() == {
        row.id for row in ROWS[:12] if "error" in row.tokens
    }
    ordered = table(store, "| stats count() n by level")
    assert table(store, "| stats count() n by level | last 2") == ordered[-2:]
    assert table(store, "| stats count() n by level | first 2") == ordered[:2]


def test_total_and_running_stand_beside_each_row(store: Store) -> None:
    rows = table(store, "| stats count() n by level | total sum(n) as all | running sum(n) as upto")
    counts = [row[1] for row in rows]
    assert [row[2:] for row in rows] == [(len(ROWS), sum(counts[: place + 1])) for place in range(len(rows))]
    running = made(
        store, "has(status) | running count() as place, sum(status) if (status >= 500) as s by ns", "place"
    )
    having = [row for row in ROWS if row.text("status")]
    assert running == {row.id: place for place, row in enumerate(having, start=1)}
    totals = made(store, "| total count() as n by ns", "n")
    assert totals == {row.id: sum(other.namespace == row.namespace for other in ROWS) for row in ROWS}


def test_field_names_count_the_records_that_have_them(store: Store) -> None:
    wanted = Counter(name for row in ROWS for name in {name for name, _ in row.pairs})
    assert dict(table(store, "| field_names")) == dict(wanted)
    assert table(store, "| field_names") == sorted(wanted.items(), key=lambda item: (-item[1], item[0]))


def test_facets_give_the_most_frequent_values_of_every_field(store: Store) -> None:
    rows = table(store, "| facets 3")
    wanted = Counter(pair for row in ROWS for pair in row.pairs)
    by_field: dict[str, list[tuple[str, int]]] = {}
    for (name, value), count in wanted.items():
        by_field.setdefault(name, []).append((value, count))
    for name, pairs in by_field.items():
        best = sorted(pairs, key=lambda pair: (-pair[1], pair[0].encode()))[:3]
        assert [(value, count) for field, value, count in rows if field == name] == best, name


def test_field_values(store: Store) -> None:
    wanted = Counter(row.text("path") for row in ROWS if row.text("path"))
    assert table(store, "| field_values path") == sorted(wanted.items(), key=lambda i: (-i[1], i[0].encode()))
    assert table(store, "| values path limit 1") == [("/cart", 2)]
    assert sum(row[1] for row in table(store, "| field_values level")) == len(ROWS)


def test_stats_by_networks(store: Store) -> None:
    assert dict(table(store, "client:* | stats count() by client:/8")) == {
        "10.0.0.0/8": 1,
        "192.0.0.0/8": 1,
        "fd00::/8": 1,
        "": 1,
    }
    assert dict(table(store, "client:* | stats count() by client:/64")) == {"fd00::/64": 1, "": 3}


def test_histogram_counts_every_number(store: Store) -> None:
    [[buckets]] = table(store, "| stats histogram(status) h")
    status = [number for row in ROWS if (number := row.number("status")) is not None]
    assert sum(bucket[2] for bucket in buckets) == pytest.approx(len(status))
    assert (buckets[0][0], buckets[-1][1]) == (min(status), max(status))


@pytest.mark.parametrize(
    "stage",
    ["eval a = b + 1", "json", "mask", "pattern '<a> <b>'", "rename a as b", "sample 10", 'format "{a}"'],
)
def test_stages_that_look_at_one_record_are_live(stage: str) -> None:
    assert is_live(parse(f"| {stage}"))
