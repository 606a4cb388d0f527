"""`logq saved`: queries that are kept in the store, for oneself and for others."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse.console import say
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import option
from loghouse.logq.search import Options as SearchOptions
from loghouse.logq.search import search

if TYPE_CHECKING:
    from loghouse.saved_queries import Saved
    from loghouse.store.client import Store

LONGEST_NAME = 100
MOST = 500  # of one owner


@dataclass(frozen=True, kw_only=True)
class Options(SearchOptions):
    """Options of `logq saved`: those of a search for `run`."""

    query: Annotated[
        tuple[str, ...],
        typer.Argument(
            metavar="list | save NAME QUERY | run NAME [STAGES] | delete NAME", help="What to do with which."
        ),
    ] = ()
    private: Annotated[
        bool, option("--private", help="With save: nobody else sees it.", env="SAVED_PRIVATE")
    ] = False
    owner: Annotated[
        str, option("--owner", help="Whose queries. [default: your login name]", env="OWNER")
    ] = ""

    @property
    def action(self) -> str:
        return self.query[0] if self.query else "list"

    @property
    def name(self) -> str:
        return self.query[1].strip() if len(self.query) > 1 else ""

    @property
    def text(self) -> str:
        return " ".join(self.query[2:]).strip()


def saved(options: Options) -> ExitCode:
    """Keep queries in the store, for oneself and others: list, save, run and delete them by name.

    Example: logq saved save checkout-errors 'path:/checkout* status>=500 | top 10 uri'
    """
    action = _ACTIONS.get(options.action)
    if action is None:
        raise UsageError(
            f'saved does not know "{options.action}"', f"Write: logq saved {', '.join(_ACTIONS)}"
        )
    if options.action != "list" and not options.name:
        raise UsageError("the name of the query is missing", f"Write: logq saved {options.action} NAME")
    return action(options)


def _list(options: Options) -> ExitCode:
    from loghouse.logq.output import stdout, table_renderer, terminal
    from loghouse.logq.zone import zone
    from loghouse.query import Compiled
    from loghouse.saved_queries import readable

    with _store(options) as store:
        found = readable(store, owner_of(options.owner))
    if not found:
        if not options.quiet:
            say("note: no saved queries; save one with: logq saved save NAME QUERY")
        return ExitCode.NOTHING_FOUND
    header = ("name", "owner", "shared", "query")
    table = Compiled("", {}, header, "table", ("text", "text", "text", "text"))
    render = table_renderer(options, terminal(options), zone(options.utc, options.tz), table)
    rows = [(each.name, each.owner, "yes" if each.shared else "no", each.query) for each in found]
    render(header, [rows], stdout())
    return ExitCode.OK


def _save(options: Options) -> ExitCode:
    from uuid import uuid4

    from loghouse.query import parse
    from loghouse.saved_queries import Saved, readable, write

    text = options.text
    if not text:
        raise UsageError("there is no query to save", "Write: logq saved save NAME 'level>=error'")
    if len(options.name) > LONGEST_NAME or not options.name.isprintable():
        raise UsageError(f"a name has at most {LONGEST_NAME} letters, all of them printable")
    parse(text)
    owner = owner_of(options.owner)
    with _store(options) as store:
        own = [each for each in readable(store, owner) if each.owner == owner]
        same = next((each for each in own if each.name == options.name), None)
        if same is None and len(own) >= MOST:
            raise UsageError(f"you have {len(own)} saved queries", "Delete some first")
        last = max((each.position for each in own), default=-1)
        kept = same or Saved(uuid4().hex, owner, options.name, "", position=last + 1)
        write(store, replace(kept, query=text, shared=not options.private))
    if not options.quiet:
        say(f"{'changed' if same else 'saved'} {options.name}{' for yourself' if options.private else ''}")
    return ExitCode.OK


def _run(options: Options) -> ExitCode:
    with _store(options) as store:
        found = _named(options, store)
    joint = " " if not options.text or options.text.startswith("|") else " | where "
    given = {field.name: getattr(options, field.name) for field in fields(SearchOptions)}
    return search(SearchOptions(**{**given, "query": (f"{found.query}{joint}{options.text}".strip(),)}))


def _delete(options: Options) -> ExitCode:
    from loghouse.saved_queries import write

    with _store(options) as store:
        found = _named(options, store)
        if found.owner != owner_of(options.owner):
            raise UsageError(f'"{found.name}" belongs to {found.owner}', "Only they can delete it")
        write(store, found, deleted=True)
    if not options.quiet:
        say(f"deleted {found.name}; to have it back: logq saved save {found.name} '{found.query}'")
    return ExitCode.OK


_ACTIONS: Mapping[str, Callable[[Options], ExitCode]] = {
    "list": _list,
    "save": _save,
    "run": _run,
    "delete": _delete,
}


def _named(options: Options, store: Store) -> Saved:
    """The query of that name: one's own before one of others."""
    from loghouse.query.suggest import did_you_mean
    from loghouse.saved_queries import readable

    known = readable(store, owner_of(options.owner))
    for each in known:
        if each.name == options.name:
            return each
    meant = did_you_mean(options.name, [each.name for each in known])
    raise UsageError(f'there is no saved query "{options.name}"{meant}', "See: logq saved")


def _store(options: Options) -> Store:
    from loghouse.config import store_url
    from loghouse.store.client import Store

    return Store(store_url(options.url))


def owner_of(named: str) -> str:
    """Whose saved queries: of the name given, else of who is logged in."""
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("your login name is not known", "Give it with --owner") from None
