"""Evaluates rules as time goes on: due rules to the store, alerts to Alertmanager, what happened to disk.

One thread decides and remembers; the store and Alertmanager are asked in others, so that a slow one keeps
nobody waiting. A change is saved before it is sent: after a crash it is sent again, which Alertmanager, who
knows an alert by its labels, does not take for a second alert.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from loghouse.config import StoreUrl
from loghouse.errors import LoghouseError
from loghouse.query.timerange import DAY, SECOND
from loghouse.rules import recording as recordings
from loghouse.rules.about import annotations_of, labels_of
from loghouse.rules.alertmanager import Alertmanager, AlertmanagerError
from loghouse.rules.evaluate import Change, Progress, due_ticks, judge, last_tick
from loghouse.rules.exposition import Metrics, Shown
from loghouse.rules.outbox import Alert, Letter, Outbox, Pace
from loghouse.rules.recording import Recorded, record
from loghouse.rules.rule import Recording, Rule, RuleSet
from loghouse.rules.state import StateFile
from loghouse.store.client import Store

MAX_ALERTS = 100  # of one rule at once; a rule that would send more says so in its metrics
MAX_WAITING = 1000  # of one rule, ended ones included that no Alertmanager has taken
WORKERS = 4
_STEP = 0.5  # seconds between two looks at the clock
_PAUSE = 10 * SECOND  # before a rule that failed is tried again
_BATCH = 64  # alerts in one request
_STUCK = 300  # seconds without a look at the clock
_READ_TIMEOUT = 90  # seconds; the store stops a query of ours after 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of evaluating a rule."""

    fired: Sequence[tuple[Change, Mapping[str, str]]]
    ended: Sequence[Change]
    overflowed: bool


@dataclass(slots=True)
class _Task:
    """A rule or recording and its work under way."""

    rule: Rule | Recording
    progress: Progress | None
    saved: Mapping[str, Any] = field(default_factory=dict)
    running: Future[Any] | None = None
    began: float = 0
    not_before: int = 0


class Runner:
    """All rules and what is remembered of them; `step` is to be called again and again."""

    def __init__(
        self,
        rules: RuleSet,
        url: StoreUrl,
        alertmanagers: Sequence[Alertmanager],
        state: StateFile,
        *,
        pace: Pace | None = None,
        link: str = "",
        catch_up: int = DAY,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.metrics = Metrics()
        self.outbox = Outbox(pace or Pace())
        self._url = url
        self._alertmanagers = tuple(alertmanagers)
        self._state = state
        self._link = link
        self._catch_up = catch_up
        self._clock = clock
        self._pool = ThreadPoolExecutor(WORKERS, "rules")
        self._post = ThreadPoolExecutor(1, "alertmanager")
        self._local = threading.local()
        self._stores: list[Store] = []
        self._sending: Future[bool] | None = None
        self._letters: list[Letter] = []
        self._sent_at = 0
        self._recorded: dict[str, Recorded] = {}
        self._looked = time.monotonic()
        self._tasks = self._resumed(rules)
        self.metrics.rules.set(len(self._tasks))
        self._save()

    def run(self, stop: threading.Event) -> None:
        """Evaluate until `stop` is set."""
        try:
            while not stop.wait(_STEP):
                self.step()
        finally:
            self.close()

    def step(self) -> None:
        """Take in what is done, save it, send what is due, begin what is due."""
        now, self._looked = self._clock(), time.monotonic()
        changed = [self._taken(task, now) for task in self._tasks]
        sent = self._taken_post(now)
        if any(changed) or sent:
            self._save()
        self._send(now)
        for task in self._tasks:
            self._begin(task, now)
        self._show(now)

    def trouble(self) -> str:
        """Why this has to be started again, '' while it is well."""
        still = time.monotonic() - self._looked
        return f"no rule was looked at for {still:.0f} s" if still > _STUCK else ""

    def status(self) -> Mapping[str, Any]:
        """How it goes, for people and probes."""
        return {
            "rules": {
                task.rule.name: task.progress.judged / SECOND if task.progress else None
                for task in self._tasks
            },
            "alerts": [{"labels": shown.labels, "state": shown.state} for shown in self.metrics.alerts],
            "undelivered": self.outbox.undelivered,
        }

    def settle(self) -> None:
        """Step until nothing is under way and nothing is due."""
        self.step()
        while self._sending is not None or any(task.running is not None for task in self._tasks):
            running = [task.running for task in self._tasks if task.running is not None]
            for future in [*running, *([self._sending] if self._sending else [])]:
                future.exception()
            self.step()

    def close(self) -> None:
        """End queries under way, and keep what is known; they are asked again after the next start."""
        for store in self._stores:
            store.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._post.shutdown(wait=True, cancel_futures=True)
        now = self._clock()
        for task in self._tasks:
            self._taken(task, now)
        self._taken_post(now)
        self._save()
        for store in self._stores:
            store.close()

    def _resumed(self, rules: RuleSet) -> list[_Task]:
        """The rules where they were left; alerts of rules that are gone or changed are over."""
        saved = self._state.load()
        self.outbox.load(saved.get("alerts", ()))
        remembered: Mapping[str, Any] = saved.get("rules", {})
        now, tasks = self._clock(), []
        known: set[str] = set()
        for rule in rules.rules:
            left = remembered.get(rule.name)
            if left is not None and left["digest"] == rule.digest:
                known.add(rule.name)
                progress = Progress.from_json(rule, left["progress"])
            else:
                progress = Progress.fresh(rule, now)
            tasks.append(_Task(rule, progress, self._fragment(rule, progress)))
        for alert in self.outbox.alerts.values():
            if alert.rule not in known and alert.ends is None:
                alert.ends = now
        return [*tasks, *(_Task(each, None) for each in rules.recordings)]

    def _begin(self, task: _Task, now: int) -> None:
        """Hand a rule that is due to a worker."""
        if task.running is not None or now < task.not_before:
            return
        work: Callable[[], Any] | None
        if isinstance(task.rule, Rule):
            work = self._work_of_rule(task, now)
        else:
            work = self._work_of_recording(task.rule, now)
        if work is not None:
            task.began = time.monotonic()
            task.running = self._pool.submit(work)

    def _work_of_rule(self, task: _Task, now: int) -> Callable[[], Judged] | None:
        rule, progress = task.rule, task.progress
        assert isinstance(rule, Rule) and progress is not None
        oldest = last_tick(rule, now - self._catch_up)
        if progress.judged < oldest:
            self.metrics.missed.labels(rule.name).inc((oldest - progress.judged) // rule.every)
            progress.judged = oldest
        ticks = due_ticks(rule, progress, now)
        if not ticks:
            return None

        def work() -> Judged:
            store = self._store()
            fired, ended, overflowed = judge(store, rule, progress, ticks)
            most = sorted(fired, key=lambda change: change.value, reverse=True)[:MAX_ALERTS]
            said = [(change, annotations_of(store, rule, change, self._link)) for change in most]
            if len(fired) > len(most):
                self.metrics.dropped.labels(rule.name).inc(len(fired) - len(most))
            return Judged(said, ended, overflowed)

        return work

    def _work_of_recording(self, recording: Recording, now: int) -> Callable[[], Recorded] | None:
        tick = recordings.last_tick(recording, now)
        last = self._recorded.get(recording.name)
        if last is not None and last.tick >= tick:
            return None
        return lambda: record(self._store(), recording, tick)

    def _taken(self, task: _Task, now: int) -> bool:
        """Take in what a worker has done; whether it changed what is remembered."""
        if task.running is None or not task.running.done():
            return False
        future, task.running = task.running, None
        name = task.rule.name
        self.metrics.evaluations.labels(name).inc()
        self.metrics.seconds.labels(name).inc(time.monotonic() - task.began)
        if future.cancelled():
            return False
        error = future.exception()
        if error is not None:
            self.metrics.failures.labels(name).inc()
            task.not_before = now + _PAUSE
            told = error.message if isinstance(error, LoghouseError) else f"{type(error).__name__}: {error}"
            log.warning("rule %s: %s", name, told)
            return False
        if isinstance(task.rule, Recording):
            self._recorded[name] = future.result()
            self.metrics.judged.labels(name).set(future.result().tick / SECOND)
            return False
        assert task.progress is not None
        self._note(task.rule, future.result())
        self.metrics.judged.labels(name).set(task.progress.judged / SECOND)
        task.saved = self._fragment(task.rule, task.progress)
        return True

    def _note(self, rule: Rule, judged: Judged) -> None:
        """Alerts begin and end, in the order of time: what is caught up with may do both."""
        if judged.overflowed:
            self.metrics.overflows.labels(rule.name).inc()
        events = [(change.tick, 1, change, said) for change, said in judged.fired]
        events += [(change.tick, 0, change, {}) for change in judged.ended]
        for tick, begins, change, said in sorted(events, key=lambda event: event[:2]):
            labels = labels_of(rule, change.group)
            if not begins:
                self.outbox.end(labels, tick)
            elif (
                len(self.outbox.of_rule(rule.name)) >= MAX_ALERTS
                or self.outbox.waiting(rule.name) >= MAX_WAITING
            ):
                self.metrics.dropped.labels(rule.name).inc()
            else:
                self.metrics.late.labels(rule.name).inc(change.late)
                self.outbox.start(Alert(rule.name, labels, said, change.since))

    def _send(self, now: int) -> None:
        if not self._alertmanagers:
            self.outbox.forget_ended()
            return
        if self._sending is not None:
            return
        letters = self.outbox.due(now)[:_BATCH]
        if not letters:
            return
        messages = [letter.message for letter in letters]
        self._letters, self._sent_at = letters, now

        def work() -> bool:
            accepted = [self._posted(each, messages) for each in self._alertmanagers]
            return any(accepted)

        self._sending = self._post.submit(work)

    def _posted(self, alertmanager: Alertmanager, messages: Sequence[Mapping[str, Any]]) -> bool:
        try:
            alertmanager.post(messages)
        except AlertmanagerError as error:
            self.metrics.refused.labels(alertmanager.url).inc(len(messages))
            log.warning("%s", error.message)
            return False
        self.metrics.sent.labels(alertmanager.url).inc(len(messages))
        return True

    def _taken_post(self, now: int) -> bool:
        if self._sending is None or not self._sending.done():
            return False
        future, self._sending = self._sending, None
        accepted = not future.cancelled() and future.exception() is None and future.result()
        self.outbox.noted(self._letters, self._sent_at, accepted)
        return accepted

    def _show(self, now: int) -> None:
        shown = [Shown(alert.labels, "firing") for alert in self.outbox.alerts.values() if alert.ends is None]
        for task in self._tasks:
            if isinstance(task.rule, Rule):
                shown += [
                    Shown(labels_of(task.rule, tuple(group)), "pending")
                    for group in task.saved.get("pending", ())[:MAX_ALERTS]
                ]
        self.metrics.alerts = shown
        self.metrics.undelivered.set(self.outbox.undelivered)
        self.metrics.recorded = {
            task.rule.name: self._recorded[task.rule.name]
            for task in self._tasks
            if isinstance(task.rule, Recording)
            and task.rule.name in self._recorded
            and not recordings.is_stale(task.rule, self._recorded[task.rule.name], now)
        }

    def _fragment(self, rule: Rule, progress: Progress) -> Mapping[str, Any]:
        """What is remembered of a rule, taken while no worker changes it."""
        pending = [list(e.group) for e in progress.first.active.values() if e.fired is None]
        return {"digest": rule.digest, "progress": progress.as_json(), "pending": pending}

    def _save(self) -> None:
        rules = {task.rule.name: task.saved for task in self._tasks if isinstance(task.rule, Rule)}
        self._state.save({"rules": rules, "alerts": self.outbox.as_json()})

    def _store(self) -> Store:
        """The connection of this worker."""
        if not hasattr(self._local, "store"):
            self._local.store = Store(self._url, read_timeout=_READ_TIMEOUT)
            self._stores.append(self._local.store)
        store: Store = self._local.store
        return store
