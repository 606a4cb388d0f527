"""Sends what is in the spool to the store: two inserts at a time, each until it is stored.

Two, because an insert keeps one core of the store busy. They begin in the order of the spool and may end in
another; what a reader may forget follows the spool, so nothing depends on that.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from loghouse.errors import StoreError
from loghouse.spool.answers import Answer, answer_of
from loghouse.spool.batchfile import Damaged
from loghouse.spool.breaker import Breaker
from loghouse.spool.entry import Entry
from loghouse.spool.lookup import Unreadable, any_stored
from loghouse.spool.sending import Sending, SendingStore
from loghouse.spool.spool import Spool

log = logging.getLogger("loghouse.spool")

IN_FLIGHT = 2
FIRST_PATIENCE = 2.0  # seconds that a run with an end waits for a store that never answered
PATIENCE = 120.0  # the same once it has answered: a restart of the store must not end the run
SAY_AGAIN = 60.0
POISON_IN_A_ROW = 20  # bad lines without a good one between them: then it is not the lines
MEMORY_ATTEMPTS = 3  # then a batch that needs too much of the store's memory is cut in two
SPOOL_TROUBLE_WAIT = 1.0
_TAKE = 60.0  # seconds until a thread without work looks again


class IngestStore(SendingStore, Protocol):
    """What delivery needs of `loghouse.store.client.Store`; each thread has its own."""

    def cancel(self) -> None:
        """Break off what is running, from another thread."""

    def close(self) -> None: ...


@dataclass(slots=True)
class Delivered:
    """What was sent since the start."""

    batches: int = 0
    lines: int = 0
    bytes: int = 0
    retries: int = 0
    doubtful: int = 0  # attempts whose end is not known
    found_stored: int = 0  # batches that were there already
    errors: Counter[tuple[int, str]] = field(default_factory=Counter)  # by code and class
    last_error: str = ""


class Delivery:
    """Threads that empty a spool for as long as they live."""

    def __init__(
        self,
        spool: Spool,
        connect: Callable[[], IngestStore],
        once: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin to send. With `once` an error that time does not heal ends it: `check` raises that."""
        self.done = Delivered()
        self.error: Exception | None = None
        self._spool = spool
        self._once = once
        self._clock = clock
        self._give_up = threading.Event()
        self._breaker = Breaker(self._give_up)
        self._answered = False
        self._said_at = 0.0
        self._poison_in_a_row = 0
        self._sending = 0
        self._guard = threading.Lock()
        self._stores = [connect() for _ in range(IN_FLIGHT)]
        self._threads = [
            threading.Thread(target=self._run, args=(store,), name=f"delivery-{number}", daemon=True)
            for number, store in enumerate(self._stores)
        ]
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what ended the delivery, if anything did."""
        if self.error:
            raise self.error

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, so that a small batch should be sent now.

        Small ones go one after another: planning an insert costs the store 0.1 s of a core whatever its size,
        so two at a time would only take that from whoever reads.
        """
        return self.failing_since is None and not self._sending and not self._spool.waiting

    @property
    def failing_since(self) -> float | None:
        """When the store began to refuse, by `time.monotonic`; None while it takes what we send."""
        return self._breaker.failing_since

    def close(self, stop: threading.Event, deadline: float) -> bool:
        """Wait until all is stored, then end. False if something stays in the spool.

        After `stop` it waits at most `deadline` seconds, and not at all for a store that does not answer.
        """
        until: float | None = None
        while not (empty := self._spool.wait_until_empty(0.05)) and not self.error:
            now = time.monotonic()
            if until is None and stop.is_set():
                until = now + deadline
            if until is not None and (now >= until or self.failing_since is not None):
                break
        self.abandon()
        return empty

    def abandon(self) -> None:
        """Break off what is being sent and end; it stays in the spool."""
        self._give_up.set()
        self._breaker.stopped()
        self._spool.wake()
        deadline = time.monotonic() + 5
        for thread, store in zip(self._threads, self._stores, strict=True):
            if self._spool.pending():
                store.cancel()
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, store: IngestStore) -> None:
        try:
            while not self._give_up.is_set():
                if entry := self._spool.take(_TAKE, unless=self._give_up.is_set):
                    self._send(store, entry)
        except Exception as error:  # noqa: BLE001 - `check` raises it in the thread that waits
            self.error = self.error or error
            self._give_up.set()
            self._spool.wake()
        finally:
            self._breaker.stopped()
            store.close()

    def _send(self, store: IngestStore, entry: Entry) -> None:
        """Get one batch into the store, however long it takes; gives it back when told to give up."""
        settled = False
        with self._guard:
            self._sending += 1
        try:
            settled = self._deliver(store, entry)
        except Damaged:
            self._breaker.stopped()
            self._spool.salvage(entry)
            settled = True
        except OSError as error:
            self._wait_for_the_spool(entry, error)
        finally:
            with self._guard:
                self._sending -= 1
            if not settled:
                self._spool.release(entry)

    def _deliver(self, store: IngestStore, entry: Entry) -> bool:
        """Send the same rows until they are stored or put aside; False if told to stop."""
        sending = Sending(entry, self._clock)
        attempt = 0
        while self._breaker.enter():
            try:
                sent = sending.attempt(store)
            except Unreadable as error:
                self._wait_for_the_spool(entry, error)
            except StoreError as error:
                answer = answer_of(error)
                attempt += 1
                self._note(error, answer)
                if _in_the_batch(answer, attempt) and self._put_aside(store, entry, error, answer):
                    self._breaker.succeeded()
                    return True
                self._breaker.failed(self._next_wait(error, answer, attempt))
            else:
                self._stored_now(entry, sent)
                return True
        return False

    def _wait_for_the_spool(self, entry: Entry, error: Exception) -> None:
        self._breaker.stopped()
        self._say(logging.ERROR, f'cannot use the spool file "{entry.path}" ({error})')
        self._give_up.wait(SPOOL_TROUBLE_WAIT)

    def _stored_now(self, entry: Entry, sent: bool) -> None:
        since = self._breaker.succeeded()
        if since is not None:
            log.warning("the store takes logs again after %.0f s", time.monotonic() - since)
        with self._guard:
            self._answered = True
            self._poison_in_a_row = 0
            self.done.last_error = ""
            self.done.batches += bool(entry.trailer.rows)
            self.done.bytes += entry.trailer.bytes
            self.done.lines += entry.trailer.lines
            self.done.found_stored += bool(entry.trailer.rows) and not sent
        self._spool.acknowledge(entry)

    def _put_aside(self, store: IngestStore, entry: Entry, error: StoreError, answer: Answer) -> bool:
        """Find the bad line by halves and quarantine it alone; False if that would not be right.

        Not when rows of the batch are stored: then a view behind the table failed, and halves would double
        them. Not when line after line is bad: then it is the store, and the lines wait until it is repaired.
        """
        try:
            if any_stored(store, entry, self._clock()):
                return False
        except StoreError:
            return False
        if self._spool.split(entry):
            return True
        with self._guard:
            self._poison_in_a_row += 1
            if answer is not Answer.POISON or self._poison_in_a_row > POISON_IN_A_ROW:
                return False
        self._spool.quarantine(entry, f"code {error.code}: {error.message}")
        return True

    def _note(self, error: StoreError, answer: Answer) -> None:
        with self._guard:
            self.done.retries += 1
            self.done.doubtful += answer is Answer.DOUBTFUL
            self.done.errors[error.code, answer.name.lower()] += 1
            self.done.last_error = error.message

    def _next_wait(self, error: StoreError, answer: Answer, attempt: int) -> float:
        """Seconds to wait before the next attempt; raises the error when there should be none."""
        hopeless = answer in (Answer.REFUSED, Answer.POISON)
        if self._once:
            since = self._breaker.failing_since
            failing = time.monotonic() - since if since is not None else 0.0
            if hopeless or failing > (PATIENCE if self._answered else FIRST_PATIENCE):
                raise error
        self._say(logging.ERROR if hopeless else logging.WARNING, f"{error.message}; trying again")
        least, most = answer.value
        return _jitter() * min(most, least * (1 << min(attempt - 1, 16)))

    def _say(self, level: int, text: str) -> None:
        now = time.monotonic()
        if not self._said_at or now - self._said_at > SAY_AGAIN:
            self._said_at = now
            log.log(level, "%s", text)


def _in_the_batch(answer: Answer, attempt: int) -> bool:
    """Whether the error may lie in the batch itself."""
    return answer is Answer.POISON or (answer is Answer.NO_MEMORY and attempt > MEMORY_ATTEMPTS)


def _jitter() -> float:
    """A part of the wait, so that many senders do not come back at the same moment."""
    return random.uniform(0.5, 1.0)
