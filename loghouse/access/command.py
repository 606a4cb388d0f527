"""`loghouse access`: passwords and tokens, what the access file grants, and the same for ClickHouse."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from loghouse import console
from loghouse.config import store_url
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Common
from loghouse.logq.verbs import HELP_OPTIONS, add

app = typer.Typer(
    help="Passwords, tokens and permissions of the web page (docs/access.md).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP_OPTIONS},
)


@dataclass(frozen=True, kw_only=True)
class Nothing(Common):
    """A verb without options of its own."""


@dataclass(frozen=True, kw_only=True)
class Hashing(Common):
    """Options of `loghouse access hash`."""

    clickhouse: Annotated[
        bool,
        typer.Option("--clickhouse", help="bcrypt, for users who get an account by `loghouse access apply`."),
    ] = False


def hash_password(options: Hashing) -> ExitCode:
    """Read a password and print the hash that the access file keeps of it.

    Example: loghouse access hash
    """
    from loghouse.access.secrets import hashed, hashed_for_clickhouse

    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise UsageError("the two passwords differ", "Try again")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise UsageError("the password is empty", "Type one, or write it to standard input")
    try:
        typer.echo(hashed_for_clickhouse(password) if options.clickhouse else hashed(password))
    except ValueError as error:
        raise UsageError(str(error), "Choose a shorter one") from None
    return ExitCode.OK


def make_token(options: Nothing) -> ExitCode:
    """Print a new token, and its digest for the access file, which does not tell the token.

    Example: loghouse access token
    """
    from loghouse.access.secrets import new_token

    token, digest = new_token()
    typer.echo(f"token = {token}\ndigest = {digest}")
    return ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class AccessFile(Common):
    """Options of a verb that reads the access file."""

    path: Annotated[str, typer.Argument(help="The access file.", metavar="FILE")]


def show(options: AccessFile) -> ExitCode:
    """Check the access file and say what everybody may read.

    Example: loghouse access show access.toml
    """
    from loghouse.access.file import read_access

    access = read_access(Path(options.path))
    typer.echo(f"mode {access.mode}")
    for name in access.users:
        person = access.person(name)
        typer.echo(f"user {name}: {_granted(person.namespaces, person.masks, person.admin)}")
    for name, grant in access.groups.items():
        typer.echo(f"group {name}: {_granted(grant.namespaces, grant.masks, grant.admin)}")
    for name, token in access.tokens.items():
        narrowed = "" if token.namespaces is None else f", only {', '.join(token.namespaces) or 'nothing'}"
        typer.echo(f"token {name}: as {token.user}{narrowed}")
    return ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class Apply(AccessFile):
    """Options of `loghouse access apply`."""

    cluster: Annotated[str, typer.Option("--cluster", help="The tables are on this cluster.")] = ""
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements, change nothing.")] = False


def apply(options: Apply) -> ExitCode:
    """Give the users of the access file accounts in ClickHouse that read the same rows and no others.

    The account of --url has to be allowed to make users and row policies; it goes on seeing all rows.
    Example: loghouse access apply access.toml --url clickhouse://admin@db.example/loghouse --dry-run
    """
    from loghouse.access.file import read_access
    from loghouse.access.policies import check_accounts, left_out, removals, statements
    from loghouse.store.client import Store

    access = read_access(Path(options.path))
    url = store_url(options.url)
    wanted = list(statements(access, url.database, url.user, options.cluster))
    if options.dry_run:
        typer.echo("".join(f"{statement};\n" for statement in wanted), nl=False)
    else:
        with Store(url) as store:
            check_accounts(store, access)
            wanted += removals(store, access, options.cluster)
            for statement in wanted:
                store.rows(statement)
        console.say(f"{len(wanted)} statements run")
    for notice in left_out(access):
        console.say(f"no account for {notice}")
    return ExitCode.OK


def _granted(namespaces: tuple[str, ...], masks: tuple[str, ...], admin: bool) -> str:
    parts = [f"reads {', '.join(namespaces) or 'nothing'}"]
    if masks:
        parts.append(f"without {', '.join(masks)}")
    if admin:
        parts.append("changes saved queries of others")
    return "; ".join(parts)


add(app, "hash", Hashing, hash_password)
add(app, "token", Nothing, make_token)
add(app, "show", AccessFile, show)
add(app, "apply", Apply, apply)
