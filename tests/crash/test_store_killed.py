"""The store is killed again and again while a shipper sends: nothing is lost, nothing doubled."""

import signal
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from crashing import LIMIT, Node
from servers import start_embedded, stop

from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_the_store_is_killed_during_inserts(tmp_path: Path, rounds: int) -> None:
    process, url = start_embedded(tmp_path / "store")
    node = Node(tmp_path, url, "pod-1")
    try:
        with Store(url) as store:
            migrate(store)
        with node.shipping() as shipper:
            for _ in range(rounds):
                for _ in range(5):
                    node.write(lines=500)
                    wait_until_more(node, node.stored()[0])
                node.write(lines=2000)  # being inserted when the store dies
                stop(process, signal.SIGKILL)
                process, again = start_embedded(tmp_path / "store", listen=url.address)
                assert replace(again, database=url.database) == url
                node.assert_nothing_doubled()
            wait_until_more(node, node.written - 1)
            shipper.terminate()
            shipper.wait(LIMIT)
        assert node.ship() == 0
        node.assert_every_line_once()
    finally:
        stop(process, signal.SIGKILL)


def wait_until_more(node: Node, before: int) -> None:
    """Wait until the store has more records than before."""
    for _ in range(LIMIT * 20):
        if node.stored()[0] > before or before >= node.written:
            return
        Event().wait(0.05)
    raise AssertionError("nothing more was stored")
