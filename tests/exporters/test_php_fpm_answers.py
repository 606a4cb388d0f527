"""php-fpm-exporter and answers that are late, broken, hostile or from other versions of PHP; its settings."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from exporter_servers import false_server, free_port, get, parse_page, scrape, self_signed, serving
from hypothesis import example, given
from hypothesis import strategies as st

from exporters import background
from exporters.connection import Address
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.php_fpm import fastcgi
from exporters.php_fpm.backlog import count_backlogs, waiting_at
from exporters.php_fpm.cli import KIND
from exporters.php_fpm.status import parse_status
from exporters.php_fpm.uri import parse_uri, target_uri
from exporters.settings import SettingsError

POOL = (
    b'{"pool":"www","process manager":"dynamic","start time":1795219230,"start since":51,"accepted conn":18,'
    b'"listen queue":0,"max listen queue":0,"listen queue len":0,"idle processes":1,"active processes":1,'
    b'"total processes":2,"max active processes":6,"max children reached":1,"slow requests":8'
)


def entry(
    state: bytes = b"Idle",
    requests: int = 5,
    duration: int = 12,
    method: bytes = b"GET",
    user: bytes = b"-",
    script: bytes = b"/a.php",
) -> bytes:
    """A process as PHP-FPM 5.3 to 8.4 prints it, with nothing escaped."""
    return (
        b'{"pid":26291,"state":"%b","start time":1795219230,"start since":51,"requests":%d,'
        b'"request duration":%d,"request method":"%b","request uri":"\\/","content length":0,"user":"%b",'
        b'"script":"%b","last request cpu":12.50,"last request memory":2097152}'
        % (state, requests, duration, method, user, script)
    )


def page_of(*processes: bytes) -> bytes:
    return POOL + b', "processes":[' + b",".join(processes) + b"]}"


def fastcgi_answer(content: bytes) -> bytes:
    """One answer in records of FastCGI."""
    pieces = [content[start : start + 65535] for start in range(0, len(content), 65535)]
    records = [struct.pack(">BBHHBx", 1, 6, 1, len(piece), 0) + piece for piece in pieces]
    return b"".join(records) + struct.pack(">BBHHBx", 1, 3, 1, 8, 0) + bytes(8)


GOOD = fastcgi_answer(b"Content-type: application/json\r\n\r\n" + page_of(entry()))


def test_a_page_without_processes() -> None:
    status = parse_status(POOL + b"}")
    assert (status.pool, status.process_manager, status.processes) == ("www", "dynamic", [])
    assert status.fields["max children reached"] == 1


def test_fields_of_newer_and_older_versions() -> None:
    newer = parse_status(POOL + b',"memory peak":2097152}')
    assert newer.fields["memory peak"] == 2097152
    older = parse_status(b'{"pool":"www","accepted conn":3}')
    assert older.fields == {"accepted conn": 3}


def test_an_overflown_duration_is_nothing() -> None:
    status = parse_status(page_of(entry(duration=18446744073709551000), entry(duration=-5), entry()))
    assert [process.duration for process in status.processes] == [0, 0, 12]


def test_states() -> None:
    status = parse_status(page_of(entry(b"Getting request information"), entry(b"Dancing")))
    assert [process.known_state for process in status.processes] == ["Getting request informations", "other"]


# At most what PHP-FPM keeps of each.
@given(st.binary(max_size=15), st.binary(max_size=31), st.binary(max_size=255))
@example(b'GE"T', b'a"b', b'a"b.php')
@example(b"-", b"my\\small", b"a\nb")
@example(b"-", b'{"pid":', b'{"pid":1,"state":"Idle","start time":1,"start since":1,"requests":1')
@example(b"-", b'","requests":9,"x":"', b'","last request cpu":9.00,"last request memory":9}')
def test_no_text_of_a_client_changes_a_number(method: bytes, user: bytes, script: bytes) -> None:
    status = parse_status(page_of(entry(), entry(b"Running", 7, 3, method, user, script), entry(requests=6)))
    assert [process.requests for process in status.processes] == [5, 7, 6]
    assert [process.duration for process in status.processes] == [12, 3, 12]
    assert {process.last_cpu for process in status.processes} == {12.5}
    assert {process.last_memory for process in status.processes} == {2097152}
    assert status.unreadable_processes == 0
    assert status.fields["accepted conn"] == 18


def test_a_process_that_is_not_read_to_its_end_is_counted() -> None:
    broken = entry().replace(b'"last request memory":2097152', b'"last request memory":a')
    status = parse_status(page_of(entry(), broken, entry()))
    assert status.unreadable_processes == 1
    assert [process.last_memory for process in status.processes] == [2097152, None, 2097152]
    strange = parse_status(page_of(entry().replace(b'"state"', b'"stat"')))
    assert (strange.unreadable_processes, strange.processes) == (1, [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"pool: www",
        b"{}",
        b"[1]",
        b'{"pool":7,"accepted conn":1}',
        b"[" * 100_000,
        b'{"pool":"www","accepted conn":' + b"9" * 5000 + b"}",
        b"\xff\xfe{",
        POOL,
    ],
)
def test_other_pages_are_refused(body: bytes) -> None:
    with pytest.raises(ScrapeError, match="protocol"):
        parse_status(body)


def test_fixed_counts(tmp_path: Path) -> None:
    states = [b"Running", b"Reading headers", b"Finishing", b"Idle", b"Idle", b"Idle"]
    body = fastcgi_answer(b"X: y\r\n\r\n" + page_of(*(entry(state) for state in states)))

    def behave(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(body)

    with false_server(behave) as port:
        uri = f"tcp://127.0.0.1:{port}/status"
        plain = scrape(KIND, {"scrape_uri": uri})
        fixed = scrape(KIND, {"scrape_uri": uri, "fix_process_count": "true"})
    counts = ("active", "idle", "total")
    labels = {"pool": "www", "scrape_uri": uri}
    assert [plain.value(f"phpfpm_{name}_processes", **labels) for name in counts] == [1, 1, 2]
    assert [fixed.value(f"phpfpm_{name}_processes", **labels) for name in counts] == [2, 3, 5]
    assert plain.value("phpfpm_process_last_request_cpu", child="0", **labels) == 12.5


def _silent(client: socket.socket) -> None:
    client.recv(65536)
    client.recv(1)


def _garbage(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    client.recv(1)


def _half(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(GOOD[:100])
    client.recv(1)


def _broken_off(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(GOOD[:100])
    client.shutdown(socket.SHUT_WR)
    client.recv(1)


def _drips(client: socket.socket) -> None:
    """Never pauses long enough for a timeout of one read."""
    client.recv(65536)
    for byte in GOOD * 1000:
        client.sendall(bytes([byte]))
        threading.Event().wait(0.01)


def _a_gigabyte(client: socket.socket) -> None:
    client.recv(65536)
    record = struct.pack(">BBHHBx", 1, 6, 1, 65535, 0) + b"x" * 65535
    for _ in range(1024 * 1024 * 1024 // len(record)):
        client.sendall(record)


def _refuses(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(struct.pack(">BBHHBx", 1, 3, 1, 8, 0) + struct.pack(">IB3x", 0, 2))
    client.recv(1)


def _answers(content: bytes) -> Callable[[socket.socket], None]:
    def behave(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(fastcgi_answer(content))
        client.recv(1)

    return behave


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (_silent, "timeout"),
        (_half, "timeout"),
        (_drips, "timeout"),
        (_garbage, "protocol"),
        (_refuses, "protocol"),
        (_broken_off, "closed"),
        (_a_gigabyte, "too_large"),
        (_answers(b"no headers"), "protocol"),
        (_answers(b"Status: x\r\n\r\n"), "protocol"),
        (_answers(b"Status: 503 Busy\r\n\r\n"), "http"),
        (_answers(b"Status: 200\r\n\r\n<html>"), "protocol"),
    ],
)
def test_pools_that_misbehave(behave: Callable[[socket.socket], None], reason: str) -> None:
    with false_server(behave) as port:
        uri = f"tcp://127.0.0.1:{port}/status"
        timeout = "300ms" if reason == "timeout" else "9s"
        page = scrape(KIND, {"scrape_uri": uri, "timeout": timeout})
    assert page.value("phpfpm_up", scrape_uri=uri) == 0
    assert page.value("phpfpm_scrape_error", scrape_uri=uri, reason=reason) == 1


def test_https(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)

    def behave(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as stream:
            stream.recv(65536)
            body = page_of(entry())
            stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            stream.recv(1)

    with false_server(behave) as port:
        uri = f"https://localhost:{port}/status"
        trusted = scrape(KIND, {"scrape_uri": uri, "tls_ca": cert})
        unchecked = scrape(KIND, {"scrape_uri": uri, "tls_skip_verification": "true"})
        unknown = scrape(KIND, {"scrape_uri": uri})
    assert trusted.value("phpfpm_up", pool="www", scrape_uri=uri) == 1
    assert unchecked.value("phpfpm_up", pool="www", scrape_uri=uri) == 1
    assert unknown.value("phpfpm_scrape_error", scrape_uri=uri, reason="tls") == 1


def test_sockets_nobody_accepts_from(tmp_path: Path) -> None:
    missing = f"unix://{tmp_path}/missing.sock;/status"
    dead = f"unix://{tmp_path}/dead.sock;/status"
    full = f"unix://{tmp_path}/full.sock;/status"
    closed = f"tcp://127.0.0.1:{free_port()}/status"
    with socket.socket(socket.AF_UNIX) as once:
        once.bind(str(tmp_path / "dead.sock"))
    clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    with socket.socket(socket.AF_UNIX) as listener, clients[0], clients[1]:
        listener.bind(str(tmp_path / "full.sock"))
        listener.listen(1)
        for client in clients:
            client.connect(str(tmp_path / "full.sock"))
        page = scrape(KIND, {"scrape_uri": ",".join((missing, dead, full, closed)), "timeout": "500ms"})
    assert page.value("phpfpm_scrape_error", scrape_uri=missing, reason="missing") == 1
    assert page.value("phpfpm_scrape_error", scrape_uri=dead, reason="refused") == 1
    assert page.value("phpfpm_scrape_error", scrape_uri=closed, reason="refused") == 1
    assert page.label_values("phpfpm_scrape_error", "reason") <= {"missing", "refused", "backlog", "timeout"}
    assert page.value("phpfpm_up", scrape_uri=full) == 0
    assert page.value("phpfpm_listen_queue", scrape_uri=full) == 2


def test_pools_are_read_at_the_same_time() -> None:
    """Each pool answers only when all of them have been asked."""
    asked = threading.Barrier(12)

    def behave(client: socket.socket) -> None:
        client.recv(65536)
        asked.wait(8)
        client.sendall(GOOD)

    with false_server(behave) as port:
        uris = [f"tcp://127.0.0.1:{port}/status{index}" for index in range(12)]
        page = scrape(KIND, {"scrape_uri": ",".join(uris), "timeout": "8s"})
    assert [page.value("phpfpm_up", pool="www", scrape_uri=uri) for uri in uris] == [1] * 12


def test_a_pool_that_hangs_takes_no_time_from_others() -> None:
    """The hanging one is let go only when the other has answered."""
    answered = threading.Event()

    def behave(client: socket.socket) -> None:
        if b"/hangs" in client.recv(65536):
            answered.wait(8)
            client.recv(1)
            return
        client.sendall(GOOD)
        answered.set()

    with false_server(behave) as port:
        hangs, works = f"tcp://127.0.0.1:{port}/hangs", f"tcp://127.0.0.1:{port}/works"
        page = scrape(KIND, {"scrape_uri": f"{hangs},{works}", "timeout": "500ms"})
    assert page.value("phpfpm_scrape_error", scrape_uri=hangs, reason="timeout") == 1
    assert page.value("phpfpm_up", pool="www", scrape_uri=works) == 1


def test_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(work: Callable[[], object]) -> Callable[[], object]:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(background, "start", start)
    with false_server(_answers(b"X: y\r\n\r\n" + page_of(entry()))) as port:
        uris = [f"tcp://127.0.0.1:{port}/status{index}" for index in range(3)]
        page = scrape(KIND, {"scrape_uri": ",".join(uris)})
    assert [page.value("phpfpm_up", pool="www", scrape_uri=uri) for uri in uris] == [1, 1, 1]


def test_failures_and_names_are_remembered_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporters")
    works = threading.Event()

    def behave(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(GOOD if works.is_set() else b"garbage!")

    with false_server(behave) as pool:
        uri = f"tcp://127.0.0.1:{pool}/status"
        with serving(KIND, {"scrape_uri": uri}) as port:
            for failures in (1, 2):
                page = parse_page(get(port, "/metrics").body.decode())
                assert page.value("phpfpm_up", scrape_uri=uri) == 0
                assert page.value("phpfpm_scrape_failures", scrape_uri=uri) == failures
            works.set()
            page = parse_page(get(port, "/metrics").body.decode())
            assert page.value("phpfpm_scrape_failures", pool="www", scrape_uri=uri) == 2
            works.clear()
            for failures in (3, 4):
                page = parse_page(get(port, "/metrics").body.decode())
                assert page.value("phpfpm_up", pool="www", scrape_uri=uri) == 0
                assert page.value("phpfpm_scrape_failures", pool="www", scrape_uri=uri) == failures
    lines = [record.getMessage() for record in caplog.records if uri in record.getMessage()]
    assert [line.partition(uri)[2].split(":")[0] for line in lines] == [
        " failed",
        " works again",
        " failed",
    ]


def test_a_fault_of_one_pool_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with false_server(_answers(b"X: y\r\n\r\n" + page_of(entry()))) as port:
        good, bad = f"tcp://127.0.0.1:{port}/good", f"tcp://127.0.0.1:{port}/bad"
        real = fastcgi.get

        def broken(
            address: Address, path: str, query: str, deadline: Deadline, limit: int
        ) -> fastcgi.CgiAnswer:
            if path == "/bad":
                raise KeyError("a fault")
            return real(address, path, query, deadline, limit)

        monkeypatch.setattr(fastcgi, "get", broken)
        page = scrape(KIND, {"scrape_uri": f"{good},{bad}"})
    assert page.value("phpfpm_up", pool="www", scrape_uri=good) == 1
    assert page.value("phpfpm_scrape_error", scrape_uri=bad, reason="internal") == 1


def test_the_backlog_from_the_table_of_unix_sockets() -> None:
    """Lines as a kernel 6.1 wrote them, with other paths."""
    lines = [
        b"00000000f211740a: 00000003 00000000 00000000 0001 02     0 /run/php/www.sock\n",
        b"0000000091c21425: 00000003 00000000 00000000 0001 03 746812 /run/php/www.sock\n",
        b"000000002b525905: 00000002 00000000 00010000 0001 01 746064 /run/php/www.sock\n",
        b"00000000990441ff: 00000003 00000000 00000000 0001 02     0 /run/php/www.sock\n",
        b"000000002b525906: 00000002 00000000 00010000 0001 01 746065 @/abstract\n",
        b"000000002b525907: 00000002 00000000 00010000 0001 01 746066 /run/with a blank\n",
        b"000000002b525908: 00000002 00000000 00000000 0002 01 746067\n",
    ]
    backlogs = count_backlogs(lines)
    assert waiting_at(backlogs, "/run/php/www.sock") == 2
    assert waiting_at(backlogs, "\0/abstract") == 0
    assert waiting_at(backlogs, "/run/with a blank") == 0
    assert waiting_at(backlogs, "/run/php/other.sock") is None


@pytest.mark.parametrize(
    ("text", "address", "path", "label"),
    [
        ("tcp://127.0.0.1:9001/x", Address("127.0.0.1", 9001), "/x", "tcp://127.0.0.1:9001/x"),
        ("tcp://[::1]:9001/x", Address("::1", 9001), "/x", "tcp://[::1]:9001/x"),
        ("tcp://php", Address("php", 9000), "/status", "tcp://php"),
        ("php:9000/", Address("php", 9000), "/status", "php:9000/"),
        ("unix:///a.sock;/x", Address(path="/a.sock"), "/x", "unix:///a.sock;/x"),
        ("/a.sock", Address(path="/a.sock"), "/status", "/a.sock"),
        ("unix://@a;/x", Address(path="\0a"), "/x", "unix://@a;/x"),
        ("http://h", Address("h", 80), "/status", "http://h/status"),
        ("https://u:p@h/x?y", Address("h", 443), "/x?y", "https://h/x?y"),
        ("http://u%40:p%2Fq@h:81/x", Address("h", 81), "/x", "http://h:81/x"),
    ],
)
def test_uris(text: str, address: Address, path: str, label: str) -> None:
    uri = parse_uri(text, "/status")
    assert (uri.address, uri.path, uri.text) == (address, path, label)


def test_credentials_of_a_uri_are_decoded_and_hidden() -> None:
    uri = parse_uri("http://u%40:p%2Fq@h/x", "/status")
    assert (uri.user, uri.password.reveal()) == ("u@", "p/q")
    assert "p/q" not in repr(uri)
    assert target_uri(Address("h", 81), "http://h:81/evil", "/status").text == "http://h:81/status"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"scrape_uri": "ftp://x/status"}, "use tcp://"),
        ({"scrape_uri": "tcp://a b/status"}, "not an address"),
        ({"scrape_uri": "http:///status"}, "names no host"),
        ({"scrape_uri": "http://h/a b"}, "blanks"),
        ({"scrape_uri": "http://u:secret@h:x/"}, "credentials cannot be used"),
        ({"scrape_uri": ","}, "names no pool"),
        ({"status_path": "status"}, "does not begin with /"),
        ({"max_pools": "0"}, "at least 1"),
        ({"max_children": "www"}, "not POOL=VALUE"),
        ({"max_children": "www=many"}, "not POOL=VALUE"),
        ({"listen_socket": "www=9000"}, "not POOL=VALUE"),
        ({"scrape_uri": "http://h/", "opcache_script": "/o.php"}, "over FastCGI"),
    ],
)
def test_mistakes_stop_the_start(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        scrape(KIND, flags)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("variable", ["PHP_FPM_SCRAPE_URI", "FASTCGI_URL", "ENDPOINT_URL"])
def test_variables_of_upstream(variable: str) -> None:
    uri = f"tcp://127.0.0.1:{free_port()}/status"
    page = scrape(KIND, {}, environ={variable: uri})
    assert page.value("phpfpm_up", scrape_uri=uri) == 0


def test_an_opcache_answer_of_another_shape() -> None:
    answers = iter([page_of(entry()), json.dumps({"opcache_enabled": False, "memory_usage": 7}).encode()])

    def behave(client: socket.socket) -> None:
        client.recv(65536)
        client.sendall(fastcgi_answer(b"X: y\r\n\r\n" + next(answers)))

    with false_server(behave) as port:
        uri = f"tcp://127.0.0.1:{port}/status"
        page = scrape(KIND, {"scrape_uri": uri, "opcache_script": "/o.php"})
    assert page.value("phpfpm_opcache_enabled", pool="www", scrape_uri=uri) == 0
    assert not page.series("phpfpm_opcache_used_memory_bytes")
