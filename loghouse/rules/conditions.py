"""When a rule holds. A condition judges moments ("ticks"): for each, the groups it holds for and a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from loghouse.query import Query, TimeRange
from loghouse.query.timerange import DAY
from loghouse.rules.counting import Counting, Counts, Group
from loghouse.rules.known import Known

# For each tick the groups the condition holds for, with the figure that the alert shows.
Verdicts: TypeAlias = Mapping[int, Counts]


@dataclass(frozen=True, slots=True)
class Look:
    """What a condition looks at: the records of one rule."""

    counting: Counting
    query: Query
    window: int
    known: Known  # only `NewValue` has use for it

    def before(self, tick: int) -> TimeRange:
        """The window that a tick is about."""
        return TimeRange(tick - self.window, tick)

    def totals(self, ticks: Sequence[int]) -> list[Counts]:
        """The records in the window of each tick."""
        return self.counting.totals(self.query, [self.before(tick) for tick in ticks])


class Condition(Protocol):
    """One kind of condition."""

    @property
    def reach(self) -> int:
        """How far before the window it looks, in nanoseconds."""
        ...

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """The verdict of each tick; the ticks are in order."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """A figure is above one bound, or below the other."""

    above: float | None = None
    below: float | None = None

    def pass_(self, counts: Counts) -> Counts:
        """The groups whose figure does."""
        return {group: value for group, value in counts.items() if self._passes(value)}

    def _passes(self, value: float) -> bool:
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )


@dataclass(frozen=True, slots=True)
class Frequency:
    """More records than `above` in the window, or fewer than `below`; "any" is more than 0."""

    bounds: Bounds
    reach: int = 0

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """Without groups, no record at all is a figure of 0."""
        empty: Counts = {} if look.counting.by else {(): 0.0}
        return {
            tick: self.bounds.pass_({**empty, **counts})
            for tick, counts in zip(ticks, look.totals(ticks), strict=True)
        }


@dataclass(frozen=True, slots=True)
class Percentage:
    """The share of the rule's records among those of another query, in percent."""

    of: Query
    bounds: Bounds
    at_least: float = 1  # of the others; fewer say nothing about a share
    reach: int = 0

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """Groups of which the other query has too few records are left out."""
        wholes = look.counting.totals(self.of, [look.before(tick) for tick in ticks])
        return {
            tick: self.bounds.pass_(
                {
                    group: 100 * parts.get(group, 0.0) / whole
                    for group, whole in wholes_then.items()
                    if whole >= self.at_least
                }
            )
            for tick, parts, wholes_then in zip(ticks, look.totals(ticks), wholes, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Spike:
    """So many times the records of an average window of the time before; downwards, so many times fewer.

    `at_least` records have to be in the window (downwards: in an average one before), which keeps 3 instead
    of 1 from being an alert. An average of less than one counts as one.
    """

    times: float
    over: int
    at_least: float = 10
    down: bool = False

    @property
    def reach(self) -> int:
        """The time it compares with."""
        return self.over

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """The figure is how many times more (or fewer) there are."""
        before = [TimeRange(tick - look.window - self.over, tick - look.window) for tick in ticks]
        usual = look.counting.totals(look.query, before)
        part = look.window / self.over
        return {
            tick: {
                group: ratio
                for group in {*now, *then}
                if (ratio := self._ratio(now.get(group, 0.0), then.get(group, 0.0) * part)) is not None
            }
            for tick, now, then in zip(ticks, look.totals(ticks), usual, strict=True)
        }

    def _ratio(self, now: float, usual: float) -> float | None:
        if self.down:
            ratio = usual / max(1.0, now)
            return ratio if usual >= self.at_least and ratio > self.times else None
        ratio = now / max(1.0, usual)
        return ratio if now >= self.at_least and ratio > self.times else None


@dataclass(frozen=True, slots=True)
class Silence:
    """No record in the window, of groups that had some in the time `over` before it."""

    over: int = DAY

    @property
    def reach(self) -> int:
        """The time in which a group has to be seen."""
        return self.over

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """Without groups it does not matter whether there ever was a record."""
        now = look.totals(ticks)
        if not look.counting.by:
            return {tick: {} if counts else {(): 0.0} for tick, counts in zip(ticks, now, strict=True)}
        before = [TimeRange(tick - look.window - self.over, tick - look.window) for tick in ticks]
        usual = look.counting.totals(look.query, before)
        return {
            tick: {group: 0.0 for group in then if group not in counts}
            for tick, counts, then in zip(ticks, now, usual, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Cardinality:
    """More (or fewer) different values of a field than a bound, about."""

    field: str
    bounds: Bounds
    reach: int = 0

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """Only windows with enough records are looked into: each record has one value."""
        least = self.bounds.above if self.bounds.below is None else None
        asked = [
            tick
            for tick, counts in zip(ticks, look.totals(ticks), strict=True)
            if least is None or any(count > least for count in counts.values())
        ]
        found = look.counting.uniques(look.query, self.field, [look.before(tick) for tick in asked])
        held = {tick: self.bounds.pass_(counts) for tick, counts in zip(asked, found, strict=True)}
        return {tick: held.get(tick, {}) for tick in ticks}


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value of a field, or a pattern of messages, not seen for `memory`; each value is a group."""

    field: str
    memory: int

    @property
    def reach(self) -> int:
        """The time in which values are known; it is read once, then remembered."""
        return self.memory

    def judge(self, look: Look, ticks: Sequence[int]) -> Verdicts:
        """The figure is 1; a value counts as new for one window."""
        known = look.known
        start, end = ticks[0] - look.window, ticks[-1]
        if known.until < start:
            # What was there before the first window is known, not new.
            for group, value, _, last in self._seen(look, TimeRange(start - self.memory, start)):
                known.learn(group, value, start - self.memory, last)
        for group, value, first, last in self._seen(look, TimeRange(start, end)):
            known.learn(group, value, first, last)
        known.until = max(known.until, end)
        known.forget(end)
        return {
            tick: {(*group, value): 1.0 for group, value in known.new_within(tick - look.window, tick)}
            for tick in ticks
        }

    def _seen(self, look: Look, range_: TimeRange) -> list[tuple[Group, str, int, int]]:
        return list(look.counting.sightings(look.query, self.field, range_))
