"""`loghouse retention`: how long records are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse import console
from loghouse.config import store_url
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Common

if TYPE_CHECKING:
    from loghouse.retention.store import Freed


@dataclass(frozen=True, kw_only=True)
class Retention(Common):
    """Options of `loghouse retention`."""

    rules: Annotated[
        str | None, typer.Argument(help="File of rules (docs/retention.md); without it: show.")
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the rules would free now, change nothing.")
    ] = False
    remove: Annotated[bool, typer.Option("--remove", help="Keep everything for ever.")] = False
    cluster: Annotated[str, typer.Option("--cluster", help="Name of the ClickHouse cluster.")] = ""


def retention(options: Retention) -> ExitCode:
    """Set how long records are kept, by rules in the query language.

    Example: loghouse retention rules.toml --dry-run
    """
    from loghouse.retention.rules import read_rules
    from loghouse.retention.store import applied, apply, forecast
    from loghouse.store.client import Store

    if options.remove and options.rules:
        raise UsageError("--remove takes no file of rules", "Say one of them")
    rules = read_rules(Path(options.rules)) if options.rules else None
    with Store(store_url(options.url)) as store:
        if rules is None and not options.remove:
            typer.echo(applied(store) or "no rules: records are kept for ever")
        elif options.dry_run:
            for line in _table(forecast(store, rules)) if rules else ("every record would be kept for ever",):
                typer.echo(line)
        else:
            apply(store, rules, options.cluster)
            console.say("applied; the store forgets in the background, while it merges")
    return ExitCode.OK


def _table(freed: list[Freed]) -> Iterator[str]:
    from rich.filesize import decimal

    for row in freed:
        yield (
            f"{row.rule}: {row.records:,} records since {row.oldest or '-'}, "
            f"{row.expired:,} older than allowed, about {decimal(row.disk)} on disk"
        )
