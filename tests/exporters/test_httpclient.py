"""The HTTP client: one kept connection, framings, bounds, and answers that are no HTTP."""

import socket
from collections.abc import Callable

import pytest
from exporter_servers import false_server

from exporters.connection import Address
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.httpclient import HttpClient


def _client(port: int, limit: int = 1 << 20) -> HttpClient:
    return HttpClient(Address("127.0.0.1", port), Deadline.after(5), limit, headers={"X-Own": "1"})


def _answers(*answers: bytes) -> Callable[[socket.socket], None]:
    """Each request on a connection gets the next of the answers; then the server hangs up."""

    def behave(client: socket.socket) -> None:
        for answer in answers:
            if not client.recv(65536):
                return
            client.sendall(answer)

    return behave


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_one_connection_for_many_requests() -> None:
    with (
        false_server(_answers(OK + b"aa", CHUNKED + b"1\r\nb\r\n2;x\r\ncc\r\n0\r\n\r\n", OK + b"dd")) as port,
        _client(port) as client,
    ):
        assert client.get("/").body(10) == b"aa"
        assert client.get("/").body(10) == b"bcc"
        assert client.get("/").expect(200).body(10) == b"dd"


def test_a_server_that_hangs_up_between_requests_is_asked_again() -> None:
    with false_server(_answers(OK + b"aa")) as port, _client(port) as client:
        assert [client.get("/").body(10) for _ in range(3)] == [b"aa"] * 3


def test_an_unread_body_does_not_answer_the_next_request() -> None:
    with false_server(_answers(OK + b"aa", OK + b"bb")) as port, _client(port) as client:
        client.get("/")
        assert client.get("/").body(10) == b"bb"


def test_a_body_may_end_with_the_connection() -> None:
    with false_server(_answers(b"HTTP/1.0 200 OK\r\n\r\nabc")) as port, _client(port) as client:
        assert client.get("/").body(10) == b"abc"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", "protocol"),
        (b"HTTP/1.1 two\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "closed"),
        (CHUNKED + b"zz\r\n", "protocol"),
        (CHUNKED + b"1\r\nbbb\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 2_000_000, "too_large"),
        (b"", "closed"),
    ],
)
def test_answers_that_cannot_be_used(answer: bytes, reason: str) -> None:
    with false_server(_answers(answer)) as port, _client(port) as client:
        with pytest.raises(ScrapeError) as raised:
            client.get("/").body(1 << 24)
        assert raised.value.reason == reason
        # What broke once fails at once.
        with pytest.raises(ScrapeError):
            client.get("/")


@pytest.mark.parametrize(("status", "reason"), [(401, "auth"), (403, "denied"), (404, "http"), (302, "http")])
def test_reasons_of_statuses(status: int, reason: str) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    with false_server(_answers(answer)) as port, _client(port) as client:
        with pytest.raises(ScrapeError, match=f"/page answered with status {status}") as raised:
            client.get("/page?secret=1").expect(200)
        assert raised.value.reason == reason
