"""Watches the clients whose queries run: tells them the progress, and ends the query of one who gave up.

One thread does it for all clients, at a slow beat: a query that is over before the next beat costs nothing.
"""

from __future__ import annotations

import select
import socket
import threading
from dataclasses import dataclass, field

from loghouse.embedded import packets
from loghouse.embedded.engine import Engine, EngineError, Running

BEAT = 0.05  # seconds; how late a cancel is seen
RESTING_BEATS = 40  # without a query, until the watch sleeps
_HUNG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


@dataclass(slots=True, eq=False)
class Watched:
    """A running query; its client gets packets from here only while `writing` is free."""

    mark: str
    connection: socket.socket
    revision: int
    writing: threading.Lock
    cancelled: bool = False
    beats: int = 0
    listening: bool = True  # the next byte of the client is the first of a packet
    told: Running = field(default=Running(0, 0, 0, 0, 0))


class Watch:
    """The thread; `begin` and `end` stand around every statement."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queries: dict[str, Watched] = {}
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def begin(self, query: Watched) -> None:
        """Watch the client of a statement that is about to run."""
        with self._lock:
            self._queries[query.mark] = query
        self._busy.set()

    def end(self, query: Watched) -> None:
        """The statement is over. Afterwards no kill meant for it can hit the session's next one."""
        with self._lock:
            self._queries.pop(query.mark, None)

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._busy.set()
        self._thread.join()

    def _run(self) -> None:
        idle = 0
        while not self._stopped.is_set():
            self._busy.wait()
            self._stopped.wait(BEAT)
            with self._lock:
                queries = list(self._queries.values())
                if not queries:
                    idle += 1
                    if idle > RESTING_BEATS:
                        self._busy.clear()
                    continue
            idle = 0
            try:
                self._look_after(queries)
            except EngineError:
                # The engine is short of memory or closing; the next beat tries again.
                continue

    def _look_after(self, queries: list[Watched]) -> None:
        for query in queries:
            query.beats += 1
            if not query.cancelled:
                _listen(query)
            if query.cancelled:
                with self._lock:
                    if self._queries.get(query.mark) is query:
                        self._engine.kill(query.mark)
        # Not the client of an insert: clickhouse-driver breaks off at progress there.
        told = [query for query in queries if query.listening]
        if any(query.beats > 1 for query in told):
            progress = self._engine.progress()
            for query in told:
                if query.mark in progress:
                    self._tell(query, progress[query.mark])

    def _tell(self, query: Watched, now: Running) -> None:
        """Send what changed, unless the client's answer is just being sent or it does not read."""
        if now == query.told or not query.writing.acquire(blocking=False):
            return
        try:
            with self._lock:
                current = self._queries.get(query.mark) is query
            poll = select.poll()
            poll.register(query.connection, select.POLLOUT)
            if not current or not any(event & select.POLLOUT for _, event in poll.poll(0)):
                return
            before = query.told
            query.connection.sendall(
                packets.progress(
                    query.revision,
                    max(now.read_rows - before.read_rows, 0),
                    max(now.read_bytes - before.read_bytes, 0),
                    max(now.total_rows - before.total_rows, 0),
                    max(now.written_rows - before.written_rows, 0),
                    max(now.written_bytes - before.written_bytes, 0),
                )
            )
            query.told = now
        except (OSError, ValueError):
            query.cancelled = True
        finally:
            query.writing.release()


def _listen(query: Watched) -> None:
    """Look, without taking anything, whether the client cancelled or went away."""
    try:
        poll = select.poll()
        poll.register(query.connection, select.POLLRDHUP | (select.POLLIN if query.listening else 0))
        events = poll.poll(0)
        if not events:
            return
        if events[0][1] & _HUNG_UP:
            query.cancelled = True
            return
        first = query.connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        query.cancelled = True
        return
    if not first or first[0] == packets.Ask.CANCEL:
        query.cancelled = True
    else:
        query.listening = False
