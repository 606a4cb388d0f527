"""How services end: SIGINT and SIGTERM set an event.

A handler runs in the main thread between any two of its steps, so it must not take a lock: the thread may
hold it, the event's own on its way into `wait`. It hands the signal to a thread, through a queue that is made
for handlers, and that thread sets the event.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` at SIGINT and SIGTERM, when this is the main thread; the second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    told: SimpleQueue[bool] = SimpleQueue()

    def ask_to_stop(number: int, _: object) -> None:
        if asked or stop.is_set():
            raise KeyboardInterrupt  # asked twice: do not wait for the store
        asked.append(number)
        told.put(True)

    def pass_on() -> None:
        if told.get():
            stop.set()

    passing = threading.Thread(target=pass_on, name="signals", daemon=True)
    passing.start()
    previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        told.put(False)
        passing.join()
