"""The values a rule has seen, for alerts on values that are new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from loghouse.rules.counting import Group

MAX_KNOWN = 50_000  # values of one rule; beyond it those that were not seen for longest are forgotten


@dataclass(slots=True)
class Known:
    """When each value of each group was first and last seen, in nanoseconds.

    `until` is the time up to which the store has been asked. A value that was away for longer than `memory`
    is new again.
    """

    memory: int
    until: int = 0
    seen: dict[tuple[Group, str], tuple[int, int]] = field(default_factory=dict)

    def learn(self, group: Group, value: str, first: int, last: int) -> None:
        """A value was seen from `first` to `last`; times may come in any order."""
        key = (group, value)
        known = self.seen.get(key)
        if known is None or known[1] < first - self.memory:
            self.seen[key] = (first, last)
        elif first >= known[0] - self.memory:
            self.seen[key] = (min(known[0], first), max(known[1], last))

    def new_within(self, start: int, end: int) -> Iterator[tuple[Group, str]]:
        """The values seen for the first time in this time."""
        return (key for key, (first, _) in self.seen.items() if start <= first < end)

    def forget(self, now: int) -> None:
        """Let go of what is too old to matter, and of the oldest when there is too much."""
        self.seen = {key: times for key, times in self.seen.items() if times[1] >= now - self.memory}
        if len(self.seen) > MAX_KNOWN:
            newest = sorted(self.seen.items(), key=lambda item: item[1][1], reverse=True)
            self.seen = dict(newest[:MAX_KNOWN])

    def as_json(self) -> Mapping[str, Any]:
        """For the state on disk."""
        return {
            "until": self.until,
            "seen": [[list(group), value, *times] for (group, value), times in self.seen.items()],
        }

    @classmethod
    def from_json(cls, memory: int, data: Mapping[str, Any]) -> Known:
        """What `as_json` gave."""
        seen = {(tuple(group), value): (first, last) for group, value, first, last in data["seen"]}
        return cls(memory, int(data["until"]), seen)
