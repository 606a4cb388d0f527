"""How long a line takes from a container's file to the terminal of `logq tail`.

    python benchmarks/tail.py [RATE] [SECONDS]      5000 lines/s and 30 s unless given

Writes lines of twenty containers, each stamped when it is written, follows them with `loghouse ship` into the
embedded store, and reads what `logq tail` prints through a pipe. Prints the delays and how many lines came.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from servers import start_embedded, stop

from loghouse.store.client import Store
from loghouse.store.migrate import migrate

CONTAINERS = 20
TICK = 0.01  # seconds
PATIENCE = 15.0  # seconds to wait for the last lines


def main(rate: int, seconds: float) -> None:
    """Print one run."""
    with tempfile.TemporaryDirectory() as work:
        process, url = start_embedded(Path(work) / "store")
        address = f"clickhouse://{url.address}/{url.database}"
        try:
            with Store(url) as store:
                migrate(store)
            pods = Path(work) / "pods"
            files = _files(pods)
            ship = _start("loghouse.cli", "ship", "--url", address, "--state-dir", f"{work}/state", str(pods))
            tail = _start("loghouse.logq.cli", "tail", "--tail", "0", "--url", address, "-o", "jsonl")
            assert tail.stdout is not None
            delays: list[float] = []
            reader = threading.Thread(target=_read, args=(tail.stdout, delays), daemon=True)
            reader.start()
            time.sleep(3)  # both are up; what is written before that would only measure their start
            written = _write(files, rate, seconds)
            until = time.monotonic() + PATIENCE
            while len(delays) < written and time.monotonic() < until:
                time.sleep(0.05)
            _report(delays, written, rate)
            for child in (tail, ship):
                child.terminate()
                child.wait(10)
        finally:
            stop(process)


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    run = f"from {module} import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", run, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _files(pods: Path) -> list[IO[str]]:
    files = []
    for number in range(CONTAINERS):
        folder = pods / f"prod_web-{number}_00000000-0000-0000-0000-{number:012d}" / "app"
        folder.mkdir(parents=True)
        files.append((folder / "0.log").open("a", buffering=1 << 20))
    return files


def _write(files: list[IO[str]], rate: int, seconds: float) -> int:
    """Lines at an even rate, flushed every tick; the number of lines."""
    began, written = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        while written < passed * rate:
            now = datetime.now(UTC)
            body = json.dumps(
                {"n": written, "sent": now.timestamp(), "message": "order taken", "pad": "x" * 250}
            )
            stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
            files[written % CONTAINERS].write(f"{stamp} stdout F {body}\n")
            written += 1
        for file in files:
            file.flush()
        time.sleep(TICK)
    return written


def _read(stream: IO[str], delays: list[float]) -> None:
    for line in stream:
        now = time.time()
        stamp = datetime.fromisoformat(json.loads(line)["timestamp"])
        delays.append(now - stamp.timestamp())


def _report(delays: list[float], written: int, rate: int) -> None:
    ordered = sorted(delays)
    at = {name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in PARTS.items()}
    lines = [
        f"machine   {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        f"lines     {len(delays):,} printed of {written:,} written at {rate:,}/s",
        "delay     " + ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in at.items()),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}

if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(int(arguments[0]) if arguments else 5000, float(arguments[1]) if len(arguments) > 1 else 30.0)
