"""Records that the store itself writes as lines of JSON or CSV; Python only passes the bytes on.

The lines hold what `render/jsonlines.py` and `render/csv.py` make of the same records. What SQL cannot write
exactly is marked, and written by Python.
"""

# ruff: noqa: S608 - every name in these texts is made here

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from loghouse.formats.fields import DEPTH, json_pairs_sql
from loghouse.query import Compiled
from loghouse.record import COLUMNS

SETTINGS: Mapping[str, Any] = {
    "strings_as_bytes": True,
    "output_format_json_escape_forward_slashes": 0,
    # Lines are made before they are sorted, by all threads; behind the sort there is only one.
    "query_plan_execute_functions_after_sorting": 0,
}

_RECORD = f"SELECT {', '.join(COLUMNS.values())} FROM "
_NESTED = "(format = 'json' AND position(raw, '{', 2) > 0)"
_NESTED_RAW = f"if({_NESTED}, raw, '')"
# By alias, or ClickHouse computes each as often as it is named.
_PARTS = (
    f"{json_pairs_sql(_NESTED_RAW)} AS json_parts, "
    "mapFilter((k, v) -> NOT mapContains(numbers, k), strings) AS text_parts"
)
# Objects below the levels that SQL takes apart; few records have so many braces that it is worth a look.
_ODD = (
    f"{_NESTED} AND countSubstrings(raw, '{{') > {DEPTH + 1} "
    f"AND arrayExists(p -> startsWith(p.2, '{{') AND p.2 != '{{}}', json_parts)"
)
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


def json_lines_sql(compiled: Compiled, names: Sequence[str]) -> str | None:
    """SQL for the same records as lines of JSON and whether Python has to write a line again; in UTC.

    None if it cannot be had: for fields of records, and for records that stages have changed.
    """
    values = {**{name: f"toJSONString({sql})" for name, sql in _TEXT.items()}, **_NUMBERS}
    values |= {"fields": _fields_json(), "labels": "toJSONString(labels)"}
    if any(name not in values for name in names):
        return None
    members = (
        f"'{'{' if not place else ','}\"{name}\":', {values[name]}" for place, name in enumerate(names)
    )
    odd = _ODD if "fields" in names else "0"
    return _selecting(compiled, f"concat({', '.join(members)}, '}}'), {odd}")


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
    return _selecting(compiled, f"concat({', '.join(_joined(cells))}, '')")


def typed_columns_sql(compiled: Compiled) -> str | None:
    """SQL for the same records as columns of a typed file: text, whole numbers, `fields` as JSON."""
    columns = (
        "toUnixTimestamp64Nano(timestamp), toString(level), namespace, pod, container, message, "
        f"{_fields_json()}, toJSONString(labels), node, workload, stream, format, parse_error, "
        "toUnixTimestamp64Milli(inserted_at), source_id, offset, length, raw"
    )
    return _selecting(compiled, columns)


def _fields_json() -> str:
    """SQL: all fields of a record as one JSON object, in the order in which `render/fields.py` has them."""
    number = "if(isFinite(v), toString(v), concat('\"', toString(v), '\"'))"
    text = "concat(toJSONString(k), ':', toJSONString(v))"
    texts = f"arrayMap((k, v) -> {text}, mapKeys(text_parts), mapValues(text_parts))"
    numbers = (
        f"arrayMap((k, v) -> concat(toJSONString(k), ':', {number}), mapKeys(numbers), mapValues(numbers))"
    )
    pairs = "arrayMap(p -> concat(toJSONString(p.1), ':', p.2), json_parts)"
    return (
        f"multiIf({_NESTED}, {_object(pairs)}, format = 'json', translate(raw, '\\n\\r', '  '), "
        f"{_object(f'arrayConcat({texts}, {numbers})')})"
    )


def written_again(line: bytes) -> bytes:
    """A line of JSON whose `fields` SQL could not write."""
    from loghouse.render.fields import json_fields

    values = json.loads(line.decode("utf-8", "replace"))
    fields = json_fields(values["raw"]) if "raw" in values else None
    if fields is not None:
        values["fields"] = fields
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def valid(data: bytes) -> bytes:
    """The bytes, with what is not UTF-8 replaced."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


def _selecting(compiled: Compiled, columns: str) -> str | None:
    if compiled.kind != "records" or not compiled.sql.startswith(_RECORD):
        return None
    return f"WITH {_PARTS} SELECT {columns} FROM {compiled.sql.removeprefix(_RECORD)}"


def _object(members: str) -> str:
    return f"concat('{{', arrayStringConcat({members}, ','), '}}')"


def _joined(cells: Any) -> list[str]:
    """The cells with a comma between each two."""
    parts: list[str] = []
    for cell in cells:
        parts += ["','", cell] if parts else [cell]
    return parts
