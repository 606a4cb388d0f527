"""Debian's Prometheus for tests."""

import contextlib
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rules.notified import free_port, wait_for


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    port: int

    def ask(self, path: str, **params: str) -> Any:
        """The data of an answer of its API; None while it does not answer."""
        address = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(params)}"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=10) as answer:
            return json.loads(answer.read())["data"]
        return None

    def values(self, expression: str, **params: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The series of an expression and their values."""
        found = self.ask("/api/v1/query", query=expression, **params) or {"result": []}
        return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in found["result"]}


@contextlib.contextmanager
def prometheus(config: Path, *options: str) -> Iterator[Prometheus]:
    """Prometheus with this configuration, its data beside it; ready when it is handed over."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    port = free_port()
    with (config.parent / f"{config.stem}.txt").open("wb") as output:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={config.parent}/{config.stem}-data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
                *options,
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Prometheus(port)
    try:
        wait_for(lambda: server.ask("/api/v1/status/buildinfo") is not None, "Prometheus")
        yield server
    finally:
        process.terminate()
        process.wait(20)
