"""What a rule is: which records it counts, when it holds, and what its alert says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from loghouse.query import Query
from loghouse.query.timerange import MINUTE, SECOND
from loghouse.rules.conditions import Condition

EVERY = MINUTE
DELAY = 15 * SECOND
LATE = 10 * MINUTE
SERIES = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert rule. Times are nanoseconds.

    It is judged at multiples of `every`, `delay` after them, over the `window` before; and once more `late`
    after that, for records that came late. `by` are the fields whose values make alerts of their own.
    """

    name: str
    query: Query
    condition: Condition
    window: int
    by: tuple[str, ...] = ()
    every: int = EVERY
    hold: int = 0  # `for` in the file: how long it has to be true before it fires
    delay: int = DELAY
    late: int = LATE
    severity: str = "warning"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    place: str = ""  # where it stands: file:line:column

    @property
    def digest(self) -> str:
        """What its alerts depend on; when it changes, what is remembered of it is void."""
        meaning = (str(self.query), repr(self.condition), self.window, self.by, self.every, self.hold)
        labels = (self.severity, sorted(self.labels.items()))
        return hashlib.sha256(repr((meaning, labels)).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Recording:
    """A table of figures that becomes metrics: one series for each row and number, at most `limit`."""

    name: str
    query: Query
    window: int
    every: int = EVERY
    delay: int = DELAY
    limit: int = SERIES
    labels: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of all files."""

    rules: tuple[Rule, ...] = ()
    recordings: tuple[Recording, ...] = ()
