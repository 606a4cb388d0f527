"""A rule means in the shipper what the same filter means in the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import embedded_store

from loghouse.errors import QueryError
from loghouse.filters.conditions import Condition, Writer, bound, check, of_writer_only
from loghouse.filters.line import Line
from loghouse.linear import linear
from loghouse.query import filter_sql, parse
from loghouse.query.ast import Everything, Filter
from loghouse.record import LEVELS
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

NODE = Path(__file__).parent.parent / "data" / "node" / "var" / "log" / "pods"
FORMATS = Path(__file__).parent.parent / "data" / "formats"
WRITER = Writer(
    {"namespace": "prod-eu", "pod": "web-0", "container": "web", "workload": "web", "node": "n1"},
    {"app": "Web", "tier": ""},
)
OWN = [
    b'{"level":"debug","msg":"GET /healthz","path":"/healthz","status":200,"user":{"id":7,"admin":true}}',
    b'{"level":"INFO","message":"two words here","status":"503","ratio":0.5,"empty":"","none":null}',
    b'{"level":30,"msg":"pino","list":[1,2]}',
    b'{"level_name":"WARNING","level":300,"message":"monolog"}',
    b'{"log":{"level":"error"},"message":"ecs"}',
    b'{"a.b":"dotted","a":{"c":"nested"}}',
    '{"message":"café Über","text":"naïve"}'.encode(),
    b'192.0.2.1 - - [20/Nov/2026:08:00:00 +0000] "GET /healthz HTTP/1.1" 200 12 "-" "kube-probe/1.29"',
    b'192.0.2.1 - bob [20/Nov/2026:08:00:00 +0000] "POST /cart HTTP/1.1" 502 0 "-" "curl/8"',
    b'level=debug msg="probe ok" path=/ready took=5ms count=3',
    b"[2026-11-20 08:00:00] shop.ERROR: boom [] []",
    b"E1120 08:00:00.000000       1 scraper.go:149] failed",
    b"DEBUG probe",
    b"something went wrong: error=7",
    b"",
    b"not \xff utf8 probe",
]
FILTERS = [
    "*",
    "probe",
    "PROBE",
    "healthz",
    "health",
    "health*",
    '"GET /healthz"',
    '"two words"',
    "kube-probe",
    "café",
    "level:debug",
    "level = error",
    "level != info",
    "level >= warning",
    "level <= debug",
    "level in (debug, info)",
    "level not in (debug, info)",
    "has(level)",
    "missing(level)",
    "stream:stderr",
    "stream = stdout",
    "format:json",
    "format = access",
    "path:/healthz",
    "path:/health*",
    "path = /healthz",
    'path = "/health%"',
    'path like "/h%z"',
    'path contains "ealth"',
    'path =~ "^/h"',
    'path !~ "^/h"',
    "path != /healthz",
    "status = 200",
    "status == 200",
    "status >= 500",
    "status:503",
    "status in (200, 503)",
    "status not in (200)",
    "status:range[200, 503)",
    "user.id = 7",
    "user.id:7",
    "a.b = dotted",
    "a.c = nested",
    "has(user.id)",
    "missing(path)",
    "has(empty)",
    "message:probe",
    "message:pro*",
    'message contains "went wrong"',
    'raw ilike "%PROBE%"',
    '~"heal.h"',
    '~"(?i)get /h"',
    "user:bob",
    "method = POST",
    "count > 2",
    'msg = "probe ok"',
    "namespace:prod",
    "namespace = prod-eu",
    "namespace = prod",
    "ns != prod-eu",
    "pod:web-*",
    "container in (web, db)",
    "~app = Web",
    "~app:web",
    "~app != Web",
    "~absent != x",
    "~absent = x",
    "has(~app)",
    "missing(~absent)",
    "has(~tier)",
    "probe level:debug",
    "probe or status >= 500",
    "not probe",
    "namespace:prod and not (level >= error or probe)",
    "namespace:other or healthz",
    "namespace:other healthz",
]


def texts() -> list[bytes]:
    """Lines of real servers, and some to try the edges."""
    lines = list(OWN)
    for path in sorted(NODE.glob("*/*/*.log")):
        for line in path.read_bytes().splitlines()[:400]:
            fields = line.split(b" ", 3)
            if len(fields) == 4 and fields[2] == b"F":
                lines.append(fields[3])
    for path in sorted(FORMATS.glob("*.log")):
        lines.extend(path.read_bytes().splitlines()[:200])
    return lines


LINES = texts()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with embedded_store(tmp_path_factory.mktemp("conditions")) as url, Store(url) as opened:
        migrate(opened)
        data = b"".join(
            b"2026-11-20T08:00:00.%09dZ %s F %s\n" % (number, stream_of(number), text)
            for number, text in enumerate(LINES)
        )
        names = ("namespace", "pod", "container", "workload", "node")
        opened.insert(
            "ingest",
            ("source_id", "offset", "wrapper", *names, "labels", "data"),
            (
                *([1], [0], [b"cri"]),
                *([WRITER.columns[name].encode()] for name in names),
                [{key.encode(): value.encode() for key, value in WRITER.labels.items()}],
                [data],
            ),
            {"async_insert": 0},
        )
        yield opened


def stream_of(number: int) -> bytes:
    return b"stderr" if number % 3 else b"stdout"


def node_of(text: str) -> Filter:
    return parse(text).filter or Everything()


def found_by_rule(condition: Condition) -> set[int]:
    if condition.test is None:
        return set(range(len(LINES))) if condition.always else set()
    return {number for number, text in enumerate(LINES) if condition.test(Line(text, stream_of(number)))}


@pytest.mark.parametrize("text", FILTERS)
def test_a_rule_wants_the_records_that_a_search_finds(store: Store, text: str) -> None:
    sql, params = filter_sql(node_of(text), now_ns=0)
    rows = store.rows(
        f"SELECT toUnixTimestamp64Nano(timestamp) % 1000000000 FROM logs WHERE {sql}", dict(params)
    )
    assert found_by_rule(bound(node_of(text), WRITER)) == {row[0] for row in rows}


@pytest.mark.parametrize("text", FILTERS)
def test_what_a_rule_needs_is_in_every_line_that_it_wants(text: str) -> None:
    condition = bound(node_of(text), WRITER)
    if condition.test and condition.needs:
        pattern = linear(condition.needs.encode())
        assert all(pattern.search(LINES[number]) for number in found_by_rule(condition))


def test_levels_are_those_of_the_store(store: Store) -> None:
    rows = store.rows(
        "SELECT toUnixTimestamp64Nano(timestamp) % 1000000000, toString(level), format FROM logs"
    )
    assert len(rows) == len(LINES)
    for number, level, form in rows:
        line = Line(LINES[number], b"stdout")
        assert (LEVELS[line.level], line.format.decode()) == (level, form), LINES[number]


def test_what_the_writer_decides_costs_nothing_for_each_line() -> None:
    for text, always in (
        ("namespace:prod", True),
        ("~app:web pod:web-0", True),
        ("namespace:x probe", False),
    ):
        condition = bound(node_of(text), WRITER)
        assert condition.test is None
        assert condition.always is always
    assert of_writer_only(node_of("namespace:prod or not ~app:x"))
    assert not of_writer_only(node_of("namespace:prod probe"))


@pytest.mark.parametrize(
    "text", ["_time:5m", "ip:ip(10.0.0.0/8)", "* = 5", "took > 5ms", "level >= loud", "x is null"]
)
def test_what_only_the_store_can_decide_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        check(node_of(text))
