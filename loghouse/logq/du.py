"""`logq du`: what costs the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loghouse.errors import ExitCode, UsageError
from loghouse.logq.files import opened
from loghouse.logq.limits import written_size
from loghouse.logq.options import Format, Reading, option

if TYPE_CHECKING:
    from loghouse.logq.selection import Selected
    from loghouse.store.client import Store

DEFAULT_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq du`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="Only what this query finds.")] = ()
    by: Annotated[
        str,
        option(
            "--by",
            help="namespace, pod, container, level, format, day, pattern, field, or the name of a field; "
            "column and table for the files themselves. [default: namespace]",
            env="DU_BY",
        ),
    ] = "namespace"
    limit: Annotated[
        int,
        option("--limit", help=f"The largest so many; 0 is all. [default: {DEFAULT_ROWS}]", env="DU_LIMIT"),
    ] = DEFAULT_ROWS


def du(options: Options) -> ExitCode:
    """Say what costs the disk: whose records, which messages, which fields; by default of all time.

    Example: logq du --by pattern -n prod --since 1d
    """
    from loghouse.logq.selection import select

    if options.limit < 0:
        raise UsageError(f"--limit {options.limit} is not a number of rows", "0 means all of them")
    with opened(options, select(options.query, options), options.query) as (store, selected):
        return (
            _files(options, store) if options.by in ("column", "table") else _owners(options, store, selected)
        )


def _files(options: Options, store: Store) -> ExitCode:
    from loghouse.usage import by_column, by_table

    parts = (by_column if options.by == "column" else by_table)(store)
    total = sum(part.disk for part in parts)
    rows = [
        (part.name, part.disk, _share(part.disk, total), part.raw, round(part.raw / max(part.disk, 1), 1))
        for part in parts
    ]
    return _print(options, (options.by, "disk", "share", "unpacked", "packed"), rows, ("disk", "unpacked"))


def _owners(options: Options, store: Store, selected: Selected) -> ExitCode:
    from loghouse.query import TimeRange, is_live
    from loghouse.query.timerange import LAST
    from loghouse.search import Search
    from loghouse.usage import by_field, by_pattern, by_value

    if not is_live(selected.query):
        raise UsageError(
            "du is about records, and this query makes something else of them", "Drop its stages"
        )
    everything = not (options.since or options.from_ or options.to or options.files)
    window = TimeRange(0, LAST) if everything else selected.window
    search = Search(selected.query, window, selected.now_ns, selected.scope, zone=selected.zone)
    match options.by:
        case "pattern":
            shares = by_pattern(store, search)
        case "field":
            shares = by_field(store, search)
        case by:
            shares = by_value(store, search, "_time:1d" if by == "day" else by)
    total = sum(share.written for share in shares)
    rows = [
        (
            share.name or "-",
            share.disk,
            _share(share.written, total),
            share.written,
            share.records,
            round(share.written / max(share.records, 1)),
        )
        for share in shares
    ]
    header = (options.by, "disk", "share", "written", "records", "bytes each")
    return _print(options, header, rows, ("disk", "written"))


def _print(
    options: Options, header: Sequence[str], rows: Sequence[Sequence[Any]], sizes: Sequence[str]
) -> ExitCode:
    """The rows; people get sizes with units, programs get bytes."""
    from loghouse.logq.output import stdout, table_renderer, terminal
    from loghouse.logq.zone import zone
    from loghouse.query import Compiled
    from loghouse.query.relation import Kind

    screen = terminal(options)
    if options.output is Format.PRETTY and (screen.is_one or screen.colour):
        places = [header.index(name) for name in sizes]
        rows = [
            [written_size(value) if place in places else value for place, value in enumerate(row)]
            for row in rows
        ]
    kinds: tuple[Kind, ...] = tuple("text" for _ in header)
    table = Compiled("", {}, tuple(header), "table", kinds)
    render = table_renderer(options, screen, zone(options.utc, options.tz), table)
    render(header, [rows[: options.limit or None]], stdout())
    return ExitCode.OK if rows else ExitCode.NOTHING_FOUND


def _share(part: int, total: int) -> float:
    return round(part / total, 4) if total else 0.0
