"""What to say when nothing was found: the field that was meant, the time in which there is something."""

from __future__ import annotations

from typing import Any

from loghouse.access.people import Person
from loghouse.known_fields import unknown_field
from loghouse.query import Filter, filter_sql
from loghouse.render.clock import Clock
from loghouse.search import Search, newest_before
from loghouse.store.client import Store
from loghouse.web.parameters import Selected

MOST_FIELDS = 10_000


def guess(store: Store, wanted: Selected, person: Person) -> dict[str, Any]:
    """`hint` and perhaps `place`, `older`; nothing is told of namespaces that the person may not read."""
    mistake = unknown_field(wanted.query, catalogue(store, person.scope, wanted.now_ns))
    if mistake is not None:
        return {"hint": mistake.message, "place": {"start": mistake.start, "end": mistake.end}}
    search = Search(
        wanted.query, wanted.window, wanted.now_ns, wanted.scope, zone=wanted.zone, table=wanted.table
    )
    older = newest_before(store, search)
    if older is None:
        return {"hint": "nothing found"}
    return {"hint": "nothing found in this time range", "older": Clock().rfc3339(older)}


def catalogue(store: Store, scope: Filter | None, now_ns: int) -> list[str]:
    """The fields that records of readable namespaces have, the most frequent first."""
    where, params = filter_sql(scope, now_ns=now_ns) if scope is not None else ("1", {})
    sql = (
        f"SELECT field FROM fields WHERE {where} GROUP BY field "  # noqa: S608 - made of bound values
        "ORDER BY sum(records) DESC, field LIMIT {most:UInt32}"
    )
    return [str(name) for (name,) in store.rows(sql, {**params, "most": MOST_FIELDS})]
