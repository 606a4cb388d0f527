"""What `loghouse rules test` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from loghouse.query import TimeRange
from loghouse.query.timerange import SECOND
from loghouse.render.escapes import one_line
from loghouse.rules.about import figure, labels_of
from loghouse.rules.rule import Rule
from loghouse.rules.tracker import Episode

_TITLE = ("alertname", "severity")


def report(rule: Rule, range_: TimeRange, found: Sequence[Episode]) -> Iterator[str]:
    """A line that sums up, then one for each alert: when it fires, how long, how high, its labels."""
    days = range_.seconds / 86400
    often = f"would have fired {len(found)} times" if found else "would not have fired"
    yield f"{rule.name} ({rule.severity}) {often} in {days:.3g} days"
    for episode in found:
        assert episode.fired is not None
        lasted = "still firing" if episode.ended is None else f"for {_length(episode.ended - episode.fired)}"
        labels = {**labels_of(rule, episode.group)}
        shown = " ".join(
            f"{name}={one_line(text)}" for name, text in labels.items() if name not in (*_TITLE, *rule.labels)
        )
        yield f"  {_when(episode.fired)}  {lasted:<14} up to {figure(episode.peak):<8} {shown}".rstrip()


def _when(nanoseconds: int) -> str:
    return f"{datetime.fromtimestamp(nanoseconds // SECOND, UTC):%Y-%m-%d %H:%M:%S}Z"


def _length(nanoseconds: int) -> str:
    seconds = nanoseconds // SECOND
    days, seconds = divmod(seconds, 86400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)[:12] or "0s"
