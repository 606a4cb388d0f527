"""How fast a node's tree is stored, how small it gets, and whether every record arrived.

    python benchmarks/ship.py TREE [--multiline auto]
    python benchmarks/ship.py labelled TREE [--multiline auto]

TREE/var/log/pods and TREE/manifest.json are as the generator makes them. Lines of stack traces are not
joined, so that the records are those of the manifest; further options go to `ship`. Joined or not, the bytes
that the records say they come from have to add up to those of the files. With `labelled` a recorded
Kubernetes API tells eight labels and the owner of each pod.

Starts the embedded store in a temporary directory, runs `ship --once`, compares counts and checksums with the
manifest, merges, and prints the figures of docs/performance.md.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "ship"))

from kubernetes_api import FakeApi, owned_by, pod, served
from servers import start_embedded, stop

from loghouse.store.client import Store
from loghouse.store.migrate import migrate


def main(*arguments: str) -> None:
    """Print one run."""
    if arguments[0] != "labelled":
        run(Path(arguments[0]), arguments[1:])
        return
    tree = Path(arguments[1])
    with told_of_pods(tree) as told:
        run(tree, (*arguments[2:], *told))


@contextmanager
def told_of_pods(tree: Path) -> Iterator[Sequence[str]]:
    """Options of `ship` to ask an API that knows the pods of the tree."""
    api = FakeApi()
    for directory in (tree / "var/log/pods").iterdir():
        namespace, name, uid = directory.name.split("_")
        labels = {f"app.example.com/label-{number}": f"value-{number}-{namespace}" for number in range(8)}
        owner = owned_by("ReplicaSet", name.rpartition("-")[0])
        item = pod(name, uid, "node-1", labels=labels, ownerReferences=owner)
        item["metadata"]["namespace"] = namespace
        api.put(item)
    with served(api) as address, tempfile.NamedTemporaryFile("w") as token:
        token.write(api.token)
        token.flush()
        yield "--kubernetes", address, "--kubernetes-token-file", token.name, "--node", "node-1"


def run(tree: Path, options: Sequence[str]) -> None:
    """Store all of the tree and report."""
    manifest = json.loads((tree / "manifest.json").read_text())
    with tempfile.TemporaryDirectory() as work:
        process, url = start_embedded(Path(work) / "store")
        try:
            with Store(url) as store:
                migrate(store)
                before = _cpu(process.pid)
                seconds = _ship(tree, options, work, f"clickhouse://{url.address}/{url.database}")
                size = sum(path.stat().st_size for path in (tree / "var/log/pods").rglob("*.log"))
                _report(store, manifest, size, seconds, _cpu(process.pid) - before, _peak(process.pid))
        finally:
            stop(process)


def _ship(tree: Path, options: Sequence[str], work: str, url: str) -> float:
    began = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-c", "from loghouse.cli import main; main()", "ship", "--once", "--quiet"),
            *("--multiline", "off", *options),
            *("--url", url, "--state-dir", os.path.join(work, "state"), str(tree / "var" / "log" / "pods")),
        ],
        check=True,
        timeout=3600,
    )
    return time.monotonic() - began


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    """The most memory that a process had, in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def _report(
    store: Store,
    manifest: dict[str, object],
    size_of_files: int,
    seconds: float,
    store_cpu: float,
    store_peak: int,
) -> None:
    totals = manifest["totals"]
    assert isinstance(totals, dict)
    lines_read = totals["records"]
    count, checksum, covered = store.rows("SELECT count(), sum(CRC32(raw)), sum(length) FROM logs")[0]
    labelled = store.rows("SELECT uniqExactIf(pod_uid, labels_json != '') FROM logs")[0][0]
    store.rows("OPTIMIZE TABLE logs FINAL")
    inserts = store.rows("SELECT uniqExact(inserted_at) FROM logs")[0][0]
    size = store.rows("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'logs'")[0][0]
    shipper = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = shipper.ru_utime + shipper.ru_stime
    same = "equal" if checksum == totals["crc32_sum"] else "DIFFER, as they do where lines are joined"
    rate = f"{size_of_files / seconds / 1e6:.0f} MB/s"
    store_use = f"{store_cpu * 1e6 / lines_read:.1f} s CPU a million lines, {store_peak / 1024:.0f} MB RSS"
    lines = [
        f"machine      {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        f"records      {count:,} of {lines_read:,} lines, checksums {same}",
        f"bytes        {covered:,} of {size_of_files:,} in files",
        f"labels       of {labelled} pods",
        f"lines/s      {lines_read / seconds:,.0f}, {rate} ({seconds:.1f} s, start of the command included)",
        f"shipper      {shipper.ru_maxrss / 1024:.0f} MB RSS, {cpu:.1f} s CPU",
        f"store        {store_use}",
        f"inserts      {inserts}; merges go on after the last one",
        f"bytes/line   {size / lines_read:.2f} after merges, indexes included",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
