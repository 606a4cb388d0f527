"""What a rule is made of: alerts with the series of their own test, figures to keep, groups by service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Series = tuple[str, str]  # a series and its values, as `promtool test rules` writes them
T = 'namespace="shop",pod="p-0",instance="p-0:1"'  # the labels of a target in tests


def one(name: str, values: str, labels: str = "") -> Series:
    """A series of the test's target."""
    return (f"{name}{{{T}{',' if labels else ''}{labels}}}", values)


@dataclass(frozen=True)
class Alert:
    """An alert and what makes it fire in its test; without `quiet` no series at all keeps it quiet."""

    name: str
    expr: str
    hold: str
    severity: str
    summary: str
    runbook: str
    logq: str
    fires: Sequence[Series]
    quiet: Sequence[Series]
    at: str = "15m"  # when the test looks


@dataclass(frozen=True)
class Recording:
    """A figure worth keeping for a year; it carries longterm="true", by which the long instance takes it."""

    name: str
    expr: str


@dataclass(frozen=True)
class Group:
    """The rules of one service, and the board that shows it."""

    name: str
    board: str
    alerts: Sequence[Alert]
    recordings: Sequence[Recording] = field(default_factory=tuple)
