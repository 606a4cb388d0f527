"""A signal ends a service at whatever moment it comes."""

import os
import signal
import threading

import pytest

from loghouse.stopping import stopped_by_signals

LIMIT = 20


class Held(threading.Event):
    """An event that is set under a lock which a test may have, as `wait` has one when it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def set(self) -> None:
        with self.lock:
            super().set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_on_the_way_into_a_wait_is_not_lost(number: signal.Signals) -> None:
    stop = Held()
    before = signal.getsignal(number)
    with stopped_by_signals(stop):
        with stop.lock:
            os.kill(os.getpid(), number)
        assert stop.wait(LIMIT)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_another_thread_is_handed_does_not_wait(number: signal.Signals) -> None:
    stop = threading.Event()

    def hand_to_this_thread() -> None:
        signal.pthread_kill(threading.get_ident(), number)

    later = threading.Timer(0.3, hand_to_this_thread)
    with stopped_by_signals(stop):
        later.start()
        assert stop.wait(LIMIT)


def test_a_stop_that_no_signal_asked_for_is_interrupted_by_the_first() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt), stopped_by_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_second_signal_interrupts() -> None:
    stop = threading.Event()
    with pytest.raises(KeyboardInterrupt), stopped_by_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(LIMIT)


def test_who_may_not_be_interrupted_is_not() -> None:
    stop = threading.Event()
    with stopped_by_signals(stop, interruptible=False):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(LIMIT)


def test_without_a_signal_nothing_stops() -> None:
    stop = threading.Event()
    with stopped_by_signals(stop):
        pass
    assert not stop.is_set()
    assert not any(thread.name == "signals" for thread in threading.enumerate())
