"""A node whose containers write, a real shipper as a process of its own, and what the store has in the end.

The ledger of what was written stays in the test's process. After a fault these must hold:

    every line written is stored once, byte for byte, in its order in its file and stream, and nothing else;
    a fresh line arrives; memory and open files of the shipper are bounded; what is missing is counted.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from servers import free_port
from ship.shipping import Record, Runtime

from loghouse.config import StoreUrl
from loghouse.errors import ExitCode
from loghouse.query import TimeRange
from loghouse.store.client import Store
from loghouse.verify.coverage import coverage

CHILD = Path(__file__).with_name("faultchild.py")
LIMIT = 90  # seconds for anything that must happen, on a busy machine
FRESH = 30  # seconds until a new line must have arrived once a fault is over
MOST_MB = 160  # memory of a shipper
QUICK_RETRIES = "loghouse.spool.delivery:_jitter=0.05"


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the store."""

    source: int
    offset: int
    length: int
    stream: str
    text: bytes
    error: str


class App(Runtime):
    """A container whose lines say run, stream, number and checksum, so that none is taken for another."""

    def __init__(self, root: Path, name: str, docker: bool = False) -> None:
        super().__init__(root, name, docker=docker)
        self.name = name
        self._number = 0

    def text(self, stream: str, size: int = 0) -> bytes:
        self._number += 1
        body = f"{self.name}/{stream}/{self._number}".encode()
        return b"%s/%08x %s" % (body, zlib.crc32(body), b"x" * size)

    def say(self, lines: int, streams: Sequence[str] = ("stdout",), size: int = 0) -> None:
        """So many more lines, as one write."""
        data = []
        for number in range(lines):
            stream = streams[number % len(streams)]
            text = self.text(stream, size)
            self.written.append((stream, text))
            data.append(self.line(text, stream))
        self.append(b"".join(data))


class Shipper:
    """`loghouse ship` as a child that follows, with its page."""

    def __init__(
        self, scene: Scene, settings: Iterable[str], options: Iterable[str], store: str, open_files: int
    ) -> None:
        self.most_mb = MOST_MB
        self.port = free_port()
        command = scene.command(settings, ("--listen", f"127.0.0.1:{self.port}", *options), store)
        self._said = scene.directory / f"said-{self.port}"
        with open(self._said, "wb") as said:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=said)
        if open_files:
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (open_files, open_files))

    def __enter__(self) -> Self:
        until(lambda: self.page("/healthz") == "ok\n" or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running = self.process.poll() is None
        peak = self.peak_mb() if running else 0
        self.end(signal.SIGTERM if kind is None else signal.SIGKILL)
        if kind is None and running:
            assert self.process.returncode == ExitCode.INTERRUPTED, self.said
            assert peak < self.most_mb

    def end(self, number: int = signal.SIGKILL) -> int:
        """Send a signal and wait for the end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT)

    @property
    def said(self) -> str:
        return self._said.read_text(errors="replace")

    def page(self, path: str) -> str:
        """A page of the shipper; '' while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return f"{error.code} {error.read().decode()}"
        except OSError:
            return ""

    def metric(self, name: str) -> float:
        """The sum of all series of a name."""
        values = [
            float(line.rpartition(" ")[2])
            for line in self.page("/metrics").splitlines()
            if line.startswith((f"{name} ", f"{name}{{"))
        ]
        return sum(values)

    def problems(self) -> dict[str, int]:
        return dict(self.status()["problems"])

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self.page("/status")))

    def peak_mb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) >> 10

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Scene:
    """Directories of a node, and the store."""

    def __init__(self, directory: Path, url: StoreUrl) -> None:
        self.directory = directory
        self.url = url
        self.pods = directory / "pods"
        self.state = directory / "state"
        self.pods.mkdir()
        self._began = time.time_ns()
        self._fresh = 0

    def app(self, docker: bool = False) -> App:
        return App(self.pods, "app-" + uuid.uuid4().hex[:8], docker)

    def command(self, settings: Iterable[str], options: Iterable[str], store: str = "") -> list[str]:
        return [
            *(sys.executable, str(CHILD), *settings, "--", "ship", "--quiet"),
            *("--node", "node-1", "--multiline", "off", "--kubernetes", "off"),
            *("--url", f"clickhouse://{store or self.url.address}/{self.url.database}"),
            *("--state-dir", str(self.state), *options, str(self.pods)),
        ]

    def once(self, *settings: str) -> str:
        """Ship to the end of all files; what the command said."""
        done = subprocess.run(
            self.command(settings, ("--once",)), capture_output=True, timeout=LIMIT, check=False
        )
        assert done.returncode in (ExitCode.OK, ExitCode.PARTIAL), done.stderr.decode()
        return done.stderr.decode()

    def shipping(
        self, *settings: str, options: Iterable[str] = (), store: str = "", open_files: int = 0
    ) -> Shipper:
        """A shipper that follows; `store` is another address for the store."""
        return Shipper(self, settings, options, store, open_files)

    def rows(self, app: App) -> list[Stored]:
        """What is stored of a container, in the order of the records' times."""
        sql = (
            "SELECT source_id, offset, length, stream, raw, parse_error FROM logs"
            " WHERE pod = {pod:String} ORDER BY timestamp, source_id, offset"
        )
        with Store(self.url) as store:
            rows = store.rows(sql, {"pod": app.name}, {"strings_as_bytes": True})
        return [
            Stored(source, offset, length, _text(stream), bytes(raw), _text(error))
            for source, offset, length, stream, raw, error in rows
        ]

    def count(self, app: App) -> int:
        with Store(self.url) as store:
            return int(
                store.rows("SELECT count() FROM logs WHERE pod = {pod:String}", {"pod": app.name})[0][0]
            )

    def wait_for(self, app: App, lines: int | None = None) -> None:
        """Until so many lines of the container are stored; all of them unless told."""
        wanted = len(app.written) if lines is None else lines
        until(lambda: self.count(app) >= wanted, f"{wanted} lines of {app.name} are not stored")

    def assert_fresh_line_arrives(self, app: App) -> None:
        """The fault is over: what is written now arrives soon."""
        before = self.count(app)
        app.say(1)
        until(lambda: self.count(app) > before, "no fresh line arrived", FRESH)

    def assert_every_line_once(self, app: App, missing: Iterable[Record] = ()) -> None:
        """Exactly what was written but for `missing`, as it was written, in its order; and verify agrees."""
        wanted, stored = Counter(app.written), self.rows(app)
        wanted.subtract(missing)
        found = Counter((row.stream, row.text) for row in stored)
        assert not list((wanted - found).items())[:3], f"lost {(wanted - found).total()}"
        assert not list((found - wanted).items())[:3], f"too many: {(found - wanted).total()}"
        left = wanted.copy()
        for stream in {stream for stream, _ in app.written}:
            order = [text for kind, text in app.written if kind == stream and left[stream, text] > 0]
            assert [row.text for row in stored if row.stream == stream] == order
        for source in {row.source for row in stored}:
            offsets = [row.offset for row in stored if row.source == source and row.stream == "stdout"]
            assert offsets == sorted(offsets)
        self.assert_sound()

    def assert_sound(self) -> None:
        """`loghouse verify` finds no gap and no double in what this test stored."""
        with Store(self.url) as store:
            found = coverage(store, TimeRange(self._began - 10**6, time.time_ns() + 10**10))
        assert found.sound, found.files

    def spooled(self) -> list[Path]:
        """Batches that wait."""
        return sorted((self.state / "spool").glob("*.batch"))


def until(condition: Callable[[], Any], what: str = "did not happen in time", limit: float = LIMIT) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.03)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
