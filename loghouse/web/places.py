"""`/api/v1/namespaces` and `/api/v1/me`: what there is to read, and for whom."""

from __future__ import annotations

from loghouse.query import filter_sql
from loghouse.web.answers import Answer, json_answer
from loghouse.web.calls import Call


def namespaces(call: Call) -> Answer:
    """The namespaces that the caller may read, with the time of their newest record."""
    scope = call.person.scope
    where, params = filter_sql(scope, now_ns=call.now_ns) if scope is not None else ("1", {})
    with call.store() as store:
        rows = store.rows(
            "SELECT namespace, toUnixTimestamp(max(last_seen)), sum(records), uniqExact(pod) "  # noqa: S608
            f"FROM streams WHERE {where} GROUP BY namespace ORDER BY namespace LIMIT 10000",
            params,
        )
    return json_answer(
        {
            "namespaces": [
                {"name": name, "last_seen": seen, "records": records, "pods": pods}
                for name, seen, records, pods in rows
            ]
        }
    )
