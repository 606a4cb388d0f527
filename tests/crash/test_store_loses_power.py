"""The machine of the store loses power: what was acknowledged is there afterwards, the rest is sent again."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crashing import LIMIT, Node
from power import Disk
from servers import start_embedded, stop

from loghouse.query import TimeRange
from loghouse.store.client import Store
from loghouse.store.migrate import migrate
from loghouse.verify.coverage import coverage

LOSSES = 6


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.close()


@pytest.mark.slow
def test_a_disk_forgets_what_was_not_synced(disk: Disk) -> None:
    """Otherwise the test below would prove nothing."""
    for name in ("synced", "forgotten"):
        with open(disk.place / name, "wb") as file:
            file.write(b"text")
            if name == "synced":
                file.flush()
                subprocess.run(["sync", disk.place / name], check=True)
    disk.lose_power()
    disk.come_back()
    found = {path.name: path.read_bytes() for path in disk.place.iterdir() if path.is_file()}
    assert found["synced"] == b"text"
    assert not found.get("forgotten")


@pytest.mark.slow
def test_every_line_is_stored_once_after_power_losses(tmp_path: Path, disk: Disk) -> None:
    """The shipper's disk goes on; it sends while the store dies, at another moment of an insert each time."""
    began = time.time_ns()
    process, url = start_embedded(disk.place / "store")
    node = Node(tmp_path, url, "pod-1")
    try:
        with Store(url) as store:
            migrate(store)
        with node.shipping("loghouse.spool.delivery:_jitter=0.05") as shipper:  # tries again soon
            for loss in range(LOSSES):
                node.write(lines=100)
                acknowledged_soon(node)
                acknowledged = node.written
                node.write(lines=2000)
                time.sleep(0.06 * loss)  # nothing to wait for: any moment of the insert is as good as another
                disk.lose_power()
                stop(process, signal.SIGKILL)
                disk.come_back()
                process, _ = start_embedded(disk.place / "store", listen=url.address)
                assert node.stored()[0] >= acknowledged
                node.assert_nothing_doubled()
            acknowledged_soon(node)
            shipper.terminate()
            shipper.wait(LIMIT)
        assert node.ship() == 0
        node.assert_every_line_once()
        with Store(url) as store:
            found = coverage(store, TimeRange(began, time.time_ns() + 10**10))
        assert found.sound, found.files
    finally:
        stop(process, signal.SIGKILL)


def acknowledged_soon(node: Node) -> None:
    """Wait until all that was written is stored, and the shipper knows it."""
    deadline = time.monotonic() + LIMIT
    while node.stored()[0] < node.written or list((node.state / "spool").glob("*.batch")):
        assert time.monotonic() < deadline, "not all was stored"
        time.sleep(0.03)
