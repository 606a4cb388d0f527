"""php-fpm-exporter against a real PHP-FPM with several pools."""

import base64
import contextlib
import ctypes
import getpass
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from exporter_servers import (
    complained_about,
    free_port,
    get,
    listed_metrics,
    parse_page,
    process,
    scrape,
    serving,
    until,
)
from php_fpm_server import PhpFpm, busy_workers, finish, php_fpm, send

from exporters.command import click_command, go_style
from exporters.php_fpm.backlog import read_backlogs, waiting_at
from exporters.php_fpm.cli import KIND, upstream_arguments
from exporters.php_fpm.metrics import BAKINS, CATALOGUE

DATA = Path(__file__).parent.parent / "data" / "exporters"
OPCACHE = Path(__file__).parents[2] / "exporters" / "php_fpm" / "opcache.php"
DYNAMIC = """
listen = {listen}
pm = dynamic
pm.max_children = 4
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.status_path = /status
"""
STATIC = """
listen = $folder/{name}.sock
pm = static
pm.max_children = 2
pm.status_path = /status
"""


@pytest.fixture(scope="module")
def api_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def fpm(tmp_path_factory: pytest.TempPathFactory, api_port: int) -> Iterator[PhpFpm]:
    """Two pools on unix sockets and one on TCP."""
    pools = {
        "www": DYNAMIC.format(listen="$folder/www.sock"),
        "shop": STATIC.format(name="shop"),
        "api": DYNAMIC.format(listen=f"127.0.0.1:{api_port}"),
    }
    with php_fpm(tmp_path_factory.mktemp("f"), pools) as started:
        yield started


def test_pools_on_unix_sockets_and_tcp(fpm: PhpFpm, api_port: int) -> None:
    api = f"tcp://127.0.0.1:{api_port}/status"
    page = scrape(KIND, {"scrape_uri": f"{fpm.uri('www')},{api}"})
    for pool, uri in (("www", fpm.uri("www")), ("api", api)):
        labels = {"pool": pool, "scrape_uri": uri}
        assert page.value("phpfpm_up", **labels) == 1
        assert page.value("phpfpm_scrape_failures", **labels) == 0
        assert page.value("phpfpm_accepted_connections", **labels) >= 1
        assert page.value("phpfpm_active_processes", **labels) == 1
        assert page.value("phpfpm_idle_processes", **labels) >= 1
        total = page.value("phpfpm_total_processes", **labels)
        states = ("Idle", "Running", "Finishing", "Reading headers", "Ending", "Getting request informations")
        assert sum(page.value("phpfpm_processes", state=state, **labels) for state in states) == total
        for child in range(int(total)):
            shown = [
                page.value("phpfpm_process_state", child=str(child), state=state, **labels)
                for state in states
            ]
            assert sorted(shown) == [0, 0, 0, 0, 0, 1]
            assert page.value("phpfpm_process_requests", child=str(child), **labels) >= 0
        assert page.value("phpfpm_process_parse_errors", **labels) == 0
        assert page.value("phpfpm_pool_info", process_manager="dynamic", **labels) == 1
    # The size of a TCP listener's queue is known to PHP-FPM.
    assert page.value("phpfpm_listen_queue_length", pool="api", scrape_uri=api) > 0
    assert not page.series("phpfpm_scrape_error")
    assert not page.series("phpfpm_opcache_enabled")


def test_a_path_alone_means_the_status_path(fpm: PhpFpm) -> None:
    uri = f"unix://{fpm.folder}/www.sock"
    assert scrape(KIND, {"scrape_uri": uri}).value("phpfpm_up", pool="www", scrape_uri=uri) == 1


def test_per_process_series_can_be_left_out_or_bounded(fpm: PhpFpm) -> None:
    without = scrape(KIND, {"scrape_uri": fpm.uri("www"), "per_process": "false"})
    assert not without.series("phpfpm_process_state")
    assert without.series("phpfpm_processes")
    bounded = scrape(KIND, {"scrape_uri": fpm.uri("shop"), "max_processes": "1"})
    assert len(bounded.series("phpfpm_process_requests")) == 1
    assert bounded.value("phpfpm_processes_truncated", pool="shop", scrape_uri=fpm.uri("shop")) == 1
    only = scrape(KIND, {"scrape_uri": fpm.uri("www")}, collect=["status"])
    assert only.series("phpfpm_active_processes")
    assert not only.series("phpfpm_processes")


def test_a_pattern_finds_sockets_at_each_scrape(fpm: PhpFpm, tmp_path: Path) -> None:
    flags = {"scrape_uri": f"unix://{tmp_path}/*.sock;/status"}
    with serving(KIND, flags) as port:
        before = parse_page(get(port, "/metrics").body.decode())
        assert before.value("phpfpm_up", scrape_uri=flags["scrape_uri"]) == 0
        assert before.value("phpfpm_scrape_error", scrape_uri=flags["scrape_uri"], reason="missing") == 1
        (tmp_path / "www.sock").symlink_to(fpm.folder / "www.sock")
        (tmp_path / "shop.sock").symlink_to(fpm.folder / "shop.sock")
        (tmp_path / "no.sock").write_text("a file")
        for odd in (b"a\xfe.sock", b"a\xff.sock"):
            os.symlink(os.fsencode(fpm.folder / "www.sock"), os.path.join(os.fsencode(tmp_path), odd))
        after = parse_page(get(port, "/metrics").body.decode())
    assert after.label_values("phpfpm_up", "pool") == {"www", "shop"}
    assert after.label_values("phpfpm_up", "scrape_uri") == {
        f"unix://{tmp_path}/www.sock;/status",
        f"unix://{tmp_path}/shop.sock;/status",
        f"unix://{tmp_path}/a\\xfe.sock;/status",
        f"unix://{tmp_path}/a\\xff.sock;/status",
    }
    one = scrape(KIND, {**flags, "max_pools": "1"})
    assert one.label_values("phpfpm_up", "pool") == {"www"}
    assert one.value("phpfpm_pools_truncated") == 1


def test_max_children_from_flag_file_and_static_pools(fpm: PhpFpm, tmp_path: Path) -> None:
    uris = {"scrape_uri": f"{fpm.uri('www')},{fpm.uri('shop')}"}
    plain = scrape(KIND, uris)
    assert plain.label_values("phpfpm_max_children", "pool") == {"shop"}
    assert plain.value("phpfpm_max_children", pool="shop", scrape_uri=fpm.uri("shop")) == 2
    main = tmp_path / "main.conf"
    main.write_text(f"; comment\n[global]\ninclude={fpm.folder}/php-fpm.con*\n")
    read = scrape(KIND, {**uris, "pool_config": str(main)})
    assert read.value("phpfpm_max_children", pool="www", scrape_uri=fpm.uri("www")) == 4
    given = scrape(KIND, {**uris, "pool_config": str(main), "max_children": "www=7"})
    assert given.value("phpfpm_max_children", pool="www", scrape_uri=fpm.uri("www")) == 7
    missing = scrape(KIND, {**uris, "pool_config": f"{main}.missing"})
    assert missing.value("phpfpm_config_file_error", reason="missing") == 1
    assert missing.value("phpfpm_up", pool="www", scrape_uri=fpm.uri("www")) == 1


def test_opcache(fpm: PhpFpm) -> None:
    shutil.copy(OPCACHE, fpm.folder / "opcache.php")
    flags = {"scrape_uri": fpm.uri("www"), "opcache_script": str(fpm.folder / "opcache.php")}
    finish(send(fpm.socket("www"), str(fpm.folder / "hello.php")))
    finish(send(fpm.socket("www"), str(fpm.folder / "hello.php")))
    page = scrape(KIND, flags)
    labels = {"pool": "www", "scrape_uri": fpm.uri("www")}
    assert page.value("phpfpm_opcache_enabled", **labels) == 1
    assert page.value("phpfpm_opcache_used_memory_bytes", **labels) > 1_000_000
    assert page.value("phpfpm_opcache_misses_total", **labels) >= 1
    assert page.value("phpfpm_opcache_cached_scripts", **labels) >= 1
    broken = scrape(KIND, {**flags, "opcache_script": "/missing.php"})
    assert broken.value("phpfpm_opcache_error", reason="http", **labels) == 1
    assert broken.value("phpfpm_up", **labels) == 1
    other = scrape(KIND, {**flags, "opcache_script": str(fpm.folder / "hello.php")})
    assert other.value("phpfpm_opcache_error", reason="protocol", **labels) == 1


def test_a_saturated_pool_does_not_answer_but_its_backlog_is_known(tmp_path: Path) -> None:
    with php_fpm(tmp_path, {"a": STATIC.format(name="a"), "b": STATIC.format(name="b")}) as fpm:
        with serving(KIND, {"scrape_uri": f"{fpm.uri('a')},{fpm.uri('b')}", "timeout": "500ms"}) as port:
            first = parse_page(get(port, "/metrics").body.decode())
            assert first.value("phpfpm_listen_queue", pool="a", scrape_uri=fpm.uri("a")) == 0
            with contextlib.ExitStack() as stack:
                for _ in range(5):
                    stack.enter_context(send(fpm.socket("a"), fpm.hold))
                path = str(fpm.folder / "a.sock")
                until(lambda: waiting_at(read_backlogs(), path) == 3, "three waiting connections")
                page = parse_page(get(port, "/metrics").body.decode())
        down = {"pool": "a", "scrape_uri": fpm.uri("a")}
        assert page.value("phpfpm_up", **down) == 0
        assert page.value("phpfpm_scrape_error", reason="timeout", **down) == 1
        assert page.value("phpfpm_scrape_failures", **down) == 1
        assert page.value("phpfpm_listen_queue", **down) == 3
        assert page.value("phpfpm_up", pool="b", scrape_uri=fpm.uri("b")) == 1


def test_a_saturated_pool_with_status_listen_answers(tmp_path: Path) -> None:
    settings = STATIC.format(name="a") + "pm.status_listen = $folder/s.sock\n"
    with php_fpm(tmp_path, {"a": settings}) as fpm, contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(send(fpm.socket("a"), fpm.hold))
        until(lambda: busy_workers(fpm.socket("s")) == 2, "two busy workers")
        path = str(fpm.folder / "a.sock")
        until(lambda: waiting_at(read_backlogs(), path) == 3, "three waiting connections")
        labels = {"pool": "a", "scrape_uri": fpm.uri("s")}
        for known in ({"pool_config": str(fpm.config)}, {"listen_socket": f"a={path}"}):
            page = scrape(KIND, {"scrape_uri": fpm.uri("s"), **known})
            assert page.value("phpfpm_up", **labels) == 1
            assert page.value("phpfpm_active_processes", **labels) == 2
            assert page.value("phpfpm_processes", state="Running", **labels) == 2
            assert page.value("phpfpm_listen_queue", **labels) == 3


HOSTILE = [
    {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(user + b":x").decode()}
    for user in (b'a"b', b"my\\small", b"a\nb", b"\xff\xfe", b'","requests":9,"x":"', b'"}]}')
] + [
    {"REQUEST_METHOD": 'GE"T'},
    {"REQUEST_URI": '/?q="\\'},
    {"SCRIPT": 'a"b.php'},
    {"SCRIPT": 'x","last request cpu":9.00,"last request memory":9},{"pid":9.php'},
]


@pytest.mark.parametrize("parameters", HOSTILE)
def test_what_clients_send_breaks_no_page(fpm: PhpFpm, parameters: dict[str, str]) -> None:
    # Both workers of the pool show such a request, one of them while it also answers the scrape.
    script = str(fpm.folder / parameters.get("SCRIPT", "hello.php"))
    others = {name: value for name, value in parameters.items() if name != "SCRIPT"}
    for _ in range(4):
        finish(send(fpm.socket("shop"), script, **others))
    page = scrape(KIND, {"scrape_uri": fpm.uri("shop")})
    labels = {"pool": "shop", "scrape_uri": fpm.uri("shop")}
    assert page.value("phpfpm_up", **labels) == 1
    assert page.value("phpfpm_total_processes", **labels) == 2
    requests = sum(page.value("phpfpm_process_requests", child=child, **labels) for child in ("0", "1"))
    assert requests == page.value("phpfpm_accepted_connections", **labels)
    for child in ("0", "1"):
        assert page.value("phpfpm_process_last_request_memory", child=child, **labels) != 9
        assert page.value("phpfpm_process_last_request_cpu", child=child, **labels) != 9


def test_a_wrong_status_path(fpm: PhpFpm) -> None:
    uri = f"unix://{fpm.folder}/www.sock;/other"
    page = scrape(KIND, {"scrape_uri": uri})
    assert page.value("phpfpm_scrape_error", scrape_uri=uri, reason="http") == 1
    denied = f"unix://{fpm.folder}/www.sock;{fpm.config}"
    page = scrape(KIND, {"scrape_uri": denied})
    assert page.value("phpfpm_scrape_error", scrape_uri=denied, reason="denied") == 1


def test_an_abstract_socket(fpm: PhpFpm) -> None:
    """PHP-FPM itself cannot listen on one, so something passes the bytes on."""
    name = f"phpfpm-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + name)
        listener.listen()

        def pass_on() -> None:
            client, _ = listener.accept()
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(fpm.socket("www").path)
                server.sendall(client.recv(65536))
                while piece := server.recv(65536):
                    client.sendall(piece)

        thread = threading.Thread(target=pass_on, daemon=True)
        thread.start()
        uri = f"unix://@{name};/status"
        page = scrape(KIND, {"scrape_uri": uri})
        thread.join(10)
    assert page.value("phpfpm_up", pool="www", scrape_uri=uri) == 1
    assert page.value("phpfpm_listen_queue", pool="www", scrape_uri=uri) == 0


NGINX = """
user {user}; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; fastcgi_temp_path {folder}/f; proxy_temp_path {folder}/p;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location = /status {{
      auth_basic "status"; auth_basic_user_file {folder}/users;
      fastcgi_param SCRIPT_NAME /status; fastcgi_param SCRIPT_FILENAME /status;
      fastcgi_param REQUEST_METHOD GET; fastcgi_param QUERY_STRING $query_string;
      fastcgi_pass unix:{sock};
    }}
    location = /denied {{ deny all; }}
    location = /page {{ return 200 "<html>not a status page</html>"; }}
  }}
}}
"""


def test_http_status_pages(fpm: PhpFpm, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    (tmp_path / "users").write_text('me:{PLAIN}p@ss,"w/%\n')
    config = tmp_path / "nginx.conf"
    config.write_text(
        NGINX.format(user=getpass.getuser(), folder=tmp_path, port=port, sock=fpm.socket("www").path)
    )
    base = f"http://127.0.0.1:{port}"
    with process(["nginx", "-c", str(config)], tmp_path):
        until(lambda: _connects(port), "nginx")
        page = scrape(KIND, {"scrape_uri": f"http://me:p%40ss%2C%22w%2F%25@127.0.0.1:{port}/status"})
        assert page.value("phpfpm_up", pool="www", scrape_uri=f"{base}/status") == 1
        assert page.series("phpfpm_process_state")
        flags = {"scrape_uri": f"{base}/status", "http_user": "me", "http_password": 'p@ss,"w/%'}
        assert scrape(KIND, flags).value("phpfpm_up", pool="www", scrape_uri=f"{base}/status") == 1
        wrong = scrape(KIND, {"scrape_uri": f"http://me:secret@127.0.0.1:{port}/status"})
        assert wrong.value("phpfpm_scrape_error", scrape_uri=f"{base}/status", reason="auth") == 1
        for path, reason in (("denied", "denied"), ("missing", "http"), ("page", "protocol")):
            failed = scrape(KIND, {"scrape_uri": f"{base}/{path}"})
            assert failed.value("phpfpm_scrape_error", scrape_uri=f"{base}/{path}", reason=reason) == 1
    assert "secret" not in caplog.text


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may open every socket, so this thread touches files as somebody else for a while."""
    libc = ctypes.CDLL(None)
    before = libc.setfsuid(65534)
    try:
        yield
    finally:
        libc.setfsuid(before)


def test_a_socket_that_may_not_be_opened(fpm: PhpFpm, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "x.sock"))
        listener.listen()
        folder.chmod(0)
        uri, pattern = f"unix://{folder}/x.sock;/status", f"unix://{folder}/*.sock;/status"
        with without_privileges():
            page = scrape(KIND, {"scrape_uri": uri})
            found = scrape(KIND, {"scrape_uri": pattern})
        folder.chmod(0o700)
    assert page.value("phpfpm_scrape_error", scrape_uri=uri, reason="permission") == 1
    assert found.value("phpfpm_scrape_error", scrape_uri=pattern, reason="permission") == 1


def test_other_targets(fpm: PhpFpm, api_port: int) -> None:
    (fpm.folder / "owned.php").write_text(f"<?php touch('{fpm.folder}/owned');")
    target = f"127.0.0.1:{api_port}"
    flags = {"scrape_uri": fpm.uri("www"), "targets": f"{target},{fpm.folder}/shop.sock"}
    with serving(KIND, flags) as port:
        page = parse_page(get(port, f"/probe?target={target}").body.decode())
        assert page.value("phpfpm_up", pool="api", scrape_uri=f"tcp://{target}/status") == 1
        assert not page.series("process_open_fds")
        by_path = parse_page(get(port, f"/probe?target={fpm.folder}/shop.sock").body.decode())
        assert by_path.value("phpfpm_up", pool="shop", scrape_uri=fpm.uri("shop")) == 1
        # The path of the URL would be a file to run.
        get(port, f"/probe?target=tcp://{target}/{fpm.folder}/owned.php")
        assert not (fpm.folder / "owned").exists()
        assert get(port, f"/probe?target=127.0.0.1:{free_port()}").status == 400
        assert get(port, f"/probe?target={fpm.folder}/www.sock").status == 400


def test_bakins_names(fpm: PhpFpm, api_port: int) -> None:
    page = scrape(KIND, {"scrape_uri": fpm.uri("www"), "bakins_names": "true"})
    assert page.value("phpfpm_processes_total", state="active") == 1
    assert page.value("phpfpm_accepted_connections_total") >= 1
    assert page.value("phpfpm_max_children_reached_total") == 0
    assert page.value("phpfpm_scrape_failures_total") == 0
    assert page.names >= {line.split(" ")[0] for line in _upstream("php-fpm-bakins-metrics.txt")}
    both = scrape(
        KIND,
        {"scrape_uri": f"{fpm.uri('www')},tcp://127.0.0.1:{api_port}/status", "bakins_names": "true"},
    )
    labels = {"pool": "www", "scrape_uri": fpm.uri("www")}
    assert both.value("phpfpm_processes_total", state="active", **labels) == 1
    assert both.label_values("phpfpm_max_children_reached_total", "pool") == {"www", "api"}


def _upstream(name: str) -> list[str]:
    return (DATA / name).read_text().splitlines()


@pytest.mark.parametrize("name", ["php-fpm-upstream-metrics.txt", "php-fpm-bakins-metrics.txt"])
def test_the_catalogue_holds_every_metric_of_upstream(name: str) -> None:
    ours = {
        f"phpfpm_{metric.name}": metric for metric in (*CATALOGUE.metrics.values(), *BAKINS.metrics.values())
    }
    for line in _upstream(name):
        metric, type_, labels = line.split(" ")
        assert metric in ours, metric
        assert ours[metric].type == type_, metric
        # phpfpm_up is in both lists; ours has the labels of the first.
        if (metric, labels) != ("phpfpm_up", "-"):
            assert list(ours[metric].labels) == ([] if labels == "-" else labels.split(",")), metric


def test_every_metric_of_upstream_is_on_the_page(fpm: PhpFpm) -> None:
    page = scrape(KIND, {"scrape_uri": fpm.uri("www")})
    for line in _upstream("php-fpm-upstream-metrics.txt"):
        name, type_, labels = line.split(" ")
        assert page.types[name] == type_, name
        assert {label for label, _ in page.series(name)[0]} == set(labels.split(",")), name


def test_two_scrapes_at_once(fpm: PhpFpm) -> None:
    pages: list[bytes] = []
    with serving(KIND, {"scrape_uri": f"unix://{fpm.folder}/*.sock;/status"}) as port:
        threads = [
            threading.Thread(target=lambda: pages.append(get(port, "/metrics").body)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert [
        parse_page(page.decode()).value("phpfpm_up", pool="www", scrape_uri=fpm.uri("www")) for page in pages
    ] == [1] * 8


def test_promtool_finds_nothing_but_upstreams_names(fpm: PhpFpm) -> None:
    with serving(KIND, {"scrape_uri": fpm.uri("www"), "bakins_names": "true"}) as port:
        page = get(port, "/metrics").body
    assert complained_about(page) - listed_metrics("php-fpm-upstream", "php-fpm-bakins") == set()


def test_flags_of_bakins() -> None:
    arguments = ["--once", "-addr=127.0.0.1:8080", "--fastcgi", "unix:///missing.sock"]
    command = click_command(KIND)
    done = CliRunner().invoke(command, go_style(arguments, KIND.all_settings()))
    assert done.exit_code == 1
    assert 'phpfpm_up{pool="",scrape_uri="unix:///missing.sock"} 0' in done.stdout


def test_subcommands_of_upstream() -> None:
    assert upstream_arguments(["server", "--x"]) == ["--x"]
    assert upstream_arguments(["get", "--x"]) == ["--once", "--x"]
    assert upstream_arguments(["--x", "get"]) == ["--x", "get"]
