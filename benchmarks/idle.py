"""What the shipper costs when little happens: quiet files, many files, and how soon a line is stored.

    python benchmarks/idle.py quiet [FILES] [SECONDS]      CPU and memory with 1,000 quiet files
    python benchmarks/idle.py many [FILES] [LINES]         memory with 10,000 files and a backlog in each
    python benchmarks/idle.py labelled [FILES] [LINES]     the same, each of a pod that the API knows
    python benchmarks/idle.py lag [LINES A SECOND] [SECONDS]   from written to stored, at 10,000 lines/s

A shipper as a process of its own into the embedded store in a temporary directory. The lag is what the store
says: from the time that a line states, taken when it was written, to `inserted_at`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "ship"))

from kubernetes_api import FakeApi, owned_by, pod, served
from servers import embedded_store

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

PACE = 0.1  # seconds between two writes


def main(kind: str, *numbers: str) -> None:
    """Print one run."""
    runs: dict[str, Callable[..., None]] = {"quiet": quiet, "many": many, "labelled": labelled, "lag": lag}
    with (
        tempfile.TemporaryDirectory() as work,
        embedded_store(Path(work) / "store") as url,
        Store(url) as store,
    ):
        migrate(store)
        runs[kind](Path(work), url, store, *map(int, numbers))


def quiet(work: Path, url: StoreUrl, store: Store, files: int = 1000, seconds: int = 60) -> None:
    """CPU of a shipper that has nothing to do."""
    for number in range(files):
        log_of(work, number).write_bytes(line(number))
    with shipping(work, url) as pid:
        wait(store, files)
        time.sleep(5)
        before = cpu(pid)
        time.sleep(seconds)
        used = cpu(pid) - before
        say(f"{files:,} quiet files: {100 * used / seconds:.2f} % of a core, {memory(pid)} MB RSS")


def labelled(work: Path, url: StoreUrl, store: Store, files: int = 10_000, lines: int = 200) -> None:
    """Memory with metadata: each pod has its own uid, eight labels and an owner."""
    api = FakeApi()
    for number in range(files):
        labels = {f"app.example.com/label-{n}": f"value-{n}-{number % 50}" for n in range(8)}
        owner = owned_by("ReplicaSet", "web-5d8f7c9b64")
        api.put(pod(f"web-{number}", f"uid-{number}", "node-1", labels=labels, ownerReferences=owner))
    (work / "token").write_text(api.token)
    with served(api) as address:
        options = (
            "--kubernetes",
            address,
            "--kubernetes-token-file",
            str(work / "token"),
            "--node",
            "node-1",
        )
        many(work, url, store, files, lines, options)
    ((named,),) = store.rows("SELECT uniqExact(pod) FROM logs WHERE has(mapKeys(labels), 'workload_kind')")
    say(f"{named:,} pods with labels")


def many(
    work: Path,
    url: StoreUrl,
    store: Store,
    files: int = 10_000,
    lines: int = 200,
    options: Sequence[str] = ("--kubernetes", "off"),
) -> None:
    """Memory of a shipper with a backlog in many files."""
    data = b"".join(line(number) for number in range(lines))
    for number in range(files):
        log_of(work, number).write_bytes(line(number) + data)
    with shipping(work, url, options) as pid:
        wait(store, files * (lines + 1))
        say(f"{files:,} files with {lines:,} lines each: {memory(pid)} MB RSS, {cpu(pid):.1f} s of CPU")


def lag(work: Path, url: StoreUrl, store: Store, rate: int = 10_000, seconds: int = 30) -> None:
    """From written to stored, over twenty containers."""
    count, logs = 0, [log_of(work, number) for number in range(20)]
    for log in logs:
        log.touch()
    with shipping(work, url) as pid:
        began, before = time.monotonic(), cpu(pid)
        while (past := time.monotonic() - began) < seconds:
            due = int(past * rate) - count
            for number, log in enumerate(logs):
                share = due // len(logs) + (number < due % len(logs))
                with open(log, "ab") as file:
                    file.write(b"".join(line(count + n) for n in range(share)))
                count += share
            time.sleep(PACE)
        used = cpu(pid) - before
        wait(store, count)
        sql = (
            "SELECT quantiles(0.5, 0.9, 0.99, 1)(toFloat64(inserted_at) - toFloat64(timestamp)),"
            " count(), uniqExact(source_id, offset) FROM logs"
        )
        ((quantiles, stored, different),) = store.rows(sql)
        told = ", ".join(f"p{q} {each:.2f} s" for q, each in zip((50, 90, 99, 100), quantiles, strict=True))
        say(f"{count / seconds:,.0f} lines/s for {seconds} s: {told}; {used / seconds * 100:.0f} % of a core")
        say(f"{count:,} written, {stored:,} stored, {different:,} different")


def line(number: int) -> bytes:
    """A line of now, 200 bytes."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{stamp}000Z stdout F {number} GET /cart/{number} 200 {'x' * 120}\n".encode()


def log_of(work: Path, number: int) -> Path:
    """The file of a container, in its directory."""
    directory = work / "pods" / f"prod_web-{number}_uid-{number}" / "app"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / "0.log"


@contextmanager
def shipping(work: Path, url: StoreUrl, options: Sequence[str] = ("--kubernetes", "off")) -> Iterator[int]:
    """A shipper that follows; its process id."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "from loghouse.cli import main; main()", "ship", "--quiet"),
            *(*options, "--url", f"clickhouse://{url.address}/{url.database}"),
            *("--state-dir", str(work / "state"), str(work / "pods")),
        ]
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def wait(store: Store, rows: int) -> None:
    """Until so many rows are stored."""
    deadline = time.monotonic() + 1200
    while (stored := store.rows("SELECT count() FROM logs")[0][0]) < rows:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {stored:,} of {rows:,} rows were stored")
        time.sleep(0.2)


def cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """The most memory that a process had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(each.split()[1]) for each in status.splitlines() if each.startswith("VmHWM")) // 1024


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
