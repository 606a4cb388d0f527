"""`/api/v1/tail`: new records as server-sent events; a client that comes back misses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

from loghouse.access.masks import TABLE
from loghouse.errors import StoreUnreachable, UsageError
from loghouse.query import Live, parse
from loghouse.record import Record
from loghouse.render.clock import Clock
from loghouse.render.pages import Writer
from loghouse.store.client import Store
from loghouse.store.records import records_of
from loghouse.tail import Tail
from loghouse.web.answers import EVENTS, Answer, Stream, encoded
from loghouse.web.calls import Call
from loghouse.web.parameters import NAMESPACES, QUERY, Parameter, scope_of
from loghouse.web.parts import AWAY_PAUSE, PAUSE
from loghouse.web.rows import for_list

FROM = Parameter(
    "resume", "Also what was inserted since this time: `tail_from` of a search, or the last event's id."
)
PARAMETERS = (QUERY, NAMESPACES, FROM)

EVENT_RECORDS = 200
MOST_MISSED = 5000  # records of a gap; a client that missed more had better search again
KEEP_ALIVE_SECONDS = 10
OVERLAP_MS = 5_000  # an insert may have become visible so long after the stamp that a client has seen


def tail(call: Call) -> Answer | Stream:
    """New records that a query finds."""
    resume = call.headers.get("last-event-id") or call.text("resume")
    if resume and not (resume.isascii() and resume.isdecimal() and len(resume) < 16):
        raise UsageError(f'"{resume[:100]}" is not the id of an event', "Leave `resume` out")
    wanted = Live(parse(call.text("query")), call.now_ns, scope_of(call))

    def write(out: Writer) -> None:
        with call.store() as store:
            for kind, page in news(call, store, wanted, int(resume) if resume else None):
                out.write(_event(kind, page))
                out.flush()

    return Stream(write, EVENTS, {"X-Accel-Buffering": "no"})


Happening = tuple[str, Sequence[Record] | str]


def news(call: Call, store: Store, wanted: Live, since_ms: int | None) -> Iterator[Happening]:
    """What happens, for ever: `records`, `gap`, `notice`, and `alive` when nothing does."""
    source = None if call.person.table == TABLE else call.person.table
    following = Tail(store, wanted, source=source, parts=call.parts)
    call.parts.renew()
    following.start()
    yield "alive", ()
    if since_ms is not None:
        missed = list(islice(_inserted_since(call, store, wanted, since_ms), MOST_MISSED + 1))
        if len(missed) > MOST_MISSED:
            yield "gap", "more was missed than can be caught up"
        else:
            following.skip(missed)
            yield from (("records", page) for page in _pieces(missed))
    quiet, away = 0.0, False
    while True:
        try:
            for page in following.news():
                quiet = 0.0
                yield from (("records", piece) for piece in _pieces(page))
            if away:
                yield "notice", "the store is back"
            away = False
        except StoreUnreachable:
            call.wait(0)
            if not away:
                yield "notice", "the store cannot be reached; waiting for it"
            away = True
        pause = AWAY_PAUSE if away else PAUSE
        call.wait(pause)
        quiet += pause
        if quiet > KEEP_ALIVE_SECONDS:
            quiet = 0.0
            yield "alive", ()


def _inserted_since(call: Call, store: Store, wanted: Live, since_ms: int) -> Iterator[Record]:
    since = "inserted_at >= fromUnixTimestamp64Milli({since:Int64})"
    sql, params = wanted.select(call.person.table, (since,), MOST_MISSED + 1)
    bound = {**params, "since": max(0, since_ms - OVERLAP_MS)}
    with closing(store.blocks(sql, bound)) as blocks:
        for block in blocks:
            if block:
                yield from records_of(block)


def _pieces(page: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for start in range(0, len(page), EVENT_RECORDS):
        yield page[start : start + EVENT_RECORDS]


def _event(kind: str, what: Sequence[Record] | str) -> bytes:
    if kind == "alive":
        return b": alive\n\n"
    if isinstance(what, str):
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), encoded({"message": what}))
    clock = Clock()
    newest = max(record.inserted_ms for record in what)
    data = encoded([for_list(record, clock) for record in what])
    return b"id: %d\nevent: records\ndata: %s\n\n" % (newest, data)
