"""Lines for people."""

import re

import pytest
from render.records import TIME, Out, record

from loghouse.record import Record
from loghouse.render.clock import Clock
from loghouse.render.pretty import Pretty

SECOND = 1_000_000_000


def shown(renderer: Pretty, *records: Record) -> str:
    out = Out()
    assert renderer.records([list(records)], out) == len(records)
    return out.text


def plain() -> Pretty:
    return Pretty(Clock(), fields=[])


def test_a_line_says_when_where_how_bad_and_what() -> None:
    assert shown(plain(), record("GET /cart 500", level="error")) == (
        "2026-08-01 10:00:00.123 web-1/php ERROR GET /cart 500\n"
    )


def test_a_json_record_shows_its_fields_after_its_message() -> None:
    raw = '{"msg":"paid","user":{"id":7},"level":"info","tags":["a"],"note":"two words","ok":true,"x":null}'
    line = shown(plain(), record("paid", raw=raw, format="json"))
    assert line.endswith('INFO  paid user.id=7 tags=["a"] note="two words" ok=true x=null\n')


def test_fields_that_are_asked_for_are_the_only_ones() -> None:
    renderer = Pretty(Clock(), fields=["status", "~app", "node"])
    line = shown(renderer, record("m", numbers={"status": 500.0, "bytes": 1.5}))
    assert line.endswith(" m status=500 ~app=shop node=kube-1\n")


def test_what_each_line_begins_with_is_not_shown_twice() -> None:
    renderer = Pretty(Clock(), fields=["timestamp", "pod", "container", "level", "message", "status"])
    line = shown(renderer, record("paid", numbers={"status": 500.0}))
    assert line == "2026-08-01 10:00:00.123 web-1/php INFO  paid status=500\n"
    whole = record('{"a":1}', format="json")
    assert shown(renderer, whole).endswith(' INFO  {"a":1} status=null\n')


def test_a_record_without_a_pod_shows_its_node() -> None:
    assert " kube-1 INFO" in shown(plain(), record(pod="", container=""))
    assert " - -     " in shown(plain(), record(pod="", container="", node="", level="unknown"))


def test_colours_come_only_when_wanted_and_stay_with_the_pod() -> None:
    coloured = Pretty(Clock(), fields=[], colour=True)
    first, second, other = shown(
        coloured, record("one"), record("two"), record("three", pod="web-2")
    ).splitlines()
    pods = [re.findall(r"\x1b\[38;5;(\d+)m(?=web)", line) for line in (first, second, other)]
    assert pods[0] == pods[1] != pods[2]
    assert "\x1b" not in shown(plain(), record("one"))


def test_matches_are_marked() -> None:
    renderer = Pretty(Clock(), fields=[], colour=True, highlight=re.compile("refused", re.IGNORECASE))
    assert "connection \x1b[1;4mRefused\x1b[22;24m" in shown(renderer, record("connection Refused"))


@pytest.mark.parametrize(("screen", "end"), [(None, "at a\\n  at b\n"), (80, "at a\n      at b\n")])
def test_lines_of_a_message_are_indented_on_a_screen_only(screen: int | None, end: str) -> None:
    assert shown(Pretty(Clock(), fields=[], screen=screen), record("at a\n  at b")).endswith(end)


def test_a_long_message_is_cut_on_a_screen_only() -> None:
    long = record("x" * 5000)
    assert shown(Pretty(Clock(), fields=[], screen=80), long).endswith(f"{'x' * 800}… 4200 more characters\n")
    assert shown(plain(), long).endswith("x" * 5000 + "\n")


def test_late_records_are_marked_by_how_far_they_are_behind() -> None:
    renderer = Pretty(Clock(), fields=[], mark_late=True)
    lines = shown(
        renderer,
        record("first"),
        record("near", timestamp_ns=TIME - 9 * SECOND),
        record("late", timestamp_ns=TIME - 35 * SECOND),
        record("later", timestamp_ns=TIME - 3 * 3600 * SECOND - 300 * SECOND),
    ).splitlines()
    assert ["late" in line for line in lines] == [False, False, True, True]
    assert "[late 35s] late" in lines[2]
    assert "[late 3h5m] later" in lines[3]


def test_invalid_utf8_is_visible() -> None:
    assert shown(plain(), record(b"caf\xe9")).endswith(" caf\\xe9\n")


def test_a_json_record_without_a_text_shows_its_fields_once() -> None:
    raw = '{"method":"GET","status":500}'
    whole = record(raw, format="json")
    assert shown(plain(), whole).endswith(" INFO  method=GET status=500\n")
    assert shown(Pretty(Clock(), fields=["status"]), whole).endswith(" INFO  status=500\n")


def test_what_was_looked_for_is_marked_among_its_context() -> None:
    hit = record("boom", made={"_hit": "1"})
    lines = shown(plain(), record("before"), hit).splitlines()
    assert [line.split("INFO  ")[1] for line in lines] == ["before", "[hit] boom"]
