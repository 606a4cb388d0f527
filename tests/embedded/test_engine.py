"""The engine inside a process: in memory, on a directory, one after the other; and the bound of clients."""

import subprocess
import sys
from pathlib import Path

from embedded.clients import PATIENCE

IN_PROCESS = """
import sys
from pathlib import Path
from loghouse.config import StoreUrl
from loghouse.embedded.engine import Engine
from loghouse.embedded.server import Server
from loghouse.errors import StoreError
from loghouse.store.client import Store

for place in (None, Path(sys.argv[1]), None):
    engine = Engine(place)
    server = Server(engine, "127.0.0.1", 0, max_clients=3)
    server.start()
    url = StoreUrl(*server.address, database="default")
    stores = [Store(url) for _ in range(4)]
    for store in stores[:3]:
        assert store.rows("SELECT 1") == [(1,)]
    try:
        stores[3].rows("SELECT 1")
    except StoreError as error:
        print(error.code, error.message)
    stores[0].rows("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    for store in stores:
        store.close()
    assert server.stop()
    engine.close()
print("done")
"""


def test_engines_in_one_process_one_after_the_other(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IN_PROCESS, tmp_path],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[-1] == "done"
    assert [line.split()[0] for line in lines[:-1]] == ["202"] * 3
