"""Waiting for a pipe ends with a signal, whichever thread the system hands it to."""

import os
import signal
import threading
from pathlib import Path
from types import FrameType

import pytest

from loghouse.local.sources import named_files, opened

LIMIT = 20  # seconds after which something comes, so that a wait that was not ended fails


class Told(Exception):
    """What the handler raises."""


def read_file(path: Path) -> None:
    with opened(named_files([str(path)])[0]) as contents:
        while contents.read():
            pass


def test_a_signal_that_another_thread_is_handed_ends_the_wait(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    ended = threading.Event()

    def write() -> None:
        with open(fifo, "wb") as pipe:
            pipe.write(b"line\n")
            pipe.flush()
            ended.wait(0.5)  # the reader has the line, and waits for more
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
            ended.wait(LIMIT)

    def tell(number: int, frame: FrameType | None) -> None:
        raise Told

    before = signal.signal(signal.SIGUSR1, tell)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(Told):
            read_file(fifo)
        assert writer.is_alive()  # or the end of the pipe ended the wait
    finally:
        ended.set()
        writer.join()
        signal.signal(signal.SIGUSR1, before)
