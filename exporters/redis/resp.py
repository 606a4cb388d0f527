"""The Redis protocol (RESP2): commands to bytes, replies to values.

An own reader, because redis-py needs 32 MB for its imports and knows no total deadline and no bound on what
a server may answer; here both come from `Connection`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exporters.connection import Connection
from exporters.errors import ScrapeError
from exporters.families import text

Argument = str | bytes | int
Command = Sequence[Argument]

_DEEPEST = 16
_LONGEST_ARRAY = 2_000_000


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The server refused a command; the other replies of a pipeline stay usable."""

    message: str

    @property
    def code(self) -> str:
        """The first word, e.g. NOPERM."""
        return self.message.partition(" ")[0]


# Simple strings and bulk strings are bytes, null is None.
Reply: TypeAlias = "bytes | int | None | ErrorReply | list[Reply]"


def encode(command: Command) -> bytes:
    """A command as an array of bulk strings, so that any byte can be in an argument."""
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        data = argument if isinstance(argument, bytes) else str(argument).encode("utf-8", "surrogateescape")
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def read_reply(connection: Connection, depth: int = 0) -> Reply:
    """The next reply; ScrapeError("protocol") when the bytes are no reply."""
    # Most replies are short and already received; reading them from the buffer halves the time of a scrape.
    buffer, start = connection.buffer, connection.position
    end = buffer.find(b"\r\n", start)
    if end < 0:
        line = connection.read_line()
    else:
        line = bytes(buffer[start:end])
        connection.position = end + 2
    kind, rest = line[:1], line[1:]
    if kind == b"$":
        size = _integer(rest)
        if size < 0:
            return None
        start = connection.position
        if len(connection.buffer) >= start + size + 2:
            connection.position = start + size + 2
            return bytes(connection.buffer[start : start + size])
        return connection.read_exactly(size + 2)[:-2]
    if kind == b":":
        return _integer(rest)
    if kind == b"+":
        return rest
    if kind == b"-":
        return ErrorReply(text(rest))
    if kind == b"*":
        size = _integer(rest)
        if size < 0:
            return None
        if size > _LONGEST_ARRAY or depth >= _DEEPEST:
            raise ScrapeError("too_large", f"an array of {size} replies at depth {depth}")
        return [read_reply(connection, depth + 1) for _ in range(size)]
    raise ScrapeError("protocol", f"the answer starts with {line[:40]!r}, which is not Redis' protocol")


def as_text(reply: Reply) -> str:
    """A reply as text: what is neither string nor number is empty."""
    if isinstance(reply, bytes):
        return text(reply)
    return str(reply) if isinstance(reply, int) else ""


def as_map(reply: Reply) -> dict[str, Reply]:
    """A flat array of names and values as a map."""
    if not isinstance(reply, list):
        return {}
    return {as_text(name): value for name, value in zip(reply[::2], reply[1::2], strict=False)}


def as_list(reply: Reply) -> list[Reply]:
    return reply if isinstance(reply, list) else []


def as_number(reply: Reply) -> float | None:
    """The number in a reply, or None."""
    if isinstance(reply, int):
        return reply
    return number(as_text(reply)) if isinstance(reply, bytes) else None


def number(raw: str) -> int | float | None:
    """Text as a number, or None; integers stay exact."""
    try:
        return int(raw) if raw.isdecimal() else float(raw if "_" not in raw else "x")
    except ValueError:
        return None


def _integer(raw: bytes) -> int:
    try:
        return int(raw)
    except ValueError:
        raise ScrapeError("protocol", f"not a number: {raw[:40]!r}") from None
