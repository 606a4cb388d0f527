"""`loghouse rules`: check rule files, try them on the past, run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loghouse import console
from loghouse.errors import ExitCode, LoghouseError, QueryError, UsageError
from loghouse.logq.options import Common
from loghouse.logq.verbs import HELP_OPTIONS, add

if TYPE_CHECKING:
    from loghouse.rules.load import Loaded
    from loghouse.rules.rule import Rule
    from loghouse.store.client import Store

app = typer.Typer(
    help="Alerts and recordings on logs, from YAML files.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP_OPTIONS},
)


@dataclass(frozen=True, kw_only=True)
class Files(Common):
    """Rule files."""

    files: Annotated[tuple[str, ...], typer.Argument(help="Rule files, or directories of them.")]


@dataclass(frozen=True, kw_only=True)
class Check(Files):
    """Options of `loghouse rules check`."""

    with_store: Annotated[
        bool, typer.Option("--with-store", help="Also look for fields that no record in the store has.")
    ] = False


def check(options: Check) -> ExitCode:
    """Read rule files and tell every mistake with its line and column.

    Example: loghouse rules check rules/
    """
    loaded = _loaded(options)
    for mistake in loaded.mistakes:
        console.say(console.told(mistake))
    if options.with_store:
        from loghouse.config import store_url
        from loghouse.store.client import Store

        with Store(store_url(options.url)) as store:
            _tell_unknown_fields(loaded, store)
    if not options.quiet:
        console.say(
            f"{len(loaded.rules)} rules, {len(loaded.recordings)} recordings, {len(loaded.mistakes)} mistakes"
        )
    return ExitCode.USAGE if loaded.mistakes else ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class Test(Files):
    """Options of `loghouse rules test`."""

    since: Annotated[str, typer.Option("-s", "--since", help="Where to start: 14d.")] = "1d"
    to: Annotated[str | None, typer.Option("--to", help="Where to end [default: now].")] = None
    only: Annotated[str | None, typer.Option("--rule", help="Only the rule of this name.")] = None


def test(options: Test) -> ExitCode:
    """Say when rules would have fired on the records that are in the store.

    Example: loghouse rules test rules/shop.yml --since 14d
    """
    import time

    from loghouse.config import store_url
    from loghouse.query import window
    from loghouse.rules.backtest import episodes
    from loghouse.rules.backtest_report import report
    from loghouse.store.client import Store

    rules = [rule for rule in _loaded(options).rule_set.rules if options.only in (None, rule.name)]
    if not rules:
        raise UsageError(f'there is no rule "{options.only}" in these files' if options.only else "no rules")
    range_ = window(time.time_ns(), since=options.since, end=options.to)
    count = 0
    with Store(store_url(options.url)) as store:
        for rule in rules:
            found = sorted(episodes(store, rule, range_), key=lambda episode: episode.since)
            count += len(found)
            for line in report(rule, range_, found):
                typer.echo(line)
    return ExitCode.OK if count else ExitCode.NOTHING_FOUND


@dataclass(frozen=True, kw_only=True)
class Run(Files):
    """Options of `loghouse rules run`."""

    alertmanager: Annotated[
        tuple[str, ...],
        typer.Option(
            "--alertmanager", help="Where alerts go; may be repeated.", envvar="LOGHOUSE_ALERTMANAGER"
        ),
    ] = ()
    token_file: Annotated[
        str, typer.Option("--alertmanager-token-file", help="A file with the bearer token for them.")
    ] = ""
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT of /metrics; '' for none.")] = (
        "127.0.0.1:9430"
    )
    state_dir: Annotated[
        str | None,
        typer.Option("--state-dir", help="Where state is kept.", envvar="LOGHOUSE_RULES_STATE_DIR"),
    ] = None
    link: Annotated[
        str, typer.Option("--link", help="Address of a page with the logs, with {query}, {from} and {to}.")
    ] = ""
    catch_up: Annotated[
        str, typer.Option("--catch-up", help="After an outage, judge at most this much of the past.")
    ] = "1d"


def run(options: Run) -> ExitCode:
    """Judge rules as time goes on, until Ctrl-C: alerts to Alertmanager, figures on /metrics.

    Example: loghouse rules run /etc/loghouse/rules --alertmanager http://alertmanager:9093
    """
    from threading import Event

    from loghouse.config import default_state_dir, store_url
    from loghouse.embedded.command import parse_listen
    from loghouse.query import parse_duration
    from loghouse.rules.alertmanager import Alertmanager
    from loghouse.rules.runner import Runner
    from loghouse.rules.state import StateFile
    from loghouse.stopping import stopped_by_signals
    from loghouse.telemetry.server import HealthServer

    rules = _loaded(options).rule_set
    token = _token(options.token_file)
    alertmanagers = [Alertmanager(url, token) for url in options.alertmanager]
    directory = options.state_dir or str(Path(default_state_dir()).parent / "rules")
    catch_up = parse_duration(options.catch_up)
    listen = parse_listen(options.listen) if options.listen else None
    stop = Event()
    state = StateFile(Path(directory))
    runner = Runner(rules, store_url(options.url), alertmanagers, state, link=options.link, catch_up=catch_up)
    server = None
    try:
        if listen:
            server = HealthServer(*listen, runner.metrics.registry, runner.trouble, runner.status)
        with stopped_by_signals(stop):
            if not options.quiet:
                port = f", metrics on port {server.port}" if server else ""
                console.say(f"judging {len(rules.rules)} rules and {len(rules.recordings)} recordings{port}")
            runner.run(stop)
    finally:
        if server:
            server.close()
        state.close()
    return ExitCode.OK


def _loaded(options: Files) -> Loaded:
    from loghouse.rules.load import load

    return load(Path(name) for name in options.files)


def _token(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f'cannot read the token in "{path}" ({error})') from None


def _tell_unknown_fields(loaded: Loaded, store: Store) -> None:
    from loghouse.known_fields import known_fields, unknown_field

    known = known_fields(store)
    both: Sequence[Rule] = loaded.rules
    for name, place, query in [
        *((rule.name, rule.place, rule.query) for rule in both),
        *((each.name, each.place, each.query) for each in loaded.recordings),
    ]:
        mistake: QueryError | None = unknown_field(query, known)
        if mistake is not None:
            console.say(console.told(_placed(mistake, f"{place}: {name}"), "note"))


def _placed(mistake: QueryError, where: str) -> LoghouseError:
    return QueryError(f"{where}: {mistake.message}", mistake.text, mistake.start, mistake.end, mistake.hint)


add(app, "check", Check, check)
add(app, "test", Test, test)
add(app, "run", Run, run)
