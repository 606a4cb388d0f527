"""`logq values FIELD`: the values of a field, how often they come and their share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from loghouse.errors import ExitCode, UsageError
from loghouse.logq.files import opened
from loghouse.logq.options import Reading, option
from loghouse.logq.search import answer

DEFAULT_VALUES = 50
ALL_VALUES = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq values`."""

    name: Annotated[str, typer.Argument(metavar="FIELD", help="A field, a column or a ~label.")]
    query: Annotated[tuple[str, ...], typer.Argument(help="Only of the records that this query finds.")] = ()
    limit: Annotated[
        int,
        option(
            "--limit",
            help=f"The most frequent so many; 0 is all. [default: {DEFAULT_VALUES}]",
            env="VALUES_LIMIT",
        ),
    ] = DEFAULT_VALUES


def values(options: Options) -> ExitCode:
    """List the values of a field, the most frequent first.

    Example: logq values status 'path:/cart*' -n prod
    """
    from loghouse.logq.output import terminal
    from loghouse.logq.selection import select, with_stages

    if options.limit < 0:
        raise UsageError(f"--limit {options.limit} is not a number of values", "0 means all of them")
    counted = f"where has({options.name}) | top {options.limit or ALL_VALUES} {options.name}"
    selected = with_stages(select(options.query, options), counted)
    with opened(options, selected, options.query) as (store, selected):
        return answer(options, None, selected, store, terminal(options))
