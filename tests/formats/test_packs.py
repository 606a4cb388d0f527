"""Lines of real programs (own captures and the formats' own documents) and what must be read out of them."""

import re
from collections.abc import Iterator

import pytest
from servers import embedded_store

from loghouse.config import StoreUrl
from loghouse.formats.catalogue import PACKS
from loghouse.formats.fields import noted_keys_sql
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

# (record, format, level, some of its numbers, some of its text fields)
LINES: tuple[tuple[str, str, str, dict[str, float], dict[str, str]], ...] = (
    (
        '203.0.113.7 - bob [21/Nov/2026:00:22:17 +0000] "GET /cart?a=1&b=2 HTTP/1.1" 502 173 "-" "curl/8.5 \\"x\\""',
        "access",
        "error",
        {"status": 502, "bytes": 173},
        {
            "client": "203.0.113.7",
            "user": "bob",
            "method": "GET",
            "path": "/cart?a=1&b=2",
            "protocol": "HTTP/1.1",
        },
    ),
    (
        '198.51.100.9 - - [21/Nov/2026:00:22:17 +0000] "\\x16\\x03\\x01\\x02" 400 157 "-" "-"',
        "access",
        "warning",
        {"status": 400},
        {"client": "198.51.100.9", "status": "400"},
    ),
    (
        "2026/11/21 00:22:17 [error] 78#78: *1 connect() failed (111: Connection refused) while connecting to "
        'upstream, client: 10.0.0.1, server: shop, request: "GET / HTTP/1.1", upstream: "fastcgi://127.0.0.1:9000"',
        "nginx_error",
        "error",
        {},
        {"client": "10.0.0.1", "server": "shop", "upstream": "fastcgi://127.0.0.1:9000"},
    ),
    (
        "[Sat Nov 21 00:22:17.738972 2026] [authz_core:error] [pid 329:tid 354] [client 192.0.2.1:4000] "
        "AH01630: client denied by server configuration: /srv/www/.git",
        "apache_error",
        "error",
        {},
        {"module": "authz_core", "client": "192.0.2.1:4000", "code": "AH01630"},
    ),
    (
        "[Fri Nov 20 08:00:00 2026] [notice] jk2_init() Found child 1967 in scoreboard slot 9",
        "apache_error",
        "notice",
        {},
        {"severity": "notice"},
    ),
    (
        '[21-Nov-2026 00:22:17] WARNING: [pool legacy] child 772 said into stderr: "NOTICE: slow path=/a"',
        "php_fpm",
        "warning",
        {},
        {"pool": "legacy", "said_into": "stderr"},
    ),
    (
        '127.0.0.1 -  21/Nov/2026:00:22:17 +0000 "GET /api/unknown/2253" 404 7.230ms 2048K 0.00%',
        "php_fpm_access",
        "warning",
        {"status": 404, "duration_ms": 7.23, "memory_kb": 2048},
        {"path": "/api/unknown/2253", "method": "GET"},
    ),
    (
        '[2026-11-21T00:22:17.816+00:00] consumer.stats.INFO: Received message 858 {"n":858,"order":"A24742"} '
        '{"trace_id":"c1514aa7","memory_peak_usage":"4 MB"}',
        "monolog",
        "info",
        {"context.n": 858},
        {"channel": "consumer.stats", "context.order": "A24742", "extra.trace_id": "c1514aa7"},
    ),
    (
        '[2026-11-21 00:22:17] prod.ERROR: Call to a member function total() on null {"userId":7} ',
        "monolog",
        "error",
        {"context.userId": 7},
        {"channel": "prod", "text": "Call to a member function total() on null"},
    ),
    (
        "2026-11-21 00:22:17.008584+00:00 [warning] <0.2795.0> client unexpectedly closed TCP connection",
        "rabbitmq",
        "warning",
        {},
        {"pid": "0.2795.0"},
    ),
    (
        "2019-04-02 10:00:00.123 [error] <0.512.0> CRASH REPORT",  # RabbitMQ 3.7
        "rabbitmq",
        "error",
        {},
        {"text": "CRASH REPORT"},
    ),
    (
        "53:M 21 Nov 2026 00:22:17.410 # Connection with replica lost. id=739 addr=127.0.0.1:50310",
        "redis",
        "warning",
        {"id": 739},
        {"role": "M", "addr": "127.0.0.1:50310"},
    ),
    (
        "2026-11-21 00:22:17.831 UTC [104] shop@orders LOG:  duration: 12.5 ms  statement: select 1",
        "postgres",
        "info",
        {"duration_ms": 12.5},
        {"user": "shop", "database": "orders"},
    ),
    (
        "2026-11-21 00:22:17.831 UTC [104] FATAL:  the database system is shutting down",
        "postgres",
        "critical",
        {},
        {"severity": "FATAL"},
    ),
    (
        'E1121 00:22:17.142857       1 proxier.go:1602] "Failed to execute" err="exit status 4" retries=3',
        "klog",
        "error",
        {"retries": 3},
        {"file": "proxier.go", "err": "exit status 4"},
    ),
    (
        'level=warn ts=2026-11-21T00:22:17Z caller=x.go:1 msg="slow query" duration_ms=42.5',
        "logfmt",
        "warning",
        {"duration_ms": 42.5},
        {"msg": "slow query", "caller": "x.go:1"},
    ),
    (
        '{"message":"Executed","context":{"duration_ms":2.859,"params":[3,"x"]},"level":300,"level_name":"WARNING",'
        '"extra":{"ip":"192.251.56.60","deep":{"er":{"n":4}}},"status":"502","nothing":null}',
        "json",
        "warning",
        {"context.duration_ms": 2.859, "level": 300, "extra.deep.er.n": 4, "status": 502},
        {"context.params": '[3,"x"]', "extra.ip": "192.251.56.60", "level_name": "WARNING"},
    ),
    ('{"severity":"info","pid":1,"message":"Handled"}', "json", "info", {"pid": 1}, {"message": "Handled"}),
    ('{"level":50,"time":1700000000000,"msg":"pino"}', "json", "error", {"level": 50}, {"msg": "pino"}),
    ('{"log":{"level":"error"},"message":"ecs"}', "json", "error", {}, {"log.level": "error"}),
    ("2026-11-21 00:22:17,628 WARNING [pricing.api] price cache is old", "text", "warning", {}, {}),
    ("PHP Fatal error:  Uncaught Error in /srv/a.php:3", "text", "critical", {}, {}),
    ("[INFO] plugin/reload: Running configuration", "text", "info", {}, {}),
    ("plain words without any level", "text", "unknown", {}, {}),
    ('{"message":"cut in ha', "text", "unknown", {}, {}),
    ("", "text", "unknown", {}, {}),
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, StoreUrl]]:
    with embedded_store(tmp_path_factory.mktemp("packs")) as url, Store(url) as store:
        migrate(store)
        data = b"".join(
            b"2026-11-21T00:22:17.%09dZ stdout F %s\n" % (number, line[0].encode())
            for number, line in enumerate(LINES)
        )
        store.insert(
            "ingest",
            ("source_id", "offset", "wrapper", "namespace", "pod", "container", "data"),
            ([1], [0], [b"cri"], [b"prod"], [b"web-0"], [b"web"], [data]),
            {"async_insert": 0},
        )
        yield store, url


def test_every_line_is_known_and_taken_apart(stored: tuple[Store, StoreUrl]) -> None:
    rows = stored[0].rows(
        f"SELECT raw, format, toString(level), numbers, strings, {noted_keys_sql()}, parse_error FROM logs "
        "ORDER BY timestamp"
    )
    assert len(rows) == len(LINES)
    for (record, form, level, numbers, texts), row in zip(LINES, rows, strict=True):
        raw, got_form, got_level, got_numbers, strings, keys, parse_error = row
        assert (raw, got_form, got_level) == (record, form, level)
        assert numbers.items() <= got_numbers.items(), record
        if form != "json":
            assert texts.items() <= strings.items(), record
        assert set(texts) <= set(keys), record
        assert parse_error == ("json" if record.startswith('{"message":"cut') else "")


def test_the_text_of_a_field_is_read_out_of_the_record(stored: tuple[Store, StoreUrl]) -> None:
    from loghouse.formats import field_exists, field_text

    for number, (record, _, _, _, texts) in enumerate(LINES):
        for key, text in texts.items():
            params: dict[str, object] = {}

            def bind(value: object, kind: str, params: dict[str, object] = params) -> str:
                name = f"k{len(params)}"
                params[name] = value
                return f"{{{name}:{kind}}}"

            sql = f"SELECT {field_text(key, bind)}, {field_exists(key, bind)} FROM logs WHERE raw = {{raw:String}}"
            assert stored[0].rows(sql, {**params, "raw": record}) == [(text, 1)], (number, key)


def test_no_two_packs_know_the_same_line() -> None:
    for record, form, *_ in LINES:
        known = [pack.name for pack in PACKS if re.search(pack.pattern, record[:200])]
        assert known == ([form] if form not in ("json", "text") else []), record


def test_an_address_of_a_line_is_its_place_in_the_file(stored: tuple[Store, StoreUrl]) -> None:
    rows = stored[0].rows("SELECT offset, length FROM logs ORDER BY offset")
    expected = 0
    for offset, length in rows:
        assert offset == expected
        expected = offset + length
