"""The JSON of a status page, which is not always JSON: PHP-FPM does not escape what clients send.

A quote in the user, script or method of a request breaks the whole page for as long as its process shows it.
So the pool's fields are read from the part before the processes, and of each process only the numbers at both
ends, whose order is fixed and which no client can write to. The texts of a request are not read at all.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporters.errors import ScrapeError
from exporters.families import text

_PROCESSES = b'"processes":['
# The start of a process up to the first text of a client, and its end after the last one.
_START = re.compile(
    rb'\{"pid":\d+,"state":"([^"]{0,40})","start time":-?\d+,"start since":-?\d+,'
    rb'"requests":(\d{1,20}),"request duration":(-?\d{1,20}),"request method":"'
)
_END_MARK = b'","last request cpu":'
_END = re.compile(rb'","last request cpu":(-?\d{1,15}(?:\.\d{1,10})?),"last request memory":(\d{1,20})\}')
_PID = b'{"pid":'
# Durations beyond are an overflow of PHP's own.
_MOST = 2**63 - 1

IDLE, RUNNING, READING = "Idle", "Running", "Reading headers"
# As upstream's series name them; newer versions of PHP write the fifth without the s.
STATES = (IDLE, RUNNING, "Finishing", READING, "Getting request informations", "Ending")
_NEW_INFORMATION = "Getting request information"


@dataclass(frozen=True, slots=True)
class Process:
    """One worker: the duration of its request in microseconds, and what its last one used.

    CPU (percent) and memory (bytes) are None when the end of the entry could not be read.
    """

    state: str
    requests: int
    duration: int
    last_cpu: float | None
    last_memory: int | None

    @property
    def known_state(self) -> str:
        """The state as one of STATES, or "other"."""
        state = STATES[4] if self.state == _NEW_INFORMATION else self.state
        return state if state in STATES else "other"


@dataclass(frozen=True, slots=True)
class Status:
    """A pool: its numbers by PHP-FPM's own names, and its processes when the page lists them."""

    pool: str
    process_manager: str
    fields: Mapping[str, int]
    processes: Sequence[Process]
    unreadable_processes: int


def parse_status(body: bytes) -> Status:
    """A page of `?json` or `?json&full`; ScrapeError("protocol") when it is none."""
    head, _, tail = body.partition(_PROCESSES)
    fields = _pool_fields(head, bool(tail))
    pool, manager = fields.get("pool"), fields.get("process manager")
    if not isinstance(pool, str) or "accepted conn" not in fields:
        raise ScrapeError("protocol", "the page is not a status page of PHP-FPM")
    numbers = {
        name: value for name, value in fields.items() if type(value) is int and -_MOST <= value <= _MOST
    }
    processes, unreadable = _processes(tail)
    return Status(
        _printable(pool),
        _printable(manager) if isinstance(manager, str) else "",
        numbers,
        processes,
        unreadable,
    )


def _pool_fields(head: bytes, has_processes: bool) -> Mapping[str, object]:
    if has_processes:
        head = head.rstrip(b", ") + b"}"
    try:
        fields = json.loads(text(head))
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ScrapeError("protocol", "the page is not the JSON of PHP-FPM")
    return fields


def _processes(tail: bytes) -> tuple[list[Process], int]:
    """The processes, and how many entries could not be read in full."""
    starts = list(_START.finditer(tail))
    # The texts of a process reach up to the next one.
    ends = [*(found.start() for found in starts), len(tail)][1:]
    processes = [_process(start, tail[start.end() : end]) for start, end in zip(starts, ends, strict=False)]
    # Entries of an unknown form are looked for only before the first known one, where no client's text is.
    strange = tail[: starts[0].start() if starts else len(tail)].count(_PID)
    return processes, strange + sum(process.last_memory is None for process in processes)


def _process(start: re.Match[bytes], rest: bytes) -> Process:
    # The last mark, since a client can write one into a text before it.
    end = _END.match(rest, max(rest.rfind(_END_MARK), 0))
    duration = int(start[3])
    return Process(
        text(start[1]),
        int(start[2]),
        duration if 0 <= duration <= _MOST else 0,
        float(end[1]) if end else None,
        int(end[2]) if end else None,
    )


def _printable(name: str) -> str:
    """Escapes of JSON can be half a character, which no page can hold."""
    return text(name.encode("utf-8", "surrogatepass"))
