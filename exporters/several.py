"""The command logq-exporters: several exporters in one process, which share one interpreter's memory.

The file has one table for each exporter (or an array of tables for several of a kind), with the settings that
the exporter's own command takes as flags. Each listens on its own port, as it would alone.
"""

import importlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from exporters.command import Kind, Running, prepare, print_once, serve, set_up_logging
from exporters.settings import SettingsError, file_from_tables
from exporters.version import VERSION

# Imported only when the file names them.
KINDS = {
    "apache": "exporters.apache.cli",
    "memcached": "exporters.memcached.cli",
    "nginx": "exporters.nginx.cli",
    "php_fpm": "exporters.php_fpm.cli",
    "rabbitmq": "exporters.rabbitmq.cli",
    "redis": "exporters.redis.cli",
}
_EPILOG = """\b
Example of a file:
  [redis]
  redis.addr = "redis://localhost:6379"
  redis.password-file = "/run/secrets/redis"
  [memcached]
  memcached.address = "localhost:11211"
"""


def prepare_all(path: str) -> list[Running[Any]]:
    """Every exporter of a file, ready to serve; SettingsError on any mistake."""
    import tomllib

    try:
        data = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    # Variables are not read: two exporters of a kind could not tell whose they are.
    running = [
        prepare(kind, {}, {}, file_from_tables(table, kind.all_settings(), f"{path} [{name}]"))
        for name, kind, table in _tables(data, path)
    ]
    if any(one.serve.systemd_socket for one in running):
        raise SettingsError(f"{path}: with web.systemd-socket nothing tells whose a socket is")
    if not running:
        raise SettingsError(f"{path} names no exporter; known are {', '.join(KINDS)}")
    return running


def _tables(data: Mapping[str, Any], path: str) -> Iterator[tuple[str, Kind[Any], Mapping[str, Any]]]:
    for name, tables in data.items():
        module = KINDS.get(name)
        if module is None:
            raise SettingsError(f'{path}: unknown exporter "{name}"; known are {", ".join(KINDS)}')
        for table in tables if isinstance(tables, list) else [tables]:
            if not isinstance(table, dict):
                raise SettingsError(f"{path}: {name} is not a table of settings")
            yield name, importlib.import_module(module).KIND, table


@click.command(name="logq-exporters", epilog=_EPILOG)
@click.option(
    "--config.file", "--config", "path", required=True, metavar="PATH", help="The exporters, in TOML."
)
@click.option(
    "--once", is_flag=True, help="Print the metrics of each and end; the exit code is 1 if one is down."
)
@click.version_option(VERSION, message="%(prog)s %(version)s")
def main(path: str, once: bool) -> None:
    """Serve several exporters from one process."""
    try:
        running = prepare_all(path)
        set_up_logging(running[0].serve)
        if once:
            sys.exit(max([print_once(one) for one in running]))
        serve(running)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
