"""Real servers, false servers and scrapes for the tests of the exporters."""

import contextlib
import getpass
import http.client
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exporters.command import Kind, prepare
from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.exporter import Ask, gather
from exporters.exposition import encode_text
from exporters.redis.resp import Reply, encode, read_reply
from exporters.settings import File

Labels = tuple[tuple[str, str], ...]
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class ParsedPage:
    """A page of the text format: types by family, values by name and labels."""

    types: Mapping[str, str]
    samples: Mapping[tuple[str, Labels], float]

    def value(self, name: str, /, **labels: str) -> float:
        """The value of a series; fails the test when it is not there."""
        key = (name, tuple(sorted(labels.items())))
        assert key in self.samples, f"{key} is not among {self.series(name)}"
        return self.samples[key]

    def series(self, name: str) -> list[Labels]:
        return [labels for own, labels in self.samples if own == name]

    def label_values(self, name: str, label: str) -> set[str]:
        return {dict(labels).get(label, "") for labels in self.series(name)}

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.samples}


def parse_page(page: str) -> ParsedPage:
    """Read a page strictly: a line that is no sample, or a series that comes twice, fails the test."""
    types: dict[str, str] = {}
    samples: dict[tuple[str, Labels], float] = {}
    for line in page.removesuffix("\n").split("\n"):
        if line.startswith("# TYPE "):
            _, _, name, type_ = line.split(" ")
            assert name not in types, f"{name} has two groups"
            types[name] = type_
        elif not line.startswith("#"):
            found = _SAMPLE.fullmatch(line)
            assert found, f"not a sample: {line!r}"
            labels = tuple(sorted((name, _unescape(value)) for name, value in _LABEL.findall(found[2] or "")))
            key = (found[1], tuple(label for label in labels if label[1]))
            assert key not in samples, f"{key} comes twice"
            samples[key] = float(found[3])
    return ParsedPage(types, samples)


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)


def scrape(
    kind: Kind[Any],
    flags: Mapping[str, str],
    *,
    seconds: float = 8,
    collect: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    file: File | None = None,
) -> ParsedPage:
    """One scrape of an exporter with these flags, by field name, through the text format."""
    running = prepare(kind, flags, environ or {}, file)
    ask = Ask(Deadline.after(seconds), collect=frozenset(collect))
    return parse_page(encode_text(gather(running.exporter, ask)).decode())


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    port: int,
    path: str,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    seconds: float = 15,
) -> Answer:
    """One HTTP request to a server on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    with contextlib.closing(connection):
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


@contextlib.contextmanager
def serving(
    kind: Kind[Any],
    flags: Mapping[str, str],
    environ: Mapping[str, str] | None = None,
    file: File | None = None,
) -> Iterator[int]:
    """The exporter's own server on a free port."""
    running = prepare(kind, {"listen_address": "127.0.0.1:0", **flags}, environ or {}, file)
    (server,) = running.servers()
    thread = server.start()
    try:
        yield server.port
    finally:
        server.close()
        thread.join(10)


def complained_about(page: bytes) -> set[str]:
    """The metrics of a page that `promtool check metrics` has a complaint about."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    command = ["promtool", "check", "metrics"]
    done = subprocess.run(command, input=page, capture_output=True, timeout=30, check=False)
    complaints = done.stderr.decode().splitlines()
    # 3 is lint only; anything unreadable would be 1 and an "error while linting".
    assert done.returncode in (0, 3), complaints
    return {line.split(" ")[0] for line in complaints}


def listed_metrics(*names: str) -> set[str]:
    """The metrics of upstream's lists, tests/data/exporters/NAME-metrics.txt."""
    folder = Path(__file__).parents[1] / "data" / "exporters"
    lines = [line for name in names for line in (folder / f"{name}-metrics.txt").read_text().splitlines()]
    return {line.split(" ")[0] for line in lines}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition; the test fails when it does not come."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.02)


@contextlib.contextmanager
def process(
    command: Sequence[str], directory: Path, process_group: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that is stopped at the end; a program that is missing skips the test."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with (directory / "output.txt").open("wb") as output:
        started = subprocess.Popen(
            command, cwd=directory, stdout=output, stderr=subprocess.STDOUT, process_group=process_group
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait(10)


def self_signed(folder: Path, name: str) -> tuple[str, str]:
    """The files of a certificate for this host name and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:{name}"]
    command += ["-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return cert, key


def redis(port: int, *command: str | bytes | int) -> Reply:
    """The reply of a Redis server on this machine to one command."""
    with Connection.open(Address("127.0.0.1", port), Deadline.after(10), 10_000_000) as connection:
        connection.send(encode(command))
        return read_reply(connection)


def redis_answers(port: int) -> bool:
    try:
        redis(port, "PING")
    except ScrapeError:
        return False
    return True


@contextlib.contextmanager
def redis_server(directory: Path, *options: str) -> Iterator[int]:
    """A Redis server without persistence; gives its port."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", *options]
    with process(command, directory):
        until(lambda: redis_answers(port), "redis-server")
        yield port


@contextlib.contextmanager
def sentinel_server(directory: Path, master_port: int) -> Iterator[int]:
    """A Sentinel that watches one master."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor mymaster 127.0.0.1 {master_port} 1\n"
    )
    with process(["redis-server", str(config), "--sentinel"], directory):
        until(lambda: redis_answers(port), "Sentinel")
        yield port


@contextlib.contextmanager
def redis_cluster(directory: Path) -> Iterator[list[int]]:
    """Three masters that share all slots; gives their ports."""
    with contextlib.ExitStack() as stack:
        ports = [
            stack.enter_context(
                redis_server(
                    directory / str(index), "--cluster-enabled", "yes", "--cluster-port", str(free_port())
                )
            )
            for index in range(3)
        ]
        bounds = [0, 5461, 10922, 16384]
        for index, port in enumerate(ports):
            redis(port, "CLUSTER", "ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
            redis(port, "CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        bus = [_cluster_bus_port(port) for port in ports]
        for port, bus_port in zip(ports[1:], bus[1:], strict=True):
            redis(ports[0], "CLUSTER", "MEET", "127.0.0.1", port, bus_port)
        until(lambda: all(_cluster_is_ok(port) for port in ports), "the cluster")
        yield ports


def _cluster_bus_port(port: int) -> int:
    reply = redis(port, "CONFIG", "GET", "cluster-port")
    assert isinstance(reply, list)
    assert isinstance(reply[1], bytes)
    return int(reply[1])


def _cluster_is_ok(port: int) -> bool:
    reply = redis(port, "CLUSTER", "INFO")
    return isinstance(reply, bytes) and b"cluster_state:ok" in reply and b"cluster_known_nodes:3" in reply


@contextlib.contextmanager
def memcached_server(directory: Path, *options: str) -> Iterator[int]:
    """A memcached; gives its port."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    # memcached refuses to run as root without the name of a user.
    command = ["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-u", getpass.getuser(), *options]
    with process(command, directory):
        until(lambda: accepts(port), "memcached")
        yield port


@contextlib.contextmanager
def memcached_socket(directory: Path) -> Iterator[Path]:
    """A memcached on a unix socket; gives its path."""
    path = directory / "m.sock"
    with process(["memcached", "-s", str(path), "-u", getpass.getuser()], directory):
        until(path.exists, "memcached's socket")
        yield path


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def memcached(port: int, *lines: str) -> None:
    """Send commands to a memcached and wait until it has answered them all."""
    with Connection.open(Address("127.0.0.1", port), Deadline.after(10), 10_000_000) as connection:
        connection.send("".join(f"{line}\r\n" for line in (*lines, "version")).encode())
        while not connection.read_line().startswith(b"VERSION"):
            pass


@contextlib.contextmanager
def false_server(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that does to every client what `behave` says; each in its own thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    clients: list[socket.socket] = []

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            behave(client)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(client)
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        thread.join(10)
