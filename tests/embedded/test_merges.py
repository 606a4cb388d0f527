"""Merges wait during a burst of big inserts, not for long, and not for who asks for one."""

import subprocess
import sys

import pytest
from embedded.clients import PATIENCE

BEGIN = """
import time
from loghouse.config import StoreUrl
from loghouse.embedded.engine import Engine
from loghouse.embedded.merges import BULK_BYTES, Merges
from loghouse.embedded.server import Server
from loghouse.store.client import Store

engine = Engine()
connection = engine.connect()
connection.query("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")

def merges():
    for _ in range(2):
        connection.query("INSERT INTO t VALUES ('a')")
    try:
        connection.query("OPTIMIZE TABLE t FINAL")
    except Exception as error:
        assert "ABORTED" in str(error), error
        return False
    return True

def becomes(wanted):
    deadline = time.monotonic() + 30
    while merges() != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.02)

assert merges()
"""

CASES = {
    "until a while after the last insert": """
held = Merges(engine, rest=0.5, longest=60)
with held.waiting():
    with held.waiting():
        assert not merges()
    time.sleep(0.6)
    assert not merges()
becomes(True)
with held.waiting():
    assert not merges()
held.stop()
""",
    "not longer than the limit, and not again in the same burst": """
held = Merges(engine, rest=2, longest=0.5)
with held.waiting():
    becomes(True)
    with held.waiting():
        assert merges()
with held.waiting():
    assert merges()
time.sleep(2.1)
with held.waiting():
    assert not merges()
held.stop()
""",
    "until they are asked for": """
held = Merges(engine, rest=60, longest=60)
with held.waiting():
    assert not merges()
    held.release()
    assert merges()
assert merges()
held.stop()
""",
    "only for big inserts": """
server = Server(engine, "127.0.0.1", 0)
server.start()
store = Store(StoreUrl(*server.address, database="default"))

def blocks(size):
    yield [[b"x" * size]]
    becomes(size < BULK_BYTES)
    yield [[b"y"]]

store.insert_blocks("t", ("a",), blocks(BULK_BYTES // 2), {})
store.insert_blocks("t", ("a",), blocks(BULK_BYTES), {})
store.rows("OPTIMIZE TABLE t FINAL")
store.close()
assert server.stop()
""",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_merges_wait(case: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + case + "connection.close()\nengine.close()\n"],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
