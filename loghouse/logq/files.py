"""What a verb reads from: the store of `--url`, or the files of `--file` in a store of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from loghouse.config import store_url
from loghouse.console import say
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.limits import limited_store, written_size
from loghouse.logq.options import Format, Reading

if TYPE_CHECKING:
    from loghouse.config import StoreUrl
    from loghouse.local.load import Loaded
    from loghouse.local.sources import Named
    from loghouse.logq.output import Terminal
    from loghouse.logq.selection import Selected
    from loghouse.record import Record
    from loghouse.store.client import Store


@contextmanager
def opened(
    options: Reading, selected: Selected, words: Sequence[str] = ()
) -> Iterator[tuple[Store, Selected]]:
    """The store to ask, and the selection: over files it is about all of their time, and ends with them.

    `words` are those of the query; one that is a file tells that a pattern was not quoted.
    """
    if not options.files:
        with limited_store(store_url(options.url), options) as store:
            yield store, selected
        return
    from loghouse.local.store import local_store

    files = _files(options, words)
    with local_store() as url:
        _load(options, url, files)
        with limited_store(url, options) as store:
            yield store, _within_files(options, selected, store)


def streams(options: Reading, selected: Selected) -> bool:
    """Whether records are printed as standard input brings them."""
    from loghouse.query import is_live

    return options.files == ("-",) and is_live(selected.query)


def print_stream(options: Reading, selected: Selected, screen: Terminal) -> ExitCode:
    """Print what a query finds in standard input, as it comes."""
    from loghouse.highlight import highlight
    from loghouse.local.load import stream_stdin
    from loghouse.local.sources import named_files
    from loghouse.local.store import local_store
    from loghouse.logq.output import record_renderer, stdout
    from loghouse.query import TimeRange
    from loghouse.query.timerange import LAST
    from loghouse.render.raw import render_raw
    from loghouse.search import Found, Search, find

    (source,) = named_files(options.files)
    window = selected.window if _has_window(options) else TimeRange(0, LAST)
    search = Search(selected.query, window, selected.now_ns, selected.scope, zone=selected.zone)
    with local_store() as url, limited_store(url, options) as store:

        def batches() -> Iterator[Found]:
            for _ in stream_stdin(store, source, _zone(options)):
                yield find(store, search)

        def records() -> Iterator[list[Record]]:
            for found in batches():
                yield from found.records()

        def raw() -> Iterator[list[bytes]]:
            for found in batches():
                yield from found.raw()

        if options.output is Format.RAW:
            count = render_raw(raw(), stdout())
        else:
            shown = find(store, search).compiled.shown
            lit = lambda: highlight(selected.query.filter)  # noqa: E731 - asked for only when colours are on
            count = record_renderer(options, screen, selected.zone, shown, lit)(records(), stdout())
    return ExitCode.OK if count else ExitCode.NOTHING_FOUND


def _files(options: Reading, words: Sequence[str]) -> list[Named]:
    from loghouse.local.sources import named_files

    stray = next((word for word in words[:-1] if os.path.exists(word)), None)
    if stray is not None:
        raise UsageError(
            f'"{stray}" is a file and was taken for a word of the query',
            "Quote the pattern, as in --file 'logs/*.gz', or write --file before each file",
        )
    return named_files(options.files)


def _load(options: Reading, url: StoreUrl, files: Sequence[Named]) -> None:
    from loghouse.local.load import load
    from loghouse.logq.progress import Progress
    from loghouse.store.client import Store

    name = files[0].shown if len(files) == 1 else f"{len(files)} files"
    bar = Progress(f"reading {os.path.basename(name) or name}", options.quiet)

    def show(loaded: Loaded) -> None:
        speed = written_size(int(loaded.bytes_read / max(bar.seconds, 0.001)))
        bar.show(loaded.bytes_read, loaded.total_bytes, f"{written_size(loaded.bytes_read)}, {speed}/s")

    try:
        with Store(url) as store:
            loaded = load(store, files, _zone(options), show)
    finally:
        bar.clear()
    if not options.quiet:
        for problem in loaded.problems:
            say(f"note: {problem}")


def _within_files(options: Reading, selected: Selected, store: Store) -> Selected:
    """The same query; times count back from the last record, and without any all of the time is meant."""
    from loghouse.logq.selection import window_of
    from loghouse.query import TimeRange

    count, first, last = store.rows(
        "SELECT count(), toUnixTimestamp64Nano(min(timestamp)), toUnixTimestamp64Nano(max(timestamp)) "
        "FROM logs"
    )[0]
    if not count:
        return selected
    everything = TimeRange(int(first), int(last) + 1)
    window = window_of(options, everything.end, selected.zone) if _has_window(options) else everything
    return replace(selected, window=window, now_ns=everything.end)


def _has_window(options: Reading) -> bool:
    return any((options.since, options.from_, options.to))


def _zone(options: Reading) -> str:
    from loghouse.local.store import zone_name

    return "UTC" if options.utc else zone_name(options.tz)
