"""`logq tail`: the last records, then new ones as they are stored."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.config import store_url
from loghouse.console import say
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Format, Printing, option

if TYPE_CHECKING:
    from loghouse.logq.rateline import RateLine
    from loghouse.logq.selection import Selected
    from loghouse.query import Live
    from loghouse.record import Record
    from loghouse.store.client import Store

DEFAULT_TAIL = 10


@dataclass(frozen=True, kw_only=True)
class Options(Printing):
    """Options of `logq tail`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="What to look for; everything when left out.")] = ()
    tail: Annotated[
        int,
        option(
            "--tail", help=f"Begin with so many of the last records. [default: {DEFAULT_TAIL}]", env="TAIL"
        ),
    ] = DEFAULT_TAIL
    hist: Annotated[
        bool, option("--hist", help="On a terminal, a line that shows how many come.", env="HIST")
    ] = False


@dataclass(slots=True)
class Tally:
    """What a tail has printed, for its last words."""

    began: float = field(default_factory=time.monotonic)
    levels: Counter[str] = field(default_factory=Counter)

    def counting(self, pages: Iterable[list[Record]]) -> Iterator[list[Record]]:
        """The pages, counted once they are printed."""
        for page in pages:
            yield page
            self.levels.update(record.level for record in page)

    def summary(self) -> str:
        """`120 records in 60 s (3 error, 117 info)`."""
        seconds = time.monotonic() - self.began
        parts = ", ".join(f"{count} {level}" for level, count in self.levels.most_common())
        count = self.levels.total()
        records = f"{count} record{'' if count == 1 else 's'}"
        return f"{records} in {seconds:.0f} s{f' ({parts})' if parts else ''}"


def tail(options: Options) -> ExitCode:
    """Print the last records, then new ones in the order in which they are stored, until Ctrl-C.

    Example: logq tail 'level>=warn' -n prod
    """
    from loghouse.logq.selection import select
    from loghouse.store.client import Store

    if options.output is Format.JSON:
        raise UsageError("-o json is one array, which a tail never ends", "Use: -o jsonl")
    if options.to is not None:
        raise UsageError("a tail has no end, so --to means nothing to it", "Use: logq search --to ...")
    if options.tail < 0:
        raise UsageError(f"--tail {options.tail} is not a number of records")
    selected = select(options.query, options)
    signal.signal(signal.SIGTERM, _as_interrupt)
    tally = Tally()
    with Store(store_url(options.url)) as store, suppress(KeyboardInterrupt):
        _print(options, selected, store, tally)
    if not options.quiet:
        say(f"\n{tally.summary()}")
    return ExitCode.OK


def _print(options: Options, selected: Selected, store: Store, tally: Tally) -> None:
    from loghouse.highlight import highlight
    from loghouse.logq.output import prints_fields, record_renderer, stdout, terminal
    from loghouse.query import Live, all_filters

    wanted = Live(
        selected.query, selected.now_ns, selected.scope, selected.zone, strings=prints_fields(options)
    )
    screen = terminal(options)
    render = record_renderer(
        options,
        screen,
        selected.zone,
        wanted.shown,
        lambda: highlight(all_filters(selected.query)),
        mark_late=True,
    )
    if options.output is Format.RAW and wanted.writes_message:
        from loghouse.render.raw import render_messages

        render = render_messages
    rate = None
    if options.hist and sys.stderr.isatty():
        from loghouse.logq.rateline import RateLine

        rate = RateLine(screen.colour)
    try:
        render(tally.counting(_watched(_pages(options, selected, wanted, store, rate), rate)), stdout())
    finally:
        if rate is not None:
            rate.clear()


def _watched(pages: Iterator[list[Record]], rate: RateLine | None) -> Iterator[list[Record]]:
    """The pages; the line of rates is away while they are printed."""
    for page in pages:
        if rate is not None:
            rate.clear()
        yield page
        if rate is not None:
            rate.draw()


def _pages(
    options: Options, selected: Selected, wanted: Live, store: Store, rate: RateLine | None
) -> Iterator[list[Record]]:
    """First the last records there are, then what comes."""
    from loghouse.tail import Tail, follow

    following = Tail(store, wanted)
    following.start()
    for page in _last(options, selected, store, wanted.strings):
        following.skip(page)
        yield page

    def wait(seconds: float) -> None:
        if rate is not None:
            rate.draw()
        time.sleep(seconds)

    def notice(text: str) -> None:
        if not options.quiet:
            say(f"note: {text}")

    for page in follow(following, notice=notice, wait=wait):
        if rate is not None:
            rate.count(page)
        yield page


def _last(options: Options, selected: Selected, store: Store, strings: bool) -> Iterator[list[Record]]:
    """The last records: of the window asked for, else of the last hour or, if it has too few, of all."""
    if not options.tail:
        return
    pages = list(_newest(options.tail, selected, selected.window.start, store, strings))
    if sum(map(len, pages)) < options.tail and options.since is None and options.from_ is None:
        pages = list(_newest(options.tail, selected, 0, store, strings))
    yield from pages


def _newest(
    count: int, selected: Selected, start: int, store: Store, strings: bool
) -> Iterator[list[Record]]:
    """The newest records since `start`, in ns; what clocks ahead of ours have written belongs to them."""
    from loghouse.query import TimeRange
    from loghouse.query.timerange import LAST
    from loghouse.search import Search, find

    search = Search(
        query=selected.query,
        window=TimeRange(start, LAST),
        now_ns=selected.now_ns,
        scope=selected.scope,
        limit=count,
        zone=selected.zone,
        strings=strings,
    )
    yield from find(store, search).records()


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
