"""Stores that tests fill, and `logq` as a command."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from servers import start_embedded, stop

from loghouse.config import StoreUrl
from loghouse.store.client import Store

LIMIT = 30  # seconds a command may take on a busy machine
INGEST = (
    "source_id",
    "offset",
    "span",
    "wrapper",
    "namespace",
    "pod",
    "container",
    "node",
    "workload",
    "pod_uid",
    "restart",
    "labels",
    "data",
)


@dataclass
class Source:
    """A container that writes: its lines go into the store as a shipper sends them."""

    url: StoreUrl
    namespace: str = "prod"
    pod: str = "web-1"
    container: str = "php"
    node: str = "kube-1"
    labels: dict[str, str] = field(default_factory=dict)
    identity: int = 1
    offset: int = 0

    def write(self, *records: bytes, at: datetime | Sequence[datetime]) -> None:
        """Insert records as one chunk of a CRI file, stamped with their times."""
        times = [at] * len(records) if isinstance(at, datetime) else list(at)
        data = b"".join(
            stamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
            + b" stdout F "
            + record
            + b"\n"
            for record, stamp in zip(records, times, strict=True)
        )
        with Store(self.url) as store:
            store.insert("ingest", INGEST, self._block(data), {"insert_deduplicate": 0})
        self.offset += len(data)

    def _block(self, data: bytes) -> list[list[object]]:
        labels = {key.encode(): value.encode() for key, value in self.labels.items()}
        texts = [
            text.encode() for text in (self.namespace, self.pod, self.container, self.node, "web", "uid")
        ]
        values: list[object] = [self.identity, self.offset, 0, b"cri", *texts, 0, labels, data]
        return [[value] for value in values]


Logq = Callable[..., subprocess.CompletedProcess[bytes]]


class LiveStore:
    """An embedded store on one directory and one port."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.url = StoreUrl()

    def start(self) -> None:
        """Start it, after the first time at the same address."""
        listen = f"127.0.0.1:{self.url.port}" if self.url.port != StoreUrl().port else "127.0.0.1:0"
        self._process, self.url = start_embedded(self._directory, *self._options, listen=listen)

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            stop(self._process)
            self._process = None


def address(url: StoreUrl) -> str:
    """A URL as the command takes it."""
    return f"clickhouse://{url.host}:{url.port}/{url.database}"


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: nothing of ours in it but `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LOGQ_", "LOGHOUSE_"))}
    return {**kept, "TZ": "UTC", **more}


def command(*arguments: str) -> list[str]:
    """The command line of `logq`."""
    return [sys.executable, "-c", "from loghouse.logq.cli import main; main()", *arguments]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


NOW = datetime.now(UTC).replace(microsecond=0)
KNOWN = NOW - timedelta(minutes=30)  # the time of the first known record; one more comes each second
