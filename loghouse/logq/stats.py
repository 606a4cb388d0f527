"""`logq stats`: figures over records: counts, sums, percentiles, by what one likes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from loghouse.errors import ExitCode
from loghouse.logq.files import opened
from loghouse.logq.options import Reading
from loghouse.logq.search import answer


@dataclass(frozen=True, kw_only=True)
class Options(Reading):
    """Options of `logq stats`."""

    figures: Annotated[str, typer.Argument(metavar="FIGURES", help="As after | stats: 'count() by level'.")]
    query: Annotated[tuple[str, ...], typer.Argument(help="Only of the records that this query finds.")] = ()


def stats(options: Options) -> ExitCode:
    """Compute figures over records.

    Example: logq stats 'count(), p99(took) by container' 'level>=warn' -n prod
    """
    from loghouse.logq.output import terminal
    from loghouse.logq.selection import select, with_stages

    selected = with_stages(select(options.query, options), f"stats {options.figures}")
    with opened(options, selected, options.query) as (store, selected):
        return answer(options, None, selected, store, terminal(options))
