"""One rule through time: which ticks are due, what they say, which alerts begin and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loghouse.rules.conditions import Look, NewValue
from loghouse.rules.counting import Counting, Group
from loghouse.rules.known import Known
from loghouse.rules.rule import Rule
from loghouse.rules.tracker import Episode, Tracker
from loghouse.store.client import Store

BATCH = 120  # ticks that are judged at once when there is something to catch up with


@dataclass(frozen=True, slots=True)
class Change:
    """An episode that fires or is over at a tick; `late` was found only by the second look."""

    group: Group
    since: int
    value: float
    tick: int
    late: bool = False

    @classmethod
    def of(cls, episode: Episode, tick: int, late: bool = False) -> Change:
        """The episode as it is at this tick; it goes on changing."""
        return cls(episode.group, episode.since, episode.value, tick, late)


@dataclass(slots=True)
class Progress:
    """What is remembered of a rule between ticks, and over restarts.

    `judged` is the last tick that was judged, `began` the first. `recent` are the episodes of the first look
    that ended not long ago, `found_late` the groups whose alerts the second look has begun.
    """

    judged: int
    began: int
    first: Tracker
    second: Tracker
    known: Known
    recent: list[tuple[Group, int, int]] = field(default_factory=list)
    found_late: set[Group] = field(default_factory=set)

    @classmethod
    def fresh(cls, rule: Rule, now: int) -> Progress:
        """Of a rule that is judged from now on."""
        tick = last_tick(rule, now)
        memory = rule.condition.memory if isinstance(rule.condition, NewValue) else 0
        return cls(tick - rule.every, tick, Tracker(rule.hold), Tracker(rule.hold), Known(memory))

    def as_json(self) -> Mapping[str, Any]:
        """For the state on disk."""
        return {
            "judged": self.judged,
            "began": self.began,
            "first": self.first.as_json(),
            "second": self.second.as_json(),
            "known": self.known.as_json(),
            "recent": [[list(group), since, ended] for group, since, ended in self.recent],
            "found_late": [list(group) for group in self.found_late],
        }

    @classmethod
    def from_json(cls, rule: Rule, data: Mapping[str, Any]) -> Progress:
        """What `as_json` gave."""
        fresh = cls.fresh(rule, 0)
        return cls(
            int(data["judged"]),
            int(data["began"]),
            Tracker.from_json(rule.hold, data["first"]),
            Tracker.from_json(rule.hold, data["second"]),
            Known.from_json(fresh.known.memory, data["known"]),
            [(tuple(group), since, ended) for group, since, ended in data["recent"]],
            {tuple(group) for group in data["found_late"]},
        )


def last_tick(rule: Rule, now: int) -> int:
    """The latest tick whose records had time to arrive."""
    return (now - rule.delay) // rule.every * rule.every


def due_ticks(rule: Rule, progress: Progress, now: int) -> list[int]:
    """The ticks to judge now, the oldest first, at most a batch."""
    return list(range(progress.judged + rule.every, last_tick(rule, now) + 1, rule.every))[:BATCH]


def judge(
    store: Store, rule: Rule, progress: Progress, ticks: Sequence[int]
) -> tuple[list[Change], list[Change], bool]:
    """Judge ticks in order: what fires, what ends, and whether there were more groups than are counted.

    Each tick is judged again `rule.late` after it, and an episode that only then shows is found late.
    Nothing is remembered when the store fails.
    """
    again = [tick - rule.late for tick in ticks if rule.late and tick - rule.late >= progress.began]
    counting = Counting(store, rule.by)
    look = Look(counting, rule.query, rule.window, progress.known)
    verdicts = rule.condition.judge(look, sorted({*ticks, *again}))
    fired: list[Change] = []
    ended: list[Change] = []
    for tick in ticks:
        begins, ends = progress.first.observe(tick, verdicts[tick])
        fired += [Change.of(episode, tick) for episode in begins]
        for episode in ends:
            progress.recent.append((episode.group, episode.since, tick))
            if episode.group not in progress.found_late:
                ended.append(Change.of(episode, tick))
    for tick in again:
        begins, ends = progress.second.observe(tick, verdicts[tick])
        for episode in begins:
            if not _was_found(rule, progress, episode):
                progress.found_late.add(episode.group)
                fired.append(Change.of(episode, tick, late=True))
        for episode in ends:
            if episode.group in progress.found_late:
                progress.found_late.discard(episode.group)
                if not _fires(progress.first, episode.group):
                    ended.append(Change.of(episode, tick, late=True))
    progress.judged = ticks[-1]
    oldest = progress.judged - 2 * (rule.late + rule.window + rule.hold)
    progress.recent = [item for item in progress.recent if item[2] >= oldest]
    return fired, ended, counting.overflowed


def _was_found(rule: Rule, progress: Progress, episode: Episode) -> bool:
    """The first look has told of this episode, perhaps a little later."""
    latest = episode.since + rule.window + rule.hold
    earliest = episode.since - rule.window
    if any(
        group == episode.group and since <= latest and ended >= earliest
        for group, since, ended in progress.recent
    ):
        return True
    active = progress.first.active.get(episode.group)
    return active is not None and active.fired is not None and active.since <= latest


def _fires(tracker: Tracker, group: Group) -> bool:
    active = tracker.active.get(group)
    return active is not None and active.fired is not None
