"""Records as the page gets them: typed, and never larger than a screen can use."""

from __future__ import annotations

from typing import Any

from loghouse.record import Record
from loghouse.render.clock import Clock
from loghouse.render.fields import fields_of
from loghouse.render.values import all_values

LONGEST_TEXT = 10_000  # characters of a message in a list of records; the record itself has all
MOST_FIELDS = 200


def identity(record: Record) -> str:
    """What tells a record from every other: `timestamp.source.offset`, as the context and a link name it."""
    return f"{record.timestamp_ns}.{record.source_id}.{record.offset}"


def whole(record: Record, clock: Clock) -> dict[str, Any]:
    """Every column of a record and its identity; nested fields have dots in their names, as in a query."""
    return {"id": identity(record), **all_values(record, clock), "fields": fields_of(record)}


def for_list(record: Record, clock: Clock) -> dict[str, Any]:
    """The same, cut where it is too long for a list; `cut` says so."""
    shown = whole(record, clock)
    cut = False
    for name in ("message", "raw"):
        if len(shown[name]) > LONGEST_TEXT:
            shown[name] = shown[name][:LONGEST_TEXT]
            cut = True
    fields = shown["fields"]
    if len(fields) > MOST_FIELDS:
        fields = dict(list(fields.items())[:MOST_FIELDS])
        cut = True
    if any(_is_long(value) for value in fields.values()):
        fields = {name: _short(value) for name, value in fields.items()}
        cut = True
    if shown["raw"] == shown["message"]:
        del shown["raw"]
    return {**shown, "fields": fields, "cut": cut}


def _is_long(value: Any) -> bool:
    return isinstance(value, (str, list, dict)) and len(value) > LONGEST_TEXT


def _short(value: Any) -> Any:
    return value[:LONGEST_TEXT] if isinstance(value, (str, list)) and len(value) > LONGEST_TEXT else value
