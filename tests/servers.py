"""Servers for tests: real ones, on free ports, stopped at the end."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loghouse.config import StoreUrl

START_LIMIT = 60  # seconds; a busy machine takes some
STOP_LIMIT = 20
_ANNOUNCED = re.compile(r"listens on clickhouse://([\d.]+):(\d+)/(\w+)")


class NotStarted(Exception):
    """The server ended instead of listening; the text is what it said."""

    def __init__(self, said: str, exit_code: int) -> None:
        super().__init__(said)
        self.said = said
        self.exit_code = exit_code


@contextmanager
def embedded_store(data_dir: Path) -> Iterator[StoreUrl]:
    """The embedded store as a process of its own on `data_dir`, at a free port of the loopback address."""
    process, url = start_embedded(data_dir)
    try:
        yield url
    finally:
        stop(process)


def start_embedded(
    data_dir: Path, *options: str, listen: str = "127.0.0.1:0", before: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], StoreUrl]:
    """Start the embedded store and wait until it listens; raises `NotStarted`. `before` runs the command."""
    process, url, _ = start_and_hear(data_dir, *options, listen=listen, before=before)
    return process, url


def start_and_hear(
    data_dir: Path, *options: str, listen: str = "127.0.0.1:0", before: Sequence[str] = ()
) -> tuple[subprocess.Popen[str], StoreUrl, str]:
    """As `start_embedded`, and what the store said while it started."""
    process = subprocess.Popen(
        [
            *before,
            sys.executable,
            "-m",
            "loghouse.embedded",
            "--data-dir",
            data_dir,
            "--listen",
            listen,
            *options,
        ],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    said = _read_until(process, _ANNOUNCED, START_LIMIT)
    announced = _ANNOUNCED.search(said)
    if announced is None:
        process.kill()
        exit_code = process.wait(STOP_LIMIT)
        _close(process)
        raise NotStarted(said, exit_code)
    return process, StoreUrl(host=announced[1], port=int(announced[2]), database=announced[3]), said


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """End a server and wait for it; its exit code."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_LIMIT)
        raise
    finally:
        _close(process)


def _read_until(process: subprocess.Popen[str], wanted: re.Pattern[str], limit: float) -> str:
    assert process.stderr is not None
    said = ""
    deadline = time.monotonic() + limit
    while not wanted.search(said) and time.monotonic() < deadline:
        readable, _, _ = select.select([process.stderr], [], [], 1)
        if readable:
            piece = os.read(process.stderr.fileno(), 1 << 16)
            if not piece:
                process.wait(STOP_LIMIT)
                break
            said += piece.decode(errors="replace")
    return said


def _close(process: subprocess.Popen[str]) -> None:
    if process.stderr is not None:
        process.stderr.close()
