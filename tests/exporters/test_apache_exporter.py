"""apache-exporter against real servers, recorded pages, and servers that misbehave."""

import contextlib
import socket
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
    until,
)
from web_servers import PASSWORD, Web, apache

from exporters.apache.cli import KIND
from exporters.apache.metrics import CATALOGUE, add_balancers, add_scoreboard, add_status, add_tls_cache
from exporters.apache.status import parse_status
from exporters.errors import ScrapeError
from exporters.exposition import encode_text
from exporters.settings import File, SettingsError

DATA = Path(__file__).parent.parent / "data" / "exporters"
UPSTREAM = (DATA / "apache-upstream-metrics.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[str, str]) -> Iterator[Web]:
    with apache(tmp_path_factory.mktemp("apache"), certificate) as web:
        get(web.port, "/app/x")
        yield web


def test_a_real_server(server: Web) -> None:
    settings = {"scrape_uri": server.url("/server-status?auto")}
    # Apache counts a request after it was answered.
    until(lambda: scrape(KIND, settings).value("apache_accesses_total") >= 1, "an access that is counted")
    page = scrape(KIND, settings)
    assert page.value("apache_up") == 1
    assert 2.04 < page.value("apache_version") < 3
    assert page.label_values("apache_info", "mpm") == {"event"}
    assert page.value("apache_accesses_total") >= 1
    assert page.value("apache_workers", state="busy") >= 1
    assert page.value("apache_processes", state="all") >= 1
    assert page.value("apache_generation", type="config") == 1
    assert page.value("apache_scoreboard", state="reply") >= 1
    assert page.value("apache_scoreboard", state="open_slot") > 0
    assert page.label_values("apache_connections", "state") == {
        *("total", "writing", "keepalive", "closing", "wait_io")
    }
    worker = {"balancer": "balancer://app", "worker": "http://127.0.0.1:1"}
    assert page.value("apache_proxy_balancer_accesses_total", **worker) == 1
    assert page.value("apache_proxy_balancer_status", **worker, status="Init Err") == 1
    assert page.value("apache_proxy_balancer_workers_truncated") == 0
    assert page.value("apache_tls_session_cache_size_bytes") == 512_000
    assert page.value("apache_tls_session_cache_retrieves_total", result="miss") == 0
    assert not page.series("apache_exporter_collector_error")


def test_without_extended_status_and_with_prefork(tmp_path: Path) -> None:
    with apache(tmp_path, mpm="prefork", more="ExtendedStatus Off") as web:
        page = scrape(KIND, {"scrape_uri": web.url("/server-status?auto")})
    assert page.value("apache_up") == 1
    assert page.label_values("apache_info", "mpm") == {"prefork"}
    assert page.value("apache_uptime_seconds_total") >= 0
    for name in ("accesses_total", "cpuload", "cpu_time_ms_total", "connections"):
        assert not page.series(f"apache_{name}")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("/forbidden?auto", "denied"),
        ("/private?auto", "auth"),
        ("/missing?auto", "http"),
        # Without ?auto it is a page for people.
        ("/server-status", "protocol"),
    ],
)
def test_pages_that_are_not_shown_are_down(server: Web, page: str, reason: str) -> None:
    parsed = scrape(KIND, {"scrape_uri": server.url(page)})
    _is_down(parsed, reason)


def _is_down(page: ParsedPage, reason: str) -> None:
    assert page.value("apache_up") == 0
    assert page.value("apache_exporter_scrape_error", reason=reason) == 1
    assert page.value("apache_exporter_scrape_failures_total") == 1
    assert not page.series("apache_workers")


def test_credentials_from_the_uri_or_a_file(server: Web, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    private = server.url("/private?auto")
    named = private.replace("http://", "http://status:p%40ss%3Aw%2F%C3%B6%20r%22d@")
    assert scrape(KIND, {"scrape_uri": named}).value("apache_up") == 1
    flags = {"scrape_uri": private, "user": "status", "password_file": str(secret)}
    assert scrape(KIND, flags).value("apache_up") == 1
    _is_down(scrape(KIND, {**flags, "user": "somebody"}), "auth")


def test_https(server: Web, certificate: tuple[str, str]) -> None:
    by_name, by_number = (
        f"https://{host}:{server.tls_port}/server-status?auto" for host in ("localhost", "127.0.0.1")
    )
    _is_down(scrape(KIND, {"scrape_uri": by_name}), "tls")
    assert scrape(KIND, {"scrape_uri": by_name, "insecure": "true"}).value("apache_up") == 1
    assert scrape(KIND, {"scrape_uri": by_name, "tls_ca": certificate[0]}).value("apache_up") == 1
    _is_down(scrape(KIND, {"scrape_uri": by_number, "tls_ca": certificate[0]}), "tls")


def test_host_and_other_headers() -> None:
    asked: list[bytes] = []

    def behave(client: socket.socket) -> None:
        asked.append(client.recv(65536))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\nBusyWorkers: 7\n")

    with false_server(behave) as port:
        flags = {"scrape_uri": f"http://127.0.0.1:{port}/s?auto", "host_override": "www.example"}
        page = scrape(KIND, {**flags, "custom_headers": "X-One=1,X-Two=a=b"})
    assert page.value("apache_workers", state="busy") == 7
    lines = asked[0].split(b"\r\n")
    assert lines[0] == b"GET /s?auto HTTP/1.1"
    assert {b"Host: www.example", b"X-One: 1", b"X-Two: a=b"} <= set(lines)
    assert any(line.startswith(b"User-Agent: Prometheus-Apache-Exporter/") for line in lines)


def test_other_targets_get_the_page_and_credentials_of_their_settings(server: Web) -> None:
    file = File(
        {},
        {"secret": {"scrape_uri": "http://x/private?auto", "apache.user": "status"}},
        [(f"127.0.0.1:{server.port}", {"apache.password": PASSWORD})],
    )
    with serving(
        KIND, {"scrape_uri": f"http://127.0.0.1:{free_port()}/server-status?auto"}, file=file
    ) as port:
        for path in ("/probe", "/scrape"):
            page = parse_page(get(port, f"{path}?target=http://127.0.0.1:{server.port}").body.decode())
            assert page.value("apache_up") == 1
            assert "apache_exporter_scrape_failures_total" not in page.names
            assert "process_open_fds" not in page.names
        secret = parse_page(get(port, f"/probe?target=127.0.0.1:{server.port}&module=secret").body.decode())
        assert secret.value("apache_up") == 1
        assert get(port, "/probe?target=127.0.0.1:1").status == 400
        own = parse_page(get(port, "/metrics?collect[]=scoreboard").body.decode())
        assert own.value("apache_exporter_scrape_error", reason="refused") == 1
        part = parse_page(
            get(port, f"/probe?target=127.0.0.1:{server.port}&collect[]=scoreboard").body.decode()
        )
        assert part.series("apache_scoreboard")
        assert not part.series("apache_workers")


def _mapped(text: str, most_workers: int = 1000) -> ParsedPage:
    status = parse_status(text)
    page = CATALOGUE.page("apache")
    add_status(page, status)
    add_scoreboard(page, status)
    add_balancers(page, status, most_workers)
    add_tls_cache(page, status)
    return parse_page(encode_text(page).decode())


def test_a_recorded_page() -> None:
    page = _mapped((DATA / "apache-2.4.71-status.txt").read_text())
    assert page.value("apache_version") == 2.04071
    assert page.value("apache_info", version="Apache/2.4.71 (Debian) OpenSSL/3.0.19", mpm="event") == 1
    assert page.value("apache_load", interval="15min") == 0.99
    assert page.value("apache_sent_kilobytes_total") == 17311
    assert page.value("apache_cpu_time_ms_total", type="user") == 130
    assert page.value("apache_cpuload") == 5
    assert page.value("apache_scoreboard", state="idle") == 99
    assert page.value("apache_scoreboard", state="open_slot") == 300
    assert page.value("apache_tls_session_cache_subcache_indexes") == 88
    assert page.value("apache_tls_session_cache_retrieves_total", result="hit") == 40
    assert page.value("apache_tls_session_cache_oldest_time_left_seconds", statistic="min") == 297
    worker = {"balancer": "balancer://app", "worker": "http://127.0.0.1:19002"}
    assert page.value("apache_proxy_balancer_status", **worker, status="Init Err Stby") == 1


def test_fields_that_are_no_numbers_are_left_out() -> None:
    page = _mapped("ServerVersion: Apache\nUptime: soon\nTotal Accesses: 1_0\nLoad1: nan\nBusyWorkers: 3\n")
    assert page.names == {
        *("apache_info", "apache_workers", "apache_scoreboard", "apache_proxy_balancer_workers_truncated")
    }


def test_odd_label_values_and_too_many_of_them() -> None:
    text = 'ServerVersion: A"\\/2.4.1\nScoreboard: _?W\u2603\u2604\x7f\nProxyBalancer[0]Name: b"\n'
    text += "".join(
        f"ProxyBalancer[0]Worker[{n}]Name: w{n % 8}\nProxyBalancer[0]Worker[{n}]Busy: 1\n" for n in range(10)
    )
    page = _mapped(text, most_workers=9)
    assert page.value("apache_scoreboard", state="?") == 1
    assert page.value("apache_scoreboard", state="other") == 3
    assert len(page.series("apache_proxy_balancer_busy")) == 8
    assert page.value("apache_proxy_balancer_workers_truncated") == 1
    assert page.label_values("apache_info", "version") == {'A"\\/2.4.1'}


def test_garbage_takes_little_memory() -> None:
    lines = "".join(f"{number:x}\n" for number in range(200_000))
    with pytest.raises(ScrapeError, match="mod_status"):
        parse_status(lines)
    assert len(parse_status(f"BusyWorkers: 1\n{lines}").fields) <= 500


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


def _garbage(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"\x00\xff\r\n" * 1000)


def _invalid_utf8(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(HEAD + b"ServerVersion: \xff\xfe\nBusyWorkers: 1\n")


def _gigabyte(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(HEAD)
    for _ in range(1000):
        client.sendall(b"ServerVersion: Apache\n" * 50_000)


def _half(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(HEAD + b"ServerVersion: Apache\nBusyWo")
    client.recv(1)


def _silent(client: socket.socket) -> None:
    client.recv(65536)
    client.recv(1)


def _redirect(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (_garbage, "protocol"),
        (_gigabyte, "too_large"),
        (_half, "timeout"),
        (_silent, "timeout"),
        (_redirect, "http"),
    ],
)
def test_servers_that_misbehave(behave: Callable[[socket.socket], None], reason: str) -> None:
    with false_server(behave) as port:
        seconds = 0.3 if reason == "timeout" else 8
        page = scrape(KIND, {"scrape_uri": f"http://127.0.0.1:{port}/?auto"}, seconds=seconds)
    _is_down(page, reason)


def test_invalid_utf8_is_a_label_value() -> None:
    with false_server(_invalid_utf8) as port:
        page = scrape(KIND, {"scrape_uri": f"http://127.0.0.1:{port}/?auto"})
    assert page.label_values("apache_info", "version") == {"\\xff\\xfe"}


def test_one_log_line_for_each_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporters")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        target = listener.getsockname()[1]
    flags = {"scrape_uri": f"http://user:s3cret@127.0.0.1:{target}/?auto"}
    with serving(KIND, flags) as port:
        for _ in range(3):
            assert parse_page(get(port, "/metrics").body.decode()).value("apache_up") == 0
    assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 1
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"scrape_uri": "ftp://u:s3cret@h/"}, "the scheme is 'ftp'"),
        ({"scrape_uri": "http://u:s3cret@/"}, "names no host"),
        ({"scrape_uri": "http://u:s3cret/x@h/"}, "write / as %2F"),
        ({"scrape_uri": "http://h/a b"}, "the path holds blanks"),
        ({"scrape_uri": "unix:relative"}, "write unix:/path"),
        ({"custom_headers": "s3cret"}, "write Name=value"),
        ({"custom_headers": "X=s3cret\r\nY: 1"}, "control characters"),
        ({"host_override": "a\nb"}, "control characters"),
        ({"tls_cert": "x"}, "need each other"),
    ],
)
def test_mistakes_stop_the_start(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        scrape(KIND, flags)
    assert "s3cret" not in str(caught.value)


def test_the_catalogue_holds_every_metric_of_upstream() -> None:
    ours = {f"apache_{metric.name}": metric for metric in CATALOGUE.metrics.values()}
    for line in UPSTREAM:
        name, type_, labels = line.split(" ")
        assert name in ours, name
        assert ours[name].type == type_, name
        assert sorted(ours[name].labels) == ([] if labels == "-" else sorted(labels.split(","))), name


def test_promtool_finds_nothing_but_upstreams_names(server: Web) -> None:
    with serving(KIND, {"scrape_uri": server.url("/server-status?auto")}) as port:
        page = get(port, "/metrics").body
    assert complained_about(page) - listed_metrics("apache-upstream") == set()
