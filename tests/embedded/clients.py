"""The clients that speak to the embedded store in these tests."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from loghouse.config import StoreUrl

PATIENCE = 30  # seconds for a condition on a busy machine


@contextmanager
def driver(url: StoreUrl, **options: Any) -> Iterator[Any]:
    """clickhouse-driver, closed at the end."""
    from clickhouse_driver import Client

    client = Client(
        url.host,
        url.port,
        **{"database": url.database, "user": url.user, "password": url.password, **options},
    )
    try:
        yield client
    finally:
        client.disconnect()


def old_client(url: StoreUrl, *options: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """`clickhouse-client` 18.16 as Debian has it; skips when it is not installed."""
    path = shutil.which("clickhouse-client")
    if path is None:
        pytest.skip("clickhouse-client is not installed")
    return subprocess.run(
        [path, "--host", url.host, "--port", str(url.port), "--database", url.database, *options],
        input=given,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )


def cpp_client(sql: str) -> str:
    """The answer of a second engine, in a process of its own; `remote()` in it is ClickHouse's C++ client."""
    program = (
        "import sys; from chdb.state.sqlitelike import Connection\n"
        "connection = Connection(':memory:?log-level=none')\n"
        "try: sys.stdout.buffer.write(bytes(connection.query(sys.argv[1], 'TSV').bytes()))\n"
        "except Exception as error: print('ERROR', error)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, sql], capture_output=True, timeout=2 * PATIENCE, check=True
    )
    return answer.stdout.decode()


def wait_for(condition: Callable[[], object]) -> None:
    """Return when the condition holds; fails the test when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come"
        time.sleep(0.02)


def running(url: StoreUrl, sign: str) -> int:
    """How many queries with that sign in their text run now."""
    with driver(url, settings={"server_side_params": True}) as client:
        rows = client.execute(
            "SELECT count() FROM system.processes WHERE position(query, {sign:String}) > 0 "
            "AND position(query, 'system.processes') = 0",
            {"sign": sign},
        )
    return int(rows[0][0])
