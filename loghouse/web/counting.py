"""What the page counts: the histogram, the fields with their values, the values of one field, patterns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loghouse.errors import UsageError
from loghouse.query import Query, compile, is_live
from loghouse.query.ast import Has, Key
from loghouse.query.stages.cut import Limit
from loghouse.query.stages.grouping import Group
from loghouse.query.stages.hist import Hist
from loghouse.query.stages.patterns import Patterns
from loghouse.query.stages.top import Top
from loghouse.query.stages.where import Where
from loghouse.query.timerange import is_duration
from loghouse.record import Record
from loghouse.render.clock import Clock
from loghouse.render.fields import fields_of
from loghouse.render.template import as_text
from loghouse.store.client import Row, Store
from loghouse.web.answers import Answer, json_answer
from loghouse.web.calls import Call
from loghouse.web.paging import fetch
from loghouse.web.parameters import SELECTION, Parameter, Selected, key_of, number, selected

STEP = Parameter("step", "The width of a bar: 5m; one that gives about 60 bars when left out.")
BY = Parameter("by", "Count for each value of this field; level when left out.", default="level")
FIELD = Parameter("field", "A column, a field or a ~label.", required=True)
MOST = Parameter("limit", "At most so many values, the most frequent.", "integer", 50, least=1, most=10_000)
SAMPLE = Parameter("sample", "Look at so many of the newest records.", "integer", 1000, least=1, most=10_000)
PATTERNS = Parameter(
    "limit", "At most so many patterns, the most frequent.", "integer", 100, least=1, most=1000
)

HIST_PARAMETERS = (*SELECTION, STEP, BY)
FIELD_PARAMETERS = (*SELECTION, SAMPLE)
VALUE_PARAMETERS = (*SELECTION, FIELD, MOST)
PATTERN_PARAMETERS = (*SELECTION, PATTERNS)

MOST_SERIES = 50
SHOWN_VALUES = 10
VALUE_LENGTH = 200
REMEMBERED_VALUES = 500
_COLUMNS = ("namespace", "workload", "pod", "container", "node", "stream", "level", "format")


def hist(call: Call) -> Answer:
    """How many records there are over time."""
    step = call.text("step")
    if step and not is_duration(step):
        raise UsageError(f'step "{step[:100]}" is not a duration', "Write it like 30s, 5m or 1h")
    wanted = _records_only(selected(call))
    key = key_of(call.text("by", "level"))
    with call.store() as store:
        columns, rows = _table(store, wanted, Hist(step, (Group(key),)))
    starts = sorted({row[0] for row in rows})
    series: dict[str, list[int]] = {}
    places = {start: place for place, start in enumerate(starts)}
    for start, value, count in rows:
        name = as_text(value)
        if name not in series and len(series) >= MOST_SERIES:
            name = "(other)"
        series.setdefault(name, [0] * len(starts))[places[start]] += count
    width = starts[1] - starts[0] if len(starts) > 1 else wanted.window.end - wanted.window.start
    return json_answer(
        {
            "by": columns[1],
            "from_ns": str(wanted.window.start),
            "to_ns": str(wanted.window.end),
            "step_ns": str(width),
            "starts_ns": [str(start) for start in starts],
            "series": [{"name": name, "counts": counts} for name, counts in sorted(series.items())],
            "total": sum(map(sum, series.values())),
        }
    )


@dataclass(slots=True)
class Seen:
    """What is known of one field."""

    kind: str
    records: int = 0
    values: Counter[str] = field(default_factory=Counter)

    def add(self, value: Any) -> None:
        """Count one value."""
        self.records += 1
        text = as_text(value)[:VALUE_LENGTH]
        if text in self.values or len(self.values) < REMEMBERED_VALUES:
            self.values[text] += 1


def fields(call: Call) -> Answer:
    """The columns, labels and fields of the newest records, with their most frequent values."""
    wanted = _records_only(selected(call))
    with call.store() as store:
        records = fetch(store, wanted, number(call, SAMPLE), "newest").records
    seen: dict[str, Seen] = {}
    for name, kind, value in (item for record in records for item in _named_values(record)):
        if name not in seen:
            seen[name] = Seen(kind)
        seen[name].add(value)
    order = {"column": 0, "label": 1}
    listed = sorted(seen.items(), key=lambda item: (order.get(item[1].kind, 2), -item[1].records, item[0]))
    return json_answer(
        {
            "records": len(records),
            "fields": [
                {
                    "name": name,
                    "kind": known.kind,
                    "records": known.records,
                    "distinct": len(known.values),
                    "values": [
                        {"value": value, "count": count}
                        for value, count in known.values.most_common(SHOWN_VALUES)
                    ],
                }
                for name, known in listed
            ],
        }
    )


def values(call: Call) -> Answer:
    """The values of one field, the most frequent first, and how often they come."""
    wanted = _records_only(selected(call))
    key = key_of(call.text("field"))
    with call.store() as store:
        _, rows = _table(store, wanted, Where(Has(key)), Top(number(call, MOST), (key,)))
    clock = Clock()
    return json_answer(
        {
            "field": str(key),
            "values": [
                {"value": clock.rfc3339(value) if key.name == "timestamp" else as_text(value)}
                | {"count": count, "share": share}
                for value, count, share in rows
            ],
        }
    )


def patterns(call: Call) -> Answer:
    """Messages grouped by what stays the same."""
    wanted = _records_only(selected(call))
    with call.store() as store:
        columns, rows = _table(store, wanted, Patterns(), Limit(number(call, PATTERNS)))
    clock = Clock()
    times = [place for place, name in enumerate(columns) if name in ("first_seen", "last_seen")]
    return json_answer(
        {
            "patterns": [
                {
                    name: clock.rfc3339(value) if place in times else value
                    for place, (name, value) in enumerate(zip(columns, row, strict=True))
                }
                for row in rows
            ]
        }
    )


def _records_only(wanted: Selected) -> Selected:
    """The same, up to the first stage that makes a table or orders the records."""
    stages = []
    for stage in wanted.query.stages:
        if not is_live(Query(None, (stage,))):
            break
        stages.append(stage)
    return replace(wanted, query=replace(wanted.query, stages=tuple(stages)))


def _table(store: Store, wanted: Selected, *stages: Any) -> tuple[Sequence[str], list[Row]]:
    compiled = compile(
        replace(wanted.query, stages=(*wanted.query.stages, *stages)),
        wanted.window,
        table=wanted.table,
        scope=wanted.scope,
        now_ns=wanted.now_ns,
        zone=wanted.zone,
    )
    return compiled.columns, store.rows(compiled.sql, compiled.params, compiled.settings)


def _named_values(record: Record) -> Iterator[tuple[str, str, Any]]:
    for name in _COLUMNS:
        if value := getattr(record, name):
            yield name, "column", value
    for label, value in record.labels.items():
        yield f"~{label}", "label", value
    for name, value in fields_of(record).items():
        yield str(Key(name, "literal")) if name in _COLUMNS else name, _kind(value), value


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else "list"
