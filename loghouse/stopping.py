"""Handlers of signals for as long as a block runs, and how services end: SIGINT and SIGTERM set an event.

A handler runs in the main thread between any two of its steps, so it must not take a lock: the thread may
hold it, the event's own on its way into `wait`. It hands the signal to a thread, through a queue that is made
for handlers, and that thread sets the event.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    """Let `handler` have these signals, when this is the main thread: no other may say who does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` at SIGINT and SIGTERM, when this is the main thread; the second one interrupts."""
    asked: list[int] = []
    told: SimpleQueue[bool] = SimpleQueue()

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        if asked or stop.is_set():
            raise KeyboardInterrupt  # asked twice: do not wait for the store
        asked.append(number)
        told.put(True)

    def pass_on() -> None:
        if told.get():
            stop.set()

    passing = threading.Thread(target=pass_on, name="signals", daemon=True)
    passing.start()
    try:
        with handled(ask_to_stop, signal.SIGINT, signal.SIGTERM):
            yield
    finally:
        told.put(False)
        passing.join()
