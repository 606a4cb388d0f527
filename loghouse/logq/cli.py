"""Command `logq`: read the logs."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from loghouse import console
from loghouse.logq import explain, fields, search, tail, values
from loghouse.logq.verbs import HELP_OPTIONS, add, command_line

app = typer.Typer(
    help="Search and follow logs. A query without a verb is a search: logq 'error level>=warn' -n prod",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP_OPTIONS},
)

add(app, "search", search.Options, search.search)
add(app, "tail", tail.Options, tail.tail)
add(app, "fields", fields.Options, fields.fields)
add(app, "values", values.Options, values.values)
add(app, "explain", explain.Options, explain.explain)


def main() -> NoReturn:
    """The entry point."""
    command = command_line(app)
    console.run(command, "logq", with_verb(sys.argv[1:], frozenset(command.commands)))


def with_verb(arguments: list[str], verbs: frozenset[str]) -> list[str]:
    """The arguments with the verb `search` before a query that comes first.

    A single plain word stays as it is: it may be a verb that is misspelled.
    """
    first = arguments[0] if arguments else "-"
    is_query = not first.startswith("-") and first not in verbs and not first.replace("-", "").isalnum()
    return ["search", *arguments] if is_query else arguments
