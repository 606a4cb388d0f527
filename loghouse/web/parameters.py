"""Parameters of the API, declared once: they are checked here, and the OpenAPI document is made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from loghouse.errors import UsageError
from loghouse.query import Filter, Query, TimeRange, parse, scope_filter, window
from loghouse.query.ast import Key, all_of
from loghouse.query.timerange import LAST
from loghouse.query.tokens import Scanner
from loghouse.web.calls import Call

DEFAULT_SINCE = "1h"
LONGEST_QUERY = 20_000  # characters; all parameters together fit into the head of a request
LONGEST_TEXT = 1000
LONGEST_NAME = 253  # of a namespace, as Kubernetes has it


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a request; `least` and `most` are bounds of a number."""

    name: str
    about: str
    kind: str = "string"  # or "integer", "boolean"
    default: str | int | None = None
    choices: Sequence[str] = ()
    repeated: bool = False
    required: bool = False
    least: int | None = None
    most: int | None = None
    longest: int = LONGEST_TEXT

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        schema: dict[str, Any] = {"type": self.kind}
        if self.kind == "integer":
            schema |= {"minimum": self.least, "maximum": self.most}
        elif self.kind == "string" and not self.choices:
            schema["maxLength"] = self.longest
            if self.required:
                schema["minLength"] = 1
        if self.choices:
            schema["enum"] = list(self.choices)
        if self.default is not None:
            schema["default"] = self.default
        return {"type": "array", "items": schema, "maxItems": 100} if self.repeated else schema


QUERY = Parameter(
    "query", "What to look for, in the query language; everything when left out.", longest=LONGEST_QUERY
)
SINCE = Parameter("since", f"How far back from `to`: 15m, 2h, 7d. Without `from` the last {DEFAULT_SINCE}.")
FROM = Parameter("from", "From this time on: 2026-08-01T10:00Z, yesterday, now-2h or a Unix time.")
TO = Parameter("to", "Up to, not including, this time; now when left out.")
ZONE = Parameter("tz", "The time zone in which times are read: Europe/Berlin.", default="UTC")
NAMESPACES = Parameter(
    "namespace",
    "Only this namespace; may be repeated, `*` is a wildcard.",
    repeated=True,
    longest=LONGEST_NAME,
)
SELECTION = (QUERY, SINCE, FROM, TO, ZONE, NAMESPACES)


@dataclass(frozen=True, slots=True)
class Selected:
    """Which records somebody asks for; `scope` is what he may read and the namespaces he chose."""

    query: Query
    window: TimeRange
    scope: Filter | None
    table: str
    now_ns: int
    zone: tzinfo


def checked(declared: Sequence[Parameter], given: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """The parameters as they were given; raises `UsageError` for one that is unknown or out of bounds."""
    known = {parameter.name: parameter for parameter in declared}
    for name, values in given.items():
        if name not in known:
            raise UsageError(f'unknown parameter "{name[:100]}"', f"Known: {', '.join(known) or 'none'}")
        for value in values:
            _check(known[name], value)
        if len(values) > (100 if known[name].repeated else 1):
            raise UsageError(f'"{name}" is given {len(values)} times')
    for parameter in declared:
        if parameter.required and not any(given.get(parameter.name, ())):
            raise UsageError(f'the parameter "{parameter.name}" is missing', parameter.about)
    return given


def number(call: Call, parameter: Parameter) -> int:
    """The value of a parameter of kind integer that was checked."""
    return int(call.text(parameter.name, str(parameter.default)))


def truth(call: Call, name: str) -> bool:
    """The value of a parameter of kind boolean that was checked."""
    return call.text(name) == "true"


def selected(call: Call, ahead: int = 0) -> Selected:
    """Read the parameters of `SELECTION`; an end that is not given lies `ahead` nanoseconds after now."""
    zone = _zone(call.text("tz"))
    query = parse(call.text("query"))
    return Selected(query, _window(call, zone, ahead), scope_of(call), call.person.table, call.now_ns, zone)


def scope_of(call: Call) -> Filter | None:
    """What the person may read, and of that the namespaces that were asked for."""
    parts = [call.person.scope, scope_filter(namespaces=call.texts("namespace"))]
    found = [part for part in parts if part is not None]
    return all_of(found) if found else None


def key_of(text: str) -> Key:
    """A column, a field or a `~label`; raises `QueryError`."""
    scan = Scanner(text)
    key = scan.key()
    if key is None or not scan.at_end:
        raise scan.error(
            f'"{text[:100]}" is not the name of a field', "Write it like status, user.id or ~app"
        )
    return key


def _window(call: Call, zone: tzinfo, ahead: int) -> TimeRange:
    if call.text("since") and call.text("from"):
        raise UsageError('"since" and "from" both say where to start', "Give one of them")
    found = window(
        call.now_ns,
        since=call.text("since") or None,
        start=call.text("from") or None,
        end=call.text("to") or None,
        default=DEFAULT_SINCE,
        zone=zone,
    )
    return found if call.text("to") else TimeRange(found.start, min(found.end + ahead, LAST))


def _zone(name: str) -> tzinfo:
    if name in ("", "UTC"):
        return UTC
    try:
        if not re.fullmatch(r"[A-Za-z0-9_+/-]{1,64}", name):
            raise ValueError
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f'unknown time zone "{name[:100]}"', "Write it like Europe/Berlin or UTC") from None


def _check(parameter: Parameter, value: str) -> None:
    name = parameter.name
    if len(value) > parameter.longest:
        raise UsageError(f'"{name}" has {len(value)} characters', f"At most {parameter.longest} are read")
    if "\0" in value:
        raise UsageError(f'"{name}" holds a null character', "Leave it out")
    if parameter.choices and value not in parameter.choices:
        raise UsageError(f'"{value[:100]}" is not a {name}', f"Choose one of {', '.join(parameter.choices)}")
    if parameter.kind == "boolean" and value not in ("true", "false"):
        raise UsageError(f'{name} "{value[:100]}" is neither true nor false')
    if parameter.kind == "integer":
        least, most = parameter.least or 0, parameter.most or 0
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII) or not least <= int(value) <= most:
            raise UsageError(f'{name} "{value[:100]}" is not a whole number from {least} to {most}')
