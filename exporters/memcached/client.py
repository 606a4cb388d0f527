"""memcached's text protocol, as far as statistics need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.families import text

if TYPE_CHECKING:
    import ssl

_COMMANDS = ("stats", "stats settings", "stats items", "stats slabs")
# All four answers together are below 50 kB with every slab class in use.
_MOST_BYTES = 1024 * 1024

Stats = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The answers to four commands; what memcached refused is the error."""

    stats: Stats
    settings: Stats | ScrapeError
    items: Stats | ScrapeError
    slabs: Stats | ScrapeError


def fetch(address: Address, deadline: Deadline, tls: "ssl.SSLContext | None", server_name: str) -> Snapshot:
    """Read all statistics in one round trip; ScrapeError when not even `stats` is answered."""
    with Connection.open(address, deadline, _MOST_BYTES, tls, server_name or None) as connection:
        connection.send("".join(f"{command}\r\n" for command in _COMMANDS).encode())
        general = _read_stats(connection)
        if isinstance(general, ScrapeError):
            raise general
        return Snapshot(general, _read_stats(connection), _read_stats(connection), _read_stats(connection))


def _read_stats(connection: Connection) -> Stats | ScrapeError:
    """`STAT name value` lines up to END; a refusal is returned, since the next answer is still to come."""
    stats: dict[str, str] = {}
    while (line := connection.read_line()) != b"END":
        if line.startswith(b"STAT "):
            name, _, value = text(line[5:]).partition(" ")
            stats[name] = value
        elif line.startswith((b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR")):
            denied = b"unauthenticated" in line or b"authentication" in line
            return ScrapeError("auth" if denied else "protocol", text(line[:200]))
        else:
            raise ScrapeError(
                "protocol", f"the answer holds {line[:40]!r}, which is not memcached's protocol"
            )
    return stats
