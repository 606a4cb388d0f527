"""A connection to a target: TCP, TLS or unix socket, with one deadline and a bound on what it may answer."""

import queue
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporters.deadline import Deadline
from exporters.errors import ScrapeError, from_os_error

if TYPE_CHECKING:
    import ssl

_CHUNK = 262144
# Look-ups that may hang at once: a dead name server must not collect threads.
_LOOKUPS = threading.BoundedSemaphore(16)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target listens: host and port, or the path of a unix socket ("\\0name" is an abstract one)."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path.replace("\0", "@", 1)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str, default_port: int) -> Address:
    """`host`, `host:port`, `[v6]:port`, `/path`, `unix:/path` or `@abstract`; else ValueError."""
    path = text.removeprefix("unix://").removeprefix("unix:")
    if path.startswith("/"):
        return Address(path=path)
    if path.startswith("@"):
        return Address(path="\0" + path[1:])
    host, port = _host_port(text)
    if not host or any(c.isspace() or c in "/@?#" for c in host):
        raise ValueError(f"not an address: {text!r} (write host:port or /path/of/socket)")
    if not port:
        return Address(host, default_port)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"not a port: {port!r} in {text!r}")
    return Address(host, int(port))


def _host_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    if text.count(":") > 1:
        return text, ""
    host, _, port = text.partition(":")
    return host, port


class Connection:
    """Sends and reads until the deadline. Use as a context manager.

    `limit` bounds all bytes read, so a target cannot fill the memory; beyond it ScrapeError("too_large").
    `buffer` holds what was received, unread from `position` on; a parser of many small items reads it itself.
    """

    def __init__(self, sock: socket.socket, peer: str, deadline: Deadline, limit: int) -> None:
        self._socket = sock
        self._peer = peer
        self._deadline = deadline
        self._limit = limit
        self._received = 0
        self.buffer = bytearray()
        self.position = 0

    @classmethod
    def open(
        cls,
        address: Address,
        deadline: Deadline,
        limit: int,
        tls: "ssl.SSLContext | None" = None,
        server_name: str | None = None,
        preamble: bytes = b"",
    ) -> "Connection":
        """Connect, send `preamble`, and with `tls` shake hands (`server_name` defaults to the host)."""
        sock = _connect(address, deadline)
        try:
            if preamble:
                sock.sendall(preamble)
            if tls is not None:
                sock.settimeout(deadline.remaining())
                sock = tls.wrap_socket(sock, server_hostname=server_name or address.host or None)
        except OSError as error:
            sock.close()
            raise from_os_error(error, f"begin with {address}") from None
        except BaseException:
            sock.close()
            raise
        return cls(sock, str(address), deadline, limit)

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._deadline.remaining())
            self._socket.sendall(data)
        except OSError as error:
            raise from_os_error(error, f"send to {self._peer}") from None

    def read_line(self, longest: int = _CHUNK) -> bytes:
        """The next line without its CR LF or LF; ScrapeError("protocol") when it is longer than `longest`."""
        searched = self.position
        while (end := self.buffer.find(b"\n", searched)) < 0:
            if len(self.buffer) - self.position > longest:
                raise ScrapeError("protocol", f"{self._peer} sent a line of more than {longest} bytes")
            searched = len(self.buffer)
            searched -= self._fill()
        line = bytes(self.buffer[self.position : end])
        self.position = end + 1
        return line[:-1] if line.endswith(b"\r") else line

    def read_exactly(self, size: int) -> bytes:
        if size > self._limit:
            raise self._too_large()
        while len(self.buffer) - self.position < size:
            self._fill()
        end = self.position + size
        data = bytes(self.buffer[self.position : end])
        self.position = end
        return data

    def read_some(self, most: int) -> bytes:
        """What has arrived: at least one byte, at most `most`."""
        if self.position == len(self.buffer):
            chunk = self._receive()
            if len(chunk) <= most:
                # Large bodies need not go through the buffer.
                return chunk
            self.buffer, self.position = bytearray(chunk), 0
        end = min(len(self.buffer), self.position + most)
        data = bytes(self.buffer[self.position : end])
        self.position = end
        return data

    def read_until_closed(self) -> bytes:
        """Everything up to the moment the other side hangs up."""
        try:
            while True:
                self._fill()
        except ScrapeError as error:
            if error.reason != "closed":
                raise
        data = bytes(self.buffer[self.position :])
        self.position = len(self.buffer)
        return data

    def _fill(self) -> int:
        """Read more; returns how many consumed bytes were dropped from the front of the buffer."""
        dropped = self.position
        if dropped:
            del self.buffer[:dropped]
            self.position = 0
        self.buffer += self._receive()
        return dropped

    def _receive(self) -> bytes:
        try:
            self._socket.settimeout(self._deadline.remaining())
            chunk = self._socket.recv(_CHUNK)
        except OSError as error:
            raise from_os_error(error, f"read from {self._peer}") from None
        if not chunk:
            raise ScrapeError("closed", f"{self._peer} closed the connection")
        self._received += len(chunk)
        if self._received > self._limit:
            raise self._too_large()
        return chunk

    def _too_large(self) -> ScrapeError:
        return ScrapeError("too_large", f"{self._peer} answered with more than {self._limit} bytes")


def _connect(address: Address, deadline: Deadline) -> socket.socket:
    if address.path:
        return _try(socket.AF_UNIX, address.path, str(address), deadline)
    failure = ScrapeError("resolve", f"{address.host} has no address")
    for family, sockaddr in _resolve(address, deadline):
        try:
            sock = _try(family, sockaddr, str(address), deadline)
        except ScrapeError as error:
            failure = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise failure


def _try(family: int, sockaddr: Any, name: str, deadline: Deadline) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.remaining())
        sock.connect(sockaddr)
    except OSError as error:
        sock.close()
        raise from_os_error(error, f"connect to {name}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(address: Address, deadline: Deadline) -> list[tuple[int, Any]]:
    """Addresses of a host. The system's resolver knows no deadline, so a name is looked up in a thread."""
    try:
        return _lookup(address, socket.AI_NUMERICHOST)
    except OSError:
        pass
    if not _LOOKUPS.acquire(timeout=deadline.remaining()):
        raise ScrapeError("timeout", f"look up {address.host}: too many look-ups hang")
    answer: queue.SimpleQueue[list[tuple[int, Any]] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answer.put(_lookup(address, 0))
        except OSError as error:
            answer.put(error)
        except UnicodeError:
            answer.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        finally:
            _LOOKUPS.release()

    threading.Thread(target=look_up, daemon=True).start()
    try:
        found = answer.get(timeout=deadline.remaining())
    except queue.Empty:
        raise ScrapeError("timeout", f"look up {address.host}") from None
    if isinstance(found, OSError):
        raise from_os_error(found, f"look up {address.host}")
    return found


def _lookup(address: Address, flags: int) -> list[tuple[int, Any]]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
    return [(int(family), sockaddr) for family, _, _, _, sockaddr in found]
