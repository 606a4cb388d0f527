"""`logq export FILE`: any number of records into a file, block by block."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.config import store_url
from loghouse.console import say, told
from loghouse.errors import ExitCode, StoreError, UsageError
from loghouse.logq.limits import keep_budget, limited_store
from loghouse.logq.options import Format, Reading

if TYPE_CHECKING:
    from loghouse.record import Record

FORMATS = {".jsonl": Format.JSONL, ".csv": Format.CSV, ".log": Format.RAW, ".txt": Format.RAW}
PROGRESS_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq export`."""

    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to: NAME.jsonl, NAME.csv or NAME.log.")]
    query: Annotated[tuple[str, ...], typer.Argument(help="Only what this query finds.")] = ()


def export(options: Options) -> ExitCode:
    """Write all records of a query to a file, oldest first; the file appears when it is complete.

    Example: logq export errors.jsonl 'level>=error' --since 30d
    """
    from dataclasses import replace

    from loghouse.logq.output import Terminal, record_renderer
    from loghouse.logq.selection import select
    from loghouse.query import is_live
    from loghouse.search import Search, find

    target = Path(options.file)
    shape = replace(options, output=_format(options, target))
    if target.exists():
        raise UsageError(f'"{target}" is there already', "Name another file, or remove it first")
    selected = select(options.query, options)
    if not is_live(selected.query):
        raise UsageError(
            "only records can be exported, with where, fields and drop", "Use: logq search -o csv"
        )
    partial = target.with_name(f"{target.name}.partial")
    with limited_store(store_url(options.url), options) as store:
        search = Search(selected.query, selected.window, selected.now_ns, selected.scope, zone=selected.zone)
        found = find(store, search)
        keep_budget(store, options, found.compiled.sql, found.compiled.params)
        screen = Terminal(is_one=False, colour=False, width=120)
        render = record_renderer(shape, screen, selected.zone, found.compiled.shown, lambda: None)
        try:
            with open(partial, "wb") as out:
                count = render(_counted(found.records(), options.quiet), out)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise UsageError(f'cannot write "{partial}" ({error.strerror})', "Name another file") from None
        except StoreError as error:
            if not found.delivered:
                partial.unlink()
                raise
            say(told(error))
            say(f'  The output is not complete: what came before it broke off is in "{partial}".')
            return ExitCode.PARTIAL
    os.replace(partial, target)
    if not options.quiet:
        say(f"{count} records in {target}")
    return ExitCode.OK if count else ExitCode.NOTHING_FOUND


def _format(options: Options, target: Path) -> Format:
    """By the name of the file, unless `-o` says otherwise."""
    if options.output is not Format.PRETTY:
        return options.output
    if target.suffix not in FORMATS:
        raise UsageError(
            f'the name "{target.name}" does not tell a format', f"End it in {', '.join(FORMATS)}, or say -o"
        )
    return FORMATS[target.suffix]


def _counted(pages: Iterator[list[Record]], quiet: bool) -> Iterator[list[Record]]:
    """The pages; on a terminal stderr shows how far they are."""
    shows = not quiet and sys.stderr.isatty()
    began = told_at = time.monotonic()
    count = 0
    for page in pages:
        yield page
        count += len(page)
        now = time.monotonic()
        if shows and now - told_at > PROGRESS_SECONDS:
            told_at = now
            sys.stderr.write(f"\r\x1b[K{count:,} records, {count / (now - began):,.0f} a second")
            sys.stderr.flush()
    if shows:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
