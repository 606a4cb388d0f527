"""`loghouse quarantine`: what the store refused for good, and sending it again."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse import console
from loghouse.config import default_state_dir, store_url
from loghouse.errors import ExitCode, StoreError
from loghouse.logq.options import Common

if TYPE_CHECKING:
    from loghouse.spool.quarantine import Quarantined
    from loghouse.store.client import Store

SHOWN_BYTES = 120  # of a line


class Action(StrEnum):
    """What to do."""

    LS = "ls"
    RETRY = "retry"


@dataclass(frozen=True, kw_only=True)
class QuarantineOptions(Common):
    """Options of `loghouse quarantine`."""

    action: Annotated[Action, typer.Argument(help="ls: what is there, and why; retry: send it again.")]
    state_dir: Annotated[
        str | None,
        typer.Option("--state-dir", help="That of the shipper or receiver.", envvar="LOGHOUSE_STATE_DIR"),
    ] = None


def quarantine(options: QuarantineOptions) -> ExitCode:
    """List what the store refused for good, or send it again. Exit code 4 while something is left.

    Example: loghouse quarantine ls
    """
    from loghouse.spool.quarantine import listed

    directory = os.path.join(options.state_dir or default_state_dir(), "spool", "quarantine")
    held = listed(directory)
    if options.action is Action.RETRY:
        from loghouse.store.client import Store

        with Store(store_url(options.url)) as store:
            held = [each for each in held if not _sent(store, each)]
    for each in held:
        _show(each)
    if not held:
        console.say("the quarantine is empty")
    return ExitCode.PARTIAL if held else ExitCode.OK


def _show(each: Quarantined) -> None:
    from loghouse.render.escapes import one_line
    from loghouse.spool.batchfile import read_rows

    since = datetime.fromtimestamp(each.since, UTC)
    typer.echo(f"{since:%Y-%m-%d %H:%M:%S}  {each.size:,} bytes  {each.path}")
    typer.echo(f"  refused: {one_line(each.reason)}")
    for row in read_rows(each.path, lambda torn: None):
        place = row.place
        where = f"{place.namespace}/{place.pod}/{place.container} at {row.source:016x}:{row.offset:,}"
        text = row.data[:SHOWN_BYTES].decode(errors="replace").rstrip("\n")
        typer.echo(f"  {one_line(where)}  {row.lines:,} lines: {one_line(text)}")


def _sent(store: Store, each: Quarantined) -> bool:
    """Send one batch under its own id; True when the store has it, and then the file is gone."""
    from loghouse.spool.batchfile import read_trailer
    from loghouse.spool.entry import Entry
    from loghouse.spool.sending import Sending

    entry = Entry(0, each.path, each.size, read_trailer(each.path), recovered=True)
    try:
        Sending(entry, time.time).attempt(store)
    except StoreError as error:
        console.say(f"still refused: {each.path} ({error.message})")
        return False
    each.remove()
    console.say(f"stored: {each.path}")
    return True
