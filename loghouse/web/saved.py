"""Saved queries: the tabs of the page. What a shared one finds is asked for with the rights of the reader."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from loghouse.errors import UsageError
from loghouse.query import parse
from loghouse.saved_queries import Saved, readable, write
from loghouse.store.client import Store
from loghouse.web.answers import Answer, Refused, json_answer
from loghouse.web.calls import Call
from loghouse.web.parameters import LONGEST_QUERY

MOST = 500  # of one owner
LONGEST_NAME = 100
_ID = re.compile(r"[0-9a-f]{32}")


BODY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "query"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME},
        "query": {"type": "string", "maxLength": LONGEST_QUERY},
        "view": {"type": "string", "maxLength": LONGEST_QUERY},
        "shared": {"type": "boolean"},
        "position": {"type": "integer", "minimum": 0, "maximum": 1_000_000},
    },
}


def listed(call: Call) -> Answer:
    """One's own queries in their order, then those that others share."""
    with call.store() as store:
        return json_answer({"saved": [_shown(call, each) for each in _readable(call, store)]})


def create(call: Call) -> Answer:
    """Save a query."""
    given = _body(call)
    with call.writable_store() as store:
        own = [each for each in _readable(call, store) if each.owner == call.person.name]
        if len(own) >= MOST:
            raise UsageError(f"you have {len(own)} saved queries", "Delete some first")
        last = max((each.position for each in own), default=-1)
        saved = replace(Saved(uuid4().hex, call.person.name, "", "", position=last + 1), **given)
        write(store, saved)
    return json_answer(_shown(call, saved), 201)


def change(call: Call) -> Answer:
    """Write another name, query, place or sharing."""
    given = _body(call)
    with call.writable_store() as store:
        saved = replace(_own(call, store), **given)
        write(store, saved)
    return json_answer(_shown(call, saved))


def delete(call: Call) -> Answer:
    """Delete one query; all others stay as they are."""
    with call.writable_store() as store:
        write(store, _own(call, store), deleted=True)
    return Answer(status=204)


def _readable(call: Call, store: Store) -> list[Saved]:
    return readable(store, call.person.name)


def _own(call: Call, store: Store) -> Saved:
    """The query that the path names, if the caller may change it."""
    wanted = call.path["id"]
    found = next((each for each in _readable(call, store) if each.id == wanted), None)
    if not _ID.fullmatch(wanted) or found is None:
        raise Refused(404, "there is no such saved query")
    if found.owner != call.person.name and not call.person.admin:
        raise Refused(403, "this query belongs to somebody else", "Save a copy of it")
    return found


def _shown(call: Call, saved: Saved) -> dict[str, Any]:
    return {**asdict(saved), "own": saved.owner == call.person.name}


def _body(call: Call) -> dict[str, Any]:
    body = call.body
    if not isinstance(body, dict):
        raise UsageError("the body is not a JSON object", 'Write {"name": ..., "query": ...}')
    for name, schema in BODY_SCHEMA["properties"].items():
        if name in body:
            _check(name, body[name], schema)
        elif name in BODY_SCHEMA["required"]:
            raise UsageError(f'"{name}" is missing')
    unknown = [name for name in body if name not in BODY_SCHEMA["properties"]]
    if unknown:
        raise UsageError(f'unknown "{unknown[0][:100]}"', f"Known: {', '.join(BODY_SCHEMA['properties'])}")
    parse(body["query"])
    return body


def _check(name: str, value: Any, schema: dict[str, Any]) -> None:
    kinds: dict[str, type] = {"string": str, "boolean": bool, "integer": int}
    right = isinstance(value, kinds[schema["type"]]) and (schema["type"] == "boolean") == isinstance(
        value, bool
    )
    if right and isinstance(value, str):
        right = schema.get("minLength", 0) <= len(value) <= schema["maxLength"] and "\0" not in value
    elif right and schema["type"] == "integer":
        right = schema["minimum"] <= value <= schema["maximum"]
    if not right:
        raise UsageError(f'"{name}" is not what it should be', f"See /api/v1/openapi.json: {schema}")
