"""A shop in miniature: real servers under a small load, exporters, both Prometheus, Alertmanager, the logs.

Everything listens on loopback. Rules are those of dashboards/, with `for` cut to seconds: what is tested is
the way of an alert, not patience.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from dashboards.prometheus_server import Prometheus, prometheus
from exporter_servers import memcached, memcached_server, process, redis, redis_server, serving
from php_fpm_server import PhpFpm, finish, php_fpm, send
from rabbit_server import Rabbit, rabbit_server
from rules.notified import CONFIG, AlertmanagerServer, Webhook, free_port, wait_for, webhook
from servers import start_embedded, stop
from web_servers import Web, apache, nginx

from exporters.apache.cli import KIND as APACHE
from exporters.connection import Address
from exporters.memcached.cli import KIND as MEMCACHED
from exporters.nginx.cli import KIND as NGINX
from exporters.php_fpm.cli import KIND as PHP_FPM
from exporters.rabbitmq.cli import KIND as RABBITMQ
from exporters.redis.cli import KIND as REDIS
from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

ROOT = Path(__file__).parents[2]
NAMESPACE = "shop"
PATIENCE = "10s"  # two scrapes may fail on a busy machine
# The status of the first pool is served beside it, so that it answers when all its processes are busy.
POOLS = {
    "www": """listen = 127.0.0.1:{port}
pm = static
pm.max_children = 3
pm.status_path = /status
pm.status_listen = $folder/status.sock
access.log = $folder/access.log
""",
    "jobs": "listen = $folder/jobs.sock\npm = static\npm.max_children = 1\npm.status_path = /status\n",
}
# Nothing behind nginx breaks in the lab.
BAD_GATEWAY = '10.0.0.9 - - [21/Nov/2026:08:00:00 +0000] "GET /pay?id={turn} HTTP/1.1" 502 157 "-" "curl/8"'
LOG_RULES = """
rules:
  - name: ErrorBurst
    query: namespace=shop level>=error
    window: 1m
    every: 1s
    delay: 1s
    condition: {frequency: {above: 20}}
    by: [namespace, pod]
    severity: critical
    annotations: {summary: "{value} errors in {pod}"}
recordings:
  - name: shop_responses
    query: "container=nginx | stats count() as n by namespace, status"
    window: 1m
    every: 5s
"""


@dataclass
class Lab:
    """What runs, and what a fault needs to be made."""

    directory: Path
    store: StoreUrl
    hook: Webhook
    main: Prometheus
    long: Prometheus
    alertmanager: AlertmanagerServer
    php: PhpFpm
    pool: Address
    rabbit: Rabbit
    redis_port: int
    replica: subprocess.Popen[bytes]
    shipper: subprocess.Popen[bytes]
    server: subprocess.Popen[str]  # the store
    memcached_port: int
    web: Web
    apache: Web
    ports: Mapping[str, int] = field(default_factory=dict)

    def write(self, pod: str, container: str, *records: str) -> None:
        """Lines as a container runtime writes them."""
        path = self.directory / "pods" / f"{NAMESPACE}_{pod}_uid-{pod}" / container / "0.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"
        with path.open("a") as file:
            file.write("".join(f"{stamp} stdout F {record}\n" for record in records))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        with Store(self.store) as store:
            return store.rows(sql)


@contextlib.contextmanager
def lab(directory: Path) -> Iterator[Lab]:
    """All of it; takes about half a minute to start."""
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        hook = enter(webhook())
        server, url = start_embedded(directory / "store")
        stack.callback(stop, server)
        with Store(url) as store:
            migrate(store)
        (directory / "rabbit").mkdir()
        rabbit = enter(rabbit_server(directory / "rabbit"))
        redis_port = enter(
            redis_server(directory / "redis", "--maxmemory", "20mb", "--maxmemory-policy", "noeviction")
        )
        replica = enter(_replica(directory / "replica", redis_port))
        # -A: it may be told to shut down.
        memcached_port = enter(memcached_server(directory / "memcached", "-m", "2", "-A"))
        pool = Address("127.0.0.1", free_port())
        pools = {name: text.replace("{port}", str(pool.port)) for name, text in POOLS.items()}
        fpm = enter(php_fpm(directory / "php", pools))
        shutil.copy(ROOT / "exporters" / "php_fpm" / "opcache.php", fpm.folder)
        web, httpd = enter(nginx(directory / "nginx")), enter(apache(directory / "apache"))
        ports = {
            "redis": enter(serving(REDIS, {"addr": f"127.0.0.1:{redis_port}"})),
            "redis-replica": enter(serving(REDIS, {"addr": f"127.0.0.1:{_replica_port(replica)}"})),
            "memcached": enter(serving(MEMCACHED, {"address": f"127.0.0.1:{memcached_port}"})),
            "rabbitmq": enter(serving(RABBITMQ, _rabbit_flags(rabbit))),
            "php-fpm": enter(serving(PHP_FPM, _php_flags(fpm))),
            "nginx": enter(serving(NGINX, {"scrape_uri": web.url("/stub_status")})),
            "apache": enter(serving(APACHE, {"scrape_uri": httpd.url("/server-status?auto")})),
        }
        alertmanager = AlertmanagerServer(directory / "alertmanager", CONFIG.format(port=hook.port))
        alertmanager.start()
        stack.callback(alertmanager.stop)
        pods = directory / "pods"
        pods.mkdir()
        ours = _pipeline(directory, url, alertmanager.url)
        shipper = enter(_loghouse(directory, "ship", *ours["ship"][1]))
        enter(_loghouse(directory, "receive", *ours["receive"][1]))
        enter(_loghouse(directory, "rules", *ours["rules"][1]))
        ports |= {f"loghouse-{name}": port for name, (port, _) in ours.items()}
        main = enter(prometheus(_short(directory, ports, alertmanager.port)))
        long = enter(prometheus(_long(directory, main.port)))
        made = Lab(
            directory,
            url,
            hook,
            main,
            long,
            alertmanager,
            fpm,
            pool,
            rabbit,
            redis_port,
            replica,
            shipper,
            server,
            memcached_port,
            web,
            httpd,
            ports,
        )
        enter(_load(made))
        yield made


def _rabbit_flags(rabbit: Rabbit) -> dict[str, str]:
    return {
        "url": f"http://127.0.0.1:{rabbit.api_port}",
        "plugin_url": f"http://127.0.0.1:{rabbit.plugin_port}",
    }


def _php_flags(fpm: PhpFpm) -> dict[str, str]:
    return {
        "scrape_uri": f"{fpm.uri('status')},{fpm.uri('jobs')}",
        "opcache_script": str(fpm.folder / "opcache.php"),
    }


@contextlib.contextmanager
def _replica(directory: Path, master: int) -> Iterator[subprocess.Popen[bytes]]:
    directory.mkdir()
    command = ["redis-server", "--port", str(free_port()), "--bind", "127.0.0.1", "--save", ""]
    with process([*command, "--replicaof", "127.0.0.1", str(master)], directory) as started:
        yield started


def _replica_port(replica: subprocess.Popen[bytes]) -> int:
    assert isinstance(replica.args, list)
    return int(str(replica.args[2]))


def _pipeline(directory: Path, url: StoreUrl, alertmanager: str) -> dict[str, tuple[int, list[str]]]:
    """The parts of loghouse: the port of their metrics, and their arguments."""
    store = f"--url=clickhouse://{url.host}:{url.port}/{url.database}"
    (directory / "rules.yml").write_text(LOG_RULES)
    ship, receive, rules = free_port(), free_port(), free_port()
    state = f"--state-dir={directory}/state"
    return {
        "ship": (
            ship,
            [str(directory / "pods"), store, f"{state}-ship", f"--listen=127.0.0.1:{ship}", "--node=kube-1"],
        ),
        "receive": (receive, [store, f"{state}-receive", "--forward=", f"--http=127.0.0.1:{receive}"]),
        "rules": (
            rules,
            [
                "run",
                str(directory / "rules.yml"),
                store,
                f"{state}-rules",
                f"--listen=127.0.0.1:{rules}",
                f"--alertmanager={alertmanager}",
            ],
        ),
    }


@contextlib.contextmanager
def _loghouse(directory: Path, verb: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "from loghouse.cli import main; main()", verb, *arguments]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LOG")}
    with (directory / f"{verb}.txt").open("wb") as output:
        started = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environ)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(20)
        started.kill()
        started.wait(10)


def _short(directory: Path, ports: Mapping[str, int], alertmanager: int) -> Path:
    """Our configuration of the short instance, its rules with `for` cut, its targets those of the lab."""
    config = yaml.safe_load((ROOT / "dashboards/prometheus/prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "3s", "scrape_timeout": "3s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]
    config["rule_files"] = [str(directory / "rules" / "*.yml")]
    (directory / "rules").mkdir()
    for path in (ROOT / "dashboards" / "rules").glob("*.yml"):
        rules = yaml.safe_load(path.read_text())
        for rule in rules["groups"][0]["rules"]:
            if "for" in rule:
                rule["for"] = PATIENCE
        (directory / "rules" / path.name).write_text(yaml.safe_dump(rules))
    config["scrape_configs"][0]["file_sd_configs"][0]["files"] = [str(directory / "targets.json")]
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {
                "job": name.removesuffix("-replica"),
                "namespace": NAMESPACE,
                "pod": f"{name}-0",
                "longterm": "true",
            },
        }
        for name, port in ports.items()
    ]
    (directory / "targets.json").write_text(json.dumps(targets))
    path = directory / "short.yml"
    path.write_text(yaml.safe_dump(config))
    return path


def _long(directory: Path, short: int) -> Path:
    config = yaml.safe_load((ROOT / "dashboards/prometheus/longterm.yml").read_text())
    config["global"] = {"scrape_interval": "2s", "scrape_timeout": "1s", "evaluation_interval": "2s"}
    config["alerting"]["alertmanagers"] = []
    config["rule_files"] = [str(ROOT / "dashboards/prometheus/longterm-rules.yml")]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{short}"]}]
    path = directory / "long.yml"
    path.write_text(yaml.safe_dump(config))
    return path


@contextlib.contextmanager
def _load(made: Lab) -> Iterator[None]:
    """A little of everything, a few times a second, until the end."""
    made.rabbit.declare("/", "orders")
    made.rabbit.publish("/", "orders", "first")
    over = threading.Event()
    receiver = (
        f"http://127.0.0.1:{made.ports['loghouse-receive']}/v1/jsonl?namespace=stage&pod=job-1&container=job"
    )
    copied = {
        made.web.folder / "access.log": ("nginx-0", "nginx"),
        made.php.folder / "access.log": ("php-0", "php-fpm"),
    }
    places = dict.fromkeys(copied, 0)

    def once(turn: int) -> None:
        redis(made.redis_port, "SET", f"key:{turn % 50}", "x" * 100, "EX", "600")
        redis(made.redis_port, "GET", f"key:{turn % 70}")
        redis(made.redis_port, "LPUSH", "key:1", "wrong type")
        memcached(made.memcached_port, f"set k{turn % 50} 0 0 5\r\nhello", f"get k{turn % 70}")
        for address in (made.web.url("/"), made.web.url(f"/pay?id={turn}"), made.apache.url("/")):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(address, timeout=5).close()
        for pool in (made.pool, made.php.socket("jobs")):
            finish(send(pool, str(made.php.folder / "hello.php")))
        if turn % 5 == 0:
            made.rabbit.publish("/", "orders", f"order {turn}")
        body = json.dumps({"level": "info", "msg": f"job {turn} done", "took": turn % 7}).encode()
        urllib.request.urlopen(urllib.request.Request(receiver, body, method="POST"), timeout=10).close()
        level = "error" if turn % 20 == 0 else "info"  # twelve a minute at most: less than an alert takes
        made.write(
            "web-0", "app", json.dumps({"level": level, "msg": f"order {turn} of 10.0.0.{turn % 250}"})
        )
        if turn % 10 == 0:
            made.write("nginx-1", "nginx", BAD_GATEWAY.format(turn=turn))
        for path, (pod, container) in copied.items():
            if path.exists():
                with path.open() as file:
                    file.seek(places[path])
                    made.write(pod, container, *file.read().splitlines())
                    places[path] = file.tell()

    def run() -> None:
        turn = 0
        while not over.wait(0.25):
            # A fault that is being made may break any of it.
            with contextlib.suppress(OSError, AssertionError, Exception):
                once(turn)
            turn += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_for(lambda: bool(made.main.values("redis_up == 1")), "the first scrapes")
        yield
    finally:
        over.set()
        thread.join(30)


def settled(made: Lab) -> None:
    """Wait until every target was scraped for a while, and logs have come through."""

    def down() -> list[str]:
        targets = made.main.ask("/api/v1/targets")["activeTargets"]
        return [f"{each['labels']['job']}: {each['lastError']}" for each in targets if each["health"] != "up"]

    try:
        wait_for(lambda: not down(), "all targets", seconds=120)
    except AssertionError:
        raise AssertionError(f"cannot be scraped: {down()}") from None
    nginx_logs = "SELECT 1 FROM logs WHERE container = 'nginx' LIMIT 1"
    wait_for(lambda: bool(made.query(nginx_logs)), "logs", seconds=120)
    points = "min(count_over_time(up[1m])) > 8"
    wait_for(lambda: bool(made.main.values(points)), "points", seconds=120)
