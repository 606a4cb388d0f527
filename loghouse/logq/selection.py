"""From options to a search: the query, the time and where the records come from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from loghouse.errors import UsageError
from loghouse.logq.options import DEFAULT_SINCE, Selection, Times, Where
from loghouse.logq.zone import zone as zone_of
from loghouse.query import Filter, Query, TimeRange, parse, scope_filter, window
from loghouse.query.ast import Compare, Glob, Key, Value, all_of, any_of


@dataclass(frozen=True, slots=True)
class Selected:
    """Which records, read from the options."""

    query: Query
    scope: Filter | None
    window: TimeRange
    now_ns: int
    zone: tzinfo


def select(words: Sequence[str], options: Selection) -> Selected:
    """Read the query and the options that narrow it; raises `UsageError` for what cannot be read."""
    here = zone_of(options.utc, options.tz)
    now_ns = time.time_ns()
    return Selected(
        query=parse(" ".join(words)),
        scope=_scope(options),
        window=window_of(options, now_ns, here),
        now_ns=now_ns,
        zone=here,
    )


def window_of(options: Times, now_ns: int, zone: tzinfo) -> TimeRange:
    """The time that the options name, counted from `now_ns`."""
    return window(
        now_ns,
        since=options.since,
        start=options.from_,
        end=options.to,
        default=DEFAULT_SINCE,
        zone=zone,
    )


def with_stages(selected: Selected, stages: str) -> Selected:
    """The same records, with these stages after those of the query."""
    added = parse(f"| {stages}").stages
    return replace(selected, query=replace(selected.query, stages=(*selected.query.stages, *added)))


def context_stage(before: int | None, after: int | None, around: int | None) -> str:
    """The stage that the flags -B, -A and -C ask for, '' for none."""
    if before is None and after is None and around is None:
        return ""
    sides = [around or 0 if side is None else side for side in (before, after)]
    for side in sides:
        if side < 0:
            raise UsageError(f"{side} is not a number of records")
    return f"context before {sides[0]} after {sides[1]}"


def _scope(options: Where) -> Filter | None:
    parts = [
        part
        for part in (
            scope_filter(options.namespace, options.pod, options.container, options.label, options.level),
            _on_nodes(options.node),
        )
        if part is not None
    ]
    return all_of(parts) if parts else None


def _on_nodes(names: Sequence[str]) -> Filter | None:
    if not all(names):
        raise UsageError("the name of the node is empty")
    key = Key("node")
    wanted: list[Filter] = [
        Glob(key, tuple(name.split("*"))) if "*" in name else Compare(key, "==", Value(name))
        for name in names
    ]
    return any_of(wanted) if wanted else None
