"""A record as named values, for the formats that programs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from loghouse.record import Record
from loghouse.render.clock import Clock
from loghouse.render.fields import fields_of, written_fields

# In the order in which json, jsonl and csv write them. The identity is text: JSON readers round big numbers.
VALUES: Mapping[str, Callable[[Record, Clock], Any]] = {
    "timestamp": lambda record, clock: clock.rfc3339(record.timestamp_ns),
    "level": lambda record, clock: record.level,
    "namespace": lambda record, clock: record.namespace,
    "pod": lambda record, clock: record.pod,
    "container": lambda record, clock: record.container,
    "message": lambda record, clock: replaced(record.message),
    "fields": lambda record, clock: written_fields(record),
    "labels": lambda record, clock: record.labels,
    "node": lambda record, clock: record.node,
    "workload": lambda record, clock: record.workload,
    "stream": lambda record, clock: record.stream,
    "format": lambda record, clock: record.format,
    "parse_error": lambda record, clock: record.parse_error,
    "inserted_at": lambda record, clock: clock.rfc3339(record.inserted_ms * 1_000_000),
    "source_id": lambda record, clock: str(record.source_id),
    "offset": lambda record, clock: record.offset,
    "length": lambda record, clock: record.length,
    "raw": lambda record, clock: replaced(record.raw),
}
# What JSON and Parquet have unless they are asked for more: everything that was logged, once. `raw` says
# it again, and the other columns are about how a record was stored.
LOGGED = (
    "timestamp",
    "level",
    "namespace",
    "pod",
    "container",
    "message",
    "fields",
    "labels",
    "node",
    "workload",
    "stream",
    "format",
)
LABEL_PREFIXES = ("~", "label.", "labels.")


def all_values(record: Record, clock: Clock) -> dict[str, Any]:
    """Every column of `record`, by name."""
    return {name: value(record, clock) for name, value in VALUES.items()}


def picked_values(record: Record, names: Sequence[str], clock: Clock) -> dict[str, Any]:
    """The columns, labels (`~app`) and fields called `names`; None for what the record does not have."""
    fields: dict[str, Any] | None = None
    found: dict[str, Any] = {}
    for name in names:
        if name in VALUES:
            found[name] = VALUES[name](record, clock)
            continue
        label = label_name(name)
        if label is not None:
            found[name] = record.labels.get(label)
            continue
        if fields is None:
            fields = fields_of(record)
        found[name] = fields.get(name)
    return found


def named(text: str) -> list[str]:
    """The names in a list with commas, each once; `*` is every column."""
    names = filter(None, map(str.strip, text.split(",")))
    return list(dict.fromkeys(each for name in names for each in (VALUES if name == "*" else (name,))))


def label_name(name: str) -> str | None:
    """`app` for `~app`, `label.app` and `labels.app`; None for a name that is no label."""
    for prefix in LABEL_PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return None


def replaced(text: str | bytes) -> str:
    """Text for programs: bytes that are not UTF-8 become the replacement character."""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
