"""Rules run against a store with a clock of the test."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from logq.stores import Source
from rules.notified import moment

from loghouse.config import StoreUrl
from loghouse.query.timerange import MINUTE, SECOND
from loghouse.rules.alertmanager import Alertmanager
from loghouse.rules.load import load
from loghouse.rules.outbox import Alert, Pace
from loghouse.rules.rule import RuleSet
from loghouse.rules.runner import Runner
from loghouse.rules.state import StateFile

START = 1_785_405_600 * SECOND  # a whole hour


def rule_set(directory: Path, text: str) -> RuleSet:
    """The rules of a file with this text."""
    path = directory / "rules.yml"
    path.write_text(text)
    return load([path]).rule_set


@dataclass
class Clock:
    """A clock that a test turns."""

    now: int = START

    def __call__(self) -> int:
        return self.now


class Scene:
    """A namespace with one container, a clock at its start, and an evaluator that can be restarted."""

    def __init__(self, url: StoreUrl, directory: Path, namespace: str) -> None:
        self.url = url
        self.clock = Clock()
        self.start_ns = START  # what seconds are counted from
        self.namespace = namespace
        self.source = Source(url, namespace=namespace)
        self._directory = directory
        self._rules = RuleSet()
        self._alertmanagers: Sequence[Alertmanager] = ()
        self._pace: Pace | None = None
        self._state: StateFile | None = None
        self.runner: Runner

    def write(self, second: float, *records: str, source: Source | None = None) -> None:
        """Records of so many seconds after the start."""
        at = moment(self.start_ns + round(second * SECOND))
        (source or self.source).write(*(record.encode() for record in records), at=at)

    def start(
        self,
        rules: str,
        alertmanagers: Sequence[Alertmanager] = (),
        pace: Pace | None = None,
        url: StoreUrl | None = None,
    ) -> None:
        """Begin to evaluate these rules; NS in their text is the namespace."""
        self._rules = rule_set(self._directory, rules.replace("NS", self.namespace))
        self._alertmanagers, self._pace = alertmanagers, pace
        self.url = url or self.url
        self.restart()

    def restart(self) -> None:
        """End the evaluator, if there is one, and begin anew with what is on disk."""
        self.close()
        self._state = StateFile(self._directory / "state")
        self.runner = Runner(
            self._rules,
            self.url,
            self._alertmanagers,
            self._state,
            pace=self._pace,
            clock=self.clock,
        )

    def close(self) -> None:
        """End the evaluator."""
        if self._state is not None:
            self.runner.close()
            self._state.close()
            self._state = None

    def at(self, second: float) -> None:
        """Turn the clock there in steps of a minute, evaluating what comes due."""
        end = self.start_ns + round(second * SECOND)
        self.runner.settle()
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + MINUTE)
            self.runner.settle()

    @property
    def firing(self) -> list[Alert]:
        """The alerts that fire."""
        return [alert for alert in self.runner.outbox.alerts.values() if alert.ends is None]

    def groups(self, label: str) -> set[str]:
        """The values of a label among the alerts that fire."""
        return {alert.labels[label] for alert in self.firing}
