"""What may come next on a command line: verbs, options, and what the store knows, quickly or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from loghouse.errors import LoghouseError

if TYPE_CHECKING:
    from loghouse.store.client import Store

LIMIT_SECONDS = 0.3  # a shell that waits longer is worse than one that does not complete
MOST = 200
VALUES_SINCE_HOURS = 24
COLUMNS = (
    *("namespace", "pod", "container", "node", "workload", "level", "message", "timestamp"),
    *("stream", "format", "raw"),
)

Words = Iterable[tuple[str, str]]  # a word and what it is


def answer(words: Sequence[str], url: str | None) -> list[tuple[str, str]]:
    """The words that may stand in place of the last one; none when the store does not answer in time."""
    *before, begun = words or ("",)
    try:
        found = list(_suggested(before, begun, url))
    except (LoghouseError, OSError, ValueError):
        found = []
    return [(word, hint) for word, hint in found if word.isprintable()][:MOST]


def _suggested(before: Sequence[str], begun: str, url: str | None) -> Words:
    from loghouse.logq.cli import VERBS

    if not before:
        return _beginning(VERBS.items(), begun)
    verb = before[0] if before[0] in VERBS else "search"
    names = _options_of(verb)
    flag, equals, value = begun.partition("=")
    if begun.startswith("-"):
        if equals and flag in names:
            return [(f"{flag}={word}", hint) for word, hint in _values_of(names[flag], value, url)]
        return _beginning(((name, "option") for name in names), begun)
    if before[-1] in names and names[before[-1]].takes_value:
        return _values_of(names[before[-1]], begun, url)
    return _of_query(verb, before, begun, url)


class _Option:
    """An option of a verb as completion needs to know it."""

    def __init__(self, name: str, kind: Any) -> None:
        self.name = name
        self.takes_value = kind is not bool
        self.choices = [str(item) for item in kind] if _is_choice(kind) else []


def _options_of(verb: str) -> Mapping[str, _Option]:
    options = import_module(f"loghouse.logq.{verb}").Options
    hints = get_type_hints(options, include_extras=True)
    found: dict[str, _Option] = {}
    for each in fields(options):
        kind, declared = get_args(hints[each.name])
        # typer takes the first name for a default until it builds the command.
        for names in (declared.default, *(declared.param_decls or ())):
            for flag in names.split("/") if isinstance(names, str) and names.startswith("-") else ():
                found[flag] = _Option(each.name, kind)
    return found


def _is_choice(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _values_of(option: _Option, begun: str, url: str | None) -> Words:
    """The values of an option; none where the shell's own file names are better."""
    if option.choices:
        return _beginning(((choice, "") for choice in option.choices), begun)
    match option.name:
        case "use_profile":
            from loghouse.profiles import load_profile

            names = load_profile(None, Path.cwd(), os.environ).names
            return _beginning(((name, "profile") for name in names), begun)
        case "level":
            from loghouse.record import LEVELS

            return _beginning(((level, "level") for level in LEVELS[1:]), begun)
        case "namespace" | "pod" | "container" | "node":
            with _store(url) as store:
                return _of_streams(store, option.name, begun)
        case "label":
            with _store(url) as store:
                return _labels(store, begun)
        case "fields" | "of" | "across" | "by":
            with _store(url) as store:
                return list(_fields(store, begun, ""))
    return []


def _of_query(verb: str, before: Sequence[str], begun: str, url: str | None) -> Words:
    """Words of a query: fields with `=`, their values, stages behind a bar; names of saved queries."""
    if verb == "saved":
        return _of_saved(before, begun, url)
    name, equals, value = begun.partition("=")
    head, bar, stage = begun.rpartition("|")
    if bar:
        return _stages(f"{head}|{' ' if stage.startswith(' ') else ''}", stage.strip())
    if equals:
        return [(f"{name}={found}", count) for found, count in _field_values(url, name, value)]
    with _store(url) as store:
        return list(_fields(store, begun, "" if verb == "values" and len(before) == 1 else "="))


def _of_saved(before: Sequence[str], begun: str, url: str | None) -> Words:
    if len(before) == 1:
        return _beginning(((action, "") for action in ("list", "save", "run", "delete")), begun)
    if len(before) > 2:
        return []
    from loghouse.logq.saved import owner_of
    from loghouse.saved_queries import readable

    with _store(url) as store:
        return _beginning([(each.name, each.query) for each in readable(store, owner_of(""))], begun)


def _stages(head: str, begun: str) -> Words:
    from loghouse.query.stages import KINDS

    return [(f"{head}{kind.names[0]}", kind.example) for kind in KINDS if kind.names[0].startswith(begun)]


def _of_streams(store: Store, column: str, begun: str) -> Words:
    """Who writes, the busiest first; `column` is one of four names of ours."""
    rows = store.rows(
        f"SELECT {column} AS name, sum(records) AS amount FROM streams "  # noqa: S608 - see above
        "WHERE startsWith(name, {begun:String}) AND name != '' "
        "GROUP BY name ORDER BY amount DESC, name LIMIT {most:UInt32}",
        {"begun": begun, "most": MOST},
    )
    return [(str(name), f"{amount} records") for name, amount in rows]


def _labels(store: Store, begun: str) -> Words:
    rows = store.rows(
        "SELECT concat(pair.1, '=', pair.2) AS label, sum(records) AS amount FROM "
        "(SELECT arrayJoin(CAST(labels, 'Array(Tuple(String, String))')) AS pair, records FROM streams) "
        "WHERE startsWith(label, {begun:String}) "
        "GROUP BY label ORDER BY amount DESC, label LIMIT {most:UInt32}",
        {"begun": begun, "most": MOST},
    )
    return [(str(label), f"{amount} records") for label, amount in rows]


def _fields(store: Store, begun: str, ending: str) -> Iterator[tuple[str, str]]:
    for name, kind in _beginning(((name, "column") for name in COLUMNS), begun):
        yield f"{name}{ending}", kind
    rows = store.rows(
        "SELECT field FROM fields WHERE startsWith(field, {begun:String}) "
        "GROUP BY field ORDER BY sum(records) DESC LIMIT {most:UInt32}",
        {"begun": begun, "most": MOST},
    )
    for (name,) in rows:
        if name not in COLUMNS:
            yield f"{name}{ending}", "field"


def _field_values(url: str | None, name: str, begun: str) -> Words:
    """The values of the last day that begin so, the most frequent first."""
    import time

    from loghouse.query import TimeRange, compile, parse
    from loghouse.query.spelling import value as spelled
    from loghouse.query.timerange import HOUR
    from loghouse.render.template import as_text

    start = f"{name}:{begun}*" if begun else f"has({name})"
    now_ns = time.time_ns()
    compiled = compile(
        parse(f"{start} | top 20 {name}"),
        TimeRange(now_ns - VALUES_SINCE_HOURS * HOUR, now_ns + HOUR),
        now_ns=now_ns,
    )
    with _store(url) as store:
        rows = store.rows(compiled.sql, compiled.params, compiled.settings)
    return [(spelled(as_text(value)), f"{count} times") for value, count, _ in rows if as_text(value)]


def _beginning(words: Iterable[tuple[str, str]], begun: str) -> list[tuple[str, str]]:
    return [(word, hint) for word, hint in words if word.startswith(begun)]


def _store(url: str | None) -> Store:
    from loghouse.config import store_url
    from loghouse.store.client import Store, driver_class

    place = store_url(url)
    driver_class(place.secure)  # is imported here, and not while the store is waited for
    # Whatever takes longer, a name server as well: the shell gets nothing, and not late.
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    return Store(place, settings={"max_execution_time": LIMIT_SECONDS, "max_threads": 2})


def _give_up(number: int, frame: FrameType | None) -> None:
    os._exit(0)
