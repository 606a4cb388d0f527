"""`logq hist`: how many records over time, as bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from loghouse.errors import ExitCode
from loghouse.logq.files import opened
from loghouse.logq.options import Reading, option
from loghouse.logq.search import answer


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq hist`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="Count only what this query finds.")] = ()
    every: Annotated[
        str | None, option("--every", help="The width of a bar: 5m. [default: fits]", env="EVERY")
    ] = None
    by: Annotated[
        str, option("--by", help="Group by this field; empty for none. [default: level]", env="BY")
    ] = "level"


def hist(options: Options) -> ExitCode:
    """Count records over time.

    Example: logq hist 'status>=500' --every 5m --by namespace
    """
    from loghouse.logq.output import terminal
    from loghouse.logq.selection import select, with_stages

    stage = " ".join(("hist", options.every or "", f"by {options.by}" if options.by else ""))
    selected = with_stages(select(options.query, options), stage)
    with opened(options, selected, options.query) as (store, selected):
        return answer(options, None, selected, store, terminal(options))
