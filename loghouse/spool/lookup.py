"""Whether the store has a batch already: asked when its token may be forgotten, or before it is cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from loghouse.errors import LoghouseError, StoreError
from loghouse.spool.batchfile import read_rows
from loghouse.spool.entry import Entry
from loghouse.spool.rows import Row

CLOCK_SKEW = 3600  # seconds that the clocks of sender and store may differ when we look for rows
SMALL_SKEW = 60  # the same when we count inserts
TOKENS_SURE = (
    2500  # inserts; the store knows the last 10,000 blocks, and an insert of several days has several
)
ROWS_LOOKED_FOR = 500
ACCESS_DENIED = 497

_ASKED = """SELECT
(SELECT uniqExact(source_id, offset) FROM logs WHERE inserted_at >= fromUnixTimestamp({since:UInt32})
AND (source_id, offset) IN (SELECT pair.1, pair.2 FROM (SELECT arrayJoin(arrayZip(
    arrayMap(x -> toUInt64(x), splitByChar(',', {sources:String})),
    arrayMap(x -> toUInt64(x), splitByChar(',', {offsets:String})))) AS pair))),
(SELECT uniq(inserted_at) FROM logs WHERE inserted_at >= fromUnixTimestamp({after:UInt32}))"""


@dataclass(frozen=True, slots=True)
class Found:
    """Which part of a batch the store has (0 nothing, 1 everything), and whether it still knows its token."""

    share: float
    token_known: bool


class Answering(Protocol):
    """A store that can be asked."""

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""


class Unreadable(LoghouseError):
    """A file of the spool cannot be read now."""


def look_up(store: Answering, entry: Entry) -> Found:
    """Ask for the first and last lines of rows. Raises `StoreError`, `Unreadable`, `Damaged`.

    An account that may only insert cannot see anything: then the token has to do.
    """
    pairs = set(_some_identities(rows_of(entry), entry.trailer.rows))
    if not pairs:
        return Found(1, token_known=True)
    params = {
        "since": max(0, int(entry.trailer.written_at) - CLOCK_SKEW),
        "after": max(0, int(entry.trailer.written_at) - SMALL_SKEW),
        "sources": ",".join(str(source) for source, _ in pairs),
        "offsets": ",".join(str(offset) for _, offset in pairs),
    }
    try:
        found, inserts = store.rows(_ASKED, params)[0]
    except StoreError as error:
        if error.code != ACCESS_DENIED:
            raise
        return Found(0, token_known=True)
    return Found(found / len(pairs), inserts < TOKENS_SURE)


def rows_of(entry: Entry) -> Iterator[Row]:
    """The rows; what the disk says must not look like an error of the connection, which is an OSError too."""
    try:
        yield from read_rows(entry.path)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def _some_identities(rows: Iterable[Row], count: int) -> Iterator[tuple[int, int]]:
    """The identities of the first and the last records of some rows, the last row among them."""
    step = -(-count // ROWS_LOOKED_FOR) or 1
    for number, row in enumerate(rows):
        if number % step == 0 or number == count - 1:
            last = 0 if row.span else row.data.rfind(b"\n", 0, len(row.data) - 1) + 1
            yield row.source, row.offset
            yield row.source, row.offset + last
