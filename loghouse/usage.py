"""What fills the disk: bytes on disk of columns and tables, and whose records they are."""

# ruff: noqa: S608 - every name in these texts is ours, and every value is bound

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from loghouse.cost import table_size
from loghouse.formats.fields import json_pairs_sql, message_sql
from loghouse.query import parse
from loghouse.render.clock import NANOSECONDS
from loghouse.render.template import as_text
from loghouse.search import Search, find
from loghouse.store.client import Store

LONGEST_MESSAGE = 2000  # characters of a message that make its pattern
SAMPLED = 200_000  # records that are taken apart for what costs time: fields and patterns


@dataclass(frozen=True, slots=True)
class Share:
    """One row: `written` are bytes as the programs wrote them, `disk` what of the table is theirs, about."""

    name: str
    records: int
    written: int
    disk: int


@dataclass(frozen=True, slots=True)
class Part:
    """A table or a column of `logs` on disk; `raw` is its size before compression."""

    name: str
    disk: int
    raw: int


def by_column(store: Store) -> list[Part]:
    """The columns of `logs` and its indexes, the largest first."""
    rows = store.rows(
        "SELECT column, sum(column_data_compressed_bytes) AS disk, sum(column_data_uncompressed_bytes) "
        "FROM system.parts_columns WHERE database = currentDatabase() AND table = 'logs' AND active "
        "GROUP BY column ORDER BY disk DESC, column"
    )
    indexes = store.rows(
        "SELECT concat('index ', name), data_compressed_bytes, data_uncompressed_bytes "
        "FROM system.data_skipping_indices WHERE database = currentDatabase() AND table = 'logs'"
    )
    parts = [Part(str(name), int(disk), int(raw)) for name, disk, raw in [*rows, *indexes]]
    # Parts of few records hold all columns in one file, and nobody knows what each takes.
    whole = next((each for each in by_table(store) if each.name.startswith("logs")), Part("", 0, 0))
    parts.append(
        Part(
            "(small parts)",
            max(0, whole.disk - sum(part.disk for part in parts)),
            max(0, whole.raw - sum(part.raw for part in parts)),
        )
    )
    return sorted((part for part in parts if part.disk), key=lambda part: -part.disk)


def by_table(store: Store) -> list[Part]:
    """The tables of the database, the largest first."""
    rows = store.rows(
        "SELECT table, sum(bytes_on_disk) AS disk, sum(data_uncompressed_bytes) FROM system.parts "
        "WHERE database = currentDatabase() AND active GROUP BY table ORDER BY disk DESC, table"
    )
    return [Part(str(name), int(disk), int(raw)) for name, disk, raw in rows]


def by_value(store: Store, search: Search, key: str) -> list[Share]:
    """Who wrote the records of a search: `key` is a column, a field, a label, or `_time:1d` for days."""
    (stage,) = parse(f"| stats count() as records, bytes() as written by {key}").stages
    query = replace(search.query, stages=(*search.query.stages, stage))
    rows = [row for page in find(store, replace(search, query=query)).rows() for row in page]
    named = [(_day(row[0]) if key.startswith("_time") else row[0], row[-2], row[-1]) for row in rows]
    return _shares(store, named, 1)


def by_field(store: Store, search: Search) -> list[Share]:
    """Fields of JSON records with their names, and all that is no JSON, in a sample."""
    pairs = json_pairs_sql("if(format = 'json', raw, '')")
    sizes = f"arrayMap(p -> (p.1, toInt64(length(p.1) + length(p.2) + 4)), {pairs})"
    rest = "if(format = 'json', '(braces, commas)', '(not JSON)')"
    parts = (
        f"arrayConcat({sizes}, "
        f"[({rest}, greatest(0, toInt64(length(raw)) - arraySum(arrayMap(p -> p.2, {sizes}))))])"
    )
    return _sampled(store, search, f"arrayJoin({parts}) AS part", "part.1", "part.2")


def by_pattern(store: Store, search: Search) -> list[Share]:
    """Messages by what stays the same in them, in a sample."""
    from loghouse.query.templates import masked

    masked_message = masked(f"substring({message_sql()}, 1, {LONGEST_MESSAGE})")
    return _sampled(store, search, f"{masked_message} AS part, raw", "part", "length(raw)")


def _sampled(store: Store, search: Search, parts: str, name: str, size: str) -> list[Share]:
    (stage,) = parse("| stats count()").stages
    counting = find(store, replace(search, query=replace(search.query, stages=(*search.query.stages, stage))))
    total = sum(int(count) for page in counting.rows() for (count,) in page)
    every = max(1, total // SAMPLED)
    found = find(store, search).compiled
    rows = store.rows(
        f"SELECT {name} AS name, count(), sum({size}) AS written FROM (SELECT {parts} FROM ("
        "SELECT raw, if(startsWith(raw, '{') AND isValidJSON(raw), 'json', 'text') AS format "
        f"FROM ({found.raw_sql}) WHERE cityHash64(raw) % {every} = 0)) "
        "GROUP BY name ORDER BY written DESC, name",
        found.params,
        found.settings,
    )
    return _shares(store, rows, every)


def _day(ns: int) -> str:
    return datetime.fromtimestamp(ns // NANOSECONDS, UTC).strftime("%Y-%m-%d")


def _shares(store: Store, rows: Iterable[Sequence[Any]], times: int) -> list[Share]:
    """With the share of each in what is on disk, as if all compressed alike; the largest first."""
    disk, _ = table_size(store)
    written = int(store.rows("SELECT sum(bytes) FROM counts")[0][0]) or 1
    found = [
        Share(as_text(name), int(count) * times, int(size) * times, int(size) * times * disk // written)
        for name, count, size in rows
    ]
    return sorted(found, key=lambda share: (-share.written, share.name))
