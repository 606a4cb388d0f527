"""One batch on its way into the store: which of its rows are sent, and under which token.

The token of a batch is its id. As long as the store knows it, the whole batch is sent again: what is stored
is dropped, and views that were cut off catch up. When the token may be forgotten, the records are looked up
and those that are missing are sent.

A table that is not replicated notes the token in a file before it puts the rows in their place. Killed
between the two, or failing, it knows a token whose rows are nowhere: it acknowledges the repeat and drops it.
So a batch that was sent before is looked up after it was sent again, and what is missing then goes under the
next token. Views have counted those rows already, and count them twice.

The next token only after the same rows were acknowledged under the one before. An insert whose sender gave up
may still be running, ours or one of a process before this one; from that acknowledgement on, whatever of it
is left is dropped. (The table is locked from the noting to the placing, so a query sees both or neither.)
Nothing has to be remembered for that: who begins anew begins with the first token.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from loghouse.spool.entry import Entry
from loghouse.spool.lookup import blocks_of, missing, rows_of, stored, stored_is_seen, token_known, view_age
from loghouse.spool.rows import COLUMNS, Row, packets

log = logging.getLogger("loghouse.spool")

TABLE = "ingest"
# The store knows the last 10,000 tokens of all senders. After this many seconds we do not rely on that but
# ask before a doubtful batch is sent again.
TOKEN_TRUSTED = 60.0
TOKENS_BEFORE = 3  # of a batch, that an earlier process may have used


class SendingStore(Protocol):
    """What it takes to send a batch."""

    def insert_blocks(
        self,
        table: str,
        columns: Sequence[str],
        blocks: Iterable[Sequence[Sequence[Any]]],
        settings: Mapping[str, Any],
    ) -> None:
        """Store all blocks as one insert; returns when it is acknowledged."""

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def uptime(self) -> float:
        """Seconds since the store was started."""


class Sending:
    """The attempts to store one batch."""

    def __init__(self, entry: Entry, clock: Callable[[], float]) -> None:
        self._entry = entry
        self._clock = clock
        # When it may have been sent first, and under how many tokens.
        self._sent_from = entry.trailer.written_at if entry.recovered else None
        self._tokens = TOKENS_BEFORE if entry.recovered else 1

    def attempt(self, store: SendingStore) -> bool:
        """Send what the store may not have; whether there was anything.

        Raises `StoreError`, `Unreadable`, `Damaged`.
        """
        began = self._clock()
        whole = (block.columns() for block in blocks_of(self._entry) if block.heads)
        if self._sent_from is None:
            self._sent_from = began
            return self._insert(store, 0, whole)
        forgotten = self._may_be_forgotten(store, self._sent_from)
        sent = self._insert(store, 0, packets(self._missing(store)) if forgotten else whole)
        if sent and stored_is_seen(store):
            self._send_what_was_dropped(store)
        return sent

    def _missing(self, store: SendingStore) -> Iterator[Row]:
        return missing(rows_of(self._entry), stored(store, self._entry, self._clock()))

    def _send_what_was_dropped(self, store: SendingStore) -> None:
        """Send the rows of which the store has nothing but the token.

        The last token is a new one. What is missing even then was stored and hidden or removed since.
        """
        for number in range(1, self._tokens + 1):
            rows = self._missing(store)
            self._tokens = max(self._tokens, number + 1)
            if not self._insert(store, number, packets(rows)):
                return
            log.warning("the store knew batch %s but not all its rows, sent them again", self._entry.id)

    def _insert(self, store: SendingStore, number: int, blocks: Iterator[Sequence[Sequence[Any]]]) -> bool:
        """Insert rows under one of the tokens; whether there were any."""
        first = next(blocks, None)
        if first is None:
            return False
        token = f"{self._entry.id}+{number}" if number else self._entry.id
        store.insert_blocks(TABLE, COLUMNS, chain((first,), blocks), insert_settings(token))
        return True

    def _may_be_forgotten(self, store: SendingStore, sent_from: float) -> bool:
        """Whether the store may not know the token of a batch any more that was first sent at `sent_from`.

        A store that was started since may have lost it with the power: rows are synced to its disk, tokens
        are not. Views that were cut off by that do not catch up. A migration that changed the view which
        parses gave all tokens behind it another meaning. A clock that was set back since does not tell.
        """
        waited = self._clock() - sent_from
        if waited < 0 or min(store.uptime(), view_age(store) - 1) < waited:
            return True
        age = self._clock() - self._entry.trailer.written_at
        return age > TOKEN_TRUSTED and not token_known(store, self._entry)


def insert_settings(token: str) -> dict[str, Any]:
    """Settings that make an insert happen once, however often it is sent."""
    return {
        "async_insert": 0,
        # All blocks of the insert become one: the token is its, and the views are planned once.
        "min_insert_block_size_rows": 0,
        "min_insert_block_size_bytes": 1 << 28,
        "insert_deduplicate": 1,
        "insert_deduplication_token": token,
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        # A chunk of a quiet file may span many days, each of which is a partition.
        "max_partitions_per_insert_block": 0,
        # Indexes are made when parts merge; until then a part is small enough to be read whole.
        "materialize_skip_indexes_on_insert": 0,
        # Planning the views is most of a small insert; these take a quarter of it and find nothing.
        "optimize_and_compare_chain": 0,
        "query_plan_merge_expressions": 0,
    }
