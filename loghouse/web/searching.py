"""`/api/v1/search`: records or the table of a query, in pages, or streamed at any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from typing import Any

from loghouse.query import Compiled, is_live
from loghouse.query.timerange import DAY
from loghouse.render.clock import Clock
from loghouse.render.pages import Writer
from loghouse.search import Found, Search, find
from loghouse.store.client import Store
from loghouse.web.answers import CSV, JSON_LINES, TEXT, Answer, Stream, encoded, json_answer
from loghouse.web.calls import DOWNLOAD_SECONDS, Call
from loghouse.web.guesses import guess
from loghouse.web.paging import fetch, read_cursor
from loghouse.web.parameters import SELECTION, Parameter, Selected, number, selected, truth
from loghouse.web.rows import for_list

LIMIT = Parameter(
    "limit", "At most so many rows. 0 is all, not with json.", "integer", 500, least=0, most=10**9
)
FORMAT = Parameter("format", "How rows come.", default="json", choices=("json", "jsonl", "csv", "raw"))
ORDER = Parameter("order", "Which rows come first in pages.", default="newest", choices=("newest", "oldest"))
CURSOR = Parameter("cursor", "Where to go on: `next` of the answer before.")
FIELDS = Parameter("fields", "Columns, fields and ~labels for jsonl and csv, with commas.", longest=4000)
DOWNLOAD = Parameter("download", "Name the answer as a file.", "boolean")
PARAMETERS = (*SELECTION, LIMIT, FORMAT, ORDER, CURSOR, FIELDS, DOWNLOAD)

LARGEST_PAGE = 5000
_KINDS = {"jsonl": JSON_LINES, "csv": CSV, "raw": TEXT}
_ENDINGS = {"jsonl": "jsonl", "csv": "csv", "raw": "log"}


def search(call: Call) -> Answer | Stream:
    """What a query finds."""
    wanted = selected(call, ahead=DAY)
    if call.text("format", "json") != "json":
        return _stream(call, wanted)
    limit = min(number(call, LIMIT) or LARGEST_PAGE, LARGEST_PAGE)
    with call.store() as store:
        if is_live(wanted.query):
            return json_answer(_page(call, store, wanted, limit))
        return json_answer(_table_or_sorted(store, wanted, limit))


def _page(call: Call, store: Store, wanted: Selected, limit: int) -> dict[str, Any]:
    order = "oldest" if call.text("order") == "oldest" else "newest"
    cursor = read_cursor(call.text("cursor"))
    # Asked before the records are read: what is inserted from then on is the tail's.
    tail_from = int(store.rows("SELECT toUnixTimestamp64Milli(now64(3))")[0][0]) if cursor is None else None
    page = fetch(store, wanted, limit, "oldest" if order == "oldest" else "newest", cursor)
    clock = Clock(UTC)
    records = [for_list(record, clock) for record in page.records]
    if order == "newest":
        records.reverse()
    answer = {"kind": "records", "records": records, "next": str(page.following) if page.following else None}
    answer |= {"tail_from": str(tail_from) if tail_from is not None else None, **_about(wanted)}
    if not records and cursor is None:
        answer |= guess(store, wanted, call.person)
    return answer


def _table_or_sorted(store: Store, wanted: Selected, limit: int) -> dict[str, Any]:
    found = find(store, _search(wanted, limit, limit_tables=True))
    compiled = found.compiled
    if compiled.kind == "records":
        clock = Clock(UTC)
        records = [for_list(record, clock) for page in found.records() for record in page]
        return {"kind": "records", "records": records, "next": None, "tail_from": None, **_about(wanted)}
    rows = [row for page in found.rows() for row in page]
    columns = [
        {"name": name, "kind": kind} for name, kind in zip(compiled.columns, compiled.kinds, strict=True)
    ]
    written = _times_written(compiled)
    return {
        "kind": "table",
        "columns": columns,
        "rows": [written(row) for row in rows],
        "more": len(rows) >= limit,
        **_about(wanted),
    }


def _about(wanted: Selected) -> dict[str, Any]:
    notices = [
        {"message": notice.message, "start": notice.span.start, "end": notice.span.end}
        for notice in wanted.query.notices
    ]
    return {
        "canonical": str(wanted.query),
        "live": is_live(wanted.query),
        "from_ns": str(wanted.window.start),
        "to_ns": str(min(wanted.window.end, wanted.now_ns)),
        "notices": notices,
    }


def _stream(call: Call, wanted: Selected) -> Stream:
    shape = call.text("format")
    limit = number(call, LIMIT) or None
    headers = {}
    if truth(call, "download"):
        stamp = Clock(UTC).short(call.now_ns)[:19].replace(" ", "T").replace(":", "")
        headers["Content-Disposition"] = f'attachment; filename="logs-{stamp}.{_ENDINGS[shape]}"'

    def write(out: Writer) -> None:
        with call.store(DOWNLOAD_SECONDS) as store:
            found = find(store, _search(wanted, limit, limit_tables=limit is not None))
            try:
                _renderer(shape, call.text("fields"), found)(out)
            except Exception as error:
                if shape == "jsonl" and found.delivered:
                    out.write(
                        encoded({"error": "the answer broke off here", "kind": type(error).__name__}) + b"\n"
                    )
                    out.flush()
                raise

    return Stream(write, _KINDS[shape], headers)


def _renderer(shape: str, fields: str, found: Found) -> Callable[[Writer], object]:
    from loghouse.render.csv import Csv
    from loghouse.render.jsonlines import JsonLines
    from loghouse.render.raw import render_raw
    from loghouse.render.table import render_bare_rows
    from loghouse.render.values import named

    compiled = found.compiled
    names = named(fields) or list(compiled.shown.fields or ())
    if compiled.kind == "records":
        if shape == "raw":
            return lambda out: render_raw(found.raw(), out)
        if shape == "csv":
            csv = Csv(Clock(UTC), names, spreadsheet=True)
            return lambda out: csv.records(found.records(), out)
        return lambda out: JsonLines(Clock(UTC), names).records(found.records(), out)
    written = _times_written(compiled)
    rows: Iterator[list[Sequence[Any]]] = ([written(row) for row in page] for page in found.rows())
    if shape == "raw":
        return lambda out: render_bare_rows(compiled.columns, rows, out)
    if shape == "csv":
        return lambda out: Csv(Clock(UTC), [], spreadsheet=True).table(compiled.columns, rows, out)
    return lambda out: JsonLines(Clock(UTC), []).table(compiled.columns, rows, out)


def _times_written(compiled: Compiled) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Rows with text in place of nanoseconds, which JSON readers would round."""
    clock = Clock(UTC)
    times = {place for place, kind in enumerate(compiled.kinds) if kind == "time"}
    if not times:
        return lambda row: row
    return lambda row: [
        clock.rfc3339(value) if place in times and value is not None else value
        for place, value in enumerate(row)
    ]


def _search(wanted: Selected, limit: int | None, limit_tables: bool) -> Search:
    return Search(
        query=wanted.query,
        window=wanted.window,
        now_ns=wanted.now_ns,
        scope=wanted.scope,
        limit=limit,
        limit_tables=limit_tables,
        zone=wanted.zone,
        table=wanted.table,
    )
