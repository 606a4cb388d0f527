"""Which fields there are, and which one somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from loghouse.errors import QueryError
from loghouse.query import Query, TimeRange, compile
from loghouse.query.ast import Key
from loghouse.query.columns import COLUMNS, column_of
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
    names, stages = set(known), _stages_of_records(query)
    # The last of them may be the one that makes a table, which has none.
    for seen in (stages[:-1], stages):
        names.update(compile(replace(query, stages=seen), TimeRange(0, MINUTE), now_ns=MINUTE).made)
    for key in _keys((query.filter, stages)):
        if key.kind not in ("plain", "literal") or column_of(key) is not None or key.name in names:
            continue
        meant = nearest(key.name, [*known, *COLUMNS])
        if meant and meant != key.name:
            return key.span.error(f'unknown field "{key.name}", did you mean "{meant}"?')
    return None


def _stages_of_records(query: Query) -> tuple[Any, ...]:
    """The stages up to the first that makes a table: what the others name are its columns."""
    for number in range(1, len(query.stages) + 1):
        so_far = replace(query, stages=query.stages[:number])
        if compile(so_far, TimeRange(0, MINUTE), now_ns=MINUTE).kind == "table":
            return so_far.stages
    return query.stages


def _keys(node: Any) -> Iterator[Key]:
    """Every key that a tree names, in the order of the text."""
    if isinstance(node, Key):
        yield node
    elif isinstance(node, tuple):
        for item in node:
            yield from _keys(item)
    elif is_dataclass(node):
        for each in fields(node):
            if each.name not in ("span", "text", "notices"):
                yield from _keys(getattr(node, each.name))
