"""Which fields there are, and which one somebody probably meant."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from loghouse.errors import QueryError
from loghouse.query import Query, TimeRange, compile
from loghouse.query.ast import Key, keys_of
from loghouse.query.columns import COLUMNS, column_of
from loghouse.query.stages.unpack import Unpack
from loghouse.query.suggest import nearest
from loghouse.query.timerange import MINUTE
from loghouse.store.client import Store

MOST = 10_000  # fields; more than that are not names but data


def known_fields(store: Store) -> list[str]:
    """The fields of the catalogue, the most frequent first."""
    rows = store.rows(
        "SELECT field FROM fields GROUP BY field ORDER BY sum(records) DESC LIMIT {most:UInt32}",
        {"most": MOST},
    )
    return [str(name) for (name,) in rows]


def unknown_field(query: Query, known: list[str]) -> QueryError | None:
    """The first field of the query that no record has, when there is one with almost that name."""
    names = set(known)
    for key in named_fields(query):
        if key.name in names:
            continue
        meant = nearest(key.name, [*known, *COLUMNS])
        if meant and meant != key.name:
            return key.span.error(f'unknown field "{key.name}", did you mean "{meant}"?')
    return None


def rare_fields(query: Query, known: list[str]) -> list[Key]:
    """The fields of the query that are not in the catalogue, which is made of samples.

    None after a stage that unpacks texts: nobody knows what it finds.
    """
    if any(isinstance(stage, Unpack) for stage in query.stages):
        return []
    return [key for key in named_fields(query) if key.name not in known]


def named_fields(query: Query) -> list[Key]:
    """The fields of records that a query names, without those that its stages make."""
    stages = _stages_of_records(query)
    made: set[str] = set()
    # The last of them may be the one that makes a table, which has none.
    for seen in (stages[:-1], stages):
        made.update(compile(replace(query, stages=seen), TimeRange(0, MINUTE), now_ns=MINUTE).made)
    return [
        key
        for key in keys_of((query.filter, stages))
        if key.kind in ("plain", "literal") and column_of(key) is None and key.name not in made
    ]


def _stages_of_records(query: Query) -> tuple[Any, ...]:
    """The stages up to the first that makes a table: what the others name are its columns."""
    for number in range(1, len(query.stages) + 1):
        so_far = replace(query, stages=query.stages[:number])
        if compile(so_far, TimeRange(0, MINUTE), now_ns=MINUTE).kind == "table":
            return so_far.stages
    return query.stages
