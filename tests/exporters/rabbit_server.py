"""A real RabbitMQ for tests and benchmarks: on free ports, with directories and a cookie of its own."""

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Debian's /usr/sbin/rabbitmq-server insists on the user and the directories of the package.
SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_PLUGINS = "management prometheus shovel shovel_management federation federation_management"
_CONFIG = """
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {api}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {plugin}
collect_statistics_interval = 1000
disk_free_limit.absolute = 1MB
"""
_START_SECONDS = 90


@dataclass(frozen=True)
class Rabbit:
    """Where it listens; the user is guest with the password guest."""

    node: str
    amqp_port: int
    api_port: int
    plugin_port: int
    environment: Mapping[str, str] = field(repr=False)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One request to the management API; a refusal fails the test."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=30)
        with contextlib.closing(connection):
            data = None if body is None else json.dumps(body)
            connection.request(method, f"/api/{path}", data, {"Authorization": basic("guest", "guest")})
            response = connection.getresponse()
            answer = response.read()
            assert response.status < 300, f"{method} {path}: {response.status} {answer[:300]!r}"
            return json.loads(answer) if answer else None

    def declare(self, vhost: str, queue: str, durable: bool = True, **arguments: Any) -> None:
        """A queue; arguments without their x-, underscores for dashes."""
        named = {"x-" + name.replace("_", "-"): value for name, value in arguments.items()}
        path = f"queues/{quote(vhost, safe='')}/{quote(queue, safe='')}"
        self.call("PUT", path, {"durable": durable, "arguments": named})

    def publish(self, vhost: str, queue: str, payload: str, exchange: str = "amq.default") -> None:
        message = {
            "properties": {"timestamp": 1_700_000_000},
            "routing_key": queue,
            "payload": payload,
            "payload_encoding": "string",
        }
        self.call("POST", f"exchanges/{quote(vhost, safe='')}/{exchange}/publish", message)

    def control(self, *arguments: str) -> None:
        """`rabbitmqctl` with these arguments."""
        command = [str(SCRIPT.with_name("rabbitmqctl")), *arguments]
        subprocess.run(command, env=self.environment, capture_output=True, timeout=60, check=True)

    def plugin_page(self, path: str) -> str:
        """A page of rabbitmq_prometheus without the empty line at its end."""
        connection = http.client.HTTPConnection("127.0.0.1", self.plugin_port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode().rstrip("\n") + "\n"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextlib.contextmanager
def rabbit_server(directory: Path, plugins: str = _PLUGINS) -> Iterator[Rabbit]:
    """A node with the management API and the plugin; ends with its port mapper."""
    amqp, api, plugin, distribution, mapper = _free_ports(5)
    node = f"test{amqp}@localhost"
    (directory / "rabbitmq.conf").write_text(_CONFIG.format(amqp=amqp, api=api, plugin=plugin))
    enabled = ",".join(f"rabbitmq_{name}" for name in plugins.split())
    (directory / "plugins").write_text(f"[{enabled}].")
    environment = {
        **os.environ,
        "HOME": str(directory),
        "ERL_EPMD_PORT": str(mapper),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": node,
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    }
    rabbit = Rabbit(node, amqp, api, plugin, environment)
    with contextlib.ExitStack() as stack:
        output = stack.enter_context((directory / "output.txt").open("wb"))

        def start(command: str) -> None:
            started = subprocess.Popen(
                [command], env=environment, cwd=directory, stdout=output, stderr=subprocess.STDOUT
            )
            stack.callback(_stop, started)

        # Before Erlang starts a port mapper of its own, which would outlive the test.
        start("epmd")
        _wait_for(lambda: _accepts(mapper), directory / "output.txt")
        start(str(SCRIPT))
        _wait_for(lambda: _runs(rabbit), directory / "output.txt")
        yield rabbit


def is_installed() -> bool:
    return SCRIPT.exists() and shutil.which("epmd") is not None


def _runs(rabbit: Rabbit) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException, AssertionError, ValueError):
        return bool(rabbit.call("GET", "nodes")[0]["running"])
    return False


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def _wait_for(condition: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"RabbitMQ did not start: {output.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]
