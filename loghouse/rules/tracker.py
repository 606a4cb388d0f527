"""From verdicts at ticks to episodes: true since, fired at, ended at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from loghouse.rules.counting import Counts, Group


@dataclass(slots=True)
class Episode:
    """A time during which a rule holds for a group; times are ticks in nanoseconds."""

    group: Group
    since: int
    value: float
    peak: float
    fired: int | None = None
    ended: int | None = None


@dataclass(slots=True)
class Tracker:
    """The episodes of one rule that have not ended."""

    hold: int = 0
    active: dict[Group, Episode] = field(default_factory=dict)

    def observe(self, tick: int, held: Counts) -> tuple[list[Episode], list[Episode]]:
        """Note a verdict; the episodes that fire now and those that had fired and end now."""
        fired, ended = [], []
        for group in [group for group in self.active if group not in held]:
            episode = self.active.pop(group)
            if episode.fired is not None:
                episode.ended = tick
                ended.append(episode)
        for group, value in held.items():
            episode = self.active.setdefault(group, Episode(group, tick, value, value))
            episode.value = value
            episode.peak = max(episode.peak, value)
            if episode.fired is None and tick - episode.since >= self.hold:
                episode.fired = tick
                fired.append(episode)
        return fired, ended

    @property
    def firing(self) -> list[Episode]:
        """The episodes that have fired."""
        return [episode for episode in self.active.values() if episode.fired is not None]

    def as_json(self) -> list[Mapping[str, Any]]:
        """For the state on disk."""
        return [asdict(episode) for episode in self.active.values()]

    @classmethod
    def from_json(cls, hold: int, data: list[Mapping[str, Any]]) -> Tracker:
        """What `as_json` gave."""
        episodes = [Episode(**{**item, "group": tuple(item["group"])}) for item in data]
        return cls(hold, {episode.group: episode for episode in episodes})
