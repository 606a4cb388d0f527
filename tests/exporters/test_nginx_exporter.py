"""nginx-exporter against real servers and servers that misbehave."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exporter_servers import (
    ParsedPage,
    complained_about,
    false_server,
    free_port,
    get,
    listed_metrics,
    parse_page,
    scrape,
    self_signed,
    serving,
)
from web_servers import PASSWORD, Web, nginx

from exporters.command import click_command, go_style
from exporters.errors import ScrapeError
from exporters.nginx.cli import KIND
from exporters.nginx.metrics import CATALOGUE
from exporters.nginx.stubstatus import StubStatus, parse_stub_status
from exporters.settings import File, SettingsError

DATA = Path(__file__).parent.parent / "data" / "exporters"
UPSTREAM = (DATA / "nginx-upstream-metrics.txt").read_text().splitlines()
PAGE = "Active connections: 9 \nserver accepts handled requests\n 4 3 5 \nReading: 2 Writing: 1 Waiting: 6 \n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[str, str]) -> Iterator[Web]:
    with nginx(tmp_path_factory.mktemp("nginx"), certificate) as web:
        yield web


def test_a_real_server(server: Web) -> None:
    before = scrape(KIND, {"scrape_uri": server.url("/stub_status")})
    page = scrape(KIND, {"scrape_uri": server.url("/stub_status")})
    assert page.value("nginx_up") == 1
    assert page.value("nginx_http_requests_total") == before.value("nginx_http_requests_total") + 1
    assert page.value("nginx_connections_accepted") == before.value("nginx_connections_accepted") + 1
    assert page.value("nginx_connections_handled") == page.value("nginx_connections_accepted")
    assert page.value("nginx_connections_writing") == 1
    assert page.value("nginx_connections_active") >= 1
    assert page.types["nginx_connections_accepted"] == "counter"


def test_unix_socket_and_proxy_header(server: Web) -> None:
    socket_uri = f"unix:{server.folder}/status.sock:/stub_status"
    assert scrape(KIND, {"scrape_uri": socket_uri}).value("nginx_up") == 1
    missing = scrape(KIND, {"scrape_uri": f"unix:{server.folder}/missing.sock:/stub_status"})
    _is_down(missing, "missing")
    proxied = f"http://127.0.0.1:{server.proxy_port}/stub_status"
    assert scrape(KIND, {"scrape_uri": proxied, "proxy_protocol": "true"}).value("nginx_up") == 1
    assert scrape(KIND, {"scrape_uri": proxied}).value("nginx_up") == 0


def test_https(server: Web, certificate: tuple[str, str]) -> None:
    by_name, by_number = (
        f"https://{host}:{server.tls_port}/stub_status" for host in ("localhost", "127.0.0.1")
    )
    _is_down(scrape(KIND, {"scrape_uri": by_name}), "tls")
    assert scrape(KIND, {"scrape_uri": by_name, "ssl_verify": "false"}).value("nginx_up") == 1
    assert scrape(KIND, {"scrape_uri": by_name, "ssl_ca": certificate[0]}).value("nginx_up") == 1
    _is_down(scrape(KIND, {"scrape_uri": by_number, "ssl_ca": certificate[0]}), "tls")


@pytest.mark.parametrize(
    ("page", "reason"), [("/forbidden", "denied"), ("/private", "auth"), ("/missing", "http")]
)
def test_pages_that_are_not_shown_are_down(server: Web, page: str, reason: str) -> None:
    _is_down(scrape(KIND, {"scrape_uri": server.url(page)}), reason)


def _is_down(page: ParsedPage, reason: str) -> None:
    assert page.value("nginx_up") == 0
    assert page.value("nginx_exporter_scrape_error", reason=reason) == 1
    assert not page.series("nginx_connections_active")


def test_credentials_from_a_file(server: Web, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    flags = {"scrape_uri": server.url("/private"), "user": "status", "password_file": str(secret)}
    assert scrape(KIND, flags).value("nginx_up") == 1
    _is_down(scrape(KIND, {**flags, "user": "nobody"}), "auth")


def test_several_pages_and_constant_labels(server: Web) -> None:
    dead = f"http://127.0.0.1:{free_port()}/stub_status"
    alive = server.url("/stub_status")
    page = scrape(KIND, {"scrape_uri": f"{alive},{dead}", "const_labels": 'team=web,site=a"b'})
    labels = {"team": "web", "site": 'a"b'}
    assert page.value("nginx_up", **labels, addr=alive) == 1
    assert page.value("nginx_connections_active", **labels, addr=alive) >= 1
    assert page.value("nginx_up", **labels, addr=dead) == 0
    assert page.value("nginx_exporter_scrape_error", **labels, addr=dead, reason="refused") == 1
    alone = scrape(KIND, {"scrape_uri": alive, "const_labels": "team=web", "metrics_only": "true"})
    assert alone.value("nginx_up", team="web") == 1
    assert not [name for name in alone.names if not name.startswith("nginx_")]
    assert "nginx_exporter_build_info" not in alone.names


def test_a_page_that_hangs_delays_no_other(server: Web) -> None:
    def hang(client: socket.socket) -> None:
        client.recv(65536)
        client.recv(1)

    alive = server.url("/stub_status")
    with false_server(hang) as port:
        hung = f"http://127.0.0.1:{port}/"
        page = scrape(KIND, {"scrape_uri": f"{hung},{alive}", "timeout": "300ms"})
    assert page.value("nginx_up", addr=alive) == 1
    assert page.value("nginx_exporter_scrape_error", addr=hung, reason="timeout") == 1


def test_other_targets(server: Web) -> None:
    file = File({}, {"private": {"nginx.scrape-uri": "http://status@x/private"}}, [])
    flags = {
        "targets": f"127.0.0.1:{server.port}",
        "scrape_uri": f"http://127.0.0.1:{free_port()}/stub_status",
    }
    with serving(KIND, flags, file=file) as port:
        page = parse_page(get(port, f"/probe?target=127.0.0.1:{server.port}").body.decode())
        assert page.value("nginx_up") == 1
        assert "process_open_fds" not in page.names
        private = get(port, f"/probe?target=127.0.0.1:{server.port}&module=private").body.decode()
        assert parse_page(private).value("nginx_exporter_scrape_error", reason="auth") == 1
        assert get(port, "/probe?target=127.0.0.1:1").status == 400


def test_upstreams_flags_and_variables(certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    command = (
        "-nginx.scrape-uri=http://h/s -nginx.ssl-verify=false -nginx.retries=10 -nginx.retry-interval=5s"
    )
    command += " -prometheus.const-labels=a=b,c=d -web.secured-metrics -web.telemetry-path=/m"
    context = click_command(KIND).make_context("x", go_style(command.split(), KIND.all_settings()))
    assert context.params["scrape_uri"] == ("http://h/s",)
    assert context.params["ssl_verify"] is False
    assert context.params["const_labels"] == ("a=b,c=d",)
    assert context.params["secured"] is True
    cert, key = certificate
    environ = {"SECURED_METRICS": "true", "SSL_SERVER_CERT": cert, "SSL_SERVER_KEY": key}
    with serving(KIND, {}, environ | {"SCRAPE_URI": "http://127.0.0.1:1/x"}) as port:
        done = subprocess.run(
            ["curl", "-s", "-k", f"https://127.0.0.1:{port}/metrics"],
            capture_output=True,
            timeout=30,
            check=True,
        )
    assert b"\nnginx_up 0\n" in done.stdout


def test_pages_of_other_servers() -> None:
    assert parse_stub_status(PAGE) == StubStatus(9, 4, 3, 5, 2, 1, 6)
    tengine = PAGE.replace("handled requests", "handled requests request_time").replace("5 \n", "5 77\n")
    assert parse_stub_status(tengine.replace("\n", "\r\n")).requests == 5
    for other in ("", "<html>", PAGE.replace("9", "many"), PAGE[:-12], PAGE.replace(" 4 3 5", " 4 3")):
        with pytest.raises(ScrapeError, match="not the stub_status page"):
            parse_stub_status(other)


def _garbage(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"\x00\xff\r\n" * 1000)


def _invalid_utf8(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\nActive connections: \xff\xfe\n")


def _gigabyte(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(1000):
        client.sendall(b"Active connections: 1\n" * 50_000)


def _half(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nActive conn")
    client.recv(1)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [(_garbage, "protocol"), (_invalid_utf8, "protocol"), (_gigabyte, "too_large"), (_half, "timeout")],
)
def test_servers_that_misbehave(behave: Callable[[socket.socket], None], reason: str) -> None:
    with false_server(behave) as port:
        timeout = "300ms" if reason == "timeout" else "8s"
        page = scrape(KIND, {"scrape_uri": f"http://127.0.0.1:{port}/", "timeout": timeout})
    _is_down(page, reason)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"scrape_uri": "ftp://u:s3cret@h/"}, "the scheme is 'ftp'"),
        ({"scrape_uri": "http://h/s,http://h/s"}, "names a page twice"),
        ({"scrape_uri": ","}, "names no page"),
        ({"const_labels": "a-b=c"}, "cannot use 'a-b=c'"),
        ({"const_labels": "addr=c"}, "cannot use 'addr=c'"),
        ({"plus": "true"}, "NGINX Plus"),
        ({"secured": "true"}, "needs --web.ssl-server-cert"),
        ({"ssl_key": "x"}, "need each other"),
        ({"host_header": "a\nb"}, "control characters"),
    ],
)
def test_mistakes_stop_the_start(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        scrape(KIND, flags)
    assert "s3cret" not in str(caught.value)


def test_the_catalogue_holds_every_metric_of_upstream() -> None:
    ours = {f"nginx_{metric.name}": metric for metric in CATALOGUE.metrics.values()}
    for line in UPSTREAM:
        name, type_, labels = line.split(" ")
        assert name in ours, name
        assert ours[name].type == type_, name
        assert sorted(ours[name].labels) == ([] if labels == "-" else sorted(labels.split(","))), name


def test_promtool_finds_nothing_but_upstreams_names(server: Web) -> None:
    with serving(KIND, {"scrape_uri": server.url("/stub_status")}) as port:
        page = get(port, "/metrics").body
    assert complained_about(page) - listed_metrics("nginx-upstream") == set()
