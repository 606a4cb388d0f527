"""The formats that programs read, letter for letter."""

import csv
import io
import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from render.records import TIME, Out, record

from loghouse.errors import QueryError
from loghouse.render.clock import Clock
from loghouse.render.csv import Csv
from loghouse.render.fields import fields_of
from loghouse.render.histogram import Histogram
from loghouse.render.jsonlines import JsonLines
from loghouse.render.raw import render_raw, render_raw_records
from loghouse.render.table import DrawnTable, render_tsv
from loghouse.render.template import parse_template
from loghouse.render.values import VALUES, named

Row = tuple[Any, ...]

JSON = record("paid", raw='{"msg":"paid","a":{"b":1},"n":1.0,"big":12345678901234567890}', format="json")


def test_raw_writes_the_bytes_and_a_newline() -> None:
    out = Out()
    assert render_raw([[b"a\x00\xff", b""], [], [b"caf\xc3\xa9"]], out) == 3
    assert out.getvalue() == b"a\x00\xff\n\ncaf\xc3\xa9\n"


def test_raw_of_records_is_the_same() -> None:
    out = Out()
    assert render_raw_records([[record("m", raw="é\x1b"), record("m", raw=b"\xff")]], out) == 2
    assert out.getvalue() == "é\x1b\n".encode() + b"\xff\n"


def test_jsonl_holds_everything_that_was_logged_once() -> None:
    out = Out()
    assert JsonLines(Clock(), []).records([[JSON]], out) == 1
    assert out.text == (
        '{"timestamp": "2026-08-01T10:00:00.123456789Z", "level": "info", "namespace": "prod", '
        '"pod": "web-1", "container": "php", "message": "paid", '
        '"fields": {"msg": "paid", "a": {"b": 1}, "n": 1.0, "big": 12345678901234567890}, '
        '"labels": {"app": "shop"}, "node": "kube-1", "workload": "web", "stream": "stdout", '
        '"format": "json"}\n'
    )


def test_a_star_is_every_column() -> None:
    out = Out()
    assert JsonLines(Clock(), named("*")).records([[JSON]], out) == 1
    assert out.text == (
        '{"timestamp": "2026-08-01T10:00:00.123456789Z", "level": "info", "namespace": "prod", '
        '"pod": "web-1", "container": "php", "message": "paid", '
        '"fields": {"msg": "paid", "a": {"b": 1}, "n": 1.0, "big": 12345678901234567890}, '
        '"labels": {"app": "shop"}, "node": "kube-1", "workload": "web", "stream": "stdout", '
        '"format": "json", "parse_error": "", "inserted_at": "2026-08-01T10:00:00.163000000Z", '
        '"source_id": "18446744073709551615", "offset": 4096, "length": 5, '
        '"raw": "{\\"msg\\":\\"paid\\",\\"a\\":{\\"b\\":1},\\"n\\":1.0,\\"big\\":12345678901234567890}"}\n'
    )


def test_a_list_of_fields_names_each_once() -> None:
    assert named(" pod, status,,pod,~app ") == ["pod", "status", "~app"]
    assert named("raw,*,status") == ["raw", *(name for name in VALUES if name != "raw"), "status"]
    assert named(" , ") == []


@pytest.mark.parametrize(("rows", "text"), [(0, "[]\n"), (2, '[\n{"pod": "web-1"},\n{"pod": "web-1"}\n]\n')])
def test_json_is_one_array(rows: int, text: str) -> None:
    out = Out()
    assert JsonLines(Clock(), ["pod"], array=True).records([[JSON]] * rows, out) == rows
    assert out.text == text


def test_fields_are_picked_in_order_and_missing_ones_are_null() -> None:
    out = Out()
    JsonLines(Clock(), ["a.b", "~app", "label.none", "level", "nope"]).records([[JSON]], out)
    assert json.loads(out.text) == {
        "a.b": 1,
        "~app": "shop",
        "label.none": None,
        "level": "info",
        "nope": None,
    }


def test_json_stays_valid_whatever_the_record_holds() -> None:
    hostile = record(
        b"\xff\x00\x1b[31m", raw='{"a":"\\ud800","b":NaN,"c":Infinity,"\u202e":1}', format="json", level="x\n"
    )
    out = Out()
    JsonLines(Clock(), [], terminal=True).records([[hostile]], out)
    assert "\u202e" not in out.text
    found = json.loads(out.text)
    assert found["message"] == "\ufffd\x00\x1b[31m"
    assert found["fields"] == {"a": "\ufffd", "b": "NaN", "c": "Infinity", "\u202e": 1}


def test_fields_of_other_formats_come_from_the_maps() -> None:
    found = fields_of(record(numbers={"status": 200.0, "t": 0.25}, strings={"status": "200", "m": "GET"}))
    assert found == {"status": 200, "m": "GET", "t": 0.25}


def test_a_json_record_that_cannot_be_read_again_falls_back_to_the_maps() -> None:
    deep = record(raw="[" * 100_000, format="json", strings={"a": "b"})
    assert fields_of(deep) == {"a": "b"}


def test_csv_is_quoted_and_reads_back() -> None:
    out = Out()
    messages: list[str | bytes] = ['comma, "quote"', "two\nlines", "plain", b"\xff"]
    assert Csv(Clock(), []).records([[record(message) for message in messages]], out) == 4
    header, *rows = csv.reader(io.StringIO(out.text))
    assert header == ["timestamp", "level", "namespace", "pod", "container", "message"]
    assert [row[-1] for row in rows] == ['comma, "quote"', "two\nlines", "plain", "\ufffd"]
    assert out.text.splitlines()[1] == (
        '2026-08-01T10:00:00.123456789Z,info,prod,web-1,php,"comma, ""quote"""'
    )


def test_csv_writes_its_header_even_without_rows() -> None:
    out = Out()
    assert Csv(Clock(), ["pod", "status"]).records([], out) == 0
    assert out.text == "pod,status\n"


def test_a_template_fills_in_columns_labels_and_fields() -> None:
    template = parse_template(r"{timestamp}\t{pod} {~app} {a.b} {{{nope}}} {message}", Clock())
    out = Out()
    assert template.records([[JSON]], out) == 1
    assert out.text == "2026-08-01T10:00:00.123456789Z\tweb-1 shop 1 {} paid\n"


@pytest.mark.parametrize(("text", "place"), [("{", 0), ("a }", 2), ("{a b}", 0), ("x {}", 2)])
def test_a_wrong_template_points_at_the_place(text: str, place: int) -> None:
    with pytest.raises(QueryError) as raised:
        parse_template(text, Clock())
    assert raised.value.start == place


def test_a_template_is_harmless_on_a_terminal_and_exact_in_a_pipe() -> None:
    hostile = record("\x1b[2J")
    for terminal, expected in ((True, "\\x1b[2J\n"), (False, "\x1b[2J\n")):
        out = Out()
        parse_template("{message}", Clock(), terminal).records([[hostile]], out)
        assert out.text == expected


TABLE: list[list[Row]] = [[("a\tb\n", 12_345, 0.5, None)], [("日本", 7, 1e-9, True)]]


def test_tsv_has_one_line_a_row() -> None:
    out = Out()
    assert render_tsv(["name", "n", "share", "flag"], TABLE, out) == 2
    assert out.text == "name\tn\tshare\tflag\na\\tb\\n\t12345\t0.5\t\n日本\t7\t1e-09\ttrue\n"


def test_a_drawn_table_fits_and_is_harmless() -> None:
    out = Out()
    rows = [*TABLE[0], ("\x1b[31m" + "x" * 200, 1, 2.0, False)]
    assert DrawnTable(width=60, colour=False).table(["name", "n", "share", "flag"], [rows], out) == 2
    assert "\x1b" not in out.text
    assert "12 345" in out.text
    assert max(map(len, out.text.splitlines())) <= 60


def test_tables_as_json_and_csv() -> None:
    out = Out()
    JsonLines(Clock(), []).table(["k", "n"], [[("a", 1), (b"\xff", 2)]], out)
    Csv(Clock(), []).table(["k", "n"], [[("a,b", True)]], out)
    assert out.text == '{"k": "a", "n": 1}\n{"k": "\ufffd", "n": 2}\nk,n\n"a,b",true\n'


def test_times_carry_their_zone() -> None:
    clock = Clock(timezone(timedelta(hours=-3, minutes=-30)))
    assert clock.rfc3339(TIME) == "2026-08-01T06:30:00.123456789-03:30"
    assert clock.short(TIME) == "2026-08-01 06:30:00.123"
    assert Clock().rfc3339(0) == "1970-01-01T00:00:00.000000000Z"


def test_long_numbers_are_written_in_groups_whatever_their_kind() -> None:
    rows = [[1_234_567, 1_234_567.8], [52_553, 52_553.4], [2720, 2720.5]]
    out = Out()
    DrawnTable(width=60, colour=False).table(["n", "avg"], [rows], out)
    drawn = [[cell.strip() for cell in line.split("   ") if cell.strip()] for line in out.text.splitlines()]
    assert drawn[3:6] == [["1 234 567", "1 234 568"], ["52 553", "52 553"], ["2720", "2720.5"]]


def test_a_histogram_and_its_legend_write_numbers_the_same_way() -> None:
    out = Out()
    rows = [[TIME, "info", 12_345], [TIME, "error", 7]]
    Histogram(Clock(), columns=80, colour=False).table(["_time", "level", "count"], [rows], out)
    bar, legend = out.text.splitlines()
    assert bar.startswith("2026-08-01 10:00:00  12 352  █")
    assert legend == "█ info 12 345   █ error 7"


def test_a_narrow_screen_takes_the_gaps_before_it_breaks_words() -> None:
    columns = ["namespace", "disk", "share", "written", "records", "bytes each"]
    rows = [["kube-system", "444.7 kB", 0.013, "314.8 MB", 838_643, 107]]
    out = Out()
    assert DrawnTable(width=60, colour=False).table(columns, [rows], out) == 1
    head, _, values = out.text.splitlines()
    assert head.split() == " ".join(columns).split()
    assert values.split() == ["kube-system", "444.7", "kB", "0.013", "314.8", "MB", "838", "643", "107"]
