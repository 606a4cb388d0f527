"""Alerts reach a real Alertmanager once: over restarts, outages of either side, and late records."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from logq.stores import LiveStore
from rules.notified import AlertmanagerServer, Webhook, wait_for
from rules.scenes import START, Scene

from loghouse.query.timerange import DAY, HOUR, MINUTE, SECOND
from loghouse.rules.alertmanager import Alertmanager
from loghouse.rules.outbox import Alert, Outbox, Pace

RULE = """
rules:
  - name: R
    query: 'namespace=NS level=error'
    window: 2m
    delay: 0s
    late: 10m
    by: [pod]
    severity: critical
    labels: {team: shop}
    annotations: {summary: '{value} errors in {pod}'}
    condition: any
"""
# The clock of these tests starts hours ago and Alertmanager has that of the wall: what fires ends far ahead.
QUICK = Pace(resend=1, lease=2 * DAY, hold=2 * SECOND, retry=1)


@pytest.fixture
def scene(rules_store: LiveStore, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Scene]:
    made = Scene(rules_store.url, tmp_path, str(request.node.name).replace("_", "-")[:60])
    made.clock.now = (time.time_ns() - 3 * HOUR) // MINUTE * MINUTE
    made.start_ns = made.clock.now
    yield made
    made.close()


def test_an_alert_is_told_and_resolved_with_its_logs(
    scene: Scene, alertmanager: AlertmanagerServer, hook: Webhook
) -> None:
    scene.start(RULE, [Alertmanager(alertmanager.url)], QUICK)
    scene.write(-1, 'level=error msg="no \\"space\\" left"')
    scene.at(0)
    wait_for(lambda: bool(hook.of("R")), "the webhook")
    (told,) = hook.of("R")
    assert told["labels"] == {"alertname": "R", "severity": "critical", "team": "shop", "pod": "web-1"}
    assert told["annotations"]["summary"] == "1 errors in web-1"
    assert "space" in told["annotations"]["samples"]
    assert told["annotations"]["pattern"].startswith("level=error")
    assert told["annotations"]["logq"].startswith("logq search --from ")
    scene.at(240)
    wait_for(lambda: bool(hook.of("R", "resolved")), "the end")
    assert len(hook.of("R")) == 1


def test_a_restart_does_not_tell_twice(scene: Scene, alertmanager: AlertmanagerServer, hook: Webhook) -> None:
    scene.start(RULE, [Alertmanager(alertmanager.url)], QUICK)
    scene.write(-1, "level=error msg=one")
    scene.at(0)
    wait_for(lambda: bool(hook.of("R")), "the webhook")
    starts = hook.of("R")[0]["startsAt"]
    for second in (60, 120):
        scene.restart()
        scene.at(second)
    scene.at(240)
    wait_for(lambda: bool(hook.of("R", "resolved")), "the end")
    assert [alert["startsAt"] for alert in hook.of("R")] == [starts]


def test_a_crash_after_sending_does_not_tell_twice(
    scene: Scene, alertmanager: AlertmanagerServer, hook: Webhook, tmp_path: Path
) -> None:
    scene.start(RULE, [Alertmanager(alertmanager.url)], QUICK)
    scene.write(-1, "level=error msg=one")
    before = (tmp_path / "state" / "rules.json").read_bytes()
    scene.at(0)
    wait_for(lambda: bool(hook.of("R")), "the webhook")
    scene.close()
    # As if nothing had been written since the start: the alert is found and sent again.
    (tmp_path / "state" / "rules.json").write_bytes(before)
    scene.restart()
    scene.at(120)
    scene.at(240)
    wait_for(lambda: bool(hook.of("R", "resolved")), "the end")
    assert len({alert["startsAt"] for alert in hook.of("R")}) == 1 and len(hook.of("R")) == 1


def test_alerts_wait_for_an_alertmanager_that_is_away_for_an_hour(
    scene: Scene, alertmanager: AlertmanagerServer, hook: Webhook
) -> None:
    alertmanager.stop()
    scene.start(RULE, [Alertmanager(alertmanager.url)], QUICK)
    scene.write(-1, "level=error msg=short")
    scene.at(1800)
    scene.restart()
    scene.at(3600)
    assert scene.runner.outbox.undelivered == 1 and not scene.firing, "it is over, and nobody knows of it"
    alertmanager.start()
    scene.at(3660)
    wait_for(lambda: bool(hook.of("R")), "the webhook")
    assert len(hook.of("R")) == 1
    scene.at(3720)
    assert scene.runner.outbox.alerts == {}, "and resolved, once told"


def test_what_happens_while_the_store_is_away_is_caught_up_with(rules_store: LiveStore, scene: Scene) -> None:
    scene.start(RULE, [Alertmanager("http://127.0.0.1:1")], QUICK)
    scene.write(-1, "level=error msg=before")
    scene.at(0)
    assert len(scene.firing) == 1
    rules_store.stop()
    scene.at(3600)
    assert len(scene.firing) == 1, "an alert nobody can judge goes on"
    rules_store.start()
    scene.write(1795, "level=error msg=during")
    for second in (3660, 3720, 3780):
        scene.at(second)
    (alert,) = scene.runner.outbox.alerts.values()
    # It ended and began again meanwhile; told once, because it was never resolved in between.
    assert alert.ends == scene.start_ns + 1920 * SECOND
    assert alert.delivered is None


def test_records_that_come_late_are_found_by_the_second_look(scene: Scene) -> None:
    scene.start(RULE, [], QUICK)
    scene.at(240)
    scene.write(30, "level=error msg=late")
    scene.at(600)
    assert not scene.firing
    scene.at(660)
    (alert,) = scene.firing
    assert alert.starts == scene.start_ns + 60 * SECOND
    assert "msg=late" in alert.annotations["samples"]
    scene.at(900)
    assert not scene.firing


def test_the_second_look_does_not_tell_what_the_first_has_told(scene: Scene) -> None:
    scene.start(RULE, [Alertmanager("http://127.0.0.1:1")], Pace(hold=0))
    scene.write(30, "level=error msg=one")
    told: set[int] = set()
    for second in range(60, 1800, 60):
        scene.at(second)
        told |= {alert.starts for alert in scene.firing}
        for letter in scene.runner.outbox.due(scene.clock.now):
            scene.runner.outbox.noted([letter], scene.clock.now, accepted=True)
    assert told == {scene.start_ns + 60 * SECOND}


def test_alerts_of_a_rule_that_is_gone_are_resolved(
    scene: Scene, alertmanager: AlertmanagerServer, hook: Webhook
) -> None:
    scene.start(RULE, [Alertmanager(alertmanager.url)], QUICK)
    scene.write(-1, "level=error msg=one")
    scene.at(0)
    wait_for(lambda: bool(hook.of("R")), "the webhook")
    scene.start("rules: []", [Alertmanager(alertmanager.url)], QUICK)
    scene.at(60)
    wait_for(lambda: bool(hook.of("R", "resolved")), "the end")


def test_one_alertmanager_of_two_is_enough(
    scene: Scene, alertmanager: AlertmanagerServer, hook: Webhook
) -> None:
    away = Alertmanager("http://127.0.0.1:1")
    scene.start(RULE, [away, Alertmanager(alertmanager.url)], QUICK)
    scene.write(-1, "level=error msg=one")
    scene.at(0)
    wait_for(lambda: bool(hook.of("R")), "the webhook")
    assert scene.runner.outbox.undelivered == 0


def test_without_an_alertmanager_nothing_piles_up(scene: Scene) -> None:
    scene.start(RULE)
    scene.write(-1, "level=error msg=one")
    scene.at(60)
    assert len(scene.firing) == 1
    scene.at(300)
    assert scene.runner.outbox.alerts == {}


def test_a_value_that_comes_late_is_still_new(scene: Scene) -> None:
    scene.start(
        RULE.replace("condition: any", "condition: {new_value: {field: user}}").replace("[pod]", "[]")
    )
    scene.write(30, "level=error user=ann")
    scene.at(240)
    scene.write(31, "level=error user=bob")
    scene.at(660)
    assert scene.groups("user") == {"bob"}, "of ann was told in time"


def test_an_alert_that_begins_again_while_it_is_resolved_is_told_again() -> None:
    box = Outbox(Pace(hold=0))
    labels = {"alertname": "A"}
    box.start(Alert("A", labels, {}, START))
    box.noted(box.due(START), START, accepted=True)
    box.end(labels, START + 1)
    resolving = box.due(START + 2)
    assert [letter.resolves for letter in resolving] == [True]
    box.start(Alert("A", labels, {}, START + 3))
    box.noted(resolving, START + 2, accepted=True)
    assert [letter.resolves for letter in box.due(START + 4)] == [False]
