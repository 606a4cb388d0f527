"""A real Alertmanager with a webhook that remembers what it was told, and rules on a store."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loghouse.query.timerange import SECOND

LIMIT = 90  # seconds a condition may take on a busy machine


def wait_for(condition: Callable[[], bool], what: str, seconds: float = LIMIT) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def moment(nanoseconds: int) -> datetime:
    """A time of rules as the stores of tests take it."""
    return datetime.fromtimestamp(nanoseconds / SECOND, UTC)


@dataclass
class Webhook:
    """What Alertmanager has told: each alert of each notification, in order."""

    port: int
    told: list[dict[str, Any]] = field(default_factory=list)

    def of(self, name: str, status: str = "firing") -> list[dict[str, Any]]:
        return [
            alert for alert in self.told if alert["labels"]["alertname"] == name and alert["status"] == status
        ]


@contextlib.contextmanager
def webhook() -> Iterator[Webhook]:
    """A receiver of Alertmanager's webhooks."""
    sink = Webhook(0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sink.told += body["alerts"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


CONFIG = """
route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/'}}]}}]
"""


class AlertmanagerServer:
    """Debian's Alertmanager on a port that stays the same over restarts."""

    def __init__(self, directory: Path, config: str) -> None:
        if shutil.which("prometheus-alertmanager") is None:
            pytest.skip("prometheus-alertmanager is not installed")
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "alertmanager.yml").write_text(config)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with (self._directory / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    "prometheus-alertmanager",
                    f"--config.file={self._directory}/alertmanager.yml",
                    f"--storage.path={self._directory}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._ready, "Alertmanager")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def _ready(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).status == 200)
        return False
