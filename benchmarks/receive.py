"""How many records a second the receiver takes in one process, without a store: protocol, sorting, commits.

    python benchmarks/receive.py

Sends PackedForward chunks and JSON lines over loopback into a sink that discards them; CPU time is that of
the whole process, the sender included.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from collections.abc import Callable

import msgpack
import requests

from loghouse.receive.forward_server import ForwardServer
from loghouse.receive.http import HttpServer
from loghouse.receive.intake import Group, Intake

RECORDS = 10_000
ROUNDS = 50


class Discard:
    """A sink that counts."""

    failing_since = None

    def knows(self, chunk: bytes) -> bool:
        """No chunk is known."""
        return False

    def tend(self) -> None:
        """Nothing is ever due."""

    def commit(self, group: Group) -> None:
        """Nothing is kept."""

    def close(self) -> None: ...


def main() -> None:
    """Print both figures."""
    intake = Intake(Discard())
    forward = ForwardServer("127.0.0.1", 0, intake)
    http = HttpServer("127.0.0.1", 0, intake)
    record = {
        "message": "GET /cart/42 took 12 ms",
        "level": "info",
        "status": 200,
        "path": "/cart/42",
        "ms": 12.5,
    }
    stamp = msgpack.ExtType(0, (1_790_000_000).to_bytes(4, "big") + (5).to_bytes(4, "big"))
    packed = msgpack.packb([stamp, record]) * RECORDS
    line = b'{"message":"GET /cart/42 took 12 ms","level":"info","status":200,"path":"/cart/42","ms":12.5}\n'
    _print(f"machine        {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with socket.create_connection(("127.0.0.1", forward.port)) as connection, requests.Session() as session:

        def send_chunk(number: int) -> None:
            connection.sendall(msgpack.packb(["bench", packed, {"chunk": str(number)}]))
            connection.recv(1024)

        def send_lines(_: int) -> None:
            session.post(f"http://127.0.0.1:{http.port}/v1/jsonl", data=line * RECORDS, timeout=60)

        _measure("PackedForward", send_chunk)
        _measure("JSON lines", send_lines)
    forward.close()
    http.close()
    intake.close()


def _measure(name: str, send: Callable[[int], None]) -> None:
    began, cpu = time.monotonic(), time.process_time()
    for number in range(ROUNDS):
        send(number)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    count = RECORDS * ROUNDS
    _print(f"{name:14} {count / seconds:,.0f} records/s, {count / cpu:,.0f} per second of CPU")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
