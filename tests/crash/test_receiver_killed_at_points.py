"""Killed at any labelled point, the receiver loses nothing it acknowledged and stores no chunk twice."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgpack
import pytest
from crashing import DYING, LIMIT, START

from loghouse.config import StoreUrl
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

TIME = 1_790_000_000
RECORDS = 5
MOST_CHUNKS = 3000
SMALL_BATCHES = ("loghouse.receive.spooling:LINGER=0",)  # so that a run has several
POINTS = (
    ("loghouse.receive.forward:message", "after"),
    ("loghouse.receive.intake:Intake._grouped", "after"),
    ("loghouse.receive.spooling:SpoolSink._begin", "after"),
    ("loghouse.spool.batchfile:BatchWriter._write", "before"),
    ("os:write", "amid"),
    ("os:fdatasync", "before"),
    ("os:fdatasync", "after"),
    ("loghouse.spool.batchfile:BatchWriter.sync", "after"),
    ("loghouse.receive.chunks:Chunks.add", "before"),
    ("loghouse.receive.chunks:Chunks.add", "after"),
    ("loghouse.receive.spooling:SpoolSink.commit", "after"),
    ("loghouse.receive.forward_server:_ack", "before"),
    ("loghouse.receive.forward_server:_ack", "after"),
    ("loghouse.receive.chunks:Chunks.sync", "before"),
    ("loghouse.receive.chunks:Chunks.sync", "after"),
    ("loghouse.spool.batchfile:BatchWriter.finish", "before"),
    ("loghouse.spool.batchfile:BatchWriter.finish", "after"),
    ("os:rename", "before"),
    ("os:rename", "after"),
    ("loghouse.spool.spool:Spool.commit", "after"),
    ("loghouse.spool.sending:Sending._insert", "before"),
    ("loghouse.spool.sending:Sending._insert", "after"),
    ("loghouse.spool.spool:remove", "before"),
    ("loghouse.spool.spool:Spool.acknowledge", "after"),
)


@pytest.fixture
def url(store_url: StoreUrl) -> StoreUrl:
    url = replace(store_url, database="crash_" + uuid.uuid4().hex[:8])
    with Store(url) as store:
        migrate(store)
    return url


@contextmanager
def receiver(url: StoreUrl, state: Path, *dying: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A receiver and its port; `dying` is for dying.py."""
    start = [sys.executable, str(DYING), *dying, "--"] if dying else [sys.executable, "-c", START]
    process = subprocess.Popen(
        [
            *start,
            *("receive", "--forward", "127.0.0.1:0", "--http", "", "--state-dir", str(state)),
            *("--url", f"clickhouse://{url.address}/{url.database}"),
        ],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert process.stderr
    try:
        said = b""
        while not (port := re.search(rb"forward on port (\d+)", said)):
            readable, _, _ = select.select([process.stderr], [], [], LIMIT)
            piece = os.read(process.stderr.fileno(), 4096) if readable else b""
            if not piece:
                break
            said += piece
        yield process, int(port[1]) if port else 0
    finally:
        process.kill()
        process.wait(LIMIT)
        process.stderr.close()


def send(port: int, number: int) -> bool:
    """Send a chunk; whether it was acknowledged."""
    entries = [msgpack.packb([TIME, {"number": number * RECORDS + i}]) for i in range(RECORDS)]
    chunk = msgpack.packb(["app", b"".join(entries), {"chunk": f"chunk-{number}"}])
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            connection.sendall(chunk)
            return msgpack.unpackb(connection.recv(1024)) == {"ack": f"chunk-{number}"}
    except (OSError, ValueError):
        return False


def live_until_killed(url: StoreUrl, state: Path, point: str, when: str, nth: int, number: int) -> int:
    """Send chunks, each until it is acknowledged, to a receiver that dies; the number of the next one."""
    with receiver(url, state, point, when, str(nth), *SMALL_BATCHES) as (process, port):
        for _ in range(MOST_CHUNKS):
            if not port or not send(port, number):
                break
            number += 1
        assert process.wait(LIMIT) == -signal.SIGKILL, f"{point} was never reached"
    return number


def check(url: StoreUrl, state: Path, chunks: int) -> None:
    """Send the last two chunks again to a healthy receiver, end it, and count."""
    with receiver(url, state) as (process, port):
        for number in range(max(chunks - 2, 0), chunks + 1):
            assert send(port, number)
        process.terminate()
        assert process.wait(LIMIT) == 0
    with Store(url) as store:
        rows = store.rows("SELECT count(), uniqExact(raw), uniqExact(source_id, offset) FROM logs")
    assert rows == [((chunks + 1) * RECORDS,) * 3]


def test_killed_at_each_point_in_turn(url: StoreUrl, tmp_path: Path) -> None:
    number = 0
    for point, when in POINTS:
        number = live_until_killed(url, tmp_path, point, when, 1, number)
    check(url, tmp_path, number)


@pytest.mark.slow
@pytest.mark.parametrize("nth", [2, 3])
@pytest.mark.parametrize(("point", "when"), POINTS)
def test_killed_at_a_later_batch(url: StoreUrl, tmp_path: Path, point: str, when: str, nth: int) -> None:
    if nth > 1 and point.endswith("_begin"):
        nth = 1
    number = live_until_killed(url, tmp_path, point, when, nth, 0)
    number = live_until_killed(url, tmp_path, point, when, nth, number)
    check(url, tmp_path, number)
