"""redis-exporter against real servers, beside upstream's exporter, and against servers that misbehave."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exporter_servers import (
    ParsedPage,
    accepts,
    complained_about,
    false_server,
    free_port,
    get,
    listed_metrics,
    parse_page,
    process,
    redis,
    redis_cluster,
    redis_server,
    scrape,
    self_signed,
    sentinel_server,
    serving,
    until,
)

from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.redis.cli import KIND
from exporters.redis.metrics import CATALOGUE
from exporters.settings import SettingsError

DATA = Path(__file__).parent.parent / "data" / "exporters"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A master with keys of every type, a slow log, errors and a latency spike."""
    options = ("--latency-monitor-threshold", "1", "--slowlog-log-slower-than", "0", "--maxmemory", "200mb")
    with redis_server(tmp_path_factory.mktemp("redis"), *options) as port:
        _fill(port)
        yield port


def _fill(port: int) -> None:
    redis(port, "SET", "counter", "42")
    redis(port, "SET", "str", "hello")
    redis(port, "SET", 'quote"\n\\', 'val"ue')
    redis(port, "SET", b"\xff\xfe", b"\xfd")
    redis(port, "SET", "long", "y" * 100_000)
    redis(port, "SET", "comma,key", "1e3")
    redis(port, "PFADD", "hll", "a", "b", "c")
    redis(port, "RPUSH", "queue:a", *map(str, range(7)))
    redis(port, "RPUSH", "queue:b", "x")
    redis(port, "SADD", "set", "a", "b")
    redis(port, "ZADD", "zset", 1, "a")
    redis(port, "HSET", "hash", "a", 1, "b", 2)
    for index in range(20):
        redis(port, "XADD", "stream", f"{1700000000000 + index}-0", "field", "value")
    redis(port, "XGROUP", "CREATE", "stream", "group", "0")
    redis(port, "XREADGROUP", "GROUP", "group", "consumer", "COUNT", 5, "STREAMS", "stream", ">")
    redis(port, "LPUSH", "str", "wrong type")
    # Longer than the threshold on any machine: 20 ms on a fast one.
    redis(port, "EVAL", "local x = 0; for i = 1, 5000000 do x = x + i end", 0)


def scrape_redis(port: int, **flags: str) -> ParsedPage:
    return scrape(KIND, {"addr": f"redis://127.0.0.1:{port}", **flags})


def test_a_plain_server(server: int) -> None:
    page = scrape_redis(server)
    assert page.value("redis_up") == 1
    assert page.value("redis_exporter_last_scrape_error") == 0
    assert page.value("redis_memory_max_bytes") == 200 * 1024 * 1024
    assert page.value("redis_config_maxmemory") == 200 * 1024 * 1024
    assert page.value("redis_db_keys", db="db0") == 13
    assert page.value("redis_db_keys", db="db15") == 0
    assert page.value("redis_commands_total", cmd="pfadd") == 1
    assert page.value("redis_commands_failed_calls_total", cmd="lpush") == 1
    assert page.value("redis_errors_total", err="WRONGTYPE") == 1
    assert page.value("redis_slowlog_length") > 5
    assert page.value("redis_latency_spike_duration_seconds", event_name="command") > 0
    assert page.value("redis_commands_latencies_usec_count", cmd="xadd") == 20
    assert page.value("redis_commands_latencies_usec_bucket", cmd="xadd", le="+Inf") == 20
    assert page.value("redis_latency_percentiles_usec_count", cmd="xadd") == 20
    assert page.label_values("redis_latency_percentiles_usec", "quantile") == {"50", "99", "99.9"}
    assert page.value("process_resident_memory_bytes") > 1e6
    assert not page.series("redis_exporter_collector_error")


def test_switches_leave_parts_out(server: int) -> None:
    page = scrape_redis(
        server,
        config_command="-",
        redis_only="true",
        exclude_latency_histogram="true",
        include_empty_databases="false",
        include_system="true",
        append_role="true",
    )
    assert not page.series("redis_config_maxclients")
    assert not page.series("process_open_fds")
    assert not page.series("redis_commands_latencies_usec_bucket")
    assert page.label_values("redis_db_keys", "db") == {"db0"}
    assert page.value("redis_total_system_memory_bytes", instance_role="master") > 1e8


def test_collect_runs_only_the_named_parts(server: int) -> None:
    page = scrape(KIND, {"addr": f"127.0.0.1:{server}"}, collect=["slowlog"])
    assert page.value("redis_up") == 1
    assert page.series("redis_slowlog_length")
    assert not page.series("redis_memory_used_bytes")


def test_configuration_as_metrics_without_passwords(server: int) -> None:
    redis(server, "CONFIG", "SET", "masterauth", "s3cret")
    try:
        page = scrape_redis(server, include_config="true")
        assert page.value("redis_config_value", key="maxclients") > 0
        assert "maxmemory-policy" in page.label_values("redis_config_key_value", "key")
        assert "s3cret" not in page.label_values("redis_config_key_value", "value")
    finally:
        redis(server, "CONFIG", "SET", "masterauth", "")


def test_checked_keys(server: int) -> None:
    page = scrape_redis(
        server,
        check_keys="db0=queue:*,c*",
        check_single_keys="str,hll,set,zset,hash,stream,missing,comma%2Ckey,quote%22%0A%5C,%FF%FE,long",
    )
    series = page.series("redis_key_size")
    sizes = {dict(labels)["key"]: page.samples["redis_key_size", labels] for labels in series}
    assert sizes == {
        "queue:a": 7,
        "queue:b": 1,
        "counter": 2,
        "comma,key": 3,
        "str": 5,
        "hll": 3,
        "set": 2,
        "zset": 1,
        "hash": 2,
        "stream": 20,
        "missing": 0,
        'quote"\n\\': 6,
        "\\xff\\xfe": 1,
        "long": 100_000,
    }
    assert page.value("redis_key_value", db="db0", key="counter") == 42
    assert page.value("redis_key_value", db="db0", key="comma,key") == 1000
    assert page.value("redis_key_value_as_string", db="db0", key="str", val="hello") == 1
    assert page.value("redis_key_value_as_string", db="db0", key='quote"\n\\', val='val"ue') == 1
    assert page.value("redis_key_value_as_string", db="db0", key="\\xff\\xfe", val="\\xfd") == 1
    assert max(map(len, page.label_values("redis_key_value_as_string", "val"))) <= 128
    assert page.value("redis_key_memory_usage_bytes", db="db0", key="long") > 100_000
    assert page.value("redis_exporter_keys_truncated", collector="keys") == 0


def test_checking_keys_makes_no_errors_on_the_server(server: int) -> None:
    before = scrape_redis(server).value("redis_total_error_replies")
    scrape_redis(server, check_keys="*", check_streams="*", count_keys="*", include_modules="true")
    assert scrape_redis(server).value("redis_total_error_replies") == before


def test_key_values_can_stay_private(server: int) -> None:
    page = scrape_redis(server, check_single_keys="str,counter", disable_key_values="true")
    assert not page.series("redis_key_value_as_string")
    assert page.value("redis_key_value", db="db0", key="counter") == 42


def test_more_keys_than_allowed_are_left_out_and_shown(server: int) -> None:
    page = scrape_redis(server, check_keys="*", max_keys="3")
    assert len(page.series("redis_key_size")) == 3
    assert page.value("redis_exporter_keys_truncated", collector="keys") == 1


def test_a_million_keys_with_a_pattern_in_bounded_memory(tmp_path: Path) -> None:
    """The exporter as a process of its own, so that its memory can be told from the test's."""
    with redis_server(tmp_path / "redis", "--enable-debug-command", "yes") as server:
        redis(server, "DEBUG", "POPULATE", 1_000_000, "key", 20)
        port = free_port()
        command = [sys.executable, "-m", "exporters.redis", f"--redis.addr=127.0.0.1:{server}"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--check-keys=key:*"]
        with process(command, tmp_path) as exporter:
            until(lambda: accepts(port), "the exporter")
            page = parse_page(
                get(port, "/metrics", {"X-Prometheus-Scrape-Timeout-Seconds": "10"}).body.decode()
            )
            status = Path(f"/proc/{exporter.pid}/status").read_text()
    assert page.value("redis_up") == 1
    assert page.value("redis_db_keys", db="db0") == 1_000_000
    assert len(page.series("redis_key_size")) == 10_000
    assert page.value("redis_exporter_keys_truncated", collector="keys") == 1
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < 60_000, f"{peak} kB"


def test_counted_keys_and_groups(server: int) -> None:
    page = scrape_redis(
        server,
        count_keys="queue:*,db3=nothing*",
        check_key_groups="^(queue):,^h",
        max_distinct_key_groups="2",
    )
    assert page.value("redis_keys_count", db="db0", key="queue:*") == 2
    assert page.value("redis_keys_count", db="db3", key="nothing*") == 0
    assert page.value("redis_number_of_distinct_key_groups", db="db0") == 3
    groups = page.label_values("redis_key_group_count", "key_group")
    assert len(groups) == 3
    assert "overflow" in groups


def test_streams(server: int) -> None:
    page = scrape_redis(server, check_streams="str*,st?eam", check_single_streams="nothing")
    assert page.value("redis_stream_length", db="db0", stream="stream") == 20
    assert page.value("redis_stream_first_entry_id", db="db0", stream="stream") == 1700000000000
    assert page.value("redis_stream_last_entry_id", db="db0", stream="stream") == 1700000000019
    group = {"db": "db0", "stream": "stream", "group": "group"}
    assert page.value("redis_stream_group_messages_pending", **group) == 5
    assert page.value("redis_stream_group_lag", **group) == 15
    assert page.value("redis_stream_group_consumer_messages_pending", **group, consumer="consumer") == 5
    without = scrape_redis(server, check_streams="stream", streams_exclude_consumers="true")
    assert not without.series("redis_stream_group_consumer_idle_seconds")
    assert without.series("redis_stream_group_consumers")


def test_clients_one_by_one_and_counted(server: int) -> None:
    page = scrape_redis(server, export_client_list="true", count_clients="true", export_client_port="true")
    assert page.value("redis_clients", name="redis_exporter") == 1
    assert page.value("redis_idle_clients", threshold="60") == 0
    info = dict(page.series("redis_connected_client_info")[0])
    assert info["name"] == "redis_exporter"
    assert info["port"].isdecimal()
    assert page.value("redis_exporter_clients_truncated") == 0
    cut = scrape_redis(server, export_client_list="true", max_clients="0")
    assert cut.value("redis_exporter_clients_truncated") == 1
    assert not cut.series("redis_connected_client_info")


def test_scripts(server: int, tmp_path: Path) -> None:
    bodies = {"good": "return {'a', '1.5', 'b', 2}", "empty": "return {}", "bad": "return redis.call('NOPE')"}
    for name, body in bodies.items():
        (tmp_path / name).write_text(body)
    page = scrape_redis(server, scripts=",".join(str(tmp_path / name) for name in bodies))
    results = {name: page.value("redis_script_result", filename=str(tmp_path / name)) for name in bodies}
    assert results == {"good": 1, "empty": 2, "bad": 0}
    assert page.value("redis_script_values", key="a", filename=str(tmp_path / "good")) == 1.5


def test_two_scrapes_at_once_and_other_targets(server: int) -> None:
    flags = {"addr": f"127.0.0.1:{free_port()}", "targets": f"127.0.0.1:{server}"}
    with serving(KIND, flags) as port:
        pages: list[ParsedPage] = []
        path = f"/scrape?target=redis://127.0.0.1:{server}&check-single-keys=counter"
        threads = [
            threading.Thread(target=lambda: pages.append(parse_page(get(port, path).body.decode())))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert [page.value("redis_up") for page in pages] == [1] * 4
        assert all(page.value("redis_key_value", db="db0", key="counter") == 42 for page in pages)
        assert not pages[0].series("redis_exporter_scrapes_total")
        get(port, "/scrape")
        own = parse_page(get(port, "/metrics").body.decode())
        assert own.value("redis_up") == 0
        assert own.value("redis_exporter_last_scrape_error", err="refused") == 1
        assert own.value("redis_target_scrape_request_errors_total") == 1
        bad = parse_page(get(port, f"/scrape?target=127.0.0.1:{server}&check-keys=db0%3D").body.decode())
        assert bad.value("redis_exporter_last_scrape_error", err="config") == 1


def test_replica(server: int, tmp_path: Path) -> None:
    with redis_server(tmp_path, "--replicaof", f"127.0.0.1 {server}") as port:
        master = {"master_host": "127.0.0.1", "master_port": str(server)}
        until(lambda: scrape_redis(port).value("redis_master_link_up", **master) == 1, "the replica")
        page = scrape_redis(port, skip_keys_on_master="true", check_single_keys="counter")
        assert page.value("redis_slave_info", **master, read_only="1") == 1
        assert page.value("redis_key_value", db="db0", key="counter") == 42
        assert not scrape_redis(server, skip_keys_on_master="true", check_single_keys="counter").series(
            "redis_key_value"
        )
        replica = {"slave_ip": "127.0.0.1", "slave_port": str(port), "slave_state": "online"}

        def is_online() -> bool:
            labels = tuple(sorted(replica.items()))
            return ("redis_connected_slave_offset_bytes", labels) in scrape_redis(server).samples

        until(is_online, "the master to see its replica online")


def test_sentinel(server: int, tmp_path: Path) -> None:
    with sentinel_server(tmp_path, server) as port:
        page = scrape_redis(port, include_config="true", include_sentinel_peers="true")
        master = {"master_name": "mymaster", "master_address": f"127.0.0.1:{server}"}
        assert page.value("redis_sentinel_masters") == 1
        assert page.value("redis_sentinel_master_status", **master, master_status="ok") == 1
        assert page.value("redis_sentinel_master_ok_sentinels", **master) == 1
        assert page.value("redis_sentinel_master_setting_failover_timeout", **master) == 180000
        assert page.label_values("redis_sentinel_master_ckquorum_status", "master_name") == {"mymaster"}
        assert page.series("redis_sentinel_config_key_value")
        assert not page.series("redis_db_keys")


def test_cluster(tmp_path: Path) -> None:
    with redis_cluster(tmp_path) as ports:
        # These keys lie on three different nodes.
        for key in ("a", "b", "c"):
            replies = [redis(port, "SET", key, "7") for port in ports]
            assert replies.count(b"OK") == 1
        page = scrape_redis(ports[0], is_cluster="true", check_single_keys="a,b,c", count_keys="*")
        assert page.value("redis_cluster_enabled") == 1
        assert page.value("redis_cluster_state") == 1
        assert page.value("redis_cluster_known_nodes") == 3
        assert page.value("redis_cluster_slots_assigned") == 16384
        assert {page.value("redis_key_value", db="db0", key=key) for key in ("a", "b", "c")} == {7}
        assert page.value("redis_keys_count", db="db0", key="*") == 3
        assert page.label_values("redis_db_keys", "db") == {"db0"}
        with serving(KIND, {"addr": f"127.0.0.1:{ports[1]}"}) as port:
            answer = get(port, "/discover-cluster-nodes")
            assert answer.status == 200
            for cluster_port in ports:
                assert f'"127.0.0.1:{cluster_port}"'.encode() in answer.body


ODD_PASSWORD = "p@ss:w/ö\"r'd \\ %41"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server with a password, and a user who may do little."""
    with redis_server(tmp_path_factory.mktemp("guarded")) as port:
        redis(port, "ACL", "SETUSER", "limited", "on", ">limited", "+info", "+client|setname", "+ping")
        redis(port, "ACL", "SETUSER", "odd", "on", f">{ODD_PASSWORD}", "+@all", "~*")
        redis(port, "ACL", "SETUSER", "default", "resetpass", ">main")
        yield port


def test_passwords_and_users(guarded: int, tmp_path: Path) -> None:
    assert scrape_redis(guarded).value("redis_exporter_last_scrape_error", err="auth") == 1
    wrong = scrape_redis(guarded, password="wrong")
    assert wrong.value("redis_up") == 0
    assert wrong.value("redis_exporter_last_scrape_error", err="auth") == 1
    assert scrape_redis(guarded, password="main").value("redis_up") == 1
    assert scrape_redis(guarded, user="odd", password=ODD_PASSWORD).value("redis_up") == 1
    assert scrape(KIND, {"addr": f"redis://:main@127.0.0.1:{guarded}"}).value("redis_up") == 1
    plain, table = tmp_path / "plain", tmp_path / "table"
    plain.write_text("main\n")
    table.write_text(f'{{"redis://127.0.0.1:{guarded}": "main"}}')
    for path in (plain, table):
        assert scrape_redis(guarded, password_file=str(path)).value("redis_up") == 1
        environ = {"REDIS_ADDR": f"redis://127.0.0.1:{guarded}", "REDIS_PASSWORD_FILE": str(path)}
        assert scrape(KIND, {}, environ=environ).value("redis_up") == 1


def test_a_user_with_few_rights_gets_what_is_allowed(guarded: int) -> None:
    page = scrape_redis(guarded, user="limited", password="limited", check_keys="*", count_clients="true")
    assert page.value("redis_up") == 1
    assert page.value("redis_memory_used_bytes") > 0
    denied = page.label_values("redis_exporter_command_denied", "command")
    assert {"config get", "latency latest", "slowlog len", "client list"} <= denied
    assert page.value("redis_exporter_collector_error", collector="config", reason="denied") == 1
    assert page.value("redis_exporter_collector_success", collector="info") == 1


def test_a_password_never_shows(capfd: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    page = scrape(KIND, {"addr": f"redis://user:s3cret@127.0.0.1:{port}", "password": "t0psecret"})
    shown = str(page) + "".join(capfd.readouterr())
    assert "s3cret" not in shown
    assert "t0psecret" not in shown
    for addr in ("gopher://user:s3cret@host", "redis://user:s3cret/x@host", "user:s3cret@host"):
        with pytest.raises(SettingsError) as error:
            scrape(KIND, {"addr": addr})
        assert "s3cret" not in str(error.value)


def test_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "r.sock"
    with redis_server(tmp_path, "--unixsocket", str(path)):
        for addr in (f"unix://{path}", str(path)):
            assert scrape(KIND, {"addr": addr}).value("redis_up") == 1
    missing = scrape(KIND, {"addr": f"unix://{path}.missing"})
    assert missing.value("redis_exporter_last_scrape_error", err="missing") == 1


def test_tls(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, "redis.example")
    tls_port = free_port()
    options = ("--tls-port", str(tls_port), "--tls-cert-file", cert, "--tls-key-file", key)
    with redis_server(tmp_path, *options, "--tls-ca-cert-file", cert):
        files = {"tls_ca": cert, "tls_client_cert": cert, "tls_client_key": key}
        addr = f"rediss://127.0.0.1:{tls_port}"
        named = scrape(KIND, {"addr": addr, **files, "tls_server_name": "redis.example"})
        assert named.value("redis_up") == 1
        unnamed = scrape(KIND, {"addr": addr, **files})
        assert unnamed.value("redis_exporter_last_scrape_error", err="tls") == 1
        assert scrape(KIND, {"addr": addr, **files, "skip_tls_verification": "true"}).value("redis_up") == 1
        assert scrape(KIND, {"addr": addr}).value("redis_exporter_last_scrape_error", err="tls") == 1


def _half_an_answer(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"$100\r\nhalf")
    client.recv(1)


def _silence(client: socket.socket) -> None:
    while client.recv(65536):
        pass


def _garbage(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _hang_up(client: socket.socket) -> None:
    client.recv(65536)


def _huge_length(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"$1073741824\r\n")
    client.recv(1)


def _endless(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"$60000000\r\n")
    while True:
        client.sendall(b"x" * 1_000_000)


def _endless_line(client: socket.socket) -> None:
    client.recv(65536)
    while True:
        client.sendall(b"+" + b"x" * 1_000_000)


def _nested(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"*1\r\n" * 5000)


def _loading(client: socket.socket) -> None:
    while client.recv(65536):
        client.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (_half_an_answer, "timeout"),
        (_silence, "timeout"),
        (_garbage, "protocol"),
        (_hang_up, "closed"),
        (_huge_length, "too_large"),
        (_endless_line, "protocol"),
        (_nested, "too_large"),
        (_loading, "loading"),
    ],
)
def test_servers_that_misbehave(behave: Callable[[socket.socket], None], reason: str) -> None:
    with false_server(behave) as port:
        flags = {"addr": f"127.0.0.1:{port}", "set_client_name": "false"}
        page = scrape(KIND, flags, seconds=0.5 if reason == "timeout" else 8)
    assert page.value("redis_up") == 0
    assert page.value("redis_exporter_last_scrape_error", err=reason) == 1


def test_a_huge_answer_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.redis.client.MOST_BYTES", 1_000_000)
    with false_server(_endless) as port:
        page = scrape(KIND, {"addr": f"127.0.0.1:{port}", "set_client_name": "false"})
    assert page.value("redis_exporter_last_scrape_error", err="too_large") == 1


def test_a_server_that_hangs_in_the_middle_keeps_what_was_read(server: int) -> None:
    """INFO is answered, what comes later is not: up is 1 and only the later parts fail."""

    def behave(client: socket.socket) -> None:
        with Connection.open(Address("127.0.0.1", server), Deadline.after(10), 10_000_000) as real:
            real.send(client.recv(65536))
            size = real.read_line()
            client.sendall(size + b"\r\n" + real.read_exactly(int(size[1:]) + 2))
        client.recv(65536)
        client.recv(65536)

    with false_server(behave) as port:
        flags = {"addr": f"127.0.0.1:{port}", "set_client_name": "false", "config_command": "-"}
        page = scrape(KIND, flags, seconds=0.7)
    assert page.value("redis_up") == 1
    assert page.value("redis_memory_used_bytes") > 0
    assert page.value("redis_exporter_collector_error", collector="latency", reason="timeout") == 1
    assert page.value("redis_exporter_collector_error", collector="slowlog", reason="timeout") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"addr": "ftp://x"}, "unknown scheme"),
        ({"check_keys": "db0="}, "names no key"),
        ({"batch_size": "0"}, "at least 1"),
        ({"namespace": "1x"}, "cannot begin a metric name"),
        ({"include_system": "maybe"}, "write true or false"),
        ({"connection_timeout": "soon"}, "write a duration"),
        ({"tls_client_cert": "x"}, "need each other"),
        ({"scripts": "/nowhere.lua"}, "cannot read /nowhere.lua"),
        ({"password_file": "/nowhere"}, "cannot read /nowhere"),
        ({"basic_auth_username": "x"}, "needs --basic-auth-password"),
    ],
)
def test_mistakes_stop_the_start(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        scrape(KIND, flags)


def test_the_catalogue_holds_every_metric_of_upstream() -> None:
    ours = {f"redis_{metric.name}": metric for metric in CATALOGUE.metrics.values()}
    for line in (DATA / "redis-upstream-metrics.txt").read_text().splitlines():
        name, type_, labels = line.split(" ")
        assert name in ours, name
        assert ours[name].type == type_, name
        expected = [] if labels == "-" else [label.rstrip("?") for label in labels.split(",")]
        assert list(ours[name].labels) == expected, name


def test_emitted_types_and_labels_are_those_of_the_catalogue(server: int) -> None:
    page = scrape_redis(
        server,
        check_keys="*",
        check_streams="*",
        count_keys="*",
        export_client_list="true",
        include_config="true",
    )
    for name, type_ in page.types.items():
        if name.startswith("redis_cluster_") or not name.startswith("redis_"):
            continue
        metric = CATALOGUE.metrics[name.removeprefix("redis_")]
        assert metric.type == type_
        extra = {"quantile", "le"} if type_ in ("summary", "histogram") else set()
        for labels in page.series(name):
            assert {label for label, _ in labels} <= {*metric.labels, *extra}, name


def test_promtool_finds_nothing_but_upstreams_names(server: int) -> None:
    with serving(KIND, {"addr": f"127.0.0.1:{server}", "check_keys": "*", "check_streams": "*"}) as port:
        page = get(port, "/metrics").body
    assert complained_about(page) - listed_metrics("redis-upstream") == set()
