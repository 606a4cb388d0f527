"""Killed at any moment, the store has every insert that it acknowledged."""

import signal
import threading
import time
from pathlib import Path

from embedded.clients import PATIENCE, driver
from servers import start_embedded, stop

from loghouse.config import StoreUrl

ROUNDS = 3
ROWS = 100


def insert_until_it_breaks(url: StoreUrl, begin: int, acknowledged: list[int]) -> None:
    """Batches of rows numbered from `begin`; the list gets the numbers of those that were acknowledged."""
    from clickhouse_driver.errors import Error

    number = begin
    try:
        with driver(url) as client:
            while True:
                client.execute("INSERT INTO arriving VALUES", [(number, "x" * 1000)] * ROWS)
                acknowledged.append(number)
                number += 1
    except (Error, OSError, EOFError):
        return


def test_no_acknowledged_insert_is_lost_by_a_kill(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    for attempt in range(ROUNDS):
        process, url = start_embedded(tmp_path)
        try:
            if attempt == 0:
                with driver(url) as client:
                    client.execute("CREATE TABLE arriving (n UInt64, s String) ENGINE = Null")
                    client.execute("CREATE TABLE arrived (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
                    client.execute("CREATE MATERIALIZED VIEW arrives TO arrived AS SELECT * FROM arriving")
            lists: list[list[int]] = [[], []]
            threads = [
                threading.Thread(
                    target=insert_until_it_breaks, args=(url, (attempt * 2 + index) * 1_000_000, done)
                )
                for index, done in enumerate(lists)
            ]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + PATIENCE
            while any(len(done) < 10 for done in lists):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            stop(process, signal.SIGKILL)
            for thread in threads:
                thread.join()
            acknowledged += [number for done in lists for number in done]
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    process, url = start_embedded(tmp_path)
    try:
        with driver(url) as client:
            stored = dict(client.execute("SELECT n, count() FROM arrived GROUP BY n"))
    finally:
        stop(process)
    assert len(acknowledged) >= ROUNDS * 20
    assert [number for number in acknowledged if stored.get(number) != ROWS] == []
