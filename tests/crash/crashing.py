"""A node's files, a shipper that dies where it is told, and what the store has in the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loghouse.config import StoreUrl
from loghouse.errors import ExitCode
from loghouse.store.client import Store

DYING = Path(__file__).with_name("dying.py")
CHILD = Path(__file__).parents[1] / "faults" / "faultchild.py"
START = "from loghouse.cli import main; main()"
LIMIT = 120  # seconds for a command on a busy machine
UID = "0a1b2c3d-0000-4000-8000-123456789abc"

# module:name, and where in its call the process dies
SHIPPER_POINTS = (
    ("loghouse.ship.follow:Lineage.read", "after"),
    ("loghouse.spool.batchfile:BatchWriter._write", "before"),
    ("os:write", "amid"),
    ("loghouse.spool.batchfile:BatchWriter._write", "after"),
    ("os:fdatasync", "before"),
    ("os:fdatasync", "after"),
    ("os:rename", "before"),
    ("os:rename", "after"),
    ("loghouse.spool.spool:sync_directory", "before"),
    ("loghouse.spool.spool:sync_directory", "after"),
    ("loghouse.spool.spool:Spool.commit", "after"),
    ("loghouse.ship.offsets:Offsets.commit", "before"),
    ("loghouse.ship.offsets:Offsets.commit", "after"),
    ("loghouse.ship.offsets:Offsets.compact", "before"),
    ("loghouse.ship.offsets:Offsets.compact", "after"),
    ("loghouse.ship.offsets:Offsets.sync", "before"),
    ("loghouse.ship.offsets:Offsets.sync", "after"),
    ("loghouse.spool.sending:Sending._insert", "before"),
    ("clickhouse_driver.connection:Connection.send_query", "after"),
    ("clickhouse_driver.connection:Connection.send_data", "before"),
    ("clickhouse_driver.connection:Connection.send_data", "after"),
    ("clickhouse_driver.client:Client.receive_end_of_insert_query", "before"),
    ("loghouse.spool.sending:Sending._insert", "after"),
    ("loghouse.spool.spool:Spool.acknowledge", "before"),
    ("loghouse.spool.spool:remove", "before"),
    ("loghouse.spool.spool:remove", "after"),
    ("loghouse.spool.spool:Spool.acknowledge", "after"),
    ("loghouse.spool.spool:Spool.close", "before"),
)
# Every batch is one read of a file, so that a run has several.
SMALL_BATCHES = ("loghouse.ship.batch:MAX_BYTES=1",)


class Node:
    """Files of a pod that grow, a state directory, and the store; every line says its number."""

    def __init__(self, directory: Path, url: StoreUrl, pod: str, files: int = 4) -> None:
        self.url = url
        self.pod = pod
        self.written = 0
        self.state = directory / "state"
        self.pods = directory / "pods"
        self._files = files

    def write(self, lines: int = 20) -> None:
        """So many more lines into each file."""
        for number in range(self._files):
            container = self.pods / f"prod_{self.pod}_{UID}" / f"c{number}"
            container.mkdir(parents=True, exist_ok=True)
            with open(container / "0.log", "ab") as file:
                for _ in range(lines):
                    self.written += 1
                    stamp = f"2026-11-20T08:00:00.{self.written:09}Z"
                    file.write(f"{stamp} stdout F line {self.written}\n".encode())

    def ship(self, *dying: str, multiline: str = "off") -> int:
        """Run the shipper to the end of the files; `dying` is for dying.py. The exit code."""
        start = (str(DYING), *dying, "--") if dying else ("-c", START)
        command = self._command(start, "--once", "--multiline", multiline)
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)
        assert done.returncode in (ExitCode.OK, ExitCode.PARTIAL, -signal.SIGKILL), done.stderr.decode()
        return done.returncode

    @contextmanager
    def shipping(self, *settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """A shipper that follows, killed at the end of the block; `settings` are for faultchild.py."""
        start = (str(CHILD), *settings, "--") if settings else ("-c", START)
        shipper = subprocess.Popen(self._command(start), stderr=subprocess.DEVNULL)
        try:
            yield shipper
        finally:
            shipper.kill()
            shipper.wait(LIMIT)

    def _command(self, start: Sequence[str], *options: str) -> list[str]:
        return [
            *(sys.executable, *start, "ship", "--quiet", "--node", "node-1", *options),
            *("--url", f"clickhouse://{self.url.address}/{self.url.database}"),
            *("--state-dir", str(self.state), str(self.pods)),
        ]

    def die(self, point: str, when: str, nth: int) -> None:
        """Ship, and be killed at the point."""
        code = self.ship(point, when, str(nth), *SMALL_BATCHES)
        assert code == -signal.SIGKILL, f"{point} was never reached {nth} times"

    def stored(self) -> tuple[int, int, int]:
        """Records, different texts, different identities."""
        with Store(self.url) as store:
            figures = "count(), uniqExact(raw), uniqExact(source_id, offset)"
            sql = f"SELECT {figures} FROM logs WHERE pod = {{pod:String}}"
            count, texts, identities = store.rows(sql, {"pod": self.pod})[0]
            return count, texts, identities

    def assert_nothing_doubled(self) -> None:
        count, texts, identities = self.stored()
        assert count == texts == identities

    def assert_every_line_once(self) -> None:
        assert self.stored() == (self.written,) * 3
        assert not [name for name in os.listdir(self.state / "spool") if name.endswith((".batch", ".open"))]
