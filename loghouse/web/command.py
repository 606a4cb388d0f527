"""`loghouse web`, and the page that `loghouse up` serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from loghouse import console
from loghouse.config import StoreUrl, store_url
from loghouse.errors import ExitCode, UsageError
from loghouse.logq.options import Common

DEFAULT_WEB = "127.0.0.1:8080"


@dataclass(frozen=True, kw_only=True)
class Web(Common):
    """Options of `loghouse web`."""

    listen: Annotated[str, typer.Option("--listen", help="HOST:PORT to serve.", envvar="LOGHOUSE_WEB")] = (
        DEFAULT_WEB
    )
    access: Annotated[
        str | None,
        typer.Option("--access", help="Who may read what (docs/access.md).", envvar="LOGHOUSE_ACCESS"),
    ] = None
    allow_host: Annotated[
        tuple[str, ...],
        typer.Option("--allow-host", help="Another name of the page, when nobody has to log in."),
    ] = ()
    certificate: Annotated[str, typer.Option("--tls-cert", help="Serve TLS with this certificate.")] = ""
    key: Annotated[str, typer.Option("--tls-key", help="The certificate's key.")] = ""
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine though nobody has to log in.")
    ] = False


def web(options: Web) -> ExitCode:
    """Serve the web page, its API and the API of Loki for a store, until Ctrl-C.

    Example: loghouse web --url clickhouse://db.example:9000/loghouse --listen 0.0.0.0:8080 --access who.toml
    """
    from loghouse.stopping import stopped_by_signals

    stop = Event()
    with stopped_by_signals(stop):  # before the rest is loaded, which takes longest
        from loghouse.web.server import Serving, WebServer

        host, port = _address(options.listen)
        serving = Serving(
            host,
            port,
            Path(options.access) if options.access else None,
            options.allow_host,
            options.certificate,
            options.key,
            options.insecure,
        )
        server = WebServer(serving, store_url(options.url))
        server.start()
        if not options.quiet:
            console.say(f"the web page is at {server.url}")
        stop.wait()
        server.stop()
    return ExitCode.OK


@contextmanager
def page_of(url: StoreUrl, listen: str | None, access: str | None, insecure: bool) -> Iterator[None]:
    """Serves the page of the store beside it; `listen` None is the default place, if that is free.

    A store that starts has to start, also beside a second one: only a place that was asked for must be free.
    """
    from loghouse.web.server import Serving, WebServer

    host, port = _address(listen or DEFAULT_WEB)
    try:
        server = WebServer(Serving(host, port, Path(access) if access else None, insecure=insecure), url)
    except UsageError as error:
        if listen is not None or access is not None:
            raise
        console.say(f"warning: no web page: {error.message}\n  Choose a place for it with --web HOST:PORT")
        yield
        return
    server.start()
    console.say(f"the web page is at {server.url}")
    try:
        yield
    finally:
        server.stop()


def _address(text: str) -> tuple[str, int]:
    from loghouse.embedded.command import parse_listen

    return parse_listen(text)
