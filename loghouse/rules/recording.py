"""Recording rules: the figures of a query as metrics, a bounded number of series each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from loghouse.query import TimeRange, compile
from loghouse.query.timerange import SECOND
from loghouse.render.escapes import decoded
from loghouse.rules.counting import Counting
from loghouse.rules.labels import label_name, label_text
from loghouse.rules.rule import Recording
from loghouse.store.client import Store


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a recording."""

    metric: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """The figures of one tick, and how many rows were left out (1 when it is not known how many)."""

    tick: int
    series: tuple[Series, ...] = ()
    dropped: int = 0


def record(store: Store, recording: Recording, tick: int) -> Recorded:
    """Ask for the figures of the window before a tick; the first rows of the query's order are kept."""
    range_ = TimeRange(tick - recording.window, tick)
    compiled = compile(recording.query, range_, now_ns=tick)
    rows = Counting(store).rows(recording.query, "", range_, limit=recording.limit + 1)
    series = []
    figures = [name for name, kind in zip(compiled.columns, compiled.kinds, strict=True) if kind == "number"]
    for row in rows[: recording.limit]:
        labels, values = dict(recording.labels), {}
        for name, kind, value in zip(compiled.columns, compiled.kinds, row, strict=True):
            if kind == "number":
                values[name] = math.nan if value is None else float(value)
            else:
                text = decoded(value) if isinstance(value, (str, bytes)) else str(value)
                labels[label_name(name)] = label_text(text)
        series += [
            Series(_metric(recording.name, name, len(figures)), labels, value)
            for name, value in values.items()
            if not math.isnan(value)
        ]
    return Recorded(tick, tuple(series), max(0, len(rows) - recording.limit))


def _metric(name: str, column: str, figures: int) -> str:
    """The recording's name; with several figures, each adds its own."""
    return name if figures == 1 else f"{name}_{label_name(column)}"


def last_tick(recording: Recording, now: int) -> int:
    """The latest moment whose records had time to arrive."""
    return (now - recording.delay) // recording.every * recording.every


def is_stale(recording: Recording, recorded: Recorded, now: int) -> bool:
    """The store has not answered for so long that the figures say nothing any more."""
    return now - recorded.tick > 5 * recording.every + recording.delay + 60 * SECOND
