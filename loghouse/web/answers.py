"""What a handler gives back, and errors as the API tells them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from loghouse.errors import LoghouseError, OlderTables, QueryError, StoreError, StoreUnreachable, UsageError
from loghouse.render.pages import Writer

JSON = "application/json"
JSON_LINES = "application/x-ndjson"
EVENTS = "text/event-stream"
CSV = "text/csv; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

MISSING_TABLES = (60, 81)  # UNKNOWN_TABLE, UNKNOWN_DATABASE

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole body."""

    body: bytes = b""
    kind: str = JSON
    status: int = 200
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """A body of any length: `write` gets something to write to, and writes and flushes in pieces."""

    write: Callable[[Writer], object]
    kind: str
    headers: Headers = field(default_factory=dict)


class Refused(LoghouseError):
    """A request that is not answered, with the status that says why."""

    def __init__(self, status: int, message: str, hint: str = "", headers: Headers | None = None) -> None:
        super().__init__(message, hint)
        self.status = status
        self.headers = dict(headers or {})


def json_answer(value: object, status: int = 200, headers: Headers | None = None) -> Answer:
    """A value as JSON."""
    return Answer(encoded(value), JSON, status, headers or {})


def encoded(value: object) -> bytes:
    """JSON in UTF-8; half of a surrogate pair, as a log may hold it, stays an escape."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # orjson takes neither surrogates nor integers above 64 bits
        return json.dumps(value, default=str).encode("ascii")


def refusal(error: Exception) -> Answer:
    """An error as JSON: what is wrong, where in the query, and what to do."""
    if isinstance(error, Refused):
        return _told(error.status, error.message, error.hint, headers=error.headers)
    if isinstance(error, QueryError):
        return _told(400, error.message, error.hint, _place(error))
    if isinstance(error, UsageError):
        return _told(400, error.message, error.hint)
    if isinstance(error, StoreUnreachable):
        return _told(
            503, "the store cannot be reached", "Try again in a moment", headers={"Retry-After": "2"}
        )
    if isinstance(error, OlderTables) or (isinstance(error, StoreError) and error.code in MISSING_TABLES):
        return _told(503, "the store does not have the tables of this version", "Run: loghouse migrate")
    if isinstance(error, StoreError) and error.hint:
        return _told(422, error.message.replace("--", ""), "Narrow the query or its time range")
    # What ClickHouse says may quote values of records that the reader may not see.
    reference = uuid4().hex[:12]
    sys.stderr.write(f"error {reference}: {type(error).__name__}: {error}\n")
    status = 502 if isinstance(error, StoreError) else 500
    what = "the store refused the query" if status == 502 else "something went wrong here"
    return _told(status, what, f"The server's log has more about {reference}")


def _told(
    status: int,
    message: str,
    hint: str,
    place: Mapping[str, int] | None = None,
    headers: Headers | None = None,
) -> Answer:
    told: dict[str, Any] = {"error": message, "hint": hint}
    if place is not None:
        told["place"] = place
    return json_answer(told, status, headers)


def _place(error: QueryError) -> Mapping[str, int]:
    """Characters of the query, from 0; line and column for people, from 1."""
    before = error.text[: error.start]
    line = before.count("\n") + 1
    column = error.start - (before.rfind("\n") + 1) + 1
    return {"start": error.start, "end": error.end, "line": line, "column": column}
