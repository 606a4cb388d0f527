"""How long a scrape takes and how much memory each exporter needs, in one run beside those in use today.

Starts the servers, scrapes Debian's prometheus-redis-exporter, prometheus-apache-exporter,
prometheus-nginx-exporter and RabbitMQ's own page in turn with ours, and prints tables in Markdown:

    python benchmarks/exporters_peers.py [--scrapes 200] [--only redis,nginx]
"""

import argparse
import contextlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from scraping import Page, running, say, scrape_in_turn, table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exporters"))

import exporter_servers
import php_fpm_server
import rabbit_server
import web_servers

from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.redis.resp import Command, encode, read_reply

CHECKED_KEYS = 5_000
OTHER_KEYS = 50_000
POOLS = 20
QUEUES = 1_000
# Commands that have been used, as those of a server in use.
_USED = "GET STRLEN TYPE TTL EXISTS EXPIRE DUMP INCR DECR DEL APPEND GETSET SETNX LLEN SCARD ZCARD HLEN"


class Bench:
    """Exporters that run at the same time, and the pages that are scraped in turn."""

    def __init__(self, stack: contextlib.ExitStack, scrapes: int) -> None:
        self._stack = stack
        self._scrapes = scrapes
        self._pages: list[Page] = []

    def ours(self, name: str, kind: str, *flags: str) -> None:
        self._start(name, [sys.executable, "-m", f"exporters.{kind}"], "--web.listen-address", flags)

    def theirs(self, program: str, port_flag: str, *flags: str) -> None:
        if shutil.which(program):
            self._start(program, [program], port_flag, flags)
        else:
            say(f"{program} is not installed")

    def page(self, name: str, port: int, path: str) -> None:
        self._pages.append(Page(name, port, path))

    def _start(self, name: str, program: Sequence[str], port_flag: str, flags: Sequence[str]) -> None:
        port = exporter_servers.free_port()
        command = [*program, f"{port_flag}=127.0.0.1:{port}", *flags]
        self._pages.append(Page(name, port, pid=self._stack.enter_context(running(command, port))))

    def print(self, title: str, share: float = 1) -> None:
        """Scrape and print a table; `share` of the scrapes is enough for slow pages."""
        say(f"\n{title}; load of the machine {os.getloadavg()[0]:.1f}\n")
        for line in table(scrape_in_turn(self._pages, max(int(self._scrapes * share), 5))):
            say(line)


def redis(folder: Path, new: Callable[[], Bench]) -> None:
    with exporter_servers.redis_server(folder) as port:
        _fill(port)
        uri = f"-redis.addr=redis://127.0.0.1:{port}"
        bench = new()
        bench.theirs("prometheus-redis-exporter", "-web.listen-address", uri)
        bench.ours("redis-exporter", "redis", uri)
        bench.ours("redis-exporter, no histograms", "redis", uri, "-exclude-latency-histogram-metrics")
        bench.print("Redis")
        bench = new()
        bench.theirs("prometheus-redis-exporter", "-web.listen-address", uri, "-check-keys=chk:*")
        bench.ours("redis-exporter", "redis", uri, "-check-keys=chk:*")
        bench.print(f"Redis, {CHECKED_KEYS} keys checked", 0.1)


def apache(folder: Path, new: Callable[[], Bench]) -> None:
    with web_servers.apache(folder) as web:
        uri = f"--scrape_uri={web.url('/server-status?auto')}"
        bench = new()
        bench.theirs("prometheus-apache-exporter", "--telemetry.address", uri)
        bench.ours("apache-exporter", "apache", uri)
        bench.print("Apache")


def nginx(folder: Path, new: Callable[[], Bench]) -> None:
    with web_servers.nginx(folder) as web:
        uri = f"-nginx.scrape-uri={web.url('/stub_status')}"
        bench = new()
        bench.theirs("prometheus-nginx-exporter", "-web.listen-address", uri)
        bench.ours("nginx-exporter", "nginx", uri)
        bench.print("nginx")


def memcached(folder: Path, new: Callable[[], Bench]) -> None:
    with exporter_servers.memcached_server(folder) as port:
        exporter_servers.memcached(port, *(line for n in range(100) for line in (f"set k{n} 0 0 1", "1")))
        bench = new()
        bench.ours("memcached-exporter", "memcached", f"--memcached.address=127.0.0.1:{port}")
        bench.print("memcached")


def php_fpm(folder: Path, new: Callable[[], Bench]) -> None:
    pool = "listen = $folder/{}.sock\npm = static\npm.max_children = 5\npm.status_path = /status"
    with php_fpm_server.php_fpm(
        folder, {f"pool{n:02}": pool.format(f"pool{n:02}") for n in range(POOLS)}
    ) as fpm:
        uri = f"--phpfpm.scrape-uri=unix://{fpm.folder}/*.sock;/status"
        bench = new()
        bench.ours("php-fpm-exporter", "php_fpm", uri)
        bench.ours("php-fpm-exporter --no-phpfpm.per-process", "php_fpm", uri, "--no-phpfpm.per-process")
        bench.print(f"PHP-FPM, {POOLS} pools of 5 processes")


def rabbitmq(folder: Path, new: Callable[[], Bench]) -> None:
    with rabbit_server.rabbit_server(folder) as rabbit:
        for index in range(QUEUES):
            rabbit.declare("/", f"queue-{index:05}", durable=False)
            for _ in range(index % 3):
                rabbit.publish("/", f"queue-{index:05}", "hello")
        urls = (
            f"--rabbit.url=http://127.0.0.1:{rabbit.api_port}",
            f"--plugin.url=http://127.0.0.1:{rabbit.plugin_port}",
        )
        bench = new()
        bench.page("rabbitmq_prometheus /metrics/per-object", rabbit.plugin_port, "/metrics/per-object")
        bench.ours("rabbitmq-exporter", "rabbitmq", *urls)
        bench.ours("rabbitmq-exporter --metrics-style=kbudde", "rabbitmq", *urls, "--metrics-style=kbudde")
        bench.print(f"RabbitMQ, {QUEUES} queues", 0.3)


KINDS = {function.__name__: function for function in (redis, apache, nginx, memcached, php_fpm, rabbitmq)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scrapes", type=int, default=200)
    parser.add_argument(
        "--only", default=",".join(KINDS), help="kinds of exporters, with commas between them"
    )
    arguments = parser.parse_args()
    say(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    for name in arguments.only.split(","):
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:

            def new(stack: contextlib.ExitStack = stack) -> Bench:
                return Bench(stack, arguments.scrapes)

            KINDS[name](Path(folder), new)


def _fill(port: int) -> None:
    """Keys by number, and one call of many commands."""
    commands: list[Command] = [("SET", f"chk:{index}", index) for index in range(CHECKED_KEYS)]
    commands += [("SET", f"bulk:{index}", "x" * 20) for index in range(OTHER_KEYS)]
    commands += [
        (name, "k") if name in ("GET", "STRLEN", "TYPE") else (name, "k", "1") for name in _USED.split()
    ]
    for start in range(0, len(commands), 5000):
        batch = commands[start : start + 5000]
        with Connection.open(Address("127.0.0.1", port), Deadline.after(60), 100_000_000) as connection:
            connection.send(b"".join(encode(command) for command in batch))
            for _ in batch:
                read_reply(connection)


if __name__ == "__main__":
    main()
