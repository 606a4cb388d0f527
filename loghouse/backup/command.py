"""`loghouse backup` and `loghouse restore`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from loghouse import console
from loghouse.config import store_url
from loghouse.errors import ExitCode
from loghouse.logq.options import Common

TIMEOUT = 24 * 3600.0  # seconds; a backup of terabytes takes hours, without a byte on the connection


@dataclass(frozen=True, kw_only=True)
class Backup(Common):
    """Options of `loghouse backup`."""

    place: Annotated[
        str, typer.Argument(help="A name, disk:DISK/NAME, or https://HOST/BUCKET/PATH [default: the time].")
    ] = ""
    base: Annotated[
        str, typer.Option("--base", help="A backup to build on: only what it lacks is written.")
    ] = ""
    check: Annotated[
        bool, typer.Option("--check", help="Restore it beside the store, count the rows, drop that again.")
    ] = False
    s3_credentials: Annotated[
        str | None, typer.Option("--s3-credentials", help="File with the access key's name and the key.")
    ] = None


def backup(options: Backup) -> ExitCode:
    """Write everything that the store holds to a place of backups.

    Example: loghouse backup monday --check
    """
    from rich.filesize import decimal

    from loghouse.backup.place import place_of
    from loghouse.backup.store import back_up, check, counts
    from loghouse.store.client import Store

    credentials = Path(options.s3_credentials) if options.s3_credentials else None
    place = place_of(options.place or f"loghouse-{datetime.now(UTC):%Y%m%dT%H%M%SZ}", credentials)
    base = place_of(options.base, credentials) if options.base else None
    with Store(store_url(options.url), read_timeout=TIMEOUT) as store:
        before = counts(store)
        written = back_up(store, place, base)
        console.say(
            f"{place}: {decimal(written.size)} written, {decimal(written.total)} with what it builds on"
        )
        if options.check:
            found = check(store, place, before)
            console.say(
                "restored and counted: " + ", ".join(f"{rows:,} in {name}" for name, rows in found.items())
            )
    typer.echo(str(place))
    return ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class Restore(Common):
    """Options of `loghouse restore`."""

    place: Annotated[str, typer.Argument(help="What `loghouse backup` was given or has printed.")]
    database: Annotated[
        str, typer.Option("--as", help="Restore into a new database of this name, beside the other.")
    ] = ""
    s3_credentials: Annotated[
        str | None, typer.Option("--s3-credentials", help="File with the access key's name and the key.")
    ] = None


def restore(options: Restore) -> ExitCode:
    """Read a backup into a store that has no records, or beside it.

    Example: loghouse restore monday --as loghouse_monday
    """
    from loghouse.backup import store as backups
    from loghouse.backup.place import place_of
    from loghouse.store.client import Store

    place = place_of(options.place, Path(options.s3_credentials) if options.s3_credentials else None)
    with Store(store_url(options.url), read_timeout=TIMEOUT) as store:
        if options.database:
            records = backups.restore_as(store, place, options.database)
        else:
            records = backups.restore(store, place)
    console.say(f"{records:,} records are back")
    return ExitCode.OK
