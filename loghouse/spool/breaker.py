"""Holds all senders back while the store fails, but for one at a time that tries."""

import threading
import time


class Breaker:
    """Shared by the threads that send. `give_up` ends every wait."""

    def __init__(self, give_up: threading.Event) -> None:
        self.failing_since: float | None = None  # time.monotonic of the first failure
        self._give_up = give_up
        self._retry_at = 0.0
        self._trying = False
        self._changed = threading.Condition()

    def enter(self) -> bool:
        """Wait until this thread may send; False when it should give up."""
        with self._changed:
            while not self._give_up.is_set():
                if self.failing_since is None:
                    return True
                wait = self._retry_at - time.monotonic()
                if wait <= 0 and not self._trying:
                    self._trying = True
                    return True
                self._changed.wait(wait if wait > 0 else None)
        return False

    def succeeded(self) -> float | None:
        """The store took something; since when it had been failing."""
        with self._changed:
            since, self.failing_since = self.failing_since, None
            self._trying = False
            self._changed.notify_all()
        return since

    def failed(self, wait: float) -> None:
        """The store refused: nobody tries for `wait` seconds."""
        with self._changed:
            if self.failing_since is None:
                self.failing_since = time.monotonic()
            self._trying = False
            self._retry_at = time.monotonic() + wait
            self._changed.notify_all()

    def stopped(self) -> None:
        """This thread tries no more; let the others see whether they should give up."""
        with self._changed:
            self._trying = False
            self._changed.notify_all()
