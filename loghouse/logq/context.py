"""`logq context QUERY`: what came before and after each hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from loghouse.errors import ExitCode, UsageError
from loghouse.logq.files import opened
from loghouse.logq.options import DEFAULT_LIMIT, Reading, option
from loghouse.logq.search import answer

DEFAULT_RECORDS = 5


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq context`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="What to look for.")] = ()
    limit: Annotated[
        int | None,
        option(
            "--limit",
            help=f"At most so many hits, the newest. [default: as many as fit {DEFAULT_LIMIT} records]",
            env="LIMIT",
        ),
    ] = None
    before: Annotated[
        int | None, option("-B", "--before", help="So many records before each hit.", env="BEFORE")
    ] = None
    after: Annotated[
        int | None, option("-A", "--after", help="So many records after each hit.", env="AFTER")
    ] = None
    around: Annotated[
        int | None,
        option("-C", "--around", help=f"Both. [default: {DEFAULT_RECORDS}]", env="AROUND"),
    ] = None
    across: Annotated[
        str,
        option(
            "--across",
            help="Of the same stream, pod, node, or with the same value of a field. [default: stream]",
            env="ACROSS",
        ),
    ] = ""
    within: Annotated[
        str, option("--within", help="At most so long before or after. [default: 1h]", env="WITHIN")
    ] = ""


def context(options: Options) -> ExitCode:
    """Show what came before and after each hit, the hits marked; groups that touch are one.

    Example: logq context 'panic or OOMKilled' -n prod -B 20 -A 5 --across node
    """
    from loghouse.logq.output import terminal
    from loghouse.logq.selection import context_stage, select, with_stages

    if not options.query:
        raise UsageError("context needs something to look for", "Write it like: logq context 'level>=error'")
    around = DEFAULT_RECORDS if options.before is None and options.after is None else 0
    stage = context_stage(options.before, options.after, around if options.around is None else options.around)
    across = f" across {options.across}" if options.across else ""
    within = f" window {options.within}" if options.within else ""
    hits = f"last {options.limit} | " if options.limit else ""
    selected = with_stages(select(options.query, options), f"{hits}{stage}{across}{within}")
    with opened(options, selected, options.query) as (store, selected):
        # The neighbours of the hits that were asked for are never cut.
        limit = None if options.limit is None else 0
        return answer(options, limit, selected, store, terminal(options))
