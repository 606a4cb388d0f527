"""memcached-exporter against a real server, recorded answers, and servers that misbehave."""

import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exporter_servers import (
    complained_about,
    false_server,
    free_port,
    get,
    listed_metrics,
    memcached,
    memcached_server,
    memcached_socket,
    parse_page,
    scrape,
    self_signed,
    serving,
)

from exporters.exposition import encode_text
from exporters.memcached.cli import KIND
from exporters.memcached.metrics import CATALOGUE, add_items, add_settings, add_slabs, add_stats
from exporters.settings import SettingsError

DATA = Path(__file__).parent.parent / "data" / "exporters"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("memcached")
    with memcached_server(folder) as port:
        memcached(
            port,
            "set a 0 0 1",
            "1",
            "set b 0 0 5",
            "hello",
            "get a",
            "get b",
            "get c",
            "incr a 1",
            "touch a 60",
        )
        yield port


def test_a_real_server(server: int) -> None:
    page = scrape(KIND, {"address": f"127.0.0.1:{server}"})
    assert page.value("memcached_up") == 1
    assert page.value("memcached_current_items") == 2
    assert page.value("memcached_commands_total", command="get", status="hit") == 2
    assert page.value("memcached_commands_total", command="get", status="miss") == 1
    assert page.value("memcached_commands_total", command="set", status="hit") == 2
    assert page.value("memcached_max_connections") == 1024
    assert page.value("memcached_slab_current_items", slab="1") == 2
    assert page.value("memcached_slab_commands_total", slab="1", command="set", status="hit") == 2
    assert page.value("memcached_malloced_bytes") > 0
    assert page.value("memcached_lru_crawler_enabled") == 1
    assert re.match(r"\d+\.\d+", next(iter(page.label_values("memcached_version", "version"))))
    assert not page.series("memcached_exporter_collector_error")
    assert not page.series("memcached_unexpected_napi_ids_total")


def test_collect_and_other_targets(server: int) -> None:
    flags = {"address": f"127.0.0.1:{free_port()}", "targets": f"127.0.0.1:{server}", "scrape_path": "/other"}
    with serving(KIND, flags) as port:
        other = parse_page(get(port, f"/other?target=127.0.0.1:{server}&collect[]=slabs").body.decode())
        assert other.value("memcached_up") == 1
        assert other.series("memcached_slab_chunk_size_bytes")
        assert not other.series("memcached_uptime_seconds")
        own = parse_page(get(port, "/metrics").body.decode())
        assert own.value("memcached_up") == 0
        assert own.value("memcached_exporter_scrape_error", reason="refused") == 1


def test_unix_socket(tmp_path: Path) -> None:
    with memcached_socket(tmp_path) as path:
        assert scrape(KIND, {"address": str(path)}).value("memcached_up") == 1
        missing = scrape(KIND, {"address": f"unix:{path}.missing"})
        assert missing.value("memcached_exporter_scrape_error", reason="missing") == 1
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    refused = scrape(KIND, {"address": str(dead)})
    assert refused.value("memcached_exporter_scrape_error", reason="refused") == 1


def test_pid_file(server: int, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    flags = {"address": f"127.0.0.1:{server}", "pid_file": str(pid_file)}
    pid_file.write_text("1x")
    page = scrape(KIND, flags)
    assert page.value("memcached_exporter_collector_error", collector="process", reason="config") == 1
    pid_file.write_text(f"{_pid_of(server)}\n")
    assert scrape(KIND, flags).value("memcached_process_resident_memory_bytes") > 100_000


def _pid_of(port: int) -> int:
    listing = subprocess.run(
        ["ps", "-eo", "pid,args"], capture_output=True, text=True, timeout=20, check=True
    )
    line = next(line for line in listing.stdout.splitlines() if f"-p {port} " in line)
    return int(line.split()[0])


def test_tls(tmp_path: Path) -> None:
    """memcached is often built without TLS, so a proxy in front of it speaks TLS here."""
    cert, key = self_signed(tmp_path, "cache.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cert)
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED

    def behave(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as stream:
            stream.recv(65536)
            stream.sendall(b"STAT uptime 5\r\nEND\r\n" + b"END\r\n" * 3)
            stream.recv(1)

    files = {"tls": "true", "tls_ca": cert, "tls_cert": cert, "tls_key": key}
    with false_server(behave) as port:
        flags = {"address": f"127.0.0.1:{port}", **files}
        page = scrape(KIND, {**flags, "tls_server_name": "cache.example"})
        assert page.value("memcached_uptime_seconds") == 5
        assert scrape(KIND, flags).value("memcached_exporter_scrape_error", reason="tls") == 1


def test_recorded_answers() -> None:
    answers = _recorded("memcached-1.6.18-stats.txt")
    page = CATALOGUE.page("memcached")
    add_stats(page, answers["stats"])
    add_settings(page, answers["stats settings"])
    add_items(page, answers["stats items"])
    add_slabs(page, answers["stats slabs"])
    parsed = parse_page(encode_text(page).decode())
    assert parsed.value("memcached_process_system_cpu_seconds_total") == 0.018306
    assert parsed.value("memcached_current_bytes") == 13490
    assert parsed.value("memcached_slab_lru_hits_total", slab="1", lru="cold") == 135
    assert parsed.value("memcached_slab_mem_requested_bytes", slab="1") == 13490
    assert parsed.value("memcached_lru_crawler_warm_max_factor") == 2


def _recorded(name: str) -> dict[str, dict[str, str]]:
    answers: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in (DATA / name).read_text().splitlines():
        if line.startswith("##### "):
            current = answers.setdefault(line.removeprefix("##### "), {})
        elif line.startswith("STAT "):
            _, field, value = line.split(" ", 2)
            current[field] = value
    return answers


def test_a_field_that_is_no_number_is_left_out() -> None:
    page = CATALOGUE.page("memcached")
    add_stats(page, {"uptime": "soon", "bytes": "7", "rusage_user": "1:250000", "version": 'a"b'})
    parsed = parse_page(encode_text(page).decode())
    assert parsed.names == {
        "memcached_current_bytes",
        "memcached_process_user_cpu_seconds_total",
        "memcached_version",
    }
    assert parsed.value("memcached_process_user_cpu_seconds_total") == 1.25


def test_proxy_and_extstore_fields() -> None:
    page = CATALOGUE.page("memcached")
    add_stats(page, {"proxy_backend_total": "2", "round_robin_fallback": "3", "extstore_limit_maxbytes": "9"})
    parsed = parse_page(encode_text(page).decode())
    assert parsed.value("memcached_round_robin_fallback_total") == 3
    assert parsed.value("memcached_proxy_backend_total") == 2
    assert parsed.value("memcached_extstore_bytes_limit") == 9


def _refuse_all_but_stats(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"STAT uptime 5\r\nEND\r\nERROR\r\nERROR\r\nSERVER_ERROR out of memory\r\n")
    client.recv(1)


def test_refused_commands_leave_the_others() -> None:
    with false_server(_refuse_all_but_stats) as port:
        page = scrape(KIND, {"address": f"127.0.0.1:{port}"})
    assert page.value("memcached_up") == 1
    assert page.value("memcached_uptime_seconds") == 5
    for part in ("settings", "items", "slabs"):
        assert page.value("memcached_exporter_collector_error", collector=part, reason="protocol") == 1


def _unauthenticated(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"CLIENT_ERROR unauthenticated\r\n")


def _garbage(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _half(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"STAT uptime 5\r\nSTAT ti")
    client.recv(1)


def _endless(client: socket.socket) -> None:
    client.recv(65536)
    while True:
        client.sendall(b"STAT uptime 5\r\n" * 1000)


def _hang_up(client: socket.socket) -> None:
    client.recv(65536)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (_unauthenticated, "auth"),
        (_garbage, "protocol"),
        (_half, "timeout"),
        (_endless, "too_large"),
        (_hang_up, "closed"),
    ],
)
def test_servers_that_misbehave(behave: Callable[[socket.socket], None], reason: str) -> None:
    with false_server(behave) as port:
        timeout = "300ms" if reason == "timeout" else "9s"
        page = scrape(KIND, {"address": f"127.0.0.1:{port}", "timeout": timeout})
    assert page.value("memcached_up") == 0
    assert page.value("memcached_exporter_scrape_error", reason=reason) == 1


def test_mistakes_stop_the_start() -> None:
    with pytest.raises(SettingsError, match="not an address"):
        scrape(KIND, {"address": "a b"})
    with pytest.raises(SettingsError, match="need each other"):
        scrape(KIND, {"tls_cert": "x"})


def test_the_catalogue_holds_every_metric_of_upstream() -> None:
    ours = {f"memcached_{metric.name}": metric for metric in CATALOGUE.metrics.values()}
    for line in (DATA / "memcached-upstream-metrics.txt").read_text().splitlines():
        name, type_, labels = line.split(" ")
        assert name in ours, name
        # Upstream has both types for slab_mem_requested_bytes, which goes up and down.
        assert ours[name].type in type_.split("/"), name
        assert list(ours[name].labels) == ([] if labels == "-" else labels.split(",")), name


def test_promtool_finds_nothing_but_upstreams_names(server: int) -> None:
    with serving(KIND, {"address": f"127.0.0.1:{server}"}) as port:
        page = get(port, "/metrics").body
    assert complained_about(page) - listed_metrics("memcached-upstream") == set()
