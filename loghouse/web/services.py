"""What all requests share: the store's address, who may ask, how much at once, and what is running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from loghouse.access.audit import Audit
from loghouse.access.people import Mode
from loghouse.access.rates import LOGINS, QUERIES, Rates
from loghouse.config import StoreUrl
from loghouse.web.answers import Refused
from loghouse.web.bridge import retry_after
from loghouse.web.calls import Call
from loghouse.web.identity import Doorkeeper
from loghouse.web.parts import Parts

QUERIES_AT_ONCE = 24  # of all people together; more wait
LASTING_AT_ONCE = 100  # tails; each has a thread and a connection to the store
OF_ONE_PERSON = {False: 16, True: 64}


def _limiter(tokens: int) -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(tokens)


@dataclass(slots=True)
class Services:
    """One for each server. Used in the event loop only, but for what locks itself."""

    store_url: StoreUrl
    doorkeeper: Doorkeeper
    audit: Audit
    queries: Rates = field(default_factory=lambda: Rates(QUERIES))
    logins: Rates = field(default_factory=lambda: Rates(LOGINS))
    limiters: dict[bool, anyio.CapacityLimiter] = field(
        default_factory=lambda: {False: _limiter(QUERIES_AT_ONCE), True: _limiter(LASTING_AT_ONCE)}
    )
    slow_checks: anyio.CapacityLimiter = field(default_factory=lambda: _limiter(4))
    parts: Parts = field(init=False)
    _calls: dict[int, Call] = field(default_factory=dict)
    _of_person: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.parts = Parts(self.store_url)

    @contextmanager
    def place_for(self, call: Call, lasts: bool) -> Iterator[None]:
        """A place among what runs; raises `Refused` with 429 when there is none for this person."""
        who = (call.person.name, lasts)
        all_lasting = sum(count for (_, lasting), count in self._of_person.items() if lasting)
        crowded = lasts and all_lasting >= LASTING_AT_ONCE
        if self._of_person[who] >= OF_ONE_PERSON[lasts] or crowded:
            raise Refused(429, "too much runs at once", "Close other pages and tails", retry_after(2))
        self._of_person[who] += 1
        self._calls[id(call)] = call
        try:
            yield
        finally:
            del self._calls[id(call)]
            self._of_person[who] -= 1
            if not self._of_person[who]:
                del self._of_person[who]

    def check_rate(self, caller: str) -> None:
        """Raises `Refused` with 429 for somebody who asks too often."""
        wait = self.queries.take(caller)
        if wait:
            raise Refused(429, "asked too often", "Ask again in a moment", retry_after(wait))

    def stop(self) -> None:
        """End what runs."""
        for call in list(self._calls.values()):
            call.cancel()
        self.parts.close()

    @property
    def mode(self) -> Mode:
        """How people say who they are."""
        return self.doorkeeper.access.mode
