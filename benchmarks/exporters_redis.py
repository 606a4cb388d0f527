"""How long a scrape of Redis takes and how much memory the exporter needs, beside prometheus-redis-exporter.

Starts a Redis with known keys, scrapes both exporters in turn and prints p50, p99, CPU and RSS:

    python benchmarks/exporters_redis.py [--scrapes 300]
"""

import argparse
import contextlib
import http.client
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from exporters.connection import Address, Connection
from exporters.deadline import Deadline
from exporters.errors import ScrapeError
from exporters.redis.resp import Command, encode, read_reply

_TICKS = os.sysconf("SC_CLK_TCK")
CHECKED_KEYS = 5_000
OTHER_KEYS = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scrapes", type=int, default=300)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, redis(folder) as port:
        fill(port)
        say(
            f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, "
            f"{version(port)}"
        )
        say(f"{'exporter':66} {'series':>7} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8} {'RSS MB':>7}")
        plain: list[str] = []
        keys = ["-check-keys=chk:*"]
        for flags, scrapes in ((plain, arguments.scrapes), (keys, max(arguments.scrapes // 20, 5))):
            measure("ours", [sys.executable, "-m", "exporters.redis"], port, flags, scrapes)
            if not flags:
                without = ["-exclude-latency-histogram-metrics"]
                measure(
                    "ours, no histograms", [sys.executable, "-m", "exporters.redis"], port, without, scrapes
                )
            if shutil.which("prometheus-redis-exporter"):
                measure("prometheus-redis-exporter", ["prometheus-redis-exporter"], port, flags, scrapes)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure(name: str, program: Sequence[str], redis_port: int, flags: Sequence[str], scrapes: int) -> None:
    """Start an exporter, scrape it as Prometheus does and print one line."""
    port = free_port()
    command = [*program, f"-redis.addr=redis://127.0.0.1:{redis_port}", *flags]
    with running([*command, f"-web.listen-address=127.0.0.1:{port}"]) as process:
        wait_for(port)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(5):
            page, _ = scrape(client)
        before = cpu_seconds(process.pid)
        times = sorted(scrape(client)[1] for _ in range(scrapes))
        cpu = (cpu_seconds(process.pid) - before) / scrapes
        series = sum(not line.startswith(b"#") for line in page.splitlines())
        label = f"{name} {' '.join(flags)}"
        say(
            f"{label:66} {series:7} {statistics.median(times) * 1000:8.2f} "
            f"{times[int(len(times) * 0.99)] * 1000:8.2f} {cpu * 1000:8.2f} {resident_mb(process.pid):7.1f}"
        )


def scrape(client: http.client.HTTPConnection) -> tuple[bytes, float]:
    started = time.perf_counter()
    client.request("GET", "/metrics")
    page = client.getresponse().read()
    return page, time.perf_counter() - started


@contextlib.contextmanager
def redis(folder: str) -> Iterator[int]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    with running(command):
        wait_for(port)
        while True:
            with contextlib.suppress(ScrapeError):
                call(port, [("PING",)])
                break
        yield port


def fill(port: int) -> None:
    """Keys by number, and one call of many commands, as a used server has."""
    commands: list[Command] = [("SET", f"chk:{index}", index) for index in range(CHECKED_KEYS)]
    commands += [("SET", f"bulk:{index}", "x" * 20) for index in range(OTHER_KEYS)]
    for start in range(0, len(commands), 5000):
        call(port, commands[start : start + 5000])
    used = "GET STRLEN TYPE TTL EXISTS EXPIRE DUMP INCR DECR DEL APPEND GETSET SETNX LLEN SCARD ZCARD HLEN"
    call(
        port,
        [(name, "k") if name in ("GET", "STRLEN", "TYPE") else (name, "k", "1") for name in used.split()],
    )


def call(port: int, commands: Sequence[Command]) -> None:
    with Connection.open(Address("127.0.0.1", port), Deadline.after(60), 100_000_000) as connection:
        connection.send(b"".join(encode(command) for command in commands))
        for _ in commands:
            read_reply(connection)


def version(port: int) -> str:
    said = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
    return "redis " + said.partition("v=")[2].split()[0] + f" on port {port}"


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
