"""`logq sql`: raw SQL for what the query language does not say; it can read and nothing else."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated

import typer

from loghouse.config import store_url
from loghouse.errors import ExitCode, StoreError, UsageError
from loghouse.logq.limits import limited_store
from loghouse.logq.options import Limits, Shape


@dataclass(frozen=True, kw_only=True)
class Options(Shape, Limits):
    """Options of `logq sql`."""

    statement: Annotated[
        tuple[str, ...], typer.Argument(metavar="SQL", help="One SELECT; from stdin when left out.")
    ] = ()


def sql(options: Options) -> ExitCode:
    """Run one SQL statement that reads, in the database of the store.

    Example: logq sql 'SELECT namespace, count() FROM logs GROUP BY namespace'
    """
    from loghouse.logq.output import plain_table_renderer, stdout, terminal

    statement = " ".join(options.statement) or ("" if sys.stdin.isatty() else sys.stdin.read())
    if not statement.strip():
        raise UsageError("there is no SQL to run", "Write it like: logq sql 'SELECT count() FROM logs'")
    with limited_store(store_url(options.url), options) as store:
        columns, pages = store.table(statement.strip().rstrip(";"), {"readonly": 2})
        if not columns:
            raise StoreError("the statement gave no columns", "Only statements that read can be run here")
        count = plain_table_renderer(options, terminal(options), UTC)(columns, pages, stdout())
    return ExitCode.OK if count else ExitCode.NOTHING_FOUND
