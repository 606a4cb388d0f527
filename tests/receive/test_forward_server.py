"""Forward over real sockets: modes, acks, handshake, hostile clients, fluent-logger."""

import gzip
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import cramjam
import msgpack
import pytest
from fluent.sender import FluentSender
from receiving import Memory, eventually

from loghouse.receive import forward_server
from loghouse.receive.command import Receiver
from loghouse.receive.forward_server import ForwardServer
from loghouse.receive.handshake import Secrets
from loghouse.receive.intake import Intake

Query = Callable[..., list[tuple[Any, ...]]]
TIME = 1_790_000_000
EVENT_TIME = msgpack.ExtType(0, TIME.to_bytes(4, "big") + (5).to_bytes(4, "big"))


@contextmanager
def server(secrets: Secrets | None = None, patience: float = 20.0) -> Iterator[tuple[Memory, Intake, int]]:
    memory = Memory()
    intake = Intake(memory, patience)
    forward = ForwardServer("127.0.0.1", 0, intake, secrets)
    try:
        yield memory, intake, forward.port
    finally:
        memory.gate.set()
        forward.close()
        intake.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def hear(connection: socket.socket) -> Any:
    return msgpack.unpackb(connection.recv(4096))


def entries(*messages: str) -> bytes:
    return b"".join(msgpack.packb([EVENT_TIME, {"message": message}]) for message in messages)


MODES = {
    "message": ["app", TIME, {"message": "one"}, {"chunk": "c"}],
    "message with event time": ["app", EVENT_TIME, {"message": "one"}, {"chunk": "c"}],
    "message with metadata": ["app", [EVENT_TIME, {}], {"message": "one"}, {"chunk": "c"}],
    "forward": ["app", [[TIME, {"message": "one"}]], {"chunk": "c"}],
    "forward with metadata": ["app", [[[EVENT_TIME, {"m": 1}], {"message": "one"}]], {"chunk": "c"}],
    "packed as binary": ["app", entries("one"), {"chunk": "c", "size": 1}],
    "zstd": ["app", bytes(cramjam.zstd.compress(entries("one"))), {"chunk": "c", "compressed": "zstd"}],
    "compressed as text, which is none": ["app", entries("one"), {"chunk": "c", "compressed": "text"}],
    "option with unknown keys": ["app", TIME, {"message": "one"}, {"chunk": "c", "size": 9, "x": None}],
    "time as a float": ["app", TIME + 0.0, {"message": "one"}, {"chunk": "c"}],
    "gzip": ["app", gzip.compress(entries("one")), {"chunk": "c", "compressed": "gzip"}],
}


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_is_stored_and_acknowledged(mode: str) -> None:
    with server() as (memory, _, port), connect(port) as connection:
        connection.sendall(msgpack.packb(MODES[mode]))
        assert connection.recv(100) == b"\x81\xa3ack\xa1c"
    assert memory.data.startswith(b"2026-09-21T14:13:20.00000000")
    assert memory.data.endswith(b'Z stdout F {"message":"one"}\n')


def test_packed_entries_typed_as_text_and_gzip_of_several_members() -> None:
    body = gzip.compress(entries("one")) + gzip.compress(entries("two"))
    as_text = b"\x93\xa3app\xdb" + len(body).to_bytes(4, "big") + body
    with server() as (memory, _, port), connect(port) as connection:
        connection.sendall(as_text + msgpack.packb({"compressed": "gzip", "chunk": "x\n"}))
        assert hear(connection) == {"ack": "x\n"}
    assert memory.data.count(b"\n") == 2


def test_no_ack_before_the_sink_has_committed() -> None:
    with server() as (memory, _, port), connect(port) as connection:
        memory.gate.clear()
        connection.sendall(msgpack.packb(MODES["forward"]))
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        memory.gate.set()
        connection.settimeout(20)
        assert hear(connection) == {"ack": "c"}


def test_no_ack_when_the_sink_fails_and_the_retry_is_stored_once() -> None:
    with server() as (memory, _, port):
        memory.error = OSError("disk")
        with connect(port) as connection:
            connection.sendall(msgpack.packb(MODES["forward"]))
            assert connection.recv(1) == b""
        memory.error = None
        for _ in range(2):
            with connect(port) as connection:
                connection.sendall(msgpack.packb(MODES["forward"]))
                assert hear(connection) == {"ack": "c"}
    assert memory.data.count(b"\n") == 1


def test_bytes_one_by_one_and_an_empty_heartbeat() -> None:
    with server() as (memory, intake, port):
        connect(port).close()
        with connect(port) as connection:
            for byte in msgpack.packb(MODES["gzip"]):
                connection.sendall(bytes((byte,)))
            assert hear(connection) == {"ack": "c"}
        assert memory.commits == 1
        assert not intake.counts["forward", "connections_broken"]


def test_a_bad_entry_is_counted_and_its_neighbours_are_stored() -> None:
    odd = [[TIME, {"message": "one"}], "no entry", [TIME, b"no record"], [TIME, {"message": b"\xff\xfe"}]]
    with server() as (memory, intake, port), connect(port) as connection:
        connection.sendall(msgpack.packb(["app", odd, {"chunk": "c"}]))
        assert hear(connection) == {"ack": "c"}
        assert intake.counts["forward", "bad"] == 2
    assert memory.data.count(b"\n") == 2


@pytest.mark.parametrize(
    "hostile",
    [
        b"\xc1" * 10,
        msgpack.packb(["app", gzip.compress(bytes(70 << 20)), {"compressed": "gzip", "chunk": "c"}]),
        msgpack.packb(["app", b"no gzip", {"compressed": "gzip"}]),
        msgpack.packb({"not": "a message"}),
        msgpack.packb(["app", 1]),
        b"\x91" * 5000,
    ],
)
def test_a_hostile_client_is_disconnected_and_its_neighbour_is_served(hostile: bytes) -> None:
    with server() as (_, intake, port), connect(port) as neighbour:
        with connect(port) as connection:
            connection.sendall(hostile)
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        eventually(lambda: intake.counts["forward", "connections_broken"] == 1)
        neighbour.sendall(msgpack.packb(MODES["forward"]))
        assert hear(neighbour) == {"ack": "c"}


def ping(helo: Any, key: bytes, user: bytes = b"", password: bytes = b"") -> bytes:
    nonce, auth, salt, host = helo[1]["nonce"], helo[1]["auth"], b"\xff" * 16, b"client"
    digest = hashlib.sha512(salt + host + nonce + key).hexdigest()
    login = hashlib.sha512(auth + user + password).hexdigest() if auth else ""
    return msgpack.packb(["PING", host.decode(), salt, digest, user.decode(), login])


@pytest.mark.parametrize(
    ("key", "user", "password", "welcome"),
    [
        (b"key", b"anna", b"pw", True),
        (b"wrong", b"anna", b"pw", False),
        (b"key", b"anna", b"wrong", False),
        (b"key", b"nobody", b"", False),
    ],
)
def test_handshake_with_key_and_user(key: bytes, user: bytes, password: bytes, welcome: bool) -> None:
    secrets = Secrets("receiver", b"key", {"anna": "pw"})
    with server(secrets) as (memory, _, port), connect(port) as connection:
        helo = msgpack.unpackb(connection.recv(1024))
        connection.sendall(ping(helo, key, user, password))
        pong = hear(connection)
        assert pong[:2] == ["PONG", welcome]
        connection.sendall(msgpack.packb(MODES["forward"]))
        if welcome:
            expected = hashlib.sha512(b"\xff" * 16 + b"receiver" + helo[1]["nonce"] + b"key").hexdigest()
            assert pong[3:] == ["receiver", expected]
            assert hear(connection) == {"ack": "c"}
        else:
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
            assert not memory.rows


def test_records_before_the_handshake_are_refused() -> None:
    with server(Secrets("receiver", b"key")) as (memory, _, port), connect(port) as connection:
        assert msgpack.unpackb(connection.recv(1024))[1]["auth"] == b""
        connection.sendall(msgpack.packb(MODES["forward"]))
        assert connection.recv(1) == b""
        assert not memory.rows


def test_fluent_logger_reaches_the_store(receiver: Receiver, query: Query) -> None:
    assert receiver.forward
    sender = FluentSender("shop", host="127.0.0.1", port=receiver.forward.port, nanosecond_precision=True)
    assert sender.emit_with_time("pay", TIME, {"message": "paid\nfully", "level": "error", "n": 7})
    sender.close()
    rows = eventually(
        lambda: query("SELECT raw, toString(timestamp), level FROM logs WHERE container = 'shop.pay'")
    )
    assert rows == [
        ('{"message":"paid\\nfully","level":"error","n":7}', "2026-09-21 14:13:20.000000000", "error")
    ]


def test_kubernetes_records_and_dockers_become_columns(receiver: Receiver, query: Query) -> None:
    assert receiver.forward
    kubernetes = {
        "namespace_name": "prod",
        "pod_name": "web-0",
        "container_name": "fw",
        "labels": {"app": "web"},
    }
    records = [
        {"log": "hello\n", "stream": "stderr", "kubernetes": kubernetes},
        {"log": "trace\n  at x\n", "stream": "stdout", "kubernetes": kubernetes},
        {"log": "from docker", "source": "stderr", "container_id": "ab", "container_name": "/fwdocker"},
    ]
    with connect(receiver.forward.port) as connection:
        connection.sendall(
            msgpack.packb(["kube", [[TIME, record] for record in records], {"chunk": "kubernetes"}])
        )
        assert hear(connection) == {"ack": "kubernetes"}
    rows = query(
        "SELECT namespace, pod, container, labels['app'], stream, raw FROM logs"
        " WHERE container IN ('fw', 'fwdocker') ORDER BY raw"
    )
    assert rows == [
        ("", "", "fwdocker", "", "stderr", "from docker"),
        ("prod", "web-0", "fw", "web", "stderr", "hello"),
        ("prod", "web-0", "fw", "web", "stdout", "trace\n  at x"),
    ]


def test_a_heartbeat_over_udp_is_answered_and_nothing_else_is() -> None:
    with server() as (_, _, port), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(b"anything else", ("127.0.0.1", port))
        client.sendto(b"\0", ("127.0.0.1", port))
        assert client.recv(16) == b"\0"
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(16)


@pytest.mark.parametrize("option", [[], [None], [{}]])
def test_without_a_chunk_nothing_is_answered(option: list[Any]) -> None:
    """The option may be missing, nil or empty; the sender does not wait then, and would not understand."""
    with server() as (memory, _, port), connect(port) as connection:
        connection.sendall(msgpack.packb(["app", TIME, {"message": "one"}, *option]))
        eventually(lambda: memory.data)
        connection.sendall(msgpack.packb(MODES["forward"]))
        assert hear(connection) == {"ack": "c"}


def test_a_time_of_nothing_is_now_and_one_after_2038_is_kept() -> None:
    late = msgpack.ExtType(0, (4_000_000_000).to_bytes(4, "big") + (7).to_bytes(4, "big"))
    with server() as (memory, _, port), connect(port) as connection:
        both = [[0, {"m": 1}], [late, {"m": 2}]]
        connection.sendall(msgpack.packb(["app", both, {"chunk": "c"}]))
        hear(connection)
    now, later = memory.data.decode().splitlines()
    assert abs(datetime.fromisoformat(now[:26]).timestamp() - time.time()) < 60
    assert later.startswith("2096-10-02T07:06:40.000000007Z ")


def test_metrics_and_traces_are_acknowledged_and_not_kept() -> None:
    with server() as (memory, intake, port), connect(port) as connection:
        connection.sendall(msgpack.packb(["m", [[TIME, {"m": 1}]], {"chunk": "c", "fluent_signal": 1}]))
        assert hear(connection) == {"ack": "c"}
        assert intake.counts["forward", "bad"] == 1
    assert not memory.data


def test_an_endless_message_is_cut_off_and_its_memory_given_back() -> None:
    with server() as (_, intake, port), connect(port) as connection:
        connection.sendall(b"\x93\xa3app\xc6" + (200 << 20).to_bytes(4, "big"))
        with suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(100):
                connection.sendall(bytes(1 << 20))
        eventually(lambda: intake.counts["forward", "connections_broken"] == 1)


def test_a_quiet_client_in_the_handshake_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_server, "HANDSHAKE_SECONDS", 0.1)
    secrets = Secrets("server", b"key")
    with server(secrets) as (_, intake, port), connect(port) as connection:
        assert connection.recv(1024).startswith(b"\x92\xa4HELO")
        assert connection.recv(1) == b""
        eventually(lambda: intake.counts["forward", "connections_lost"] == 1)


def test_connections_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_server, "MOST_CONNECTIONS", 2)
    with server() as (_, intake, port), connect(port) as one, connect(port):
        one.sendall(msgpack.packb(MODES["forward"]))
        assert hear(one) == {"ack": "c"}
        with connect(port) as third:
            assert third.recv(1) == b""
        assert intake.counts["forward", "connections_refused"] == 1


def test_tags_are_data() -> None:
    """Whatever a tag says, it names nothing on this machine and breaks no statement."""
    hostile = "../../etc/passwd\n'; DROP TABLE logs --\x1b[2J" + "x" * 1000
    with server() as (memory, _, port), connect(port) as connection:
        connection.sendall(msgpack.packb([hostile, TIME, {"message": "one"}, {"chunk": "c"}]))
        assert hear(connection) == {"ack": "c"}
    (row,) = memory.rows
    assert row.place.container.isprintable()
    assert len(row.place.container) <= 253
