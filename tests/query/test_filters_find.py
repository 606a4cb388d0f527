"""Each filter finds exactly the records that a plain reading in Python finds."""

import re
from collections.abc import Callable, Mapping

import pytest
from query.records import END, NOW, ROWS, SECOND, START, Row

from loghouse.query import TimeRange, compile, filter_sql, parse
from loghouse.record import Record
from loghouse.store.client import Store

WINDOW = TimeRange(START, END)
Wanted = Callable[[Row], bool]


def words(row_text: str) -> list[str]:
    return re.findall(r"[0-9a-z\x80-\U0010ffff]+", row_text.lower())


def has_phrase(text: str, phrase: str) -> bool:
    token = r"[0-9A-Za-z\x80-\U0010ffff]"
    before = rf"(?<!{token})" if re.match(token, phrase) else ""
    after = rf"(?!{token})" if re.match(token, phrase[-1]) else ""
    return re.search(before + re.escape(phrase) + after, text, re.IGNORECASE) is not None


def above(name: str, bound: float) -> Wanted:
    return lambda row: (row.number(name) or 0.0) > bound if row.number(name) is not None else False


def ids(*numbers: int) -> Wanted:
    return lambda row: row.id in numbers


FILTERS: Mapping[str, Wanted] = {
    "*": lambda row: True,
    # Words and phrases.
    "error": lambda row: "error" in row.tokens,
    "new table": lambda row: row.id in (30, 31),
    "table error": lambda row: row.id == 30,
    "nerror or ttimeout or ew": lambda row: False,
    "ERROR": lambda row: "error" in row.tokens,
    "errors": ids(24),
    "error*": lambda row: any(token.startswith("error") for token in row.tokens),
    "err*": lambda row: any(token.startswith("err") for token in row.tokens),
    '"connection refused"': ids(21, 23),
    '"connection refused" -redis': ids(23),
    '"Connection  Was"': ids(22),
    "'connection refused' retry": ids(23),
    '"connection re"*': ids(21, 23),
    "connection refused": ids(21, 22, 23, 24),
    "10.1.2.3": ids(10, 25),
    "10.1.2.3:8080": ids(25),
    "10.1.2.*": ids(10, 25, 26),
    "http://x.y/z?a=1": ids(25),
    "oom*": ids(25, 26),
    "ошибка": ids(14),
    "ОШИБКА": ids(14),
    "köln": ids(14),
    "KÖLN": ids(14),
    "ошиб*": ids(14),
    '"ошибка СОЕДИНЕНИЯ"': ids(14),
    '"$e ^f *g*"': ids(27),
    '"|b [c]"': ids(27),
    '"(error)"': ids(26),
    'i("CONNECTION REFUSED")': ids(21, 23),
    '~"[Cc]onnection +(was )?refused"': ids(21, 22, 23),
    r"~`10\.1\.2\.\d+`": ids(25, 26),
    # Joints.
    "timeout or refused": lambda row: bool(row.tokens & {"timeout", "refused"}),
    "(timeout or refused) ns=prod level>=warn": lambda row: (
        bool(row.tokens & {"timeout", "refused"}) and row.namespace == "prod" and row.severity >= 5
    ),
    "not error": lambda row: "error" not in row.tokens,
    "-error": lambda row: "error" not in row.tokens,
    "!error !refused": lambda row: not row.tokens & {"error", "refused"},
    "not (error or request)": lambda row: not row.tokens & {"error", "request"},
    "status=200 or status=500 and not (path=/cart or path=/x)": lambda row: row.number("status") == 200,
    "NOT request AND failed OR healthy": lambda row: (
        "healthy" in row.tokens or ("failed" in row.tokens and "request" not in row.tokens)
    ),
    # Columns.
    "namespace=staging": lambda row: row.namespace == "staging",
    "ns != staging": lambda row: row.namespace != "staging",
    "pod_name = api_v1": ids(19, 20, 32),
    "pod = api%v1": ids(19, 20, 32),
    "pod_name like 'api_v1'": ids(19, 20, 32),
    "pod like 'api-v_'": ids(),
    "pod ilike 'API%'": ids(19, 20, 32),
    "pod not like 'api%'": lambda row: not row.pod.startswith("api"),
    "pod =~ ^web-[0-9a-f]+": lambda row: row.pod.startswith("web-"),
    "pod !~ (web|shop)": lambda row: not row.pod.startswith(("web", "shop")),
    "pod:web*": lambda row: row.pod.startswith("web"),
    "pod:*ABC": lambda row: row.pod.endswith("abc"),
    "node in (kube-1, kube-3)": lambda row: row.node in ("kube-1", "kube-3"),
    "host not in (kube-1)": lambda row: row.node != "kube-1",
    "container contains 'house'": lambda row: row.container == "clickhouse",
    "workload:shop": lambda row: row.workload == "shop",
    "format=logfmt": ids(29),
    "has(pod)": lambda row: True,
    "missing(stream)": lambda row: True,
    # Labels.
    "~component = clickhouse": lambda row: row.labels.get("component") == "clickhouse",
    "label.component=clickhouse": lambda row: row.labels.get("component") == "clickhouse",
    "labels.component = clickhouse": lambda row: row.labels.get("component") == "clickhouse",
    "~app.kubernetes.io/name = ch": lambda row: bool(row.labels),
    "~component != clickhouse": lambda row: row.labels.get("component") != "clickhouse",
    '~component = ""': ids(),
    "~nothing = %": ids(),
    "~tier =~ .*": lambda row: "tier" in row.labels,
    "~tier:*": lambda row: "tier" in row.labels,
    "missing(~tier)": lambda row: "tier" not in row.labels,
    "~tier in (db, web)": lambda row: bool(row.labels),
    # Levels.
    "level=error": lambda row: row.level == "error",
    "level = ERR": lambda row: row.level == "error",
    "level>=warn": lambda row: row.severity >= 5,
    "severity > warning": lambda row: row.severity > 5,
    "lvl <= debug": lambda row: row.severity <= 2,
    "level != info": lambda row: row.level != "info",
    "level:(error or crit)": lambda row: row.level in ("error", "critical"),
    "level in (fatal, emerg)": lambda row: row.level in ("critical", "emergency"),
    "level =~ ^e": lambda row: row.level.startswith("e"),
    "level:e*": lambda row: row.level.startswith("e"),
    "level = %er%": lambda row: "er" in row.level,
    "level:[notice TO critical]": lambda row: 4 <= row.severity <= 7,
    "has(level)": lambda row: row.level != "unknown",
    "level=unknown": lambda row: row.level == "unknown",
    "`level` = error": ids(29),
    # The message and the record.
    "message:failed": lambda row: "failed" in words(row.message),
    "msg:request": lambda row: "request" in words(row.message),
    "log = %fail% or log != %re%": lambda row: "fail" in row.message or "re" not in row.message,
    "log !~ (request|call)": lambda row: re.search("request|call", row.message) is None,
    'message = "slow call"': lambda row: row.message == "slow call",
    'message contains "Connection"': ids(21),
    'body not contains "n"': lambda row: "n" not in row.message,
    "message:conn*": lambda row: any(token.startswith("conn") for token in words(row.message)),
    'raw contains "\\"id\\": 17"': ids(8),
    'message:seq("refused", "in")': ids(23),
    'message:seq("in", "refused")': ids(),
    'message:seq("connection", refused)': ids(21, 22, 23),
    'raw = ""': ids(28),
    "missing(raw)": ids(28),
    r'message contains "\" and \\ and \'"': ids(17),
    # Fields: equality.
    "status=500": lambda row: row.number("status") == 500,
    "status = 502": ids(3),
    'status = "502"': ids(3),
    'status = "500"': ids(2),
    "status = 200": ids(1, 18),
    "status == 503": ids(4),
    "status != 500": lambda row: row.number("status") != 500,
    "has(status) status != 500": lambda row: row.text("status") != "" and row.number("status") != 500,
    "path=/cart": lambda row: row.text("path") == "/cart",
    'path = "/cart"': lambda row: row.text("path") == "/cart",
    "path != /cart": lambda row: row.text("path") != "/cart",
    "path = /health%": lambda row: row.text("path").startswith("/health"),
    "path = %": lambda row: "path" in row.fields,
    'path = ""': ids(18),
    'path == "/pay?a=1"': ids(4),
    "file = a_b.txt": ids(15),
    "file = a%b.txt": ids(15, 16),
    "file like a_b.txt": ids(),
    'file like "a_b.txt"': ids(15, 16),
    r'rate = "100\%"': ids(15),
    "rate = 100%": ids(15, 16),
    'rate == "100%"': ids(15),
    'trace_id == "4bf92f35"': ids(1, 2),
    'trace_id:="4bf92f35"': ids(1, 2),
    'trace_id:!="4bf92f35"': lambda row: row.id not in (1, 2),
    'trace_id == "4BF92F35"': ids(),
    "user.email = Ann@Example.com": ids(8),
    "user.id = 18": ids(9),
    "city = Köln": ids(14),
    "city = köln": ids(),
    r'path = "C:\\new\\\"x\""': ids(17),
    'path contains `new\\"x`': ids(17),
    'odd = "it\'s"': ids(17),
    "note = 'two words'": ids(29),
    "count = -3.5": ids(7),
    "version = 1.2.3": ids(19),
    "version = 1.2.3%": ids(19, 20),
    "nothing = x": ids(),
    "nothing != x": lambda row: True,
    "status in (500, 502, 503)": lambda row: row.number("status") in (500, 502, 503),
    "status not in (500, 502)": lambda row: row.number("status") not in (500, 502),
    'path in ("/cart", "")': lambda row: row.id == 18 or row.text("path") == "/cart",
    # Fields: order and units.
    "status > 500": above("status", 500),
    "status >= 500": above("status", 499.9),
    "status < 300": lambda row: row.number("status") is not None and row.number("status") < 300,  # type: ignore[operator]
    "log.level > 10": ids(20),
    "host=kube-2 and log.level > 10": ids(20),
    "count < 0": ids(7),
    "status:range[500, 503)": lambda row: row.number("status") in (500, 502),
    "status:range(500, 503]": lambda row: row.number("status") in (502, 503),
    "status:[500 TO 502]": lambda row: row.number("status") in (500, 502),
    "status:[500 TO *]": above("status", 499),
    "request_time > 500ms": ids(2, 3),
    "request_time > 0.5": ids(2, 3),
    "request_time > 500ms and bytes > 1MB": ids(),
    "bytes > 1MB": ids(4),
    "bytes <= 512B": ids(1),
    "took > 500ms": ids(10, 11),
    "took > 1m": ids(11),
    "took <= 90ms": ids(13),
    "took_ms > 0.5s": ids(12),
    "size > 20KB": ids(11),
    "size >= 20KB": ids(10, 11),
    # Fields: null, truth, presence.
    "unhealthy is true": ids(6),
    "unhealthy is false": ids(5),
    "not unhealthy is true": lambda row: row.id != 6,
    "unhealthy = true": ids(6, 7),
    "ok is true": ids(29),
    "status is null": ids(5, 6),
    "status is not null": lambda row: row.fields.get("status") is not None,
    "has(path)": lambda row: row.text("path") != "",
    "path:*": lambda row: row.text("path") != "",
    "missing(path)": lambda row: row.text("path") == "",
    'path:""': lambda row: row.text("path") == "",
    "missing(status)": lambda row: row.text("status") == "",
    "retries:*": ids(6),
    # Fields: words, globs, regexes.
    "user.name:ann": ids(8),
    "user.name:Lee": ids(8),
    "user.name:le": ids(),
    'user.name:"ann lee"': ids(8),
    "user.email:*@example.com": ids(8),
    "user.email:*example*": ids(8, 9),
    "path:/health*": ids(3, 5),
    "status:>=500 not path:/health*": lambda row: (row.number("status") or 0) >= 500 and row.id != 3,
    "path:health": ids(3, 5),
    "status:(500 or 502 or 503)": lambda row: row.number("status") in (500, 502, 503),
    "status:(>=500 and <503)": lambda row: row.number("status") in (500, 502),
    "status:(not 500)": lambda row: row.number("status") != 500,
    "-status:500": lambda row: row.number("status") != 500,
    "user.name: bob": ids(9),
    "path =~ ^/(cart|pay)": ids(1, 2, 4),
    "path =~ /CART/i": ids(1, 2),
    'path:~"^/c.rt$"': ids(1, 2),
    "path !~ ^/": lambda row: not row.text("path").startswith("/"),
    "path:!~cart": lambda row: "cart" not in row.text("path"),
    "path =~ .*": lambda row: "path" in row.fields,
    'path ilike "%HEALTH%"': ids(3, 5),
    'city:i("KÖLN")': ids(14),
    "client:ip(10.0.0.0/8)": ids(10),
    "client:ip(192.168.0.9)": ids(11),
    "client:ip(fd00::/8)": ids(13),
    "not client:ip(0.0.0.0/0)": lambda row: row.id not in (10, 11),
    "path:in(/cart, /health)": ids(1, 2, 5),
    # Any field.
    "* =~ kube-[1-9]": lambda row: True,
    "* =~ kube-3": lambda row: row.node == "kube-3",
    "* = clickhouse": lambda row: row.container == "clickhouse",
    "* = 500": lambda row: row.number("status") == 500,
    '* = "slow call"': lambda row: row.message == "slow call",
    "* = bob": ids(9),
    "* = /missing": ids(29),
    "* != staging": lambda row: row.namespace != "staging",
    "*:clickhouse": lambda row: row.container == "clickhouse",
    '* contains "xamp"': ids(8, 9),
    "*:*@example.com": ids(8),
    "* is null": ids(5, 6),
    "* is true": ids(6),
    "* > 600": lambda row: any((row.number(name) or 0) > 600 for name in row.fields),
    # Time.
    "_time:5m": ids(32),
    "_time:1h": lambda row: True,
    "_time:>now-1m": ids(32),
    "_time >= 2026-07-30T10:00:20Z": lambda row: row.second >= 20,
    "_time:[2026-07-30T10:00:05Z, 2026-07-30T10:00:07Z)": ids(5, 6),
    "@timestamp:range(2026-07-30T10:00:05Z, 2026-07-30T10:00:07Z]": ids(6, 7),
    "timestamp:2026-07-30T10:00:05Z": ids(5),
    "_time:2026-07-30": lambda row: True,
    "_time:yesterday": ids(),
    "not _time:5m": lambda row: row.id != 32,
    '_time:"10:00:25" or oom': ids(25, 26),
}


@pytest.mark.parametrize(("text", "wanted"), FILTERS.items(), ids=FILTERS.keys())
def test_filter_finds_what_it_says(store: Store, text: str, wanted: Wanted) -> None:
    compiled = compile(parse(text), WINDOW, order="oldest", limit=None, now_ns=NOW)
    found = [Record(*row).source_id for row in store.rows(compiled.sql, compiled.params, compiled.settings)]
    assert found == [row.id for row in ROWS if wanted(row)]


def test_a_condition_is_true_or_false_never_null(store: Store) -> None:
    for start in range(0, len(FILTERS), 40):
        tests: list[str] = []
        params: dict[str, str | int | float] = {}
        for number, text in enumerate(list(FILTERS)[start : start + 40]):
            found = parse(text).filter
            if found is not None:
                sql, values = filter_sql(found, now_ns=NOW, prefix=f"p{number}_")
                tests.append(f"countIf({sql}) + countIf(NOT ({sql}))")
                params.update(values)
        [counts] = store.rows(f"SELECT {', '.join(tests)} FROM logs", params)
        assert set(counts) == {len(ROWS)}


def test_records_come_in_the_order_asked_for(store: Store) -> None:
    for order in ("newest", "oldest"):
        compiled = compile(parse("*"), WINDOW, order=order, limit=3, now_ns=NOW)
        times = [Record(*row).timestamp_ns for row in store.rows(compiled.sql, compiled.params)]
        assert times == sorted((row.timestamp for row in ROWS), reverse=order == "newest")[:3]


def test_window_is_half_open_and_keeps_nanoseconds(store: Store) -> None:
    last = START + 3_599_999_999_999
    for window, count in (
        (TimeRange(last, last + 1), 1),
        (TimeRange(last - 1, last), 0),
        (TimeRange(START + 5 * SECOND, START + 7 * SECOND), 2),
    ):
        compiled = compile(parse("*"), window, limit=None, now_ns=NOW)
        assert len(store.rows(compiled.sql, compiled.params)) == count


def test_scope_is_outside_of_the_query(store: Store) -> None:
    scope = parse("ns=staging").filter
    compiled = compile(parse("error or *"), WINDOW, scope=scope, limit=None, now_ns=NOW)
    found = {Record(*row).source_id for row in store.rows(compiled.sql, compiled.params)}
    assert found == {19, 20, 32}
