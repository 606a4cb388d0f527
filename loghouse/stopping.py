"""Handlers of signals for as long as a block runs, and how services end: SIGINT and SIGTERM set an event.

Python runs a handler in the main thread, between any two of its steps. So it must not take a lock: the thread
may hold it, the event's own on its way into `wait`. And it comes late when that thread waits, or is about to,
and the system hands the signal to another one. So a thread of its own sets the event: it reads the byte that
Python writes for each signal, at once and whoever was handed it.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
def stopped_by_signals(stop: threading.Event, interruptible: bool = True) -> Iterator[None]:
    """Set `stop` at SIGINT and SIGTERM, when this is the main thread; the second interrupts if it may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    asked: list[int] = []
    told: list[int] = []

    def interrupt_the_second_time(number: int, _: FrameType | None) -> None:
        if interruptible and (asked or (stop.is_set() and not told)):
            raise KeyboardInterrupt  # do not wait for the store
        asked.append(number)

    def pass_on() -> None:
        while number := heard.recv(1):
            if number[0] in numbers:
                told.append(number[0])
                stop.set()

    heard, telling = socket.socketpair()
    telling.setblocking(False)
    with heard:
        passing = threading.Thread(target=pass_on, name="signals", daemon=True)
        passing.start()
        before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        try:
            with handled(interrupt_the_second_time, *numbers):
                yield
        finally:
            signal.set_wakeup_fd(before)
            telling.close()
            passing.join()
