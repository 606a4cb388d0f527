"""Completion of a query: fields, labels, values, stages and functions, for where the cursor stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from loghouse.errors import LoghouseError, StoreError
from loghouse.query import Query, compile, filter_sql
from loghouse.query.ast import Filter, Glob, Key, all_of
from loghouse.query.columns import COLUMNS
from loghouse.query.spelling import value as spelled
from loghouse.query.stages import KINDS
from loghouse.query.stages.functions import NAMES
from loghouse.query.stages.top import Top
from loghouse.query.timerange import HOUR, TimeRange
from loghouse.record import LEVELS
from loghouse.render.template import as_text
from loghouse.store.client import Store
from loghouse.web.answers import Answer, json_answer
from loghouse.web.calls import Call
from loghouse.web.guesses import catalogue
from loghouse.web.parameters import LONGEST_QUERY, NAMESPACES, QUERY, Parameter, key_of, number, scope_of

POSITION = Parameter(
    "position", "Where the cursor stands, in characters.", "integer", 0, least=0, most=LONGEST_QUERY
)
PARAMETERS = (QUERY, POSITION, NAMESPACES)

MOST = 30
SECONDS = 2  # a completion that takes longer is of no use
VALUES_SINCE = 24 * HOUR

_VALUE = re.compile(r"(~?[A-Za-z_@][\w.@/-]*)\s*(?::|==|!=|>=|<=|=|>|<)\s*(?:\"([^\"]*)|([^\s\"()|]*))$")
_STAGE = re.compile(r"\|\s*(\w*)$")
_FUNCTION = re.compile(r"\|\s*(?:stats|summarize)\s(?:.*[,\s])?(\w*)$", re.DOTALL)
_FIELD_LIST = re.compile(
    r"\|\s*(?:fields|keep|table|drop|sort|order|top|rare|uniq|patterns|hist|stats)\b[^|]*$"
)
_NAME = re.compile(r"(~?[A-Za-z_@][\w.@/-]*|~)$")

Item = dict[str, str]


def complete(call: Call) -> Answer:
    """What may stand at the cursor, the likeliest first, and from where on it replaces the text."""
    text = call.text("query")[: number(call, POSITION)]
    with call.store(SECONDS) as store:
        try:
            start, items = _suggested(call, store, text)
        except (StoreError, LoghouseError):
            start, items = len(text), []
    return json_answer({"from": start, "items": items[:MOST]})


def _suggested(call: Call, store: Store, text: str) -> tuple[int, list[Item]]:
    if found := _STAGE.search(text):
        return found.start(1), _stages(found[1])
    if found := _VALUE.search(text):
        begun = found[2] if found[2] is not None else found[3]
        start = found.end() - len(begun) - (found[2] is not None)
        return start, _values(call, store, key_of(found[1]), begun)
    found = _NAME.search(text)
    begun = found[1] if found else ""
    start = len(text) - len(begun)
    names = [_item(name, "function") for name in _beginning(NAMES, begun)] if _FUNCTION.search(text) else []
    names += _fields(call, store, begun)
    if not _FIELD_LIST.search(text) and begun and not begun.startswith("~"):
        names += [_item(word, "keyword") for word in _beginning(("and", "or", "not"), begun)]
    return start, names


def _stages(begun: str) -> list[Item]:
    return [
        _item(kind.names[0], "stage", kind.example)
        for kind in KINDS
        if kind.names[0].startswith(begun.lower())
    ]


def _fields(call: Call, store: Store, begun: str) -> list[Item]:
    scope = scope_of(call)
    if begun.startswith("~"):
        return [_item(f"~{name}", "label") for name in _beginning(_labels(call, store, scope), begun[1:])]
    columns = dict.fromkeys(COLUMNS.values(), "column")
    kinds = columns | dict.fromkeys(catalogue(store, scope, call.now_ns), "field") | columns
    return [_item(name, kinds[name]) for name in _beginning(kinds, begun)]


def _labels(call: Call, store: Store, scope: Filter | None) -> list[str]:
    hidden = [name[1:] for name in call.person.masks if name.startswith("~")]
    where, params = filter_sql(scope, now_ns=call.now_ns) if scope is not None else ("1", {})
    rows = store.rows(
        "SELECT arrayJoin(mapKeys(labels)) AS label FROM streams "  # noqa: S608 - made of bound values
        f"WHERE {where} GROUP BY label ORDER BY count() DESC, label LIMIT 1000",
        params,
    )
    return [str(name) for (name,) in rows if name not in hidden]


def _values(call: Call, store: Store, key: Key, begun: str) -> list[Item]:
    if COLUMNS.get(key.name) == "level" and key.kind == "plain":
        return [_item(name, "value") for name in _beginning(LEVELS[1:], begun)]
    parts: list[Filter] = [Glob(key, (begun, ""))]
    compiled = compile(
        Query(all_of(parts) if begun else None, (Top(MOST, (key,)),)),
        TimeRange(call.now_ns - VALUES_SINCE, call.now_ns + HOUR),
        table=call.person.table,
        scope=scope_of(call),
        now_ns=call.now_ns,
    )
    rows = store.rows(compiled.sql, compiled.params, compiled.settings)
    texts = [(as_text(value), count) for value, count, _ in rows]
    return [_item(spelled(text), "value", f"{count} times") for text, count in texts if text]


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    """Names that begin so, then those that hold it."""
    lower = begun.lower()
    known = list(names)
    first = [name for name in known if name.lower().startswith(lower)]
    return first + [name for name in known if lower in name.lower() and name not in first]


def _item(text: str, kind: str, detail: Any = "") -> Item:
    return {"text": text, "kind": kind, "detail": str(detail)}
