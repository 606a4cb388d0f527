"""Who is logged in: sessions in this process, found by a random number in a cookie."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

IDLE_SECONDS = 12 * 3600
LONGEST_SECONDS = 7 * 86400
MOST_SESSIONS = 10_000


@dataclass(slots=True)
class Session:
    """One login of one person; `csrf` has to come back with everything that changes something."""

    user: str
    groups: tuple[str, ...]
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    began: float = 0
    seen: float = 0


class Sessions:
    """All sessions; used by many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def begin(self, user: str, groups: tuple[str, ...] = ()) -> tuple[str, Session]:
        """A new session and the secret that finds it."""
        now = self._clock()
        session = Session(user, groups, began=now, seen=now)
        key = secrets.token_urlsafe(32)
        with self._lock:
            if len(self._sessions) >= MOST_SESSIONS:
                self._forget(now)
            self._sessions[key] = session
        return key, session

    def find(self, key: str) -> Session | None:
        """The session, if it has not ended."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is None or not _lasts(session, now):
                self._sessions.pop(key, None)
                return None
            session.seen = now
            return session

    def end(self, key: str) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(key, None)

    def _forget(self, now: float) -> None:
        """Drop what has ended and, if that is not enough, what was not used for the longest time."""
        self._sessions = {key: session for key, session in self._sessions.items() if _lasts(session, now)}
        for key in sorted(self._sessions, key=lambda key: self._sessions[key].seen):
            if len(self._sessions) < MOST_SESSIONS:
                return
            del self._sessions[key]


def _lasts(session: Session, now: float) -> bool:
    return now - session.seen < IDLE_SECONDS and now - session.began < LONGEST_SECONDS
