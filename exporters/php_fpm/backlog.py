"""Connections that wait at unix sockets, which PHP-FPM cannot tell: its status page always says 0.

All containers of a pod see the same sockets, so a sidecar needs no privileges for it.
"""

import os
from collections.abc import Iterable, Mapping

_TABLE = "/proc/net/unix"
_LISTENS = 0x10000
_CONNECTING = b"02"


def read_backlogs() -> Mapping[bytes, int]:
    """Waiting connections by the path of the listening socket; nothing where the table cannot be read."""
    try:
        with open(_TABLE, "rb") as table:
            next(table, b"")
            return count_backlogs(table)
    except OSError:
        return {}


def count_backlogs(lines: Iterable[bytes]) -> Mapping[bytes, int]:
    """Counts of the table's lines: `Num RefCount Protocol Flags Type St Inode Path`.

    A connection that nobody has accepted yet has the listener's path, the state connecting and no inode.
    """
    listening: dict[bytes, int] = {}
    waiting: dict[bytes, int] = {}
    for line in lines:
        fields = line.rstrip(b"\n").split(None, 7)
        if len(fields) < 8:
            continue
        path = fields[7]
        if int(fields[3], 16) & _LISTENS:
            listening[path] = 0
        elif fields[5] == _CONNECTING and fields[6] == b"0":
            waiting[path] = waiting.get(path, 0) + 1
    return {path: waiting.get(path, 0) for path in listening}


def waiting_at(backlogs: Mapping[bytes, int], path: str) -> int | None:
    """Connections that wait at a socket; None when nobody listens under this path here.

    A server may have bound it by another name, such as /var/run for /run.
    """
    name = path.replace("\0", "@").encode("utf-8", "surrogateescape")
    if name in backlogs or path.startswith("\0"):
        return backlogs.get(name)
    real = os.path.realpath(name)
    found = [count for other, count in backlogs.items() if os.path.realpath(other) == real]
    return sum(found) if found else None
