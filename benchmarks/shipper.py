"""What the shipper alone costs: reading, joining, the spool with its syncs; the store discards what it gets.

    python benchmarks/shipper.py TREE [multiline]      `auto` unless given, `off` joins nothing

CPU time is that of the whole process, the start of Python left out.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loghouse.config import StoreUrl
from loghouse.ship.command import ship
from loghouse.ship.reading import Reading


class Discard:
    """A store that takes everything at once."""

    def insert_blocks(
        self,
        table: str,
        columns: Sequence[str],
        blocks: Iterable[Sequence[Sequence[Any]]],
        settings: Mapping[str, Any],
    ) -> None:
        """Read all blocks and keep nothing."""
        for _ in blocks:
            pass

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Nothing is stored."""
        return [(0, 0)]

    def uptime(self) -> float:
        """It never fails, so nobody asks."""
        return 0.0

    def cancel(self) -> None: ...

    def close(self) -> None: ...


def main(tree: Path, multiline: str) -> None:
    """Print one run."""
    with tempfile.TemporaryDirectory() as state:
        began, cpu = time.monotonic(), time.process_time()
        summary = ship(
            [str(tree / "var" / "log" / "pods")],
            StoreUrl(),
            state,
            "node-1",
            once=True,
            store=Discard(),
            stop=threading.Event(),
            reading=Reading(multiline, "auto"),
        )
        seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = [
        f"machine      {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        f"records      {summary.lines:,}, {summary.bytes / 1e6:,.0f} MB, {summary.batches} batches",
        f"per second   {summary.lines / seconds:,.0f} records, {summary.bytes / seconds / 1e6:.0f} MB",
        f"per second of CPU {summary.lines / cpu:,.0f} records, {summary.bytes / cpu / 1e6:.0f} MB",
        f"memory       {peak:.0f} MB RSS",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "auto")
