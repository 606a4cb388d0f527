"""The endpoints of Loki's API that Grafana's data source and logcli use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from loghouse.errors import UsageError
from loghouse.query import Filter, Query, TimeRange, filter_sql, parse_duration, parse_instant
from loghouse.query.ast import And, Key, all_of
from loghouse.query.timerange import HOUR, LAST, SECOND
from loghouse.record import LEVELS, Record
from loghouse.store.client import Store
from loghouse.web.answers import Answer, Stream, json_answer
from loghouse.web.calls import Call
from loghouse.web.guesses import catalogue
from loghouse.web.loki.labels import ALIASES, COLUMNS, Names, flat, stream_of
from loghouse.web.loki.logql import Lines, read
from loghouse.web.loki.metrics import Grid, Reader, points
from loghouse.web.paging import fetch
from loghouse.web.parameters import Selected

DEFAULT_LIMIT = 100
LARGEST_LIMIT = 5000
MOST_NAMES = 10_000
POINTS = 250  # of a series, when no step is given


def query_range(call: Call) -> Answer | Stream:
    """Lines or series over a time range."""
    window = _window(call)
    with call.store() as store:
        names = names_of(call, store)
        query = read(call.text("query"), names)
        if isinstance(query, Lines):
            return _streams(call, store, query, window)
        step = _step(call, window)
        grid = Grid(window.start, window.end, step).checked()
        series = _reader(call, store, names).series(query, grid)
        return _success(
            "matrix",
            [
                {"metric": dict(labels), "values": list(points(values, grid))}
                for labels, values in series.items()
                if any(value is not None for value in values)
            ],
        )


def query(call: Call) -> Answer | Stream:
    """The newest lines, or the value of each series, at one moment."""
    at = _moment(call, "time", call.now_ns)
    with call.store() as store:
        names = names_of(call, store)
        found = read(call.text("query"), names)
        if isinstance(found, Lines):
            return _streams(call, store, found, TimeRange(max(0, at - HOUR), at))
        grid = Grid(at, at, SECOND)
        series = _reader(call, store, names).series(found, grid)
        return _success(
            "vector",
            [
                {"metric": dict(labels), "value": point}
                for labels, values in series.items()
                for point in points(values, grid)
            ],
        )


def labels(call: Call) -> Answer | Stream:
    """The names of the labels."""
    with call.store() as store:
        found = {*COLUMNS, "service_name", *map(flat, _pod_labels(call, store))}
    return json_answer({"status": "success", "data": sorted(found)})


def label_values(call: Call) -> Answer | Stream:
    """The values of one label; `query` may narrow the streams."""
    name = call.path["name"]
    with call.store() as store:
        if ALIASES.get(name) == "level":
            return json_answer({"status": "success", "data": list(LEVELS)})
        names = names_of(call, store)
        where = [_selector(call.text("query"), names)] if call.text("query") else []
        found = {stream.get(name, "") for stream in _known_streams(call, store, where)}
    return json_answer({"status": "success", "data": sorted(found - {""})})


def series(call: Call) -> Answer | Stream:
    """The streams that one of the selectors finds."""
    wanted = [*call.texts("match[]"), *call.texts("match")]
    with call.store() as store:
        names = names_of(call, store)
        selectors = [_selector(text, names) for text in wanted]
        found: dict[tuple[tuple[str, str], ...], None] = {}
        for selector in selectors or [None]:
            for stream in _known_streams(call, store, [selector]):
                found[tuple(sorted(stream.items()))] = None
    return json_answer({"status": "success", "data": [dict(stream) for stream in found]})


def statistics(call: Call) -> Answer | Stream:
    """How much a selector covers; Grafana shows it beside the query."""
    with call.store() as store:
        names = names_of(call, store)
        streams = list(_streams_with_size(call, store, [_selector(call.text("query"), names)]))
    entries = sum(records for _, records, _ in streams)
    return json_answer(
        {"streams": len(streams), "chunks": 0, "entries": entries, "bytes": sum(size for *_, size in streams)}
    )


def build(call: Call) -> Answer | Stream:
    """Which Loki this is like."""
    return json_answer(
        {"version": "3.0.0", "revision": "loghouse", "branch": "", "goVersion": "", "buildDate": ""}
    )


def names_of(call: Call, store: Store) -> Names:
    """What flat names may mean, of what the person may read."""
    return Names.of(_pod_labels(call, store), catalogue(store, call.person.scope, call.now_ns))


def written(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records as streams with their lines, in the order given."""
    streams: dict[tuple[tuple[str, str], ...], list[tuple[str, str]]] = defaultdict(list)
    for record in records:
        raw = record.raw.decode("utf-8", "replace") if isinstance(record.raw, bytes) else record.raw
        streams[tuple(stream_of(record).items())].append((str(record.timestamp_ns), raw))
    return [{"stream": dict(labels), "values": lines} for labels, lines in streams.items()]


def limit_of(call: Call) -> int:
    """How many lines."""
    text = call.text("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageError(f'limit "{text[:100]}" is not a number of lines')
    if int(text) > LARGEST_LIMIT:
        raise UsageError(
            f"max entries limit per query exceeded, limit > max_entries_limit ({text} > {LARGEST_LIMIT})"
        )
    return int(text) or DEFAULT_LIMIT


def _streams(call: Call, store: Store, lines: Lines, window: TimeRange) -> Answer:
    forward = call.text("direction").lower() == "forward"
    wanted = Selected(Query(lines.filter), window, call.person.scope, call.person.table, call.now_ns, UTC)
    page = fetch(store, wanted, limit_of(call), "oldest" if forward else "newest")
    return _success("streams", written(page.records))


def _success(kind: str, result: Sequence[Any]) -> Answer:
    # logcli and Grafana read figures of the query from here; they are not told to who asks.
    return json_answer({"status": "success", "data": {"resultType": kind, "result": result, "stats": {}}})


def _reader(call: Call, store: Store, names: Names) -> Reader:
    return Reader(store, names, call.person.scope, call.person.table, call.now_ns)


def _selector(text: str, names: Names) -> Filter | None:
    """The filter of `{...}` over the table of streams, which has neither levels nor lines."""
    found = read(text or "{}", names)
    if not isinstance(found, Lines):
        raise UsageError("a stream selector is needed here", 'Write {namespace="prod"}')
    parts = found.filter.items if isinstance(found.filter, And) else (found.filter,) if found.filter else ()
    kept = [part for part in parts if not _of_lines(part)]
    return all_of(kept) if kept else None


def _of_lines(node: Any) -> bool:
    """The filter names something that a stream does not have."""
    if isinstance(node, Key):
        return node.kind == "literal" or node.name in ("level", "stream", "format", "raw", "timestamp")
    if isinstance(node, tuple):
        return any(map(_of_lines, node))
    inner = [getattr(node, name, None) for name in ("key", "item", "items")]
    return any(_of_lines(part) for part in inner if part is not None)


def _known_streams(call: Call, store: Store, parts: Sequence[Filter | None]) -> list[dict[str, str]]:
    return [stream for stream, _, _ in _streams_with_size(call, store, parts)]


def _streams_with_size(
    call: Call, store: Store, parts: Sequence[Filter | None]
) -> list[tuple[dict[str, str], int, int]]:
    wanted = [part for part in (call.person.scope, *parts) if part is not None]
    where, params = filter_sql(all_of(wanted), now_ns=call.now_ns) if wanted else ("1", {})
    since = _moment(call, "start", 0)
    rows = store.rows(
        "SELECT namespace, workload, pod, container, node, labels, sum(records), sum(bytes) "  # noqa: S608
        f"FROM streams WHERE {where} AND last_seen >= toDateTime({{since:Int64}}, 'UTC') "
        "GROUP BY namespace, workload, pod, container, node, labels LIMIT {most:UInt32}",
        {**params, "since": min(since // SECOND, 4_000_000_000), "most": MOST_NAMES},
    )
    hidden = {mask[1:] for mask in call.person.masks}
    return [
        (
            {flat(name): value for name, value in labels.items() if name not in hidden}
            | {name: value for name, value in zip(COLUMNS, columns, strict=False) if value}
            | {"service_name": columns[1]},
            records,
            size,
        )
        for *columns, labels, records, size in rows
    ]


def _pod_labels(call: Call, store: Store) -> list[str]:
    scope = call.person.scope
    where, params = filter_sql(scope, now_ns=call.now_ns) if scope is not None else ("1", {})
    rows = store.rows(
        "SELECT arrayJoin(mapKeys(labels)) AS label FROM streams "  # noqa: S608 - made of bound values
        f"WHERE {where} GROUP BY label ORDER BY count() DESC, label LIMIT {MOST_NAMES}",
        params,
    )
    return [str(name) for (name,) in rows if f"~{name}" not in call.person.masks]


def _window(call: Call) -> TimeRange:
    end = _moment(call, "end", call.now_ns)
    since = parse_duration(call.text("since")) if call.text("since") else HOUR
    start = _moment(call, "start", max(0, end - since))
    if start > end:
        raise UsageError("the time range ends before it starts")
    return TimeRange(start, end)


def _moment(call: Call, name: str, default: int) -> int:
    """Nanoseconds, seconds with a fraction, or RFC 3339."""
    text = call.text(name)
    if not text:
        return default
    try:
        if text.isascii() and text.isdecimal() and len(text) > 10:
            return min(int(text), LAST)
        return min(round(float(text) * SECOND), LAST) if float(text) >= 0 else 0
    except (ValueError, OverflowError):
        return parse_instant(text, call.now_ns)


def _step(call: Call, window: TimeRange) -> int:
    text = call.text("step")
    if not text:
        return max(SECOND, (window.end - window.start) // POINTS // SECOND * SECOND)
    try:
        return round(float(text) * 1000) * 1_000_000
    except (ValueError, OverflowError):
        return parse_duration(text)
