"""rabbitmq-exporter with answers that no server here gives: RabbitMQ 4, hostile ones, 50,000 queues."""

import contextlib
import json
import socket
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from exporter_servers import (
    ParsedPage,
    accepts,
    false_server,
    free_port,
    get,
    parse_page,
    process,
    scrape,
    serving,
    until,
)

from exporters.command import click_command, prepare
from exporters.rabbitmq import kbudde, official
from exporters.rabbitmq.cli import KIND
from exporters.settings import SettingsError, read_file

DATA = Path(__file__).parent.parent / "data" / "exporters"
Answer = Callable[[str, dict[str, str]], Any]

# What the documentation of RabbitMQ 4 leaves of the answers of 3.10: no mirrors, no sockets, no
# backing_queue_status, and statistics only where they are not switched off.
OVERVIEW = {
    "rabbitmq_version": "4.1.0",
    "erlang_version": "27.3",
    "cluster_name": "four",
    "node": "rabbit@a",
    "object_totals": {"channels": 2, "connections": 1, "consumers": 1, "exchanges": 8, "queues": 2},
    "queue_totals": {"messages": 5, "messages_ready": 5, "messages_unacknowledged": 0},
}
NODES = [
    {
        "name": "rabbit@a",
        "running": True,
        "partitions": [],
        "mem_used": 1,
        "mem_alarm": False,
        "uptime": 2500,
    },
    {"name": "rabbit@b", "running": False},
]
QUEUES = [
    {
        "name": "quorum",
        "vhost": "/",
        "type": "quorum",
        "durable": True,
        "node": "rabbit@a",
        "state": "running",
        "messages": 5,
        "members": ["rabbit@a", "rabbit@b"],
        "online": ["rabbit@a"],
        "arguments": {"x-max-length": 10},
        "effective_policy_definition": {"max-length": 7},
    },
    {"name": "far", "vhost": "/", "node": "rabbit@b", "durable": False, "messages": "undefined"},
]


@contextlib.contextmanager
def _api(answer: Answer) -> Iterator[int]:
    """A server of the management API; `answer` gets the path below /api/ and the query."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            found = answer(url.path.removeprefix("/api/"), dict(urllib.parse.parse_qsl(url.query)))
            status, body = found if isinstance(found, tuple) else (404 if found is None else 200, found)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _paged(items: list[Any], query: dict[str, str]) -> dict[str, Any]:
    number, size = int(query["page"]), int(query["page_size"])
    pages = max(1, -(-len(items) // size))
    return {"items": items[(number - 1) * size : number * size], "page": number, "page_count": pages}


def _four(path: str, query: dict[str, str]) -> Any:
    lists = {"queues": QUEUES, "exchanges": [], "connections": []}
    if path in lists:
        return _paged(lists[path], query)
    return {"overview": OVERVIEW, "nodes": NODES}.get(path)


def _scrape(answer: Answer, **flags: str) -> ParsedPage:
    with _api(answer) as port:
        return scrape(KIND, {"url": f"http://127.0.0.1:{port}", "plugin_url": "none", **flags})


def test_rabbitmq_4_under_kbuddes_names() -> None:
    page = _scrape(_four, style="kbudde", parts="node,queue,exchange,connections,shovel,federation")
    assert page.value("rabbitmq_up", cluster="four", node="rabbit@a") == 1
    queue = {"cluster": "four", "vhost": "/", "queue": "quorum", "durable": "true", "self": "1"}
    assert page.value("rabbitmq_queue_messages", **queue) == 5
    assert page.value("rabbitmq_queue_max_length", **queue) == 7
    assert page.value("rabbitmq_queue_member_nodes_len", **queue) == 2
    assert page.value("rabbitmq_queue_online_nodes_len", **queue) == 1
    assert page.value("rabbitmq_queue_messages_published_total", **queue) == 0
    assert not page.series("rabbitmq_queue_slaves_nodes_len")
    assert not page.series("rabbitmq_sockets_used")
    assert page.value("rabbitmq_running", cluster="four", node="rabbit@b", self="0") == 0
    assert page.value(
        "rabbitmq_version_info", cluster="four", node="rabbit@a", rabbitmq="4.1.0", erlang="27.3"
    )


def test_rabbitmq_4_under_the_plugins_names() -> None:
    page = _scrape(_four)
    assert page.value("rabbitmq_up") == 1
    assert page.value("rabbitmq_queue_messages", vhost="/", queue="quorum") == 5
    assert page.value("rabbitmq_erlang_uptime_seconds") == 2.5
    # Each node reports its own queues, behind a load balancer all.
    assert page.label_values("rabbitmq_queue_messages", "queue") == {"quorum"}
    balanced = _scrape(_four, connection="loadbalancer", parts="queue_details")
    assert balanced.label_values("rabbitmq_queue_info", "queue") == {"quorum", "far"}


PLUGIN_4 = """\
# HELP rabbitmq_detailed_queue_messages Sum of ready and unacknowledged messages
# TYPE rabbitmq_detailed_queue_messages gauge
rabbitmq_detailed_queue_messages{vhost="/",queue="a"} 5
rabbitmq_detailed_queue_messages{vhost="/",queue="q\\"\\\\uoted"} 50
rabbitmq_detailed_queue_messages{vhost="/",queue="un"quo\\ted"} 500
rabbitmq_detailed_queue_messages{vhost="/",queue="small"} 0
"""
PLUGIN_4_REST = """\
# TYPE rabbitmq_detailed_queue_messages_delivered_total counter
# HELP rabbitmq_detailed_queue_messages_delivered_total Delivered
rabbitmq_detailed_queue_messages_delivered_total{vhost="/",queue="small"} 1
rabbitmq_detailed_queue_messages_delivered_total{vhost="/",queue="a"} 2
rabbitmq_detailed_queue_messages_delivered_total{vhost="/",queue="new"} 3
rabbitmq_detailed_queue_messages_delivered_total{vhost="/",queue="un"quo\\ted"} NaN
# TYPE telemetry_scrape_size_bytes summary
telemetry_scrape_size_bytes_sum{registry="detailed"} 5
"""
PLUGIN_4_SUMS = """\
# TYPE rabbitmq_queue_messages gauge
# HELP rabbitmq_queue_messages Sum
rabbitmq_queue_messages 555
# TYPE rabbitmq_message_size_bytes histogram
# HELP rabbitmq_message_size_bytes Size of messages
rabbitmq_message_size_bytes_bucket{protocol="amqp10",le="100"} 1
rabbitmq_message_size_bytes_bucket{protocol="amqp10",le="+Inf"} 2
rabbitmq_message_size_bytes_sum{protocol="amqp10"} 300
rabbitmq_message_size_bytes_count{protocol="amqp10"} 2
"""


def _plugin(path: str, query: dict[str, str]) -> Any:
    if path == "/metrics":
        return PLUGIN_4_SUMS.encode()
    return (PLUGIN_4 if query["family"] == "queue_coarse_metrics" else PLUGIN_4_REST).encode()


@pytest.mark.parametrize(("cap", "kept"), [("3", {"a", 'q"\\uoted', 'un"quo\\ted'}), ("0", None)])
def test_names_the_plugin_did_not_escape_and_its_new_families(cap: str, kept: set[str] | None) -> None:
    with _api(_four) as api, _api(_plugin) as plugin:
        urls = {"url": f"http://127.0.0.1:{api}", "plugin_url": f"http://127.0.0.1:{plugin}"}
        page = scrape(KIND, {**urls, "max_queues": cap})
    kept = kept or {"a", 'q"\\uoted', 'un"quo\\ted', "small"}
    assert page.label_values("rabbitmq_queue_messages", "queue") == kept
    delivered = page.label_values("rabbitmq_queue_messages_delivered_total", "queue")
    # A queue that appeared between the two pages waits for the next scrape.
    assert delivered == kept & {"small", "a", 'un"quo\\ted'} if cap != "0" else {"new"} <= delivered | {"new"}
    assert page.value("rabbitmq_message_size_bytes_bucket", protocol="amqp10", le="+Inf") == 2
    assert page.types["rabbitmq_message_size_bytes"] == "histogram"
    assert page.value("rabbitmq_exporter_queues_dropped") == (1 if cap == "3" else 0)


def test_the_cap_is_stable() -> None:
    """Lengths that change a little choose the same queues."""
    chosen = []
    for jitter in (0, 7):
        items = [{"name": f"q{n:03}", "vhost": "/", "messages": 200 + n * jitter % 90} for n in range(50)]
        answer: Answer = lambda path, query, items=items: (  # noqa: E731
            _paged(items, query) if path == "queues" else _four(path, query)
        )
        page = _scrape(answer, style="kbudde", max_queues="10")
        chosen.append(page.label_values("rabbitmq_queue_messages", "queue"))
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 10


ODD_VALUES: list[Any] = [
    None,
    "undefined",
    [],
    {},
    True,
    -1,
    1e400,
    10**400,
    "\ud800",
    ["x"],
    [None],
    {"a": []},
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=[str(number) for number in range(len(ODD_VALUES))])
@pytest.mark.parametrize("style", ["official", "kbudde"])
def test_every_field_may_hold_anything(style: str, value: Any) -> None:
    columns = (kbudde if style == "kbudde" else official).QUEUE_COLUMNS
    top = {column.split(".")[0] for column in (*columns, *official.DETAIL_COLUMNS)}
    item = dict.fromkeys(top, value) | {"name": "q", "vhost": "/", "message_stats": {"publish": value}}

    def answer(path: str, query: dict[str, str]) -> Any:
        if path == "queues":
            return _paged([item, {}], query)
        if path == "nodes":
            return [dict.fromkeys(kbudde.NODE_COLUMNS, value), *NODES]
        if path in ("exchanges", "connections"):
            return _paged([dict.fromkeys(kbudde.CONNECTION_COLUMNS, value), {}], query)
        if path in ("shovels", "federation-links"):
            return [dict.fromkeys(("vhost", "name", "state", "status", "type"), value), {}]
        if path == "overview":
            return {**dict.fromkeys(OVERVIEW, value), "node": "rabbit@a"}
        return {"memory": {"code": value}}

    parts = "node,queue,exchange,connections,shovel,federation,memory,queue_details,plugin"
    page = _scrape(answer, style=style, parts=parts)
    assert [dict(labels)["reason"] for labels in page.series("rabbitmq_exporter_collector_error")] == []
    assert [page.samples["rabbitmq_up", labels] for labels in page.series("rabbitmq_up")] == [1]


def _broken(status: int, body: bytes) -> Answer:
    return lambda path, query: (status, body)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_broken(200, b"<html>"), "protocol"),
        (_broken(200, b""), "protocol"),
        (_broken(200, b"[" * 200_000), "protocol"),
        (_broken(200, b'{"items": 5}' * 2), "protocol"),
        (_broken(200, b"7"), "protocol"),
        (_broken(200, b"\xff\xfe"), "protocol"),
        (_broken(401, b"{}"), "auth"),
        (_broken(403, b"{}"), "denied"),
        (_broken(500, b"{}"), "http"),
        (_broken(301, b""), "http"),
        (_broken(200, b'{"a": "' + b"x" * 17_000_000 + b'"}'), "too_large"),
    ],
)
@pytest.mark.parametrize("style", ["official", "kbudde"])
def test_answers_that_are_not_the_apis(style: str, answer: Answer, reason: str) -> None:
    page = _scrape(answer, style=style)
    assert [page.samples["rabbitmq_up", labels] for labels in page.series("rabbitmq_up")] == [0]
    assert page.value("rabbitmq_exporter_scrape_error", reason=reason) == 1


def _hang(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    client.recv(65536)


@cache
def _blocks_of_queues() -> list[bytes]:
    """More queues than are read, 15,000 in a block."""
    return [
        "".join(
            f'rabbitmq_detailed_queue_messages{{vhost="/",queue="{first}-{second}"}} 1\n'
            for second in range(15_000)
        ).encode()
        for first in range(14)
    ]


def _gigabyte(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n# TYPE rabbitmq_detailed_queue_messages gauge\n")
    for _ in range(100):
        for block in _blocks_of_queues():
            client.sendall(block)


def _endless_line(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        client.sendall(b"x" * 1_000_000)


def _endless_headers(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1_000_000)


@pytest.mark.parametrize("style", ["official", "kbudde"])
@pytest.mark.parametrize(
    ("behave", "reason"),
    [(_hang, "timeout"), (_endless_headers, "protocol"), (_endless_line, "too_large")],
)
def test_servers_that_misbehave(behave: Callable[[socket.socket], None], reason: str, style: str) -> None:
    with false_server(behave) as port:
        url = f"http://127.0.0.1:{port}"
        timeout = "300ms" if reason == "timeout" else "9s"
        page = scrape(KIND, {"url": url, "plugin_url": url, "style": style, "timeout": timeout})
    assert [page.samples["rabbitmq_up", labels] for labels in page.series("rabbitmq_up")] == [0]
    assert page.value("rabbitmq_exporter_scrape_error", reason=reason) == 1


def test_a_plugin_without_end_leaves_the_api() -> None:
    _blocks_of_queues()
    with false_server(_gigabyte) as plugin, _api(_four) as api:
        urls = {"url": f"http://127.0.0.1:{api}", "plugin_url": f"http://127.0.0.1:{plugin}"}
        # Far more than it takes: what is asked here is that it ends by itself.
        page = scrape(KIND, {**urls, "timeout": "60s"}, seconds=60)
    assert page.value("rabbitmq_up") == 1
    errors = {tuple(dict(labels).values()) for labels in page.series("rabbitmq_exporter_collector_error")}
    assert errors == {("queue", "too_large"), ("plugin", "too_large")}
    assert page.value("rabbitmq_queue_messages", vhost="/", queue="quorum") == 5


@pytest.mark.parametrize("style", ["official", "kbudde"])
def test_nothing_listens(style: str, caplog: pytest.LogCaptureFixture) -> None:
    flags = {"url": f"http://127.0.0.1:{free_port()}", "plugin_url": "none", "style": style}
    page = scrape(KIND, flags)
    assert [page.samples["rabbitmq_up", labels] for labels in page.series("rabbitmq_up")] == [0]
    assert page.value("rabbitmq_exporter_scrape_error", reason="refused") == 1
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["rabbitmq"]
    modules = {"overview", "exchange", "node", "queue"} if style == "kbudde" else set()
    assert page.label_values("rabbitmq_module_up", "module") == modules


def _many(path: str, query: dict[str, str]) -> Any:
    if path != "queues":
        return _four(path, query)
    number, size = int(query["page"]), int(query["page_size"])
    start = (number - 1) * size
    items = [QUEUES[0] | {"name": f"q{n:06}", "messages": n % 1000} for n in range(start, start + size)]
    return {"items": items, "page": number, "page_count": 50_000 // size}


def _many_lines(path: str, query: dict[str, str]) -> Any:
    if path == "/metrics":
        return PLUGIN_4_SUMS.encode()
    coarse = query["family"] == "queue_coarse_metrics"
    names = ["ready", "unacked", ""] if coarse else [f"kind{number}" for number in range(18)]
    page = []
    for name in names:
        full = f"rabbitmq_detailed_queue_messages{name and '_' + name}"
        page.append(f"# TYPE {full} gauge\n# HELP {full} x\n")
        page += [f'{full}{{vhost="/",queue="q{n:06}"}} {n % 1000}\n' for n in range(50_000)]
    return "".join(page).encode()


@pytest.mark.parametrize("style", ["official", "kbudde"])
def test_fifty_thousand_queues_in_bounded_memory(style: str, tmp_path: Path) -> None:
    """The exporter as a process of its own, so that its memory can be told from the server's."""
    with _api(_many) as api, _api(_many_lines) as plugin:
        port = free_port()
        command = [sys.executable, "-m", "exporters.rabbitmq", f"--web.listen-address=127.0.0.1:{port}"]
        urls = [f"--rabbit.url=http://127.0.0.1:{api}", f"--plugin.url=http://127.0.0.1:{plugin}"]
        limits = ["--max-queues=500", "--scrape.timeout=60s", "--rabbit.timeout=60s"]
        with process([*command, *urls, *limits, f"--metrics-style={style}"], tmp_path) as exporter:
            until(lambda: accepts(port), "the exporter")
            page = parse_page(get(port, "/metrics", seconds=60).body.decode())
            status = Path(f"/proc/{exporter.pid}/status").read_text()
    assert page.value("rabbitmq_exporter_queues_dropped") == 49_500
    assert len(page.series("rabbitmq_queue_messages")) == 500
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < 100_000, f"{peak} kB"


def test_pages_that_shrink_while_they_are_read() -> None:
    def answer(path: str, query: dict[str, str]) -> Any:
        if path == "queues" and query["page"] == "2":
            return 400, {"error": "page_out_of_range"}
        return {"items": QUEUES, "page_count": 2} if path == "queues" else _four(path, query)

    page = _scrape(answer, style="kbudde", parts="queue")
    assert page.label_values("rabbitmq_queue_messages_published_total", "queue") == {"quorum", "far"}
    assert not page.series("rabbitmq_exporter_collector_error")


def test_two_scrapes_at_once() -> None:
    both = threading.Barrier(2)

    def answer(path: str, query: dict[str, str]) -> Any:
        if path == "overview":
            both.wait(10)
        return _four(path, query)

    with _api(answer) as api, serving(KIND, {"url": f"http://127.0.0.1:{api}", "style": "kbudde"}) as port:
        pages: list[bytes] = []
        scrapers = [
            threading.Thread(target=lambda: pages.append(get(port, "/metrics").body)) for _ in range(2)
        ]
        for scraper in scrapers:
            scraper.start()
        for scraper in scrapers:
            scraper.join(15)
    assert [b'rabbitmq_up{cluster="four",node="rabbit@a"} 1' in page for page in pages] == [True, True]


def test_only_needed_columns_are_asked_for_and_never_sorted() -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    def answer(path: str, query: dict[str, str]) -> Any:
        asked.append((path, query))
        return _four(path, query)

    _scrape(answer, style="kbudde", parts="node,queue,exchange,connections")
    lists = {path: query for path, query in asked if path != "overview"}
    assert set(lists) == {"nodes", "queues", "exchanges", "connections"}
    assert all("columns" in query and "sort" not in query for query in lists.values())
    assert {query["page_size"] for path, query in lists.items() if path != "nodes"} == {"500"}


def test_kbuddes_variables(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")
    environ = {
        "RABBIT_URL": "https://broker/prefix/",
        "RABBIT_USER": "me",
        "RABBIT_PASSWORD_FILE": str(secret),
        "RABBIT_CONNECTION": "loadbalancer",
        "RABBIT_EXPORTERS": "exchange,node",
        "RABBIT_TIMEOUT": "7",
        "RABBIT_CAPABILITIES": "bert,no_sort",
        "PUBLISH_ADDR": "127.0.0.1",
        "PUBLISH_PORT": "9999",
        "OUTPUT_FORMAT": "JSON",
        "LOG_LEVEL": "error",
        "SKIPVERIFY": "true",
        "MAX_QUEUES": "5",
        "SKIP_QUEUES": "^amq",
        "EXCLUDE_METRICS": "a,b",
    }
    running = prepare(KIND, {"style": "kbudde"}, environ, None)
    own = running.own
    assert (own.url, own.user, own.timeout, own.max_queues) == ("https://broker/prefix/", "me", 7, 5)
    assert (own.connection, own.parts, own.exclude_metrics) == (
        "loadbalancer",
        ("exchange", "node"),
        ("a", "b"),
    )
    assert running.serve.listen_address == ("127.0.0.1:9999",)
    assert (running.serve.log_format, running.serve.log_level) == ("json", "error")


def test_lists_of_variables_and_defaults_reach_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags that are not given leave them alone."""
    monkeypatch.setenv("RABBIT_EXPORTERS", "node,health")
    asked: list[str] = []

    def answer(path: str, query: dict[str, str]) -> Any:
        asked.append(path)
        return _four(path, query)

    with _api(answer) as port:
        arguments = ["--once", f"--rabbit.url=http://127.0.0.1:{port}", "--metrics-style=kbudde"]
        with pytest.raises(SystemExit) as ended:
            click_command(KIND).main(arguments)
    assert ended.value.code == 0
    assert [path for path in asked if not path.startswith("health")] == ["overview", "nodes"]
    assert "health/checks/local-alarms" in asked


def test_names_of_kbuddes_file(tmp_path: Path) -> None:
    path = tmp_path / "exporter.toml"
    path.write_text('rabbit_url = "http://h:1"\nrabbit_pass = "p"\nskip_vhost = "x"\nmax_queues = 3\n')
    running = prepare(KIND, {}, {}, read_file(str(path), KIND.all_settings()))
    assert (running.own.url, running.own.skip_vhost, running.own.max_queues) == ("http://h:1", "x", 3)
    assert "p" not in repr(running.own.password)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"url": "amqp://user:hidden@host"}, "--rabbit.url is no URL"),
        ({"url": "http://user:hidden@"}, "--rabbit.url is no URL"),
        ({"style": "both"}, "--metrics-style: 'both' is not one of official, kbudde"),
        ({"plugin_queues": "some"}, "per-object, detailed, aggregated"),
        ({"parts": "queues"}, "--rabbit.exporters: 'queues' is not one of"),
        ({"skip_queues": "("}, "--skip-queues: '\\(' is no regular expression"),
        ({"cert": "x"}, "need each other"),
        ({"connection": "x"}, "direct, loadbalancer"),
        ({"password_file": "/missing"}, "cannot read /missing"),
    ],
)
def test_mistakes_stop_the_start(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        prepare(KIND, flags, {}, None)
    assert "hidden" not in str(raised.value)


def test_the_catalogue_holds_every_metric_of_kbudde() -> None:
    ours = {f"rabbitmq_{metric.name}": metric for metric in kbudde.CATALOGUE.metrics.values()}
    for line in (DATA / "rabbitmq-kbudde-metrics.txt").read_text().splitlines():
        name, type_, labels = line.split(" ")
        assert name in ours, name
        assert ours[name].type == type_, name
        assert sorted(ours[name].labels) == sorted([] if labels == "-" else labels.split(",")), name


def test_own_names_never_take_one_of_the_plugin_with_another_type() -> None:
    plugin = dict(line.split(" ") for line in (DATA / "rabbitmq-plugin-metrics.txt").read_text().splitlines())
    shared = {
        f"rabbitmq_{metric.name}": metric.type
        for metric in official.CATALOGUE.metrics.values()
        if f"rabbitmq_{metric.name}" in plugin
    }
    assert len(shared) > 80
    assert shared == {name: plugin[name] for name in shared}
