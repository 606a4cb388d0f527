"""Command `logq`: read the logs."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from loghouse import console
from loghouse.errors import ExitCode
from loghouse.logq import explain, export, fields, hist, profile, search, sql, stats, tail, values
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
add(app, "hist", hist.Options, hist.hist)
add(app, "stats", stats.Options, stats.stats)
add(app, "sql", sql.Options, sql.sql)
add(app, "export", export.Options, export.export)
add(app, "profile", profile.Options, profile.profile)
add(app, "explain", explain.Options, explain.explain)

_HELP = frozenset(HELP_OPTIONS)


def main() -> NoReturn:
    """The entry point."""
    command = command_line(app)
    arguments = sys.argv[1:]
    code = console.guarded(lambda: _take_profile(arguments), debug=False)
    if code:
        console.leave(code)
    console.run(command, "logq", with_verb(arguments, frozenset(command.commands)))


def _take_profile(arguments: Sequence[str]) -> ExitCode:
    """Make the settings of the profile the defaults of the options, as if they were variables."""
    if not _HELP.isdisjoint(arguments):
        return ExitCode.OK
    from loghouse.config import take_profile

    take_profile(_named_profile(arguments))
    return ExitCode.OK


def _named_profile(arguments: Sequence[str]) -> str | None:
    """The value of `--profile`, which has to be known before the other options are read."""
    given = itertools.takewhile(lambda argument: argument != "--", arguments)
    for argument, following in itertools.zip_longest(given, arguments[1:]):
        if argument == "--profile" and following is not None:
            return str(following)
        if argument is not None and argument.startswith("--profile="):
            return argument.partition("=")[2]
    return None


def with_verb(arguments: list[str], verbs: frozenset[str]) -> list[str]:
    """The arguments with the verb `search` before a query that comes first.

    A single plain word stays as it is: it may be a verb that is misspelled.
    """
    first = arguments[0] if arguments else "-"
    is_query = not first.startswith("-") and first not in verbs and not first.replace("-", "").isalnum()
    return ["search", *arguments] if is_query else arguments
