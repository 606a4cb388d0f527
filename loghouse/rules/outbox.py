"""Alerts on their way to Alertmanager: each is delivered at least once while it fires, then resolved.

Alertmanager knows an alert by its labels, so sending it again does no harm, and it forgets one that is not
repeated. Therefore what fires is repeated every `resend` with an end that lies `lease` ahead. What began and
ended while Alertmanager was away is still sent as firing, and resolved only `hold` later, because an alert
that is resolved when Alertmanager first hears of it is told to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from loghouse.query.timerange import MINUTE, SECOND
from loghouse.rules.alertmanager import rfc3339


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in nanoseconds. `hold` has to be longer than Alertmanager's group_wait."""

    resend: int = MINUTE
    lease: int = 15 * MINUTE  # an evaluator that is away for less than this is not noticed
    hold: int = 2 * MINUTE
    retry: int = 5 * SECOND


@dataclass(slots=True)
class Alert:
    """One alert; times are nanoseconds. `tried` is the last attempt, `sent` the last that was accepted."""

    rule: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts: int
    ends: int | None = None
    delivered: int | None = None
    sent: int | None = None
    tried: int | None = None

    @property
    def key(self) -> str:
        """Its identity."""
        return key_of(self.labels)


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent of an alert; `resolves` says that it is over."""

    alert: Alert
    message: Mapping[str, Any]
    resolves: bool


def key_of(labels: Mapping[str, str]) -> str:
    """The identity that labels make."""
    return json.dumps(sorted(labels.items()))


@dataclass(slots=True)
class Outbox:
    """All alerts that Alertmanager does not know to be over."""

    pace: Pace = field(default_factory=Pace)
    alerts: dict[str, Alert] = field(default_factory=dict)

    def start(self, alert: Alert) -> None:
        """An alert fires. One that has ended and is not yet resolved goes on instead of coming twice."""
        known = self.alerts.get(alert.key)
        if known is None:
            self.alerts[alert.key] = alert
            return
        known.ends = None
        known.annotations = alert.annotations

    def end(self, labels: Mapping[str, str], moment: int) -> None:
        """An alert is over."""
        alert = self.alerts.get(key_of(labels))
        if alert is not None and alert.ends is None:
            alert.ends = max(moment, alert.starts)

    def of_rule(self, rule: str) -> list[Alert]:
        """The alerts of a rule that fire."""
        return [alert for alert in self.alerts.values() if alert.rule == rule and alert.ends is None]

    def waiting(self, rule: str) -> int:
        """How many alerts of a rule there are, ended ones that nobody was told of included."""
        return sum(alert.rule == rule for alert in self.alerts.values())

    def forget_ended(self) -> None:
        """Let go of what is over; for an evaluator that tells nobody."""
        self.alerts = {key: alert for key, alert in self.alerts.items() if alert.ends is None}

    def due(self, now: int) -> list[Letter]:
        """What has to be sent now."""
        return [self._letter(alert, now) for alert in self.alerts.values() if self._is_due(alert, now)]

    @property
    def undelivered(self) -> int:
        """How many alerts nobody has been told of."""
        return sum(alert.delivered is None for alert in self.alerts.values())

    def noted(self, letters: Sequence[Letter], now: int, accepted: bool) -> None:
        """These were sent; what was resolved is done with, unless it began again meanwhile."""
        for letter in letters:
            alert = letter.alert
            alert.tried = now
            if not accepted:
                continue
            if not letter.resolves:
                alert.sent = now
                alert.delivered = now if alert.delivered is None else alert.delivered
            elif alert.ends is not None:
                self.alerts.pop(alert.key, None)
            else:
                alert.sent = alert.delivered = alert.tried = None

    def _letter(self, alert: Alert, now: int) -> Letter:
        """An alert as the API takes it."""
        resolves = self._is_over(alert, now)
        ends = max(alert.ends or 0, alert.delivered or 0) if resolves else now + self.pace.lease
        message: dict[str, Any] = {
            "labels": dict(alert.labels),
            "annotations": {name: text for name, text in alert.annotations.items() if name != "link"},
            "startsAt": rfc3339(alert.starts),
            "endsAt": rfc3339(ends),
        }
        if "link" in alert.annotations:
            message["generatorURL"] = alert.annotations["link"]
        return Letter(alert, message, resolves)

    def _is_over(self, alert: Alert, now: int) -> bool:
        """It may be resolved: it has ended, and Alertmanager has had time to tell of it."""
        delivered = alert.delivered
        return alert.ends is not None and delivered is not None and now >= delivered + self.pace.hold

    def _is_due(self, alert: Alert, now: int) -> bool:
        if alert.tried is not None and now - alert.tried < self.pace.retry and alert.tried != alert.sent:
            return False
        return alert.sent is None or self._is_over(alert, now) or now - alert.sent >= self.pace.resend

    def as_json(self) -> list[Mapping[str, Any]]:
        """For the state on disk."""
        return [asdict(alert) for alert in self.alerts.values()]

    def load(self, data: Sequence[Mapping[str, Any]]) -> None:
        """Take what `as_json` gave."""
        self.alerts = {alert.key: alert for alert in (Alert(**item) for item in data)}
