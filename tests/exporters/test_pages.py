"""The pages over real sockets: routes, users, TLS, and clients that misbehave."""

import base64
import contextlib
import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import bcrypt
import pytest
from exporter_servers import get, parse_page, self_signed, serving, until

from exporters import httpserver
from exporters.command import Kind, prepare
from exporters.deadline import Deadline, scrape_seconds
from exporters.errors import ScrapeError
from exporters.exporter import Ask, Exporter, run_parts
from exporters.families import Family, counter, gauge
from exporters.httpserver import HttpServer, Response, listen
from exporters.outages import Outages
from exporters.settings import File, Flag, SettingsError
from exporters.targets import TargetRules
from exporters.webconfig import TlsFiles, WebAccess, read_web_config


@dataclass(frozen=True, slots=True)
class ToySettings:
    mood: Annotated[str, Flag("toy.mood", "fine, broken, down or slow.")] = "fine"


class Toy:
    """An exporter whose behaviour its settings choose."""

    namespace = "toy"
    parts: Sequence[str] = ("one", "two")

    def __init__(self, rules: TargetRules[ToySettings]) -> None:
        self._rules = rules

    def scrape(self, ask: Ask) -> Iterator[Family]:
        mood = self._rules.settings(ask.target, ask.module).mood
        yield gauge("toy_up", "Up.", int(mood != "down"))
        yield gauge("toy_seconds_left", "Left.", ask.deadline.remaining())
        if ask.target:
            target = Family("toy_target", "gauge", "Target.", ("address",))
            target.add(1, str(ask.target))
            yield target
        yield from run_parts("toy", ask, [("one", lambda: _part(mood)), ("two", list)])
        if mood == "broken":
            raise RuntimeError("a fault of the exporter")

    def __repr__(self) -> str:
        return "Toy"


def _part(mood: str) -> Iterator[Family]:
    yield counter("toy_slow_requests", "Requests.", 1)
    if mood == "part":
        raise ScrapeError("denied", "no")
    if mood == "bug":
        raise ZeroDivisionError


def _build(settings: ToySettings, rules: TargetRules[ToySettings]) -> Exporter:
    return Toy(rules)


KIND = Kind("toy-exporter", "Toy <&>", "TOY", 1, 9, ToySettings, _build, "toy-exporter")


def test_routes() -> None:
    with serving(KIND, {"telemetry_path": "/m"}) as port:
        assert get(port, "/m").status == 200
        assert get(port, "/metrics").status == 404
        assert b"ok" in get(port, "/healthz").body
        landing = get(port, "/")
        assert landing.headers["content-type"].startswith("text/html")
        assert b"Toy &lt;&amp;&gt;" in landing.body
        assert get(port, "/m", method="POST").status == 405
        assert get(port, "/m", method="HEAD").body == b""


def test_formats_compression_and_filters() -> None:
    with serving(KIND, {}) as port:
        plain = get(port, "/metrics")
        assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
        only = get(port, "/metrics?name%5B%5D=toy_up&name[]=nothing")
        assert parse_page(only.body.decode()).names == {"toy_up"}
        part = parse_page(get(port, "/metrics?collect[]=two").body.decode())
        assert part.label_values("toy_exporter_collector_success", "collector") == {"two"}
        assert get(port, "/metrics?collect[]=three").status == 400
        strict = get(port, "/metrics?name[]=toy_up", {"Accept": "application/openmetrics-text;version=abc"})
        assert strict.headers["content-type"].startswith("application/openmetrics-text")
        assert strict.body.endswith(b"# EOF\n")


def test_large_pages_are_compressed_on_request() -> None:
    body = b"x" * 5000
    server = HttpServer(listen("127.0.0.1", 0), {"/": lambda request: Response(200, body)}, WebAccess())
    server.start()
    try:
        answer = get(server.port, "/", {"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert len(answer.body) < 200
        assert get(server.port, "/").body == body
    finally:
        server.close()


@pytest.mark.parametrize("mood", ["broken", "down", "part", "bug"])
def test_failures_are_metrics_not_http_errors(mood: str) -> None:
    with serving(KIND, {"mood": mood}) as port:
        answer = get(port, "/metrics")
        assert answer.status == 200
        page = parse_page(answer.body.decode())
        assert page.value("toy_up") == (0 if mood == "down" else 1)
        assert page.value("toy_exporter_collector_success", collector="two") == 1
        if mood == "broken":
            assert page.value("toy_scrape_error", reason="internal") == 1
        if mood in ("part", "bug"):
            reason = "denied" if mood == "part" else "internal"
            assert page.value("toy_exporter_collector_success", collector="one") == 0
            assert page.value("toy_exporter_collector_error", collector="one", reason=reason) == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, 9.5), ("", 9.5), ("10", 9.5), ("5", 4.5), ("0.4", 0.2), ("nan", 9.5), ("-1", 9.5), ("x", 9.5)],
)
def test_prometheus_own_timeout_is_honoured(header: str | None, expected: float) -> None:
    assert scrape_seconds(9.5, header) == expected


def test_timeout_header_reaches_the_exporter() -> None:
    with serving(KIND, {}) as port:
        page = parse_page(get(port, "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "3"}).body.decode())
        assert 0 < page.value("toy_seconds_left") <= 2.5


def test_other_targets_need_the_allow_list() -> None:
    with serving(KIND, {}) as port:
        assert get(port, "/probe?target=a:1").status == 403
        assert get(port, "/scrape?target=a:1").status == 403
    file = File({}, {"sad": {"toy.mood": "down"}}, [("db-2:*", {"toy.mood": "part"})])
    with serving(KIND, {"targets": "db-1:9,/run/toy.sock"}, file=file) as port:
        assert get(port, "/probe").status == 400
        assert get(port, "/probe?target=db-3:9").status == 400
        assert get(port, "/probe?target=db-1:10").status == 400
        assert get(port, "/probe?target=/run/../run/toy.sock").status == 400
        assert get(port, "/probe?target=db-1&module=unknown").status == 400
        page = parse_page(get(port, "/probe?target=redis://user:secret@db-1/3").body.decode())
        assert page.label_values("toy_target", "address") == {"db-1:9"}
        assert page.value("toy_up") == 1
        assert parse_page(get(port, "/probe?target=db-1&module=sad").body.decode()).value("toy_up") == 0
        other = parse_page(get(port, "/scrape?target=db-2:5").body.decode())
        assert other.value("toy_exporter_collector_success", collector="one") == 0


def test_one_log_line_for_each_change_of_each_target(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporters")
    file = File({}, {}, [("bad:*", {"toy.mood": "part"}), ("good:*", {"toy.mood": "fine"})])
    with serving(KIND, {"mood": "part"}, file=file) as port, serving(KIND, {}, file=file) as other:
        for _ in range(3):
            for path in ("/probe?target=bad", "/probe?target=good", "/metrics"):
                assert get(port, path).status == 200
            # Another exporter of the same kind, where the part works.
            assert get(other, "/metrics").status == 200
    assert [record.getMessage() for record in caplog.records] == [
        "exporter: toy/one of bad:9 failed: denied: no",
        "exporter: toy/one failed: denied: no",
    ]


def test_one_error_is_one_log_line_whatever_it_breaks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporters")
    outages = Outages("toy")
    for _ in range(2):
        error = ScrapeError("refused", "no")
        for name in ("target", "part"):
            outages.failed(name, error)
    outages.worked("part")
    outages.worked("target")
    assert [record.getMessage() for record in caplog.records] == [
        "toy: target failed: refused: no",
        "toy: target works again",
    ]


def test_silent_clients_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpserver, "MOST_CONNECTIONS", 4)
    with serving(KIND, {}) as port, contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(contextlib.closing(socket.create_connection(("127.0.0.1", port), 10)))
            for _ in range(20)
        ]
        silent[-1].sendall(b"GET /metrics HTTP/1.1\r\n")
        assert get(port, "/metrics").status == 200
        # The oldest of them were hung up.
        assert silent[0].recv(1) == b""


def test_a_client_that_never_reads_blocks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpserver, "MOST_CONNECTIONS", 2)
    large = b"x" * 30_000_000
    routes = {"/large": lambda request: Response(200, large), "/": lambda request: Response(200, b"small")}
    server = HttpServer(listen("127.0.0.1", 0), routes, WebAccess())
    server.start()
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
                client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
                assert client.recv(10) == b"HTTP/1.1 2"
            assert get(server.port, "/").body == b"small"
    finally:
        server.close()


@pytest.mark.parametrize(
    "request_",
    [b"nonsense\r\n\r\n", b"GET /\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"\xff\xfe\x00 \r\n\r\n"],
)
def test_malformed_requests_get_an_answer(request_: bytes) -> None:
    with serving(KIND, {}) as port, socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(request_)
        assert client.recv(100).startswith(b"HTTP/1.1 400")


def test_an_endless_request_is_cut_off() -> None:
    with serving(KIND, {}) as port, socket.create_connection(("127.0.0.1", port), 10) as client:
        with contextlib.suppress(OSError):
            for _ in range(100):
                client.sendall(b"GET /" + b"a" * 1000)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert get(port, "/metrics").status == 200


def test_two_scrapes_run_at_once() -> None:
    both = threading.Barrier(2, timeout=10)

    def handler(request: object) -> Response:
        both.wait()
        return Response(200, b"together")

    server = HttpServer(listen("127.0.0.1", 0), {"/": handler}, WebAccess())
    server.start()
    answers: list[bytes] = []
    try:
        threads = [
            threading.Thread(target=lambda: answers.append(get(server.port, "/").body)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert answers == [b"together"] * 2
    finally:
        server.close()


def _credentials(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_users_of_the_web_configuration(tmp_path: Path) -> None:
    stored = bcrypt.hashpw("pass:wörd".encode(), bcrypt.gensalt(4)).decode()
    config = tmp_path / "web.yml"
    config.write_text(json.dumps({"basic_auth_users": {"prometheus": stored}}))
    with serving(KIND, {"web_config": str(config)}) as port:
        refused = get(port, "/metrics")
        assert refused.status == 401
        assert "Basic" in refused.headers["www-authenticate"]
        assert get(port, "/metrics", _credentials("prometheus", "pass:wörd")).status == 200
        assert get(port, "/metrics", _credentials("prometheus", "wrong")).status == 401
        assert get(port, "/metrics", _credentials("somebody", "pass:wörd")).status == 401
        assert get(port, "/metrics", {"Authorization": "Basic ###"}).status == 401


def test_headers_of_the_web_configuration(tmp_path: Path) -> None:
    config = tmp_path / "web.yml"
    config.write_text(json.dumps({"http_server_config": {"headers": {"X-Frame-Options": "deny"}}}))
    with serving(KIND, {"web_config": str(config)}) as port:
        for path in ("/metrics", "/", "/missing"):
            assert get(port, path).headers["x-frame-options"] == "deny"


@pytest.mark.parametrize("address", [":0", "[::]:0"])
def test_all_addresses_are_those_of_both_families(address: str) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with serving(KIND, {"listen_address": address}) as port:
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), 10).close()


def test_several_addresses() -> None:
    running = prepare(KIND, {"listen_address": "127.0.0.1:0,127.0.0.1:0"}, {}, None)
    servers = running.servers()
    try:
        for server in servers:
            server.start()
        assert len({server.port for server in servers}) == 2
        assert [get(server.port, "/metrics").status for server in servers] == [200, 200]
    finally:
        for server in servers:
            server.close()


@pytest.mark.parametrize("address", ["", "localhost", "127.0.0.1:http", "127.0.0.1:70000", "192.0.2.1:1"])
def test_addresses_that_cannot_be_used(address: str) -> None:
    running = prepare(KIND, {"listen_address": address}, {}, None)
    with pytest.raises(SettingsError, match="listen"):
        running.servers()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a self-signed certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    self_signed(folder, "localhost")
    return folder


def test_tls_with_client_certificates_and_a_silent_client(certificate: Path) -> None:
    config = certificate / "web.yml"
    names = {"cert_file": "cert.pem", "key_file": "key.pem", "client_ca_file": "cert.pem"}
    config.write_text(
        json.dumps({"tls_server_config": {**names, "client_auth_type": "RequireAndVerifyClientCert"}})
    )
    with serving(KIND, {"web_config": str(config)}) as port:
        with socket.create_connection(("127.0.0.1", port), 10):
            assert b"toy_up 1" in _get_over_tls(port, certificate, with_certificate=True)
        with pytest.raises(OSError):
            _get_over_tls(port, certificate, with_certificate=False)


def test_cipher_suites_are_those_of_the_web_configuration(certificate: Path) -> None:
    files = (str(certificate / "cert.pem"), str(certificate / "key.pem"))
    suites = ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")
    suites += ("TLS_RSA_WITH_AES_128_CBC_SHA256",)
    context = TlsFiles(*files, cipher_suites=suites).context()
    names = {cipher["name"] for cipher in context.get_ciphers() if cipher["protocol"] != "TLSv1.3"}
    assert names == {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA256"}
    with pytest.raises(SettingsError, match="unknown cipher suite 'TLS_SECRET'"):
        TlsFiles(*files, cipher_suites=(*suites, "TLS_SECRET")).context()


def test_a_renewed_certificate_is_used_by_the_next_client(certificate: Path, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificate / name, tmp_path / name)
    access = WebAccess(TlsFiles(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")))
    before = access.context()
    assert access.context() is before
    shutil.copy(certificate / "key.pem", tmp_path / "key.pem")
    assert access.context() is not before


def _get_over_tls(port: int, folder: Path, *, with_certificate: bool) -> bytes:
    context = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    if with_certificate:
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(b"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    if not answer:
        raise ConnectionError("the server hung up")
    return answer


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("basic_auth_users: {a: plain}", "not a bcrypt hash"),
        ("tls_server_config: {cert_file: x}", "needs cert_file and key_file"),
        ("tls_server_config: {cert_file: x, key_file: y}", "cannot use"),
        ("tls_servr_config: {}", "unknown setting 'tls_servr_config'"),
        ("[", "cannot read"),
        ("http_server_config: {headers: {X-Own: a}}", "unknown header 'X-Own'"),
        ('http_server_config: {headers: {X-Frame-Options: "a\\r\\nb"}}', "control characters"),
    ],
)
def test_mistakes_in_the_web_configuration_stop_the_start(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(content)
    with pytest.raises(Exception, match=message):
        read_web_config(str(path))


def test_a_passed_deadline_is_a_timeout() -> None:
    deadline = Deadline.after(0)
    until(lambda: deadline.passed, "the deadline")
    with pytest.raises(ScrapeError, match="timeout"):
        deadline.remaining()
