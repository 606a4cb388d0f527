"""The receiver dies in the middle of acknowledged traffic: nothing is lost and no chunk is doubled."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
from receiving import eventually

from loghouse.config import StoreUrl

CHUNKS = 60
RECORDS = 20
START = "from loghouse.cli import main; main()"
TIME = 1_790_000_000


def start(url: StoreUrl, state: Path) -> tuple[subprocess.Popen[bytes], int]:
    arguments = ["receive", "--url", f"clickhouse://{url.address}/{url.database}", "--forward", "127.0.0.1:0"]
    arguments += ["--state-dir", str(state)]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *arguments, "--http", ""],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr
    readable, _, _ = select.select([process.stderr], [], [], 30)
    said = os.read(process.stderr.fileno(), 1000).decode() if readable else ""
    port = re.search(r"forward on port (\d+)", said)
    assert port, said
    return process, int(port[1])


def chunk(number: int) -> bytes:
    entries = [msgpack.packb([TIME, {"number": number * RECORDS + i}]) for i in range(RECORDS)]
    return msgpack.packb(["killed", b"".join(entries), {"chunk": f"chunk-{number}"}])


def send(port: int, number: int) -> bool:
    """Whether the chunk was acknowledged."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(chunk(number))
            return msgpack.unpackb(connection.recv(1024)) == {"ack": f"chunk-{number}"}
    except (OSError, ValueError):
        return False


def test_kill_loses_and_doubles_nothing(
    received_url: StoreUrl, query: Callable[..., list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    acknowledged = 0
    for life in range(4):
        process, port = start(received_url, tmp_path)
        assert process.stderr
        try:
            # The last acknowledged chunk again, as if its ack had been lost with the receiver.
            waiting = max(acknowledged - 1, 0)
            while waiting < CHUNKS:
                if life < 3 and waiting == (life + 1) * CHUNKS // 4:
                    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
                        connection.sendall(chunk(waiting))  # sent, and killed before the ack is read
                        process.send_signal(signal.SIGKILL)
                        process.wait(20)
                    break
                assert send(port, waiting)
                waiting += 1
                acknowledged = waiting
        finally:
            process.kill()
            process.wait(20)
            process.stderr.close()
    assert acknowledged == CHUNKS
    process, _ = start(received_url, tmp_path)  # what is in the spool is stored by the next life
    sql = "SELECT count(), uniqExact(raw), uniqExact(source_id, offset) FROM logs WHERE container = 'killed'"
    eventually(lambda: query(sql)[0][1] == CHUNKS * RECORDS)
    assert query(sql) == [(CHUNKS * RECORDS,) * 3]
    process.terminate()
    assert process.wait(20) == 0
    assert process.stderr
    process.stderr.close()
