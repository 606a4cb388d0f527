"""`logq patterns`: what kinds of messages there are, how often and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from loghouse.errors import ExitCode, UsageError
from loghouse.logq.files import opened
from loghouse.logq.options import Reading, option
from loghouse.logq.search import answer

DEFAULT_PATTERNS = 20
ALL_PATTERNS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq patterns`."""

    query: Annotated[tuple[str, ...], typer.Argument(help="Only of the records that this query finds.")] = ()
    of: Annotated[str, option("--of", help="Of this field instead of the message.", env="PATTERNS_OF")] = ""
    limit: Annotated[
        int,
        option(
            "--limit",
            help=f"The most frequent so many; 0 is all. [default: {DEFAULT_PATTERNS}]",
            env="PATTERNS_LIMIT",
        ),
    ] = DEFAULT_PATTERNS


def patterns(options: Options) -> ExitCode:
    """Group messages by what stays the same in them, with count, share, trend and a sample.

    Example: logq patterns 'level>=error' -n prod --since 1d
    """
    from loghouse.logq.output import terminal
    from loghouse.logq.selection import select, with_stages

    if options.limit < 0:
        raise UsageError(f"--limit {options.limit} is not a number of patterns", "0 means all of them")
    stages = f"patterns {options.of} | limit {options.limit or ALL_PATTERNS}"
    selected = with_stages(select(options.query, options), stages)
    with opened(options, selected, options.query) as (store, selected):
        return answer(options, None, selected, store, terminal(options))
