"""Command `loghouse`: run the store, make its tables, ship logs into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Annotated, NoReturn

import typer

from loghouse import console
from loghouse.access.command import app as access_app
from loghouse.backup.command import Backup, Restore, backup, restore
from loghouse.client.command import Journal, journal
from loghouse.config import StoreUrl, default_state_dir, store_url
from loghouse.errors import ExitCode
from loghouse.logq.options import Common
from loghouse.logq.verbs import HELP_OPTIONS, add, add_version, command_line
from loghouse.operator.doctor import Doctor, doctor
from loghouse.operator.quarantine import QuarantineOptions, quarantine
from loghouse.operator.status import Status, status
from loghouse.retention.command import Retention, retention
from loghouse.rules.cli import app as rules
from loghouse.store.word_index import WordIndex
from loghouse.verify.command import Verify, verify
from loghouse.web.command import DEFAULT_WEB, Web, web

app = typer.Typer(
    help="Run the log store, make its tables, ship logs into it. `logq` reads them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": HELP_OPTIONS},
)


def main() -> NoReturn:
    """The entry point."""
    console.run(command_line(app), "loghouse")


@dataclass(frozen=True, kw_only=True)
class Up(Common):
    """Options of `loghouse up`."""

    data_dir: Annotated[
        str, typer.Option("--data-dir", help="Where the data is kept.", envvar="LOGHOUSE_DATA_DIR")
    ]
    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT to serve.", envvar="LOGHOUSE_LISTEN")] = (
        "127.0.0.1:9000"
    )
    user: Annotated[str, typer.Option("--user", help="The one user there is.")] = "default"
    password_file: Annotated[
        str | None, typer.Option("--password-file", help="A file with that user's password.")
    ] = None
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine without a password.")
    ] = False
    backup_dir: Annotated[
        str | None,
        typer.Option("--backup-dir", help="Where `loghouse backup` may write.", envvar="LOGHOUSE_BACKUP_DIR"),
    ] = None
    allow_outside: Annotated[
        bool,
        typer.Option(
            "--allow-outside",
            help="Let statements of clients reach files and the network, as file() does.",
        ),
    ] = False
    web: Annotated[
        str | None,
        typer.Option(
            "--web",
            help=f"HOST:PORT of the web page; '' for none. [default: {DEFAULT_WEB}]",
            envvar="LOGHOUSE_WEB",
        ),
    ] = None
    access: Annotated[
        str | None,
        typer.Option(
            "--access", help="Who may read what on the page (docs/access.md).", envvar="LOGHOUSE_ACCESS"
        ),
    ] = None


def up(options: Up) -> ExitCode:
    """Run ClickHouse in this process and serve it and the web page, with the tables made, until Ctrl-C.

    Example: loghouse up --data-dir ~/logs
    """
    from loghouse.embedded.command import up as serve

    password_file = Path(options.password_file) if options.password_file else None
    serve(
        Path(options.data_dir).expanduser(),
        options.listen,
        options.user,
        password_file,
        options.insecure,
        prepare=_make_tables,
        beside=lambda url: _page_beside(url, options),
        backup_dir=Path(options.backup_dir).expanduser() if options.backup_dir else None,
        allow_outside=options.allow_outside,
    )
    return ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class Migrate(Common):
    """Options of `loghouse migrate`."""

    cluster: Annotated[
        str, typer.Option("--cluster", help="Make replicated and distributed tables on this cluster.")
    ] = ""
    words: Annotated[
        WordIndex | None,
        typer.Option(
            "--words",
            help="Find tokens with digits by this index: bloom, a byte a record, as it is at first; text, 31 "
            "bytes a record, counts them at once (ClickHouse 26.2 or newer).",
        ),
    ] = None
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements, change nothing.")] = False


def migrate(options: Migrate) -> ExitCode:
    """Make the tables of the store, or bring them up to date.

    Example: loghouse migrate --url clickhouse://db.example:9000/loghouse --dry-run
    """
    from loghouse.store.client import Store
    from loghouse.store.migrate import migrate as apply
    from loghouse.store.migrate import pending
    from loghouse.store.word_index import change_sql, word_index

    with Store(store_url(options.url)) as store:
        if options.dry_run:
            for migration in pending(store, options.cluster):
                typer.echo(f"-- {migration.version:04d} {migration.name}")
                typer.echo("".join(f"{statement};\n\n" for statement in migration.statements), nl=False)
            if options.words is not None:
                typer.echo(f"{change_sql(options.words, options.cluster)};\n")
            return ExitCode.OK
        applied = apply(store, options.cluster, console.say)
        words = options.words if options.words != word_index(store) else None
        if words is not None:
            store.rows(change_sql(words, options.cluster))
    for migration in applied:
        console.say(f"applied {migration.version:04d} {migration.name}")
    if words is not None:
        console.say(f"words are found by the index {words}; what is stored already gets it by and by")
    elif not applied:
        console.say("nothing to apply")
    return ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class Ship(Common):
    """Options of `loghouse ship`."""

    paths: Annotated[
        tuple[str, ...], typer.Argument(help="Directories or files [default: /var/log/pods].")
    ] = ()
    once: Annotated[bool, typer.Option("--once", help="Read to the end, store everything, leave.")] = False
    state_dir: Annotated[
        str | None,
        typer.Option("--state-dir", help="Where offsets are kept.", envvar="LOGHOUSE_STATE_DIR"),
    ] = None
    node: Annotated[
        str, typer.Option("--node", help="Name of this node [default: host name].", envvar="LOGHOUSE_NODE")
    ] = ""
    multiline: Annotated[
        str, typer.Option("--multiline", help="How lines make events: auto, off, indent or start:REGEX.")
    ] = "auto"
    file_format: Annotated[
        str, typer.Option("--file-format", help="Of all files: auto, cri, docker, plain or raw.")
    ] = "auto"
    redact: Annotated[
        bool, typer.Option("--redact", help="Mask keys, tokens, passwords and card numbers.")
    ] = False
    filters: Annotated[
        str, typer.Option("--filters", help="File of rules: mask, drop, sample, limit (docs/shipping.md).")
    ] = ""
    kubernetes: Annotated[
        str, typer.Option("--kubernetes", help="Ask for labels: auto (in a pod), off, or the API's URL.")
    ] = "auto"
    kubernetes_token: Annotated[
        str, typer.Option("--kubernetes-token-file", help="Token for the API [default: the pod's].")
    ] = ""
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            help="HOST:PORT of /metrics, /healthz and /status [default: none].",
            envvar="LOGHOUSE_SHIP_LISTEN",
        ),
    ] = ""
    kubernetes_ca: Annotated[
        str, typer.Option("--kubernetes-ca-file", help="CA of the API [default: the pod's].")
    ] = ""


def ship(options: Ship) -> ExitCode:
    """Send container logs (CRI, Docker json-file) and plain files to the store, and follow them.

    Example: loghouse ship --once /var/log/pods
    """
    from loghouse.embedded.command import parse_listen
    from loghouse.filters.config import rules_of
    from loghouse.filters.filters import Filters
    from loghouse.kubernetes.api import server_of
    from loghouse.ship.command import ship as send
    from loghouse.ship.progress import shown_on_terminal
    from loghouse.ship.reading import Reading

    rules = rules_of(options.filters, options.redact)
    with nullcontext() if options.quiet or not options.once else shown_on_terminal() as on_progress:
        summary = send(
            options.paths,
            store_url(options.url),
            options.state_dir or default_state_dir(),
            options.node,
            options.once,
            on_progress=on_progress,
            reading=Reading(
                options.multiline, options.file_format, filters=Filters(rules) if rules else None
            ),
            kubernetes=server_of(options.kubernetes, options.kubernetes_token, options.kubernetes_ca),
            listen=parse_listen(options.listen) if options.listen else None,
        )
    if not options.quiet:
        console.say(str(summary))
    if summary.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if summary.complete and not summary.problems else ExitCode.PARTIAL


@dataclass(frozen=True, kw_only=True)
class Receive(Common):
    """Options of `loghouse receive`."""

    forward: Annotated[str, typer.Option("--forward", help="HOST:PORT for Fluent Forward; '' for none.")] = (
        "127.0.0.1:24224"
    )
    http: Annotated[str, typer.Option("--http", help="HOST:PORT for HTTP; '' for none.")] = "127.0.0.1:9428"
    syslog: Annotated[
        str, typer.Option("--syslog", help="HOST:PORT for syslog over TCP and UDP [default: none].")
    ] = ""
    token_file: Annotated[str, typer.Option("--token-file", help="HTTP clients must send this token.")] = ""
    shared_key_file: Annotated[
        str, typer.Option("--shared-key-file", help="Forward clients must know this key.")
    ] = ""
    users_file: Annotated[
        str, typer.Option("--users-file", help="Forward clients must be one of these NAME:PASSWORD lines.")
    ] = ""
    certificate: Annotated[str, typer.Option("--tls-cert", help="Serve TLS with this certificate.")] = ""
    key: Annotated[str, typer.Option("--tls-key", help="The certificate's key.")] = ""
    state_dir: Annotated[
        str | None,
        typer.Option(
            "--state-dir", help="Where records wait for the store.", envvar="LOGHOUSE_RECEIVE_STATE_DIR"
        ),
    ] = None
    node: Annotated[
        str, typer.Option("--node", help="Name of this node [default: host name].", envvar="LOGHOUSE_NODE")
    ] = ""


def receive(options: Receive) -> ExitCode:
    """Take logs from Fluent Bit, Fluentd, Docker, Loki, Elasticsearch and OpenTelemetry clients.

    Example: loghouse receive --forward 0.0.0.0:24224 --shared-key-file /etc/loghouse/key
    """
    from loghouse.receive.command import Listening, Receiver, until
    from loghouse.stopping import stopped_by_signals

    listening = Listening(
        options.forward,
        options.http,
        options.syslog,
        options.token_file,
        options.shared_key_file,
        options.users_file,
        options.certificate,
        options.key,
    )
    state_dir = options.state_dir or str(Path(default_state_dir()).parent / "receive")
    stop = Event()
    with stopped_by_signals(stop):
        receiver = Receiver(listening, store_url(options.url), state_dir, options.node)
        if not options.quiet:
            console.say(str(receiver))
        until(stop, receiver)
    return ExitCode.OK


def _make_tables(url: StoreUrl) -> None:
    from loghouse.store.client import Store
    from loghouse.store.migrate import migrate as apply

    with Store(url) as store:
        apply(store, say=console.say)


@contextmanager
def _page_beside(url: StoreUrl, options: Up) -> Iterator[None]:
    """Serves the page while the store runs."""
    if options.web == "":
        yield
        return
    from loghouse.web.command import page_of

    with page_of(url, options.web, options.access, options.insecure):
        yield


add_version(app, "loghouse")
add(app, "up", Up, up)
add(app, "migrate", Migrate, migrate)
add(app, "ship", Ship, ship)
add(app, "receive", Receive, receive)
add(app, "journal", Journal, journal)
add(app, "web", Web, web)
app.add_typer(access_app, name="access")
add(app, "status", Status, status)
add(app, "verify", Verify, verify)
add(app, "doctor", Doctor, doctor)
add(app, "quarantine", QuarantineOptions, quarantine)
add(app, "retention", Retention, retention)
add(app, "backup", Backup, backup)
add(app, "restore", Restore, restore)
app.add_typer(rules, name="rules")
