"""`logq search`: the records a query finds, or the table its stages make of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.console import say, told
from loghouse.errors import ExitCode, QueryError, StoreError, UsageError
from loghouse.logq.files import opened, print_stream, streams
from loghouse.logq.limits import keep_budget
from loghouse.logq.options import DEFAULT_LIMIT, Format, Reading, option
from loghouse.logq.pager import paged

if TYPE_CHECKING:
    from loghouse.logq.output import Terminal
    from loghouse.logq.selection import Selected
    from loghouse.query import Query
    from loghouse.search import Found, Search
    from loghouse.store.client import Store


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq search`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="What to look for; everything when left out.")] = ()
    limit: Annotated[
        int | None,
        option(
            "--limit",
            help=f"At most so many records, the newest; 0 is all. [default: {DEFAULT_LIMIT}]",
            env="LIMIT",
        ),
    ] = None
    before: Annotated[
        int | None, option("-B", "--before", help="And so many records before each.", env="BEFORE")
    ] = None
    after: Annotated[
        int | None, option("-A", "--after", help="And so many records after each.", env="AFTER")
    ] = None
    around: Annotated[int | None, option("-C", "--around", help="Both.", env="AROUND")] = None
    alert: Annotated[
        str | None, option("--alert", help="The logs of this alert, around its start.", env="ALERT")
    ] = None
    alertmanager: Annotated[
        str | None, option("--alertmanager", help="Who knows the alerts.", env="ALERTMANAGER")
    ] = None


def search(options: Options) -> ExitCode:
    """Search records: oldest first, the newest at the bottom.

    Examples: logq search 'error level>=warn' -n prod --since 2h;
    logq search 'status>=500 | top 5 path'
    """
    from loghouse.logq.output import terminal
    from loghouse.logq.selection import context_stage, select, with_stages

    if options.limit is not None and options.limit < 0:
        raise UsageError(f"--limit {options.limit} is not a number of records", "0 means all of them")
    selected = select(options.query, options)
    if options.alert is not None:
        from loghouse.logq.alerts import around_alert

        given = (options.since, options.from_, options.to)
        selected = around_alert(selected, options.alert, options.alertmanager, keep_window=any(given))
    if stage := context_stage(options.before, options.after, options.around):
        selected = with_stages(selected, stage)
    if not options.quiet:
        for notice in selected.query.notices:
            span = notice.span
            say(told(QueryError(notice.message, span.text, span.start, span.end), "note"))
    if options.limit is None and streams(options, selected):
        return print_stream(options, selected, terminal(options))
    with opened(options, selected, options.query) as (store, selected):
        return answer(options, options.limit, selected, store, terminal(options))


def answer(
    options: Reading, given_limit: int | None, selected: Selected, store: Store, screen: Terminal
) -> ExitCode:
    """Run a search and print what it finds; what there is to say about it goes to stderr."""
    from loghouse.logq.output import prints_fields
    from loghouse.search import Search, find

    limit = DEFAULT_LIMIT if given_limit is None else given_limit or None
    search = Search(
        query=selected.query,
        window=selected.window,
        now_ns=selected.now_ns,
        scope=selected.scope,
        limit=limit,
        limit_tables=given_limit is not None,
        zone=selected.zone,
        strings=prints_fields(options),
    )
    began = time.monotonic()
    found = find(store, search)
    keep_budget(store, options, found.compiled.sql, found.compiled.params)
    try:
        with paged(options.pager):
            count = _print(options, screen, selected, found)
    except StoreError as error:
        if not found.delivered:
            raise
        say(told(error))
        say(f"  The output is not complete: {found.delivered} came before it broke off.")
        return ExitCode.PARTIAL
    if options.stats:
        _tell_stats(store, count, time.monotonic() - began)
    if not options.quiet:
        _tell_rest(options, store, search, found, count)
    return ExitCode.OK if count else ExitCode.NOTHING_FOUND


def _print(options: Reading, screen: Terminal, selected: Selected, found: Found) -> int:
    from loghouse.logq.output import record_renderer, stdout, table_renderer

    compiled = found.compiled
    if compiled.kind == "table":
        render = table_renderer(options, screen, selected.zone, compiled)
        return render(compiled.columns, found.rows(), stdout())
    if options.output is Format.RAW:
        from loghouse.render.raw import render_raw

        return render_raw(found.raw(), stdout())
    from loghouse.highlight import highlight

    render_records = record_renderer(
        options, screen, selected.zone, compiled.shown, lambda: highlight(selected.query.filter)
    )
    return render_records(found.records(), stdout())


def _tell_stats(store: Store, count: int, seconds: float) -> None:
    rows, size = store.read_so_far()
    say(f"{count} rows printed; {rows} rows, {size / 1e6:.1f} MB read in {seconds:.3f} s")


def _tell_rest(options: Reading, store: Store, search: Search, found: Found, count: int) -> None:
    """What the output does not show: older records, records cut off, a field nobody has."""
    if found.was_cut:
        newest = "newest record is" if search.limit == 1 else f"newest {search.limit} records are"
        say(
            f"note: the {newest} shown, there are more\n"
            "  Print all of them with --limit 0, or narrow the query or --since"
        )
    if count and found.compiled.kind == "records":
        return
    from loghouse.known_fields import known_fields, named_fields, unknown_field

    known = known_fields(store) if named_fields(search.query) else []
    mistake = unknown_field(search.query, known)
    if mistake is not None:
        say(told(mistake, "note"))
        return
    for note in (_nobody_has(search, store, known), None if count else _stage_as_word(search.query)):
        if note is not None:
            say(told(note, "note"))
    if not count:
        _tell_older(options, store, search)


def _nobody_has(search: Search, store: Store, known: list[str]) -> QueryError | None:
    """A field of the query that no record has, as far as that can be seen quickly."""
    from loghouse.known_fields import rare_fields
    from loghouse.query import TimeRange
    from loghouse.query.ast import Has
    from loghouse.search import newest_before

    until = TimeRange(search.window.end, search.window.end)
    for key in rare_fields(search.query, known):
        having = replace(search.query, filter=Has(key, span=key.span), stages=())
        if newest_before(store, replace(search, query=having, window=until)) is None:
            return key.span.error(f'no record has a field "{key.shown}"', "See which there are: logq fields")
    return None


def _stage_as_word(query: Query) -> QueryError | None:
    """A query without a bar that begins with the name of a stage, as `compare 1h` does."""
    from loghouse.query.ast import And, Text
    from loghouse.query.stages import STAGES

    first = query.filter.items[0] if isinstance(query.filter, And) else query.filter
    if not isinstance(first, Text) or first.text.lower() not in STAGES or query.stages:
        return None
    return first.span.error(
        f'"{first.text}" was looked for as a word', f"As a stage it stands behind a bar: | {query.text}"
    )


def _tell_older(options: Reading, store: Store, search: Search) -> None:
    from loghouse.render.clock import Clock
    from loghouse.search import newest_before

    older = newest_before(store, search)
    if older is None:
        say("note: nothing found")
        return
    since = _reaching_back(search.now_ns - older)
    when = Clock(search.zone).short(older)
    flag = f"--since {since}" if options.from_ is None and options.to is None else f"--from '{when[:19]}'"
    say(f"note: nothing found in this time range; the newest match before it is of {when}\n  Use {flag}")


def _reaching_back(age_ns: int) -> str:
    """An age, rounded up to what people write: 3h, 2d."""
    seconds = age_ns // 1_000_000_000 + 1
    for size, unit in ((60, "m"), (3600, "h"), (86400, "d")):
        if seconds < 48 * size or unit == "d":
            return f"{-(-seconds // size)}{unit}"
    raise AssertionError
