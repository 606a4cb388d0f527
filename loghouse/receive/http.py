"""What HTTP clients ask and expect to hear: JSON lines, Loki, Elasticsearch, OTLP, metrics, health.

cheroot serves it: threads, TLS, chunked bodies and a bound on their size, well kept as CherryPy's own server.
"""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from loghouse.errors import LoghouseError
from loghouse.receive import bodies
from loghouse.receive.inflate import MAX_BODY, Broken, TooLarge, unpacked
from loghouse.receive.intake import Intake
from loghouse.receive.streams import Received
from loghouse.spool.spool import SpoolFull

THREADS = 16
IDLE_SECONDS = 30
UNHEALTHY_AFTER = 60.0  # seconds without a successful commit
ECHOED_RECORDS = 1000
_VERSION = "8.15.0"  # of Elasticsearch, whose clients ask before they send
_COMMIT = {"number": _VERSION, "build_flavor": "default", "build_hash": "0", "lucene_version": "9.11.1"}
_JSON_LINES = ("/v1/jsonl", "/insert/jsonline")
_LOKI = ("/loki/api/v1/push", "/api/prom/push")


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body is read and unpacked."""

    method: str
    path: str
    parameters: Mapping[str, str]
    kind: str  # media type
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b""
    kind: str = "application/json"


def answer(request: Request, intake: Intake) -> Answer:
    """Take what a request brings; returns when it is durable."""
    path = request.path.rstrip("/") or "/"
    if path == "/metrics":
        from loghouse.receive.exposition import page

        return Answer(200, page(intake), "text/plain; version=0.0.4; charset=utf-8")
    if path == "/healthz":
        return _health(intake)
    if path in _JSON_LINES:
        return _take(request, intake, "jsonl", bodies.json_lines(request.body, _labels(request)), Answer(204))
    if path in _LOKI:
        protobuf = request.kind == "application/x-protobuf"
        body = unpacked(request.body, "snappy") if protobuf else request.body
        return _take(request, intake, "loki", bodies.loki(body, protobuf), Answer(204))
    if path == "/v1/logs":
        return _take_otlp(request, intake)
    if path in ("/ready", "/loki/api/v1/status/buildinfo"):
        return Answer(200, b"ready" if path == "/ready" else b'{"version":"3.0.0"}')
    return _elasticsearch(request, path.removeprefix("/elasticsearch") or "/", intake)


def _take(request: Request, intake: Intake, protocol: str, received: Received, accepted: Answer) -> Answer:
    """Store, or with debug=1 show what would be stored."""
    if request.parameters.get("debug") == "1":
        rows = [
            {"namespace": p.stream.namespace, "pod": p.stream.pod, "container": p.stream.container}
            | {"labels": dict(p.stream.labels), "wrapper": p.wrapper, "line": line.decode(errors="replace")}
            for p in received.pieces
            for line in p.data.splitlines()[:ECHOED_RECORDS]
        ]
        return _json({"records": rows[:ECHOED_RECORDS], "bad": received.bad, "truncated": received.truncated})
    intake.accept(protocol, received)
    return accepted


def _take_otlp(request: Request, intake: Intake) -> Answer:
    protobuf = request.kind != "application/json"
    received = bodies.otlp(request.body, protobuf)
    partial: dict[str, Any] = {}
    if received.bad:
        partial = {
            "partialSuccess": {"rejectedLogRecords": str(received.bad), "errorMessage": "malformed records"}
        }
    if not protobuf:
        return _take(request, intake, "otlp", received, _json(partial))
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

    response = ExportLogsServiceResponse()
    if received.bad:
        response.partial_success.rejected_log_records = received.bad
        response.partial_success.error_message = "malformed records"
    accepted = Answer(200, response.SerializeToString(), "application/x-protobuf")
    return _take(request, intake, "otlp", received, accepted)


def _elasticsearch(request: Request, path: str, intake: Intake) -> Answer:
    parts = [part for part in path.split("/") if part]
    if parts and parts[-1] == "_bulk" and request.method in ("POST", "PUT"):
        received, items = bodies.bulk(request.body, parts[0] if len(parts) > 1 else "")
        errors = any("error" in item for one in items for item in one.values())
        return _take(request, intake, "bulk", received, _json({"took": 1, "errors": errors, "items": items}))
    if not parts:
        return _json(
            {"name": "loghouse", "cluster_name": "loghouse", "cluster_uuid": "loghouse", "version": _COMMIT}
            | {"tagline": "You Know, for Search"}
        )
    match parts[0]:
        case "_cluster":
            return _json({"cluster_name": "loghouse", "status": "green", "number_of_nodes": 1})
        case "_license" | "_xpack":
            return _json({"license": {"status": "active", "type": "basic", "uid": "0"}})
        case "_nodes":
            return _json({"nodes": {"loghouse": {"version": _VERSION, "roles": ["ingest", "data"]}}})
        case "_ilm" | "_template" | "_index_template" | "_component_template" | "_ingest" | "_data_stream":
            # Clients put what they need in place before they send; nothing of it is needed here.
            return _json({"acknowledged": True})
        case "_alias" | "_aliases" | "_cat":
            return _json({})
    if request.method in ("HEAD", "PUT") and len(parts) == 1:
        return _json({"acknowledged": True, "shards_acknowledged": True, "index": parts[0]})
    return _problem(404, f"nothing at {request.path[:200]}", "docs/receive.md lists the paths")


def _labels(request: Request) -> dict[str, str]:
    return {key: value for key, value in request.parameters.items() if key not in ("debug", "token")}


def _health(intake: Intake) -> Answer:
    since = intake.failing_since
    if since is not None and time.monotonic() - since > UNHEALTHY_AFTER:
        return _problem(503, f"nothing could be stored for {time.monotonic() - since:.0f} s")
    return Answer(200, b"ok\n", "text/plain")


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _problem(status: int, message: str, hint: str = "") -> Answer:
    return _json({"error": message, "hint": hint, "status": status}, status)


Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class HttpServer:
    """Listens once it exists, so `port` can be given as 0 and read back."""

    def __init__(
        self, host: str, port: int, intake: Intake, token: str = "", tls: tuple[str, str] | None = None
    ) -> None:
        from cheroot.wsgi import Server

        self._intake = intake
        self._token = token
        self._server = Server(
            (host, port), self._application, numthreads=THREADS, timeout=IDLE_SECONDS, server_name="loghouse"
        )
        self._server.max_request_body_size = MAX_BODY
        self._server.max_request_header_size = 64 << 10
        if tls:
            from cheroot.ssl.builtin import BuiltinSSLAdapter

            self._server.ssl_adapter = BuiltinSSLAdapter(*tls)
        self._server.prepare()
        self.port: int = self._server.bind_addr[1]
        self._thread = threading.Thread(target=self._server.serve, name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and wait for the requests that are being answered."""
        self._server.stop()
        self._thread.join(IDLE_SECONDS)

    def _application(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        result = self._answer(environ)
        headers = [("Content-Type", result.kind), ("Content-Length", str(len(result.body)))]
        headers += [("X-Elastic-Product", "Elasticsearch"), ("X-Content-Type-Options", "nosniff")]
        if result.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
            headers.append(("Retry-After", "5"))
        if result.status == HTTPStatus.UNAUTHORIZED:
            headers.append(("WWW-Authenticate", 'Bearer realm="loghouse"'))
        if result.status == HTTPStatus.NO_CONTENT:
            headers = headers[2:]
        start_response(f"{result.status} {HTTPStatus(result.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [result.body]

    def _answer(self, environ: Environ) -> Answer:
        if not self._allowed(environ):
            self._intake.count("http", "requests_refused")
            return _problem(401, "a token is needed", "Send the header Authorization: Bearer TOKEN")
        try:
            return answer(_request(environ), self._intake)
        except TooLarge as error:
            return self._refused(413, error)
        except Broken as error:
            return self._refused(400, error)
        except SpoolFull as error:
            return self._refused(429, error)
        except LoghouseError as error:
            return self._refused(503, error)
        except Exception as error:  # noqa: BLE001 - one request's defect must not reach its client as a traceback
            return self._refused(500, LoghouseError(f"unexpected {type(error).__name__}"))

    def _refused(self, status: int, error: LoghouseError) -> Answer:
        self._intake.count("http", "requests_refused")
        return _problem(status, error.message, error.hint)

    def _allowed(self, environ: Environ) -> bool:
        if not self._token or environ["PATH_INFO"] == "/healthz":
            return True
        given = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ").removeprefix("ApiKey ")
        return hmac.compare_digest(given.encode(), self._token.encode())


def _request(environ: Environ) -> Request:
    body: bytes = (
        environ["wsgi.input"].read(MAX_BODY + 1) if environ["REQUEST_METHOD"] in ("POST", "PUT") else b""
    )
    if len(body) > MAX_BODY:
        raise TooLarge(f"more than {MAX_BODY} bytes", "Send smaller requests")
    encoding = environ.get("HTTP_CONTENT_ENCODING", "")
    kind = environ.get("CONTENT_TYPE", "").split(";")[0].strip().lower()
    if encoding.strip().lower() == "snappy" and kind == "application/x-protobuf":
        encoding = ""  # Loki's pushes are unpacked where they are read, with and without that header
    parameters = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    return Request(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], parameters, kind, unpacked(body, encoding)
    )
