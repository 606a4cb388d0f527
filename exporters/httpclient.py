"""GET requests over one kept connection, with the deadline and bounds of a scrape.

Smaller than urllib or requests (10 and 20 MB of imports), and with a bound on everything that is read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.errors import Reason, ScrapeError

if TYPE_CHECKING:
    import ssl

_LONGEST_LINE = 16384
_MOST_HEADERS = 100
_CHUNK = 262144
# An answer that is not wanted is read to its end only when it is short; else the connection is dropped.
_DRAIN = 65536
_REASONS: dict[int, Reason] = {401: "auth", 403: "denied"}


@dataclass(slots=True)
class Answer:
    """Status and headers of an answer; its body is read once, by `chunks` or `body`."""

    path: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    def expect(self, *statuses: int) -> "Answer":
        """This answer, or ScrapeError when its status is none of these."""
        if self.status not in statuses:
            reason = _REASONS.get(self.status, "http")
            raise ScrapeError(reason, f"{self.path.partition('?')[0]} answered with status {self.status}")
        return self

    def body(self, limit: int) -> bytes:
        """The whole body; ScrapeError("too_large") beyond `limit` bytes."""
        pieces = []
        size = 0
        for chunk in self.chunks:
            size += len(chunk)
            if size > limit:
                raise ScrapeError(
                    "too_large", f"{self.path.partition('?')[0]} answered more than {limit} bytes"
                )
            pieces.append(chunk)
        return b"".join(pieces)


@dataclass(slots=True)
class HttpClient:
    """One server for one scrape. Use as a context manager, from one thread at a time.

    `limit` bounds the bytes of all answers together. After a failure of the connection every request
    fails at once with the same error, so that a dead server costs its deadline once.
    """

    address: Address
    deadline: Deadline
    limit: int
    tls: "ssl.SSLContext | None" = None
    server_name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    # The header Host, where it is not the address.
    host: str = ""
    # Sent before anything else on a new connection.
    preamble: bytes = b""
    broken: ScrapeError | None = None
    _connection: Connection | None = None
    _unread: Iterator[bytes] | None = None

    def __enter__(self) -> "HttpClient":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._unread = None

    def get(self, path: str) -> Answer:
        """The answer to a GET; the body of the one before is dropped."""
        if self.broken is not None:
            raise self.broken
        self._drain()
        kept = self._connection is not None
        try:
            try:
                return self._exchange(path)
            except ScrapeError as error:
                # A server may close a kept connection at any moment: that is no failure yet.
                if not kept or error.reason != "closed":
                    raise
                self.close()
                return self._exchange(path)
        except ScrapeError as error:
            self.close()
            self.broken = error
            raise

    def _exchange(self, path: str) -> Answer:
        if self._connection is None:
            self._connection = Connection.open(
                self.address, self.deadline, self.limit, self.tls, self.server_name or None, self.preamble
            )
        connection = self._connection
        host = self.host or ("localhost" if self.address.path else self.address)
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        connection.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
        version, status, headers = _read_head(connection)
        reusable = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self._unread = self._body(connection, status, headers, reusable)
        return Answer(path, status, headers, self._unread)

    def _body(
        self, connection: Connection, status: int, headers: Mapping[str, str], reusable: bool
    ) -> Iterator[bytes]:
        try:
            if status in (204, 304):
                pass
            elif headers.get("transfer-encoding", "").lower() == "chunked":
                yield from _chunked(connection)
            elif "content-length" in headers:
                yield from _sized(connection, _whole_number(headers["content-length"], 10))
            else:
                reusable = False
                yield from _until_closed(connection)
        except ScrapeError as error:
            self.close()
            self.broken = error
            raise
        self._unread = None
        if not reusable:
            self.close()

    def _drain(self) -> None:
        size = 0
        for chunk in self._unread or ():
            size += len(chunk)
            if size > _DRAIN:
                self.close()
                return


def _read_head(connection: Connection) -> tuple[str, int, dict[str, str]]:
    words = connection.read_line(_LONGEST_LINE).decode("latin-1").split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdecimal():
        raise ScrapeError("protocol", "the answer is not HTTP")
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = connection.read_line(_LONGEST_LINE).decode("latin-1")
        if not line:
            return words[0], int(words[1]), headers
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    raise ScrapeError("protocol", f"the answer has more than {_MOST_HEADERS} headers")


def _sized(connection: Connection, size: int) -> Iterator[bytes]:
    while size:
        data = connection.read_some(min(size, _CHUNK))
        size -= len(data)
        yield data


def _chunked(connection: Connection) -> Iterator[bytes]:
    while size := _whole_number(connection.read_line(_LONGEST_LINE).decode("latin-1").partition(";")[0], 16):
        yield from _sized(connection, size)
        if connection.read_line(2):
            raise ScrapeError("protocol", "a chunk is longer than it says")
    while connection.read_line(_LONGEST_LINE):
        pass


def _until_closed(connection: Connection) -> Iterator[bytes]:
    while True:
        try:
            data = connection.read_some(_CHUNK)
        except ScrapeError as error:
            if error.reason == "closed":
                return
            raise
        yield data


def _whole_number(raw: str, base: int) -> int:
    try:
        number = int(raw.strip(), base)
    except ValueError:
        number = -1
    if number < 0:
        raise ScrapeError("protocol", f"not a length: {raw[:20]!r}")
    return number
