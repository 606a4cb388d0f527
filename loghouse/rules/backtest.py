"""When a rule would have fired: the same verdicts as in the present, over the past."""

from __future__ import annotations

from collections.abc import Iterator

from loghouse.query import TimeRange
from loghouse.query.timerange import DAY
from loghouse.rules.conditions import Look, NewValue
from loghouse.rules.counting import Counting
from loghouse.rules.known import Known
from loghouse.rules.rule import Rule
from loghouse.rules.tracker import Episode, Tracker
from loghouse.store.client import Store


def episodes(store: Store, rule: Rule, range_: TimeRange) -> Iterator[Episode]:
    """The alerts that records of this time would have made, as they end; the last may not have ended.

    Records count as if each had arrived in time.
    """
    memory = rule.condition.memory if isinstance(rule.condition, NewValue) else 0
    look = Look(Counting(store, rule.by), rule.query, rule.window, Known(memory))
    tracker = Tracker(rule.hold)
    first = -(-range_.start // rule.every) * rule.every
    ticks = range(first, range_.end + 1, rule.every)
    size = max(1, DAY // rule.every)
    for start in range(0, len(ticks), size):
        part = ticks[start : start + size]
        verdicts = rule.condition.judge(look, part)
        for tick in part:
            _, ended = tracker.observe(tick, verdicts[tick])
            yield from ended
    yield from tracker.firing
