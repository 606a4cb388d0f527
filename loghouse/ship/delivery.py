"""Inserting batches, in order, each until it is stored; positions are noted only then."""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from loghouse.errors import StoreError, StoreUnreachable
from loghouse.ship.batch import COLUMNS, Batch
from loghouse.ship.offsets import Offsets

log = logging.getLogger("loghouse.ship")

TABLE = "ingest"
IN_FLIGHT = 1  # batches handed over and not stored yet
FIRST_PATIENCE = 2.0  # seconds that a run with an end waits for a store that never answered
PATIENCE = 120.0  # the same once it has answered: a restart of the store must not end the run
RETRY_WAIT = 0.2  # seconds; doubled with each attempt, and drawn at random below that
LONGEST_WAIT = 5.0
LONGEST_WAIT_REFUSED = 30.0  # when only an operator can help
SAY_AGAIN = 60.0

# Answers that time heals: timeouts, too many parts or queries, memory, disk, read-only, replication.
PASSING = frozenset(
    (3, 159, 164, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 285, 319, 394, 425, 439, 999)
)


class IngestStore(Protocol):
    """What delivery needs of `loghouse.store.client.Store`."""

    def insert(
        self, table: str, columns: Sequence[str], data: Sequence[Sequence[Any]], settings: dict[str, Any]
    ) -> None:
        """Store one block; returns when it is acknowledged."""

    def cancel(self) -> None:
        """Break off the running insert, from another thread."""

    def close(self) -> None: ...


@dataclass(slots=True)
class Delivered:
    """What is stored so far."""

    batches: int = 0
    lines: int = 0
    bytes: int = 0
    retries: int = 0


class Delivery:
    """One thread that inserts a batch while the next is read; never more, which bounds memory."""

    def __init__(self, store: IngestStore, offsets: Offsets, node: str, once: bool) -> None:
        self.done = Delivered()
        self.error: Exception | None = None
        self._store = store
        self._offsets = offsets
        self._node = node
        self._once = once
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(IN_FLIGHT)
        self._give_up = threading.Event()
        self._answered = False
        self._failing_since: float | None = None
        self._said_at = 0.0
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended the delivery, if anything did."""
        if self.error:
            raise self.error

    def put(self, batch: Batch, timeout: float) -> bool:
        """Hand over a batch; False if there was no room within `timeout`. Raises what ended the delivery."""
        self.check()
        if not self._room.acquire(timeout=timeout):
            return False
        self._queue.put(batch)
        return True

    def close(self, stop: threading.Event, deadline: float) -> bool:
        """Wait until all is stored; after `stop` at most `deadline` seconds. False if something is left."""
        until: float | None = None
        self._queue.put(None)
        while self._thread.is_alive() and (until is None or time.monotonic() < until):
            if until is None and stop.is_set():
                until = time.monotonic() + deadline
            self._thread.join(0.05)
        if self._thread.is_alive():
            self.abandon()
            return False
        return self.error is None

    def abandon(self) -> None:
        """Break off; what was not stored is read again by the next run."""
        self._give_up.set()
        self._queue.put(None)
        self._store.cancel()
        self._thread.join(5)

    def _run(self) -> None:
        try:
            while batch := self._queue.get():
                if not self._insert(batch):
                    return
                self._offsets.commit(list(batch.positions.values()), batch.waits)
                self._room.release()
        except Exception as error:  # noqa: BLE001 - `check` raises it in the thread that waits
            self.error = error
        finally:
            self._store.close()

    def _insert(self, batch: Batch) -> bool:
        """Store the batch: the same bytes, the same id, however often it takes. False if told to give up."""
        if not batch.rows:
            return True
        columns = batch.columns(self._node)
        attempt = 0
        while True:
            try:
                self._store.insert(TABLE, COLUMNS, columns, _settings(batch))
            except StoreError as error:
                attempt += 1
                self.done.retries += 1
                if self._give_up.wait(self._next_wait(error, attempt)):
                    return False
            else:
                self._note(batch)
                return True

    def _note(self, batch: Batch) -> None:
        if self._failing_since is not None:
            log.warning("the store takes logs again after %.0f s", time.monotonic() - self._failing_since)
        self._failing_since = None
        self._answered = True
        self.done.batches += 1
        self.done.bytes += batch.size
        self.done.lines += sum(row.data.count(b"\n") for row in batch.rows)

    def _next_wait(self, error: StoreError, attempt: int) -> float:
        """Seconds to wait before the next attempt; raises the error when there should be none."""
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            self._said_at = 0.0
        passing = isinstance(error, StoreUnreachable) or error.code in PASSING
        patience = PATIENCE if self._answered else FIRST_PATIENCE
        if self._once and (not passing or now - self._failing_since > patience):
            raise error
        if now - self._said_at > SAY_AGAIN or not self._said_at:
            log.log(logging.WARNING if passing else logging.ERROR, "%s; trying again", error.message)
            self._said_at = now
        longest = LONGEST_WAIT if passing else LONGEST_WAIT_REFUSED
        return random.uniform(0.5, 1.0) * min(longest, RETRY_WAIT * (1 << min(attempt, 16)))


def _settings(batch: Batch) -> dict[str, Any]:
    return {
        "async_insert": 0,
        "insert_deduplicate": 1,
        "insert_deduplication_token": batch.id,
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        # A chunk of a quiet file may span many days, each of which is a partition.
        "max_partitions_per_insert_block": 0,
        # Indexes are made when parts merge; until then a part is small enough to be read whole.
        "materialize_skip_indexes_on_insert": 0,
    }
