"""A long search in slices of time: neither side holds more than one, and it can go on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from loghouse.errors import UsageError
from loghouse.query import TimeRange, parse
from loghouse.query.timerange import SECOND
from loghouse.search import Search, find
from loghouse.store.client import Store

# Each slice costs the store a fifth of a second. It sorts slices in memory, but for those by pod.
SLICE_RECORDS = 400_000
UNSORTED_RECORDS = 1_000_000
MOST_STEPS = 5000
SHORTEST_STEP = 15 * SECOND  # what the counts of the store are kept by


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the time of a search, and about how many records it has."""

    window: TimeRange
    records: int


@dataclass(frozen=True, slots=True)
class Begun:
    """How far an export is: everything before `next_ns` is in the first `size` bytes of the file.

    `asked` is the question in words, to be compared with that of who wants to go on.
    """

    asked: dict[str, str]
    start_ns: int
    end_ns: int
    now_ns: int
    next_ns: int
    size: int = 0
    records: int = 0

    def write(self, path: Path) -> None:
        """Keep it in a file; it is there whole or not at all."""
        beside = path.with_name(f"{path.name}.new")
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)


def read_begun(path: Path) -> Begun:
    """What `Begun.write` has kept."""
    try:
        return Begun(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f'cannot read "{path}" ({error})', "Remove it and begin anew") from None


def slices_of(store: Store, search: Search, start_ns: int) -> list[Slice]:
    """The time of a search from `start_ns` on, in slices of about `SLICE_RECORDS`, without empty ones.

    Those of a search by pod are larger.
    """
    most = UNSORTED_RECORDS if search.by_pod else SLICE_RECORDS
    window = TimeRange(start_ns, search.window.end)
    if window.end <= window.start:
        return []
    found: list[Slice] = []
    start, records = window.start, 0
    for time, count in _counts(store, replace(search, window=window)):
        if records and records + count > most:
            found.append(Slice(TimeRange(start, time), records))
            start, records = time, 0
        records += count
    if records:
        found.append(Slice(TimeRange(start, window.end), records))
    return found


def _counts(store: Store, search: Search) -> Sequence[tuple[int, int]]:
    """How many records come in each step of time; the first step begins where the window does."""
    start, end = search.window.start, search.window.end
    steps = max(1, -(-(end - start) // (MOST_STEPS * SHORTEST_STEP)))
    (hist,) = parse(f"| hist {steps * SHORTEST_STEP // SECOND}s").stages
    query = replace(search.query, stages=(*search.query.stages, hist))
    counting = find(store, replace(search, query=query, limit=None))
    return [(max(int(time), start), int(count)) for page in counting.rows() for time, count in page]
