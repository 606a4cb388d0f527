"""Scraping pages as Prometheus does, in turn, and what that costs the exporters."""

import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_WARM_UP = 5


@dataclass(frozen=True)
class Measured:
    """One row of the table; `cpu_ms` a scrape and `rss_mb` afterwards are those of an exporter."""

    name: str
    series: int
    p50_ms: float
    p99_ms: float
    cpu_ms: float | None
    rss_mb: float | None


class Page:
    """A page that is scraped again and again over one connection."""

    def __init__(self, name: str, port: int, path: str = "/metrics", pid: int | None = None) -> None:
        self._name, self._path, self._pid = name, path, pid
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._seconds: list[float] = []
        self._page = b""
        self._cpu = 0.0

    def scrape(self) -> None:
        if len(self._seconds) == _WARM_UP and self._pid:
            self._cpu = cpu_seconds(self._pid)
        started = time.perf_counter()
        self._client.request("GET", self._path)
        self._page = self._client.getresponse().read()
        self._seconds.append(time.perf_counter() - started)

    def measured(self) -> Measured:
        times = sorted(self._seconds[_WARM_UP:])
        cpu = rss = None
        if self._pid:
            cpu = (cpu_seconds(self._pid) - self._cpu) / len(times) * 1000
            rss = resident_mb(self._pid)
        return Measured(
            self._name,
            sum(not line.startswith(b"#") for line in self._page.splitlines()),
            statistics.median(times) * 1000,
            times[int(len(times) * 0.99)] * 1000,
            cpu,
            rss,
        )


def scrape_in_turn(pages: Sequence[Page], scrapes: int) -> list[Measured]:
    """Scrape all pages in turn, so that what else the machine does meets each of them."""
    for _ in range(scrapes + _WARM_UP):
        for page in pages:
            page.scrape()
    return [page.measured() for page in pages]


def table(rows: Sequence[Measured]) -> Iterator[str]:
    """Lines of a Markdown table; the ratio is to the first row."""
    yield "| | series | p50 ms | p99 ms | ratio | CPU ms | RSS MB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        cpu = "" if row.cpu_ms is None else f"{row.cpu_ms:.1f}"
        rss = "" if row.rss_mb is None else f"{row.rss_mb:.1f}"
        times = f"{row.p50_ms:.1f} | {row.p99_ms:.1f} | {row.p50_ms / rows[0].p50_ms:.2f}"
        yield f"| {row.name} | {row.series} | {times} | {cpu} | {rss} |"


@contextlib.contextmanager
def running(command: Sequence[str], port: int) -> Iterator[int]:
    """An exporter that listens on `port`; gives its process id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(client):
                client.connect()
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")
