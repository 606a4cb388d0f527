"""Where a received record comes from, and the lines of one sender's request sorted by that.

A `Piece` is whole lines of one stream as a row of the ingest table takes them. The wrapper says how each line
is dressed: `plain` is the record alone (it gets the time of arrival), `cri` has time and stream before it,
`docker` is JSON around it for records that have line ends of their own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_RECORD: Final = 1 << 20  # bytes; longer ones are cut
MAX_PIECE: Final = 1 << 20  # bytes of data in one row of the ingest table
MAX_NAME = 253  # of a namespace, pod, container: the longest name Kubernetes has
MAX_LABELS = 64
MAX_LABEL_VALUE = 1024
_FIRST_SECOND = 86_400  # stamps outside of these bounds are replaced by the time of arrival
_LAST_SECOND = 5_648_000_000

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """The constants of a sender's records: columns of the store."""

    namespace: str = ""
    pod: str = ""
    container: str = ""
    workload: str = ""
    node: str = ""
    pod_uid: str = ""
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of one stream, up to `MAX_PIECE` bytes, and how many records they are."""

    stream: Stream
    wrapper: str
    data: bytes
    records: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a record that its sender cut: `key` names the record, `ordinal` the place in it."""

    key: str
    ordinal: int
    last: bool
    stream: Stream
    second: int
    nanosecond: int
    output: str
    text: str


@dataclass(slots=True)
class Received:
    """What one request brought: its pieces, and what could not be taken as it came."""

    pieces: list[Piece]
    bad: int = 0
    truncated: int = 0
    parts: list[Part] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many there are; one that came in parts counts when its last part is here."""
        return sum(piece.records for piece in self.pieces) + sum(part.last for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of lines."""
        return sum(len(piece.data) for piece in self.pieces) + sum(len(part.text) for part in self.parts)


class Sorter:
    """Collects records by stream and makes pieces of them."""

    def __init__(self) -> None:
        self.bad = 0
        self.truncated = 0
        self.parts: list[Part] = []
        self._lines: dict[tuple[Stream, str], list[bytes]] = {}
        self._second = -1
        self._prefix = b""

    def add(
        self, stream: Stream, second: int, nanosecond: int, raw: bytes, output: bytes = b"stdout"
    ) -> None:
        """A record with its time (Unix seconds, nanoseconds; 0 is now) and the stream it was written to."""
        if len(raw) > MAX_RECORD:
            raw = raw[:MAX_RECORD]
            self.truncated += 1
        if not _FIRST_SECOND <= second < _LAST_SECOND:
            second, nanosecond = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        if b"\n" in raw:
            self._add_joined(stream, nanosecond, raw, output)
            return
        line = b"%b.%09dZ %b F %b\n" % (self._prefix, nanosecond, output, raw)
        lines = self._lines.get((stream, "cri"))
        if lines is None:
            lines = self._lines[stream, "cri"] = []
        lines.append(line)

    def _add_joined(self, stream: Stream, nanosecond: int, raw: bytes, output: bytes) -> None:
        # JSON cannot hold broken UTF-8; here alone it is replaced.
        entry = {
            "log": raw.decode(errors="replace"),
            "stream": output.decode(),
            "time": f"{self._prefix.decode()}.{nanosecond:09d}Z",
        }
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._lines.setdefault((stream, "docker"), []).append(line)

    def received(self) -> Received:
        """All that was added, in pieces."""
        pieces = [
            piece
            for (stream, wrapper), lines in self._lines.items()
            for piece in _pieces(stream, wrapper, lines)
        ]
        return Received(pieces, self.bad, self.truncated, self.parts)


def _pieces(stream: Stream, wrapper: str, lines: list[bytes]) -> Iterator[Piece]:
    start = size = 0
    for index, line in enumerate(lines):
        if size and size + len(line) > MAX_PIECE:
            yield Piece(stream, wrapper, b"".join(lines[start:index]), index - start)
            start, size = index, 0
        size += len(line)
    yield Piece(stream, wrapper, b"".join(lines[start:]), len(lines) - start)


def whole_lines(stream: Stream, body: bytes) -> Received:
    """Lines as they came, cut into pieces without looking at each; they get the time of arrival."""
    received = Received([])
    if not body.endswith(b"\n"):
        body += b"\n"
    body = body.replace(b"\r\n", b"\n") if b"\r\n" in body else body
    start = 0
    while start < len(body):
        stop = body.rfind(b"\n", start, start + MAX_PIECE) + 1
        if stop:
            data = body[start:stop]
        else:
            data = body[start : start + MAX_PIECE - 1] + b"\n"
            stop = body.index(b"\n", start) + 1
            received.truncated += 1
        start = stop
        data = _without_empty(data)
        if data:
            received.pieces.append(Piece(stream, "plain", data, data.count(b"\n")))
    return received


def _without_empty(data: bytes) -> bytes:
    if not (data.startswith(b"\n") or b"\n\n" in data):
        return data
    return b"".join(line + b"\n" for line in data.split(b"\n") if line)


def name(value: object) -> str:
    """A name out of a record, safe to be a column: a bounded line of text, '' for anything else."""
    if not isinstance(value, str) or not value:
        return ""
    if not value.isprintable():
        value = "".join(letter if letter.isprintable() else "?" for letter in value)
    return value[:MAX_NAME]


def labels(pairs: object) -> Labels:
    """Labels out of a record's object: at most `MAX_LABELS`, sorted, values as text."""
    if not isinstance(pairs, dict):
        return ()
    items = [(name(key), _value(value)) for key, value in pairs.items()]
    return tuple(sorted(item for item in items if item[0])[:MAX_LABELS])


def _value(value: object) -> str:
    if isinstance(value, str):
        return value[:MAX_LABEL_VALUE].encode(errors="replace").decode()
    return json.dumps(value, default=str)[:MAX_LABEL_VALUE]
