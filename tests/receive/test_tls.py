"""TLS on both ports: the certificate is checked by clients as usual, and clear text is refused."""

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
from receiving import eventually

from loghouse.config import StoreUrl
from loghouse.errors import UsageError
from loghouse.receive.command import Listening, Receiver

Query = Callable[..., list[tuple[Any, ...]]]
TIME = 1_790_000_000


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, and its key, in one directory."""
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", directory / "key.pem", "-out", directory / "cert.pem"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return directory


@pytest.fixture
def receiver(certificate: Path, received_url: StoreUrl, tmp_path: Path) -> Iterator[Receiver]:
    listening = Listening(
        forward="127.0.0.1:0",
        http="127.0.0.1:0",
        certificate=str(certificate / "cert.pem"),
        key=str(certificate / "key.pem"),
    )
    receiver = Receiver(listening, received_url, str(tmp_path), "node-1")
    yield receiver
    receiver.close()


def test_forward_over_tls(receiver: Receiver, certificate: Path, query: Query) -> None:
    assert receiver.forward
    trusting = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    address = ("127.0.0.1", receiver.forward.port)
    with trusting.wrap_socket(
        socket.create_connection(address, 20), server_hostname="localhost"
    ) as connection:
        connection.sendall(
            msgpack.packb(["tls", TIME, {"log": "over tls", "stream": "stdout"}, {"chunk": "c"}])
        )
        assert msgpack.unpackb(connection.recv(100)) == {"ack": "c"}
    eventually(lambda: query("SELECT raw FROM logs WHERE container = 'tls'") == [("over tls",)])


def test_clear_text_on_the_port_for_tls_is_refused(receiver: Receiver, certificate: Path) -> None:
    assert receiver.forward
    with socket.create_connection(("127.0.0.1", receiver.forward.port), timeout=20) as connection:
        connection.sendall(msgpack.packb(["clear", TIME, {"log": "x"}, {"chunk": "c"}]))
        with suppress(ConnectionResetError):
            assert b"ack" not in connection.recv(100)
    test_health_over_https(receiver, certificate)


def test_health_over_https(receiver: Receiver, certificate: Path) -> None:
    assert receiver.http
    url = f"https://localhost:{receiver.http.port}/healthz"
    assert requests.get(url, verify=str(certificate / "cert.pem"), timeout=20).text == "ok\n"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(url, timeout=20)


def test_a_certificate_that_cannot_be_used_is_a_clear_error(tmp_path: Path, received_url: StoreUrl) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    listening = Listening(http="127.0.0.1:0", certificate=str(tmp_path / "cert.pem"))
    with pytest.raises(UsageError, match="cannot use the certificate"):
        Receiver(listening, received_url, str(tmp_path / "state"))
