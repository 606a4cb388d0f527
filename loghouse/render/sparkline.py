"""A row of numbers as a row of small bars."""

from __future__ import annotations

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
EMPTY = " "


def sparkline(values: Sequence[float]) -> str:
    """One bar a value, the highest as high as the line; 0 is a blank, the least that is there a low bar."""
    highest = max(values, default=0)
    if highest <= 0:
        return EMPTY * len(values)
    steps = len(_BARS)
    return "".join(
        _BARS[min(steps - 1, int(value * steps / highest))] if value > 0 else EMPTY for value in values
    )


def squeezed(values: Sequence[float], columns: int) -> list[float]:
    """The same values in at most so many columns, neighbours added up."""
    if len(values) <= columns:
        return list(values)
    return [
        sum(values[place * len(values) // columns : (place + 1) * len(values) // columns])
        for place in range(columns)
    ]
