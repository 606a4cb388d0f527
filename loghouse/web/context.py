"""One record and its neighbours: the lines around it in its container, pod, node, or with its id."""

from __future__ import annotations

import re
from dataclasses import replace

from loghouse.errors import UsageError
from loghouse.query import Query, TimeRange, parse_duration
from loghouse.query.ast import Compare, Filter, Key, Value, all_of
from loghouse.query.timerange import LAST
from loghouse.record import Record
from loghouse.render.clock import Clock
from loghouse.render.template import as_text
from loghouse.render.values import picked_values
from loghouse.store.client import Store
from loghouse.web.answers import Answer, Refused, json_answer
from loghouse.web.calls import Call
from loghouse.web.paging import fetch
from loghouse.web.parameters import Parameter, Selected, key_of, number, scope_of, selected
from loghouse.web.rows import for_list, whole

ID = Parameter("id", "The record's `id`, as a search gives it.", required=True)
ACROSS = Parameter(
    "across",
    "What the neighbours share.",
    default="stream",
    choices=("stream", "pod", "node", "namespace", "field"),
)
FIELD = Parameter("field", "With `across=field`: which field, such as request_id.")
BEFORE = Parameter("before", "So many records before it.", "integer", 20, least=0, most=500)
AFTER = Parameter("after", "So many records after it.", "integer", 20, least=0, most=500)
WITHIN = Parameter("within", "How far away they may be.", default="10m")
RECORD_PARAMETERS = (ID,)
CONTEXT_PARAMETERS = (ID, ACROSS, FIELD, BEFORE, AFTER, WITHIN)

SAME_MOMENT = 500  # records of one nanosecond among which the wanted one is looked for

_ID = re.compile(r"(\d{1,19})\.(\d{1,20})\.(\d{1,20})", re.ASCII)
_SHARED = {
    "stream": ("namespace", "pod", "container", "node"),
    "pod": ("namespace", "pod"),
    "node": ("node",),
    "namespace": ("namespace",),
}


def record(call: Call) -> Answer:
    """One record as it is, whatever its size."""
    with call.store() as store:
        return json_answer(whole(_find(call, store), Clock()))


def context(call: Call) -> Answer:
    """Neighbours of a record, oldest first, and the place of the record among them."""
    within = parse_duration(call.text("within", "10m"))
    before, after = number(call, BEFORE), number(call, AFTER)
    with call.store() as store:
        target = _find(call, store)
        base = replace(_everything(call), query=Query(_shared(call, target)))
        at = target.timestamp_ns
        window = TimeRange(max(0, at - within), min(LAST, at + within + 1))
        earlier, moment, later = (
            replace(base, window=part)
            for part in (TimeRange(window.start, at), TimeRange(at, at + 1), TimeRange(at + 1, window.end))
        )
        found = list(fetch(store, moment, SAME_MOMENT, "oldest").records)
        if before:
            found += fetch(store, earlier, before, "newest").records
        if after:
            found += fetch(store, later, after, "oldest").records
    ordered = sorted({_place(each): each for each in [*found, target]}.items())
    middle = [place for place, _ in ordered].index(_place(target))
    kept = [each for _, each in ordered[max(0, middle - before) : middle + after + 1]]
    clock = Clock()
    return json_answer({"records": [for_list(each, clock) for each in kept], "at": min(middle, before)})


def _find(call: Call, store: Store) -> Record:
    found = _ID.fullmatch(call.text("id"))
    if found is None or int(found[1]) >= LAST:
        raise UsageError(f'"{call.text("id")[:100]}" is not the id of a record', "Take it from a search")
    at, source, offset = map(int, found.groups())
    wanted = replace(_everything(call), window=TimeRange(at, at + 1))
    for each in fetch(store, wanted, SAME_MOMENT, "oldest").records:
        if (each.source_id, each.offset) == (source, offset):
            return each
    raise Refused(404, "there is no such record", "It may be older than what is kept")


def _everything(call: Call) -> Selected:
    return replace(selected(call), query=Query(None), scope=scope_of(call))


def _shared(call: Call, target: Record) -> Filter:
    across = call.text("across", "stream")
    if across == "field":
        key = key_of(call.text("field"))
        name = key.shown if key.kind != "plain" else key.name
        value = as_text(picked_values(target, [name], Clock())[name])
        if not value:
            raise UsageError(f'the record has no "{name[:100]}"', "Name a field that it has")
        return Compare(key, "==", Value.read(value, in_quotes=True))
    return all_of([Compare(Key(name), "==", Value(getattr(target, name), True)) for name in _SHARED[across]])


def _place(record: Record) -> tuple[int, int, int]:
    return record.timestamp_ns, record.source_id, record.offset
