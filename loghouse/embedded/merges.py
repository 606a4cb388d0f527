"""Merges wait while a backlog is inserted: it is stored sooner, and put in order right after.

Merging takes a tenth of a busy machine from inserts that come as fast as the store takes them, even where
merges have the lowest priority. Parts that wait are read one by one, so it is not for long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from loghouse.embedded.engine import Engine, EngineError

BULK_BYTES = 32 << 20  # of one insert: who has so much to send at once has a backlog
REST = 2.0  # seconds without such an insert, and merges go on
LONGEST = 60.0  # seconds; at full speed some sixty parts
RETRY = 1.0  # seconds, after the engine could not


class Merges:
    """Holds them back during a burst of big inserts. Whoever asks for a merge gets it: `release`."""

    def __init__(self, engine: Engine, rest: float = REST, longest: float = LONGEST) -> None:
        self._engine = engine
        self._rest = rest
        self._longest = longest
        self._changed = threading.Condition()
        self._inserts = 0  # big ones that run
        self._last = -rest  # when the last one ended
        self._held = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around the rest of an insert that has turned out to be big."""
        with self._changed:
            begins = not self._inserts and time.monotonic() - self._last >= self._rest
            self._inserts += 1
        try:
            if begins:
                self._hold()
            yield
        finally:
            with self._changed:
                self._inserts -= 1
                self._last = time.monotonic()
                self._changed.notify_all()

    def release(self) -> None:
        """Let them go on now, until the next burst."""
        with self._changed:
            if self._held:
                with suppress(EngineError):  # no memory; the thread tries again
                    self._engine.start_merges()
                    self._held = False
                self._changed.notify_all()

    def stop(self) -> None:
        """End the thread. An engine that starts again holds none back."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _hold(self) -> None:
        with self._changed:
            if self._held or self._stopping:
                return
            try:
                self._engine.stop_merges()
            except EngineError:
                return  # the insert does not depend on it
            self._held = True
            self._thread = threading.Thread(target=self._until_quiet, name="merges", daemon=True)
            self._thread.start()

    def _until_quiet(self) -> None:
        latest = time.monotonic() + self._longest
        with self._changed:
            while self._held and not self._stopping:
                end = latest if self._inserts else min(latest, self._last + self._rest)
                left = end - time.monotonic()
                if left <= 0:
                    self.release()
                    left = RETRY
                if self._held:
                    self._changed.wait(left)
