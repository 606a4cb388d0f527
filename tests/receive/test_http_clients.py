"""HTTP with the clients people have: Elasticsearch, OpenTelemetry, Loki; and JSON lines."""

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import cramjam
import pytest
import requests
from elasticsearch import Elasticsearch, helpers
from logging_loki import LokiHandler
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from receiving import Memory

from loghouse.receive.command import Receiver
from loghouse.receive.http import HttpServer
from loghouse.receive.intake import Intake

Query = Callable[..., list[tuple[Any, ...]]]
TIME = 1_790_000_000


@pytest.fixture
def url(receiver: Receiver) -> str:
    assert receiver.http
    return f"http://127.0.0.1:{receiver.http.port}"


@pytest.fixture
def memory() -> Iterator[tuple[Memory, str]]:
    kept = Memory()
    intake = Intake(kept, patience=5)
    server = HttpServer("127.0.0.1", 0, intake, token="secret")
    yield kept, f"http://127.0.0.1:{server.port}"
    server.close()
    intake.close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda body: bytes(cramjam.zstd.compress(body))])
def test_json_lines_arrive_as_sent(url: str, query: Query, pack: Callable[[bytes], bytes]) -> None:
    encoding = {bytes: "", gzip.compress: "gzip"}.get(pack, "zstd")
    body = pack(b'{"a":1,"level":"warning"}\n{"broken\n\n{"a":2}')
    where = {"namespace": "prod", "container": f"jsonl{encoding}", "team": "x"}
    answer = requests.post(
        f"{url}/v1/jsonl", data=body, params=where, headers={"Content-Encoding": encoding}, timeout=20
    )
    assert answer.status_code == 204, answer.text
    rows = query(
        "SELECT raw, parse_error, labels['team'] FROM logs WHERE container = {c:String} ORDER BY offset",
        c=where["container"],
    )
    assert rows == [('{"a":1,"level":"warning"}', "", "x"), ('{"broken', "json", "x"), ('{"a":2}', "", "x")]


def test_debug_echoes_and_stores_nothing(url: str, query: Query) -> None:
    answer = requests.post(f"{url}/v1/jsonl?debug=1&container=echo", data=b'{"a":1}\n', timeout=20)
    assert answer.json()["records"][0]["line"] == '{"a":1}'
    assert query("SELECT count() FROM logs WHERE container = 'echo'") == [(0,)]


def test_elasticsearch_client_bulk(url: str, query: Query) -> None:
    with Elasticsearch(url) as client:
        assert client.info()["version"]["number"]
        actions = [
            {
                "_op_type": "create",
                "_index": "es-logs",
                "@timestamp": "2026-09-21T13:33:20.5Z",
                "message": f"m{n}",
            }
            for n in range(3)
        ]
        assert helpers.bulk(client, actions) == (3, [])
    rows = query("SELECT raw, toString(timestamp) FROM logs WHERE container = 'es-logs' ORDER BY offset")
    assert len(rows) == 3
    assert rows[0] == (
        '{"@timestamp":"2026-09-21T13:33:20.5Z","message":"m0"}',
        "2026-09-21 13:33:20.500000000",
    )


def test_a_bad_document_of_a_bulk_is_refused_alone(memory: tuple[Memory, str]) -> None:
    kept, url = memory
    items = ['{"index":{"_index":"i"}}', '{"a":1}', '{"index":{}}', "{broken", '{"delete":{"_id":"1"}}']
    body = "\n".join([*items, '{"create":{}}', '{"a":2}', ""]).encode()
    headers = {"Authorization": "ApiKey secret"}
    answer = requests.post(f"{url}/_bulk", data=body, headers=headers, timeout=20).json()
    assert answer["errors"] is True
    assert [next(iter(item.values()))["status"] for item in answer["items"]] == [201, 400, 400, 201]
    assert kept.data.count(b"\n") == 2


def test_loki_client(url: str, query: Query) -> None:
    handler = LokiHandler(
        url=f"{url}/loki/api/v1/push", tags={"namespace": "prod", "app": "loki-app"}, version="1"
    )
    logger = logging.Logger("loki-test")
    logger.addHandler(handler)
    logger.warning("said to loki")
    handler.close()
    rows = query("SELECT raw, namespace, labels['severity'] FROM logs WHERE workload = 'loki-app'")
    assert rows == [("said to loki", "prod", "warning")]


def test_loki_protobuf(url: str, query: Query) -> None:
    from loghouse.receive.lokiproto import push_request

    push = push_request()
    stream = push.streams.add(labels='{namespace="prod", pod="lp-0", container="lokiproto"}')
    entry = stream.entries.add(line="snappy")
    entry.timestamp.seconds, entry.timestamp.nanos = TIME, 7
    body = bytes(cramjam.snappy.compress_raw(push.SerializeToString()))
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    assert requests.post(f"{url}/loki/api/v1/push", data=body, headers=headers, timeout=20).status_code == 204
    rows = query("SELECT raw, pod, toString(timestamp) FROM logs WHERE container = 'lokiproto'")
    assert rows == [("snappy", "lp-0", "2026-09-21 14:13:20.000000007")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_opentelemetry_exporter(url: str, query: Query) -> None:
    resource = Resource(
        {"k8s.namespace.name": "prod", "k8s.pod.name": "otel-0", "k8s.container.name": "otel"}
    )
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs")))
    logger = logging.Logger("otel-test")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.error("exported", extra={"order": 5})
    provider.shutdown()
    ((raw, namespace, pod, level),) = query(
        "SELECT raw, namespace, pod, level FROM logs WHERE container = 'otel'"
    )
    record = json.loads(raw)
    assert (record["message"], record["order"]) == ("exported", 5)
    assert (namespace, pod, level) == ("prod", "otel-0", "error")


def test_otlp_json(url: str, query: Query) -> None:
    record = {"timeUnixNano": str(TIME * 10**9), "severityNumber": 17, "body": {"stringValue": "as json"}}
    record["traceId"] = "5b8efff798038103d269b633813fc60c"
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "otlpjson"}}]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record, 5]}]}]}
    answer = requests.post(f"{url}/v1/logs", json=body, timeout=20)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    ((raw,),) = query("SELECT raw FROM logs WHERE container = 'otlpjson'")
    assert json.loads(raw) == {"message": "as json", "level": "ERROR", "trace_id": record["traceId"]}


def test_without_the_token_nothing_is_taken(memory: tuple[Memory, str]) -> None:
    kept, url = memory
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert requests.post(f"{url}/v1/jsonl", data=b"{}\n", headers=headers, timeout=20).status_code == 401
    assert not kept.rows
    good = {"Authorization": "Bearer secret"}
    assert requests.post(f"{url}/v1/jsonl", data=b"{}\n", headers=good, timeout=20).status_code == 204
    assert requests.get(f"{url}/healthz", timeout=20).text == "ok\n"
    assert (
        'loghouse_receive_records_total{protocol="jsonl"} 1.0'
        in requests.get(f"{url}/metrics", headers=good, timeout=20).text
    )


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/jsonl", gzip.compress(bytes(70 << 20)), {"Content-Encoding": "gzip"}, 413),
        ("/v1/jsonl", bytes(cramjam.zstd.compress(bytes(70 << 20))), {"Content-Encoding": "zstd"}, 413),
        ("/v1/jsonl", b"no gzip", {"Content-Encoding": "gzip"}, 400),
        ("/v1/jsonl", b"x", {"Content-Encoding": "rot13"}, 400),
        ("/loki/api/v1/push", b"[]", {"Content-Type": "application/json"}, 400),
        ("/loki/api/v1/push", b"\xff\xff", {"Content-Type": "application/x-protobuf"}, 400),
        ("/v1/logs", b"\xff\xff", {"Content-Type": "application/x-protobuf"}, 400),
        ("/_bulk", b"nonsense\n", {}, 400),
        ("/nowhere/at/all", b"", {}, 404),
    ],
)
def test_bad_requests_are_refused_with_what_to_do(
    memory: tuple[Memory, str], path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    kept, url = memory
    answer = requests.post(
        url + path, data=body, headers={**headers, "Authorization": "Bearer secret"}, timeout=20
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert not kept.rows


def test_what_cannot_be_stored_is_not_acknowledged(memory: tuple[Memory, str]) -> None:
    kept, url = memory
    kept.error = OSError("disk full")
    answer = requests.post(
        f"{url}/v1/jsonl", data=b"{}\n", headers={"Authorization": "Bearer secret"}, timeout=20
    )
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
