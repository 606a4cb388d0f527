"""Queries that people saved, in the store itself: the terminal and the page show the same.

Rows are only ever added; the newest row of an id is what holds. A query belongs to who saved it and, when it
is shared, can be seen by all. Sharing shows the text of a query, never what it finds.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loghouse.store.client import Store

COLUMNS = ("id", "owner", "name", "query", "view", "shared", "position")


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved query; `view` is what else the page shows, as the parameters of its address."""

    id: str
    owner: str
    name: str
    query: str
    view: str = ""
    shared: bool = False
    position: int = 0


def readable(store: Store, owner: str) -> list[Saved]:
    """One's own queries in their order, then those that others share."""
    # The newest row of each id, wherever in a cluster it was written.
    columns = ", ".join(f"found.{place}" for place in range(1, len(COLUMNS) + 1))
    rows = store.rows(
        f"SELECT {columns} FROM (SELECT argMax(tuple({', '.join(COLUMNS)}, deleted), version) AS found "  # noqa: S608
        f"FROM saved GROUP BY saved.id) WHERE found.{len(COLUMNS) + 1} = 0 "
        "AND (found.2 = {owner:String} OR found.6) "
        "ORDER BY found.2 != {owner:String}, found.7, found.3, found.1",
        {"owner": owner},
    )
    return [
        Saved(id, owner, name, query, view, bool(shared), position)
        for id, owner, name, query, view, shared, position in rows
    ]


def write(store: Store, saved: Saved, deleted: bool = False) -> None:
    """Add or change a query, or delete it."""
    values: list[Sequence[Any]] = [
        [value.encode("utf-8", "replace") if isinstance(value, str) else int(value)]
        for value in (getattr(saved, name) for name in COLUMNS)
    ]
    # Two changes of one query in the same nanosecond are one too many for a person.
    store.insert("saved", (*COLUMNS, "deleted", "version"), [*values, [int(deleted)], [time.time_ns()]], {})
