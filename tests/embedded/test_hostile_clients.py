"""What is no client, or a bad one, harms nobody else and is closed."""

import random
import socket
import struct

import lz4.block
import pytest
from clickhouse_cityhash.cityhash import CityHash128
from embedded.clients import PATIENCE, driver

from loghouse.config import StoreUrl
from loghouse.embedded import conversation, frames
from loghouse.embedded.wire import string
from loghouse.native import compressed, varint

HELLO = varint(0) + string(b"ClickHouse test") + b"\x14\x0a" + varint(54459)
HELLO += string(b"") + string(b"default") + string(b"")
QUERY = varint(1) + string(b"") + b"\x00" + b"\x00" + string(b"") + varint(2)
PLAIN = QUERY + b"\x00" + string(b"SELECT 1") + b"\x00" + varint(2) + string(b"")
COMPRESSED = QUERY + b"\x01" + string(b"SELECT 1") + b"\x00" + varint(2) + string(b"")
PACKED = COMPRESSED + b"x" * 16


def lying(method: int, size: int, body: bytes) -> bytes:
    """A frame with a right checksum that holds something else than `size` bytes."""
    frame = struct.pack("<BII", method, 9 + len(body), size) + body
    checksum = CityHash128(frame)
    return struct.pack("<QQ", checksum >> 64, checksum & (1 << 64) - 1) + frame


def connect(url: StoreUrl) -> socket.socket:
    return socket.create_connection((url.host, url.port), timeout=PATIENCE)


def everything(connection: socket.socket) -> bytes:
    """What the server says until it closes the connection."""
    said = b""
    try:
        while piece := connection.recv(1 << 16):
            said += piece
    except ConnectionResetError:
        pass
    return said


def greeted(url: StoreUrl) -> socket.socket:
    connection = connect(url)
    connection.sendall(HELLO + string(b""))
    assert connection.recv(1 << 16)[0] == 0
    return connection


def still_serves(url: StoreUrl) -> bool:
    with driver(url) as client:
        return bool(client.execute("SELECT 1") == [(1,)])


def test_a_browser_is_told_what_this_port_is(store_url: StoreUrl) -> None:
    with connect(store_url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"native protocol" in everything(connection)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_closed(store_url: StoreUrl, seed: int) -> None:
    with connect(store_url) as connection:
        connection.sendall(b"\xff" + random.Random(seed).randbytes(5000))
        everything(connection)
    assert still_serves(store_url)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_after_the_handshake_are_closed(store_url: StoreUrl, seed: int) -> None:
    with greeted(store_url) as connection:
        connection.sendall(random.Random(seed).randbytes(5000))
        connection.shutdown(socket.SHUT_WR)
        everything(connection)
    assert still_serves(store_url)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(varint(99), id="unknown packet"),
        pytest.param(varint(1) + varint(1 << 40), id="endless id"),
        pytest.param(QUERY + b"\x00" + varint(1 << 50), id="endless query"),
        pytest.param(PLAIN + b"\x00" + varint(1 << 40) + b"\x00", id="endless columns"),
        pytest.param(PLAIN + b"\x00\x01\x01" + string(b"a") + string(b"JSON") + b"\x00", id="unknown type"),
        pytest.param(PLAIN + b"\x00\x01\x01" + varint(1 << 40), id="endless name"),
        pytest.param(PACKED + b"\x82" + b"\xff" * 8, id="huge frame"),
        pytest.param(PACKED + b"\x82\x0a\x00\x00\x00\x01\x00\x00\x00a", id="wrong checksum"),
        *(
            pytest.param(COMPRESSED + lying(method, size, body), id=f"{kind} of {size}")
            for kind, method, body in (
                ("stored", frames.STORED, b"ten bytes."),
                ("lz4", frames.LZ4, lz4.block.compress(b"ten bytes.", store_size=False)),
                ("zstd", frames.ZSTD, compressed(b"ten bytes.")),
                ("no zstd", frames.ZSTD, b"ten bytes."),
            )
            for size in (9, 11)
        ),
        pytest.param(varint(5) + varint(1 << 40), id="endless tables"),
    ],
)
def test_packets_beyond_the_bounds_are_refused_with_a_reason(store_url: StoreUrl, packet: bytes) -> None:
    with greeted(store_url) as connection:
        connection.sendall(packet)
        said = everything(connection)
    assert said[0] == 2, said
    assert b"DB::Exception" in said
    assert still_serves(store_url)


def test_a_parameter_need_not_be_text(store_url: StoreUrl) -> None:
    sql = string(b"SELECT hex({x:String})")
    value = string(b"x") + varint(2) + string(b"'a\xff\\\\\\\\\xfe\\\\\\''") + string(b"")
    no_tables = varint(2) + string(b"") + b"\x00\x00\x00"
    with greeted(store_url) as connection:
        connection.sendall(QUERY + b"\x00" + sql + value + no_tables)
        said = b""
        while b"61FF5CFE27" not in said:
            piece = connection.recv(1 << 16)
            assert piece, said
            said += piece


def test_a_half_handshake_does_not_hold_a_client_up(store_url: StoreUrl) -> None:
    with connect(store_url) as connection:
        connection.sendall(HELLO[:5])
        assert still_serves(store_url)


def test_a_client_that_says_too_little_is_closed(
    store_url: StoreUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The limit of the server process cannot be changed from here, so its own code runs on a pair of sockets.
    monkeypatch.setattr(conversation, "HANDSHAKE_LIMIT", 0.2)
    ours, theirs = socket.socketpair()
    with ours:
        talk = conversation.Conversation(theirs, None, None, None, conversation.Account())  # type: ignore[arg-type]
        ours.sendall(HELLO[:5])
        talk.run()
        assert everything(ours) == b""


def test_a_wrong_password_or_name_is_refused(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    for wrong in ({"password": "x"}, {"user": "admin"}, {"user": "dęfault", "password": "\0"}):
        with driver(store_url, **wrong) as client, pytest.raises(ServerException) as caught:
            client.execute("SELECT 1")
        assert caught.value.code == 516


def test_an_unknown_database_is_refused(store_url: StoreUrl) -> None:
    from clickhouse_driver.errors import ServerException

    with driver(store_url, database="no`such'one") as client, pytest.raises(ServerException) as caught:
        client.execute("SELECT 1")
    assert caught.value.code == 81
