"""Command `logq`: read the logs."""

from __future__ import annotations

import itertools
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn

import typer

from loghouse import console
from loghouse.errors import ExitCode
from loghouse.logq.verbs import HELP_OPTIONS, VERSION_OPTION, add, add_version, command_line

# The verbs, in the order of the help, and the first line of each one's own. A verb is the function of its
# name in the module of its name, with `Options`; to load the options of all takes longer than some searches.
VERBS: Mapping[str, str] = {
    "search": "Search records: oldest first, the newest at the bottom.",
    "tail": "Print the last records, then new ones in the order in which they are stored, until Ctrl-C.",
    "hist": "Count records over time.",
    "stats": "Compute figures over records.",
    "patterns": "Group messages by what stays the same in them, with count, share, trend and a sample.",
    "context": "Show what came before and after each hit, the hits marked; groups that touch are one.",
    "fields": "List the columns and fields of records: their kind, in how many records they are, examples.",
    "values": "List the values of a field, the most frequent first.",
    "export": "Write all records of a query to a file, oldest first; the file appears when it is complete.",
    "du": "Say what costs the disk: whose records, which messages, which fields; by default of all time.",
    "saved": "Keep queries in the store, for oneself and others: list, save, run and delete them by name.",
    "explain": "Say what a query means: its canonical form, SQL and indexes, and what it would read.",
    "sql": "Run one SQL statement that reads, in the database of the store.",
    "verify": "Look for lines that are missing or stored twice, by file and hour. "
    "Exit code 4 if there are any.",
    "doctor": "Check connection, version, tables, clock, disk, ingest and rights, and say what is wrong.",
    "completion": "Print the script that lets Tab complete verbs, options, namespaces, pods, fields, values.",
    "alerts": "List the alerts that fire, the newest first, each with a command that shows its logs.",
    "profile": "Show the profiles there are and the settings of one, each with its file.",
}

_HELP = frozenset(HELP_OPTIONS)


def main() -> NoReturn:
    """The entry point."""
    arguments = with_verb(sys.argv[1:], _is_piped())
    command = command_line(_app(arguments[0] if arguments else ""))
    code = console.guarded(lambda: _take_profile(arguments), debug=False)
    if code:
        console.leave(code)
    console.run(command, "logq", arguments)


def _app(wanted: str) -> typer.Typer:
    """All verbs by name; only the wanted one with its options, the others for the list of the help."""
    app = typer.Typer(
        help="Search and follow logs. A query without a verb is a search: logq 'error level>=warn' -n prod",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": HELP_OPTIONS},
    )
    add_version(app, "logq")
    for verb, summary in VERBS.items():
        if verb == wanted:
            module = import_module(f"loghouse.logq.{verb}")
            add(app, verb, module.Options, getattr(module, verb))
        else:
            app.command(verb, help=summary)(_not_loaded)
    return app


def _not_loaded() -> None:
    raise AssertionError("a verb runs only when it is the first argument, and then it is loaded")


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


def with_verb(arguments: list[str], piped: bool = False) -> list[str]:
    """The arguments with the verb `search` before a query, or an option, that comes first.

    A plain word that looks like a verb stays as it is: it may be a verb that is misspelled. But when
    something is `piped` into the command it is a query over that, unless a store or a file is named.
    """
    first = arguments[0] if arguments else HELP_OPTIONS[0]
    if first in (*HELP_OPTIONS, VERSION_OPTION) or first in VERBS:
        return arguments
    if first.startswith("-") and any(each in VERBS for each in arguments):
        return arguments  # which says that there is no such option before a verb
    names_source = any(each.partition("=")[0] in ("--url", "--file") for each in arguments)
    if piped and not names_source:
        return ["search", "--file", "-", *arguments]
    misspelled = not first.startswith("-") and first.replace("-", "").isalnum() and _looks_like_a_verb(first)
    return arguments if misspelled else ["search", *arguments]


def _looks_like_a_verb(word: str) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(word, VERBS, n=1))


def _is_piped() -> bool:
    """Whether something is piped or redirected into this process; a terminal or nothing is not."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)
