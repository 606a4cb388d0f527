"""The command of an exporter: its flags, `--once`, and serving until a signal.

click is used directly instead of typer: upstream flags have dots, single dashes and `=false`, and typer keeps
15 MB of memory for parsing them, half of what a sidecar may use.
"""

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

import click

from exporters.catalogue import Catalogue
from exporters.deadline import Deadline
from exporters.exporter import Ask, Exporter, gather
from exporters.exposition import encode_text
from exporters.httpserver import Handler, HttpServer, listen
from exporters.pages import Pages
from exporters.settings import (
    Duration,
    File,
    Flag,
    Setting,
    SettingsError,
    Words,
    declared,
    load,
    read,
    read_file,
)
from exporters.targets import TargetRules, check_patterns
from exporters.version import VERSION
from exporters.webconfig import WebAccess, read_web_config

Own = TypeVar("Own")

_OWN_FLAGS = {"--version", "--help", "--once", "--config.file"}
_LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "fatal": 50, "panic": 50}


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What every exporter has: where it listens, how long a scrape may take, which targets it may probe."""

    listen_address: Annotated[
        Words,
        Flag(
            "web.listen-address",
            "Where to listen: host:port, or :port for all addresses; repeated, or with commas between them.",
        ),
    ]
    systemd_socket: Annotated[
        bool, Flag("web.systemd-socket", "Listen on the sockets of the systemd unit instead.")
    ] = False
    telemetry_path: Annotated[str, Flag("web.telemetry-path", "Path of the metrics page.")] = "/metrics"
    scrape_path: Annotated[str, Flag("web.scrape-path", "Path that scrapes the target of a URL.")] = "/scrape"
    web_config: Annotated[
        str, Flag("web.config.file", "TLS and users of the pages, in the format of exporter-toolkit.")
    ] = ""
    scrape_timeout: Annotated[
        Duration,
        Flag(
            "scrape.timeout",
            "How long one whole scrape may take; less when Prometheus sends a shorter timeout of its own.",
        ),
    ] = Duration(9.5)
    targets: Annotated[
        Words,
        Flag(
            "targets",
            "Targets that /probe and /scrape may reach, as host:port with * and ?; without it both are off.",
        ),
    ] = ()
    log_level: Annotated[str, Flag("log.level", "debug, info, warn or error.", aliases=("log-level",))] = (
        "info"
    )
    log_format: Annotated[str, Flag("log.format", "txt or json.", aliases=("log-format",))] = "txt"


@dataclass(frozen=True, slots=True)
class Kind(Generic[Own]):
    """One kind of exporter, as its command and `logq-exporters` need it.

    `build` makes the exporter from its settings and the rules for other targets; `web_access` lets a kind
    with flags of its own for TLS and users (redis) add to the web configuration file; `routes` adds pages.
    """

    name: str
    title: str
    env_prefix: str
    port: int
    target_port: int
    settings: type[Own]
    build: Callable[[Own, "TargetRules[Own]"], Exporter]
    examples: str
    web_access: Callable[[Own, WebAccess], WebAccess] = lambda own, access: access
    routes: Callable[[Exporter], Mapping[str, Handler]] = lambda exporter: {}
    # Variables that upstream reads for the shared settings, by flag name.
    shared_env: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Upstream's flags for them, likewise.
    shared_aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # Variables of upstream that say something in another way, as those of `variables`.
    environ: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda environ: environ
    # What it can emit and under which prefix, for its page of documentation; in other styles by their flag.
    catalogue: Catalogue | None = None
    other_catalogues: Mapping[str, Catalogue] = field(default_factory=dict)
    namespace: str = ""

    def all_settings(self) -> list[Setting]:
        """Own settings first, then the shared ones with this kind's defaults and variables."""
        return [*declared(self.settings), *self.shared_settings()]

    def shared_settings(self) -> list[Setting]:
        shared = []
        for setting in declared(ServeSettings):
            flag = setting.flag
            env = self.shared_env.get(flag.name, flag.env)
            aliases = (*flag.aliases, *self.shared_aliases.get(flag.name, ()))
            default = (f":{self.port}",) if setting.field == "listen_address" else setting.default
            changed = Flag(flag.name, flag.help, env, aliases)
            shared.append(Setting(setting.field, changed, setting.type, default))
        return shared


@dataclass(frozen=True, slots=True)
class Running(Generic[Own]):
    """An exporter ready to serve, with its pages and settings."""

    exporter: Exporter
    serve: ServeSettings
    own: Own
    routes: Mapping[str, Handler]
    access: WebAccess

    def servers(self) -> list[HttpServer]:
        """Open the listeners; SettingsError when an address cannot be used."""
        listeners = (
            systemd_listeners(os.environ, os.getpid())
            if self.serve.systemd_socket
            else [_listener(address) for address in self.serve.listen_address]
        )
        if not listeners:
            raise SettingsError("--web.listen-address names no address")
        return [HttpServer(listener, self.routes, self.access) for listener in listeners]


def systemd_listeners(environ: Mapping[str, str], pid: int) -> list[socket.socket]:
    """The sockets that systemd opened for this process, see sd_listen_fds(3); SettingsError without any."""
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(pid) or not count.isdecimal() or count == "0":
        raise SettingsError("--web.systemd-socket: systemd gave this process no socket")
    return [socket.socket(fileno=number) for number in range(3, 3 + int(count))]


def _listener(address: str) -> socket.socket:
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"--web.listen-address: {address!r} is not host:port")
    try:
        return listen(host.strip("[]"), int(port))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SettingsError(f"cannot listen on {address}: {reason}") from None


def prepare(
    kind: Kind[Own], flags: Mapping[str, str], environ: Mapping[str, str], file: File | None
) -> Running[Own]:
    """Read all settings of a kind and build its exporter; SettingsError on any mistake."""
    values = file.settings if file else {}
    environ = kind.environ(environ)
    own = load(kind.settings, kind.env_prefix, flags, environ, values)
    shared = kind.shared_settings()
    defaults = {setting.field: setting.default for setting in shared}
    serve = ServeSettings(**defaults | read(shared, kind.env_prefix, flags, environ, values))
    rules = TargetRules.build(own, kind.target_port, serve.targets, file)
    check_patterns(rules.allowed)
    access = read_web_config(serve.web_config) if serve.web_config else WebAccess()
    access = kind.web_access(own, access)
    exporter = kind.build(own, rules)
    for where, changed in rules.overridden():
        # Built only to be checked: a mistake there must stop the start as well.
        try:
            kind.build(changed, rules)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from None
    pages = Pages(exporter, kind.title, serve.scrape_timeout, rules, serve.telemetry_path, serve.scrape_path)
    return Running(exporter, serve, own, pages.routes(kind.routes(exporter)), access)


def run(kind: Kind[Any], arguments: Sequence[str] | None = None) -> None:
    """The whole command: parse, then print once or serve until SIGTERM or SIGINT."""
    command = click_command(kind)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command.main(go_style(arguments, kind.all_settings()), prog_name=kind.name)


def click_command(kind: Kind[Any]) -> click.Command:
    """The click command of a kind: one option per setting, and those of every exporter."""
    settings = kind.all_settings()
    options: list[click.Parameter] = []
    for setting in settings:
        options += _options(setting, kind.env_prefix)
    options.append(click.Option(["--config.file", "config_file"], metavar="PATH", help="Settings in TOML."))
    options.append(
        click.Option(
            ["--once"], is_flag=True, help="Print the metrics and exit: 0 when the target is up, else 1."
        )
    )
    options.append(click.Option(["--version"], is_flag=True, help="Print the version and exit."))

    def callback(config_file: str | None, once: bool, version: bool, **given: Any) -> None:
        if version:
            click.echo(f"{kind.name} {VERSION}")
            return
        # A list that was not given is an empty tuple: it must not hide a variable, the file or the default.
        flags = {name: _as_text(value) for name, value in given.items() if value not in (None, ())}
        try:
            file = read_file(config_file, settings) if config_file else None
            running = prepare(kind, flags, os.environ, file)
            set_up_logging(running.serve)
            if once:
                sys.exit(print_once(running))
            serve([running])
        except SettingsError as error:
            raise click.ClickException(str(error)) from None

    epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in kind.examples.strip().splitlines())
    return click.Command(
        kind.name, params=options, callback=callback, help=kind.title, epilog=epilog, no_args_is_help=False
    )


def print_once(running: Running[Any]) -> int:
    """Print one page to standard output; the exit code says whether the target is up."""
    families = gather(running.exporter, Ask(Deadline.after(running.serve.scrape_timeout)))
    sys.stdout.buffer.write(encode_text(families))
    sys.stdout.flush()
    name = f"{running.exporter.namespace}_up"
    values = [sample[2] for family in families if family.name == name for sample in family.samples]
    return 0 if values and all(values) else 1


def serve(exporters: Sequence[Running[Any]]) -> None:
    """Serve all of them until a signal asks to stop."""
    # Blocked before the threads start, so that the signals wait for sigwait, also in process 1.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    servers = []
    for running in exporters:
        servers += running.servers()
        where = (
            "sockets of systemd" if running.serve.systemd_socket else ", ".join(running.serve.listen_address)
        )
        logging.getLogger("exporters").info("%s exporter listens on %s", running.exporter.namespace, where)
    for server in servers:
        server.start()
    signal.sigwait(signals)
    for server in servers:
        server.close()


def set_up_logging(settings: ServeSettings) -> None:
    """Log lines to standard error, as text or JSON."""
    level = _LEVELS.get(settings.log_level.lower())
    if level is None:
        raise SettingsError(f"--log.level: {settings.log_level!r} is not one of {', '.join(_LEVELS)}")
    handler = logging.StreamHandler()
    if settings.log_format == "json":
        handler.setFormatter(_JsonLines())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def go_style(arguments: Sequence[str], settings: Sequence[Setting]) -> list[str]:
    """Arguments as click wants them: `-flag` as `--flag`, and `--switch=false` as `--no-switch`."""
    switches = {f"--{name}" for item in settings if item.is_switch for name in _names(item)}
    known = {f"--{name}" for item in settings for name in _names(item)} | _OWN_FLAGS
    changed = []
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if name.startswith("-") and not name.startswith("--") and f"-{name}" in known:
            name = f"-{name}"
        if separator and name in switches:
            if value.lower() in ("false", "f", "0", "no", "off"):
                name = f"--no-{name[2:]}"
            separator = value = ""
        changed.append(name + separator + value)
    return changed


def _names(setting: Setting) -> tuple[str, ...]:
    return (setting.flag.name, *setting.flag.aliases)


def _options(setting: Setting, prefix: str) -> list[click.Parameter]:
    text = setting.flag.help
    default = setting.default_text()
    if default and default != "false":
        text += f" [default: {default}]"
    text += f" [env: {', '.join(setting.variables(prefix))}]"
    if setting.is_switch:
        names = [f"--{name}/--no-{name}" for name in _names(setting)]
        return [click.Option([*names, setting.field], default=None, help=text)]
    names = [f"--{name}" for name in _names(setting)]
    # A repeated flag adds to a list, and replaces anything else.
    multiple = setting.type == Words
    options: list[click.Parameter] = [
        click.Option([*names, setting.field], metavar="TEXT", multiple=multiple, default=None, help=text)
    ]
    if setting.has_file:
        options.append(
            click.Option(
                [f"--{setting.flag.name}-file", f"{setting.field}_file"],
                metavar="PATH",
                help=f"File that holds --{setting.flag.name}.",
            )
        )
    return options


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        import json

        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)
