"""Blocks of the store as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loghouse.formats.labels import labels_of
from loghouse.record import COLUMNS, Record
from loghouse.store.client import Columns

# What reads the columns of a record, in order; without aliases, which would hide the columns.
SELECT_RECORD = ", ".join(COLUMNS.values())
_AS_STORED = frozenset(("message", "raw"))


def records_of(block: Columns) -> list[Record]:
    """The records of a block that was selected with `COLUMNS`, in their order.

    Only message and raw keep text that is not UTF-8 as bytes; names of fields, pods and the like are decoded.
    """
    decoded = (
        column if name in _AS_STORED else _decoded(name, column)
        for name, column in zip(COLUMNS, block, strict=True)
    )
    return list(map(Record, *decoded))


def _decoded(name: str, column: Sequence[Any]) -> Sequence[Any]:
    if name == "labels":
        return list(map(labels_of, column))
    first = column[0]
    if isinstance(first, (dict, list, tuple)):
        return [_deeply(value) if value else value for value in column]
    return [_deeply(value) for value in column] if bytes in set(map(type, column)) else column


def _deeply(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        if bytes in map(type, value) or bytes in map(type, value.values()):
            return {_deeply(key): _deeply(item) for key, item in value.items()}
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(_deeply, value))
    return value
