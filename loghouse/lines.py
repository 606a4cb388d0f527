"""Records that the store itself writes as lines of JSON or CSV; Python only passes the bytes on.

The lines hold what `render/jsonlines.py` and `render/csv.py` make of the same records.
"""

# ruff: noqa: S608 - every name in these texts is made here

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loghouse.formats.fields_json import SETTINGS as JSON_SETTINGS
from loghouse.formats.fields_json import fields_json_sql
from loghouse.formats.labels import AS_OBJECT
from loghouse.native import Texts
from loghouse.query import Compiled
from loghouse.record import COLUMNS
from loghouse.store.client import TEXTS

SETTINGS: Mapping[str, Any] = {
    **TEXTS,
    "max_block_size": 2048,  # a block of lines stays in the cache of a core on its way out
    **JSON_SETTINGS,
    # Lines are made before they are sorted, by all threads; behind the sort there is only one.
    "query_plan_execute_functions_after_sorting": 0,
}
# Of typed columns: nothing is sorted, and what is received should be as large as what is packed at once.
TYPED_SETTINGS: Mapping[str, Any] = {
    **TEXTS,
    **JSON_SETTINGS,
    "max_block_size": 4096,
    # To note which granules have no hit would make blocks of whole granules, and here every one has hits.
    "use_query_condition_cache": 0,
    "query_plan_execute_functions_after_sorting": 0,
}

_RECORD = f"SELECT {', '.join(COLUMNS.values())} FROM "
_TEXT: Mapping[str, str] = {
    "timestamp": "concat(replaceOne(toString(timestamp), ' ', 'T'), 'Z')",
    "level": "toString(level)",
    "namespace": "namespace",
    "pod": "pod",
    "container": "container",
    "message": "message",
    "node": "node",
    "workload": "workload",
    "stream": "stream",
    "format": "format",
    "parse_error": "parse_error",
    "inserted_at": "concat(replaceOne(toString(inserted_at), ' ', 'T'), '000000Z')",
    "source_id": "toString(source_id)",
    "raw": "raw",
}
_NUMBERS: Mapping[str, str] = {"offset": "toString(offset)", "length": "toString(length)"}
_WHOLE_NUMBERS: Mapping[str, str] = {
    "timestamp": "toUnixTimestamp64Nano(timestamp)",
    "inserted_at": "toUnixTimestamp64Milli(inserted_at)",
    **{name: name for name in ("source_id", "offset", "length")},
}


def json_lines_sql(compiled: Compiled, names: Sequence[str]) -> str | None:
    """SQL for the same records as lines of JSON, in UTC.

    None if it cannot be had: for fields of records, and for records that stages have changed.
    """
    values = {**{name: f"toJSONString({sql})" for name, sql in _TEXT.items()}, **_NUMBERS}
    values |= {"fields": fields_json_sql(), "labels": AS_OBJECT}
    if any(name not in values for name in names):
        return None
    members = (
        f"'{'{' if not place else ','}\"{name}\":', {values[name]}" for place, name in enumerate(names)
    )
    return _selecting_line(compiled, f"concat({', '.join(members)}, '}}\\n')")


def csv_lines_sql(compiled: Compiled, names: Sequence[str]) -> str | None:
    """SQL for the same records as rows of CSV, in UTC; None if it cannot be had."""
    if any(name not in _TEXT and name not in _NUMBERS for name in names):
        return None
    cells = (
        _NUMBERS.get(name)
        or f"if(match({_TEXT[name]}, '[\",\\n\\r]'), "
        f"concat('\"', replaceAll({_TEXT[name]}, '\"', '\"\"'), '\"'), {_TEXT[name]})"
        for name in names
    )
    return _selecting_line(compiled, f"concat({', '.join(_joined(cells))}, '\\n')")


def typed_columns_sql(
    compiled: Compiled, numbers: Sequence[str], texts: Sequence[str], repeated: Sequence[str]
) -> str | None:
    """SQL for the same records as columns of a typed file: whole numbers, what is repeated, then other text.

    `fields` and `labels` are JSON. Several texts are a tuple, the last column: the embedded store need not
    look for where each of them ends.
    """
    values = {**_TEXT, "labels": AS_OBJECT, "fields": fields_json_sql()}
    # The types are what the reader of whole columns looks for.
    coded = [f"CAST({values[name]}, 'LowCardinality(String)')" for name in repeated]
    columns = [f"CAST({values[name]}, 'String')" for name in texts]
    last = [f"tuple({', '.join(columns)})"] if len(columns) > 1 else columns
    return _selecting(compiled, ", ".join((*(_WHOLE_NUMBERS[name] for name in numbers), *coded, *last)))


def whole(lines: Sequence[bytes], are_valid: Sequence[int]) -> bytes | bytearray:
    """The lines one after another, with what is not UTF-8 replaced in those that are not valid."""
    if isinstance(lines, Texts) and all(are_valid):
        return lines.data
    return b"".join(
        line if is_valid else line.decode("utf-8", "replace").encode()
        for line, is_valid in zip(lines, are_valid, strict=True)
    )


def _selecting_line(compiled: Compiled, line: str) -> str | None:
    """Whether a line is UTF-8, which the store sees faster than Python does, and the line."""
    return _selecting(compiled, f"isValidUTF8({line} AS line) AS is_valid, line")


def _selecting(compiled: Compiled, columns: str) -> str | None:
    if compiled.kind != "records" or not compiled.sql.startswith(_RECORD):
        return None
    return f"SELECT {columns} FROM {compiled.sql.removeprefix(_RECORD)}"


def _joined(cells: Any) -> list[str]:
    """The cells with a comma between each two."""
    parts: list[str] = []
    for cell in cells:
        parts += ["','", cell] if parts else [cell]
    return parts
