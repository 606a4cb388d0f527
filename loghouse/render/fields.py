"""The fields of a record, typed: out of the JSON it was written as, else from the maps the store keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from loghouse.record import Record


def fields_of(record: Record) -> dict[str, Any]:
    """Every field of `record` and those a query made; keys of nested JSON objects are joined by dots."""
    return {**_own_fields(record), **made_fields(record)}


def written_fields(record: Record) -> dict[str, Any]:
    """The same, but the object of a JSON record as the program wrote it, what is nested in it left there."""
    found = _object(record.raw) if record.format == "json" else None
    return {**(_kept_fields(record) if found is None else found), **made_fields(record)}


def made_fields(record: Record) -> dict[str, Any]:
    """The fields that the stages of a query added to `record`."""
    return {key: json.loads(text, parse_constant=str) for key, text in record.made.items()}


def _own_fields(record: Record) -> dict[str, Any]:
    found = _object(record.raw) if record.format == "json" else None
    return _kept_fields(record) if found is None else dict(_flat("", found))


def _kept_fields(record: Record) -> dict[str, Any]:
    return {**record.strings, **{key: _whole(number) for key, number in record.numbers.items()}}


def _object(raw: str | bytes) -> dict[str, Any] | None:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    try:
        found = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _flat(prefix: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in fields.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield prefix + key, value


def _whole(number: float) -> float | int | str:
    """2.0 as 2, as it was written most of the time; what JSON cannot hold as text."""
    if number != number or number in (float("inf"), float("-inf")):
        return str(number)
    return int(number) if number == int(number) and abs(number) < 2**53 else number
