"""`logq sql`: raw SQL for what the query language does not say; it can read and nothing else."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.config import store_url
from loghouse.errors import ExitCode, StoreError, UsageError
from loghouse.logq.limits import limited_store
from loghouse.logq.options import Limits, Shape

if TYPE_CHECKING:
    from loghouse.store.client import Store


# Functions in the place of a table that make their rows themselves, or read tables of the store. All others
# are refused: under `readonly` they still read files and machines; INSERT INTO FUNCTION even writes there.
_HARMLESS = frozenset(
    (
        *("numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "generateseries", "generate_series"),
        *("values", "sqlstandardvalues", "null", "generaterandom", "format", "view", "viewifpermitted"),
        *("viewexplain", "merge", "loop", "dictionary", "mergetreeindex", "mergetreeprojection"),
    )
)
_FUNCTION = re.compile(r"\s*Function (\S+)")


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
    statement = statement.strip().rstrip(";")
    with limited_store(store_url(options.url), options) as store:
        _refuse_what_leaves_the_store(store, statement)
        columns, pages = store.table(statement, {"readonly": 2})
        if not columns:
            raise StoreError("the statement gave no columns", "Only statements that read can be run here")
        count = plain_table_renderer(options, terminal(options), UTC)(columns, pages, stdout())
    return ExitCode.OK if count else ExitCode.NOTHING_FOUND


def _refuse_what_leaves_the_store(store: Store, statement: str) -> None:
    """Ask ClickHouse how it reads the statement; raises `StoreError` if more than its tables is wanted."""
    tree = [str(line) for (line,) in store.rows(f"EXPLAIN AST {statement}", settings={"readonly": 2})]
    if tree and tree[0].startswith("Insert"):
        raise StoreError("this statement writes", "Only statements that read can be run here")
    outside = {str(name).lower() for (name,) in store.rows("SELECT name FROM system.table_functions")}
    outside |= {"file"}  # which is also a function that gives a text
    for line in tree:
        found = _FUNCTION.match(line)
        if found is not None and found[1].lower() in outside - _HARMLESS:
            raise StoreError(
                f"{found[1]}() reaches beyond the store: files, other machines, programs",
                "Only the tables of the store can be read here",
            )
