"""Everything together: each panel has data, each fault is told, a year's instance remembers."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from exporter_servers import memcached, redis
from lab.stack import NAMESPACE, Lab, lab, settled
from php_fpm_server import finish, send
from rabbit_server import is_installed
from rules.notified import wait_for
from servers import stop
from web_servers import Web

from dashboards.lab.expand import Asked, promql, queries, sql
from dashboards.source.build import DIRECTORY
from exporters.errors import ScrapeError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_installed(), reason="RabbitMQ is not installed"),
]
BOARDS: list[dict[str, Any]] = [json.loads(path.read_text()) for path in sorted(DIRECTORY.glob("*.json"))]
ASKED = [each for board in BOARDS for each in queries(board)]
# What cannot be there in the lab, by a word of the expression or by the panel.
REASONS = {
    "kube_": "no Kubernetes",
    "container_cpu_usage": "no kubelet",
    "container_memory_working_set": "no kubelet",
    "ClickHouse": "the embedded store has no /metrics of its own",
    "phpfpm_scrape_error": "every pool can be read",
    "lq-rabbitmq / Queues without consumers": "shown by the fault below",
    "lq-redis / Failed and rejected commands": "Redis of Debian fails or rejects only one of both",
    "lq-redis / Age of the last save": "the server does not save",
    "loghouse_receive_bad_total": "nothing bad was sent",
    "loghouse_receive_lost_total": "nothing is lost",
    "loghouse_receive_truncated_total": "nothing was cut",
    "loghouse_receive_requests_refused_total": "nothing was refused",
    "loghouse_receive_connections_broken_total": "no connection broke",
    "loghouse_insert_errors_total": "every insert succeeds",
    "loghouse_problems_total": "there was no problem",
    "loghouse_journal_": "nobody sends a journal",
    "loghouse_rules_alert": "shown by the fault below",
    "loghouse_rules_notification_failures_total": "Alertmanager takes everything",
    "loghouse_rules_evaluation_failures_total": "every evaluation succeeds",
    "lq-store / Merges": "merges of so little are over at once",
    "lq-store / Running": "only our own query runs",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("lab")) as running:
        settled(running)
        yield running


def reason(asked: Asked) -> str:
    return next(
        (why for what, why in REASONS.items() if what in asked.text or asked.title.startswith(what)), ""
    )


def test_every_panel_has_data_or_a_reason(made: Lab) -> None:
    def answers(asked: Asked) -> bool:
        if asked.kind == "prometheus":
            return bool(made.main.values(promql(asked.text)))
        now = int(time.time())
        return bool(made.query(sql(asked.text, now - 600, now + 5)))

    empty = [asked for asked in ASKED if not reason(asked)]
    deadline = time.monotonic() + 60
    while empty and time.monotonic() < deadline:
        empty = [asked for asked in empty if not answers(asked)]
    assert [f"{asked.title}: {asked.text}" for asked in empty] == []
    explained = [asked for asked in ASKED if reason(asked)]
    assert len(explained) < len(ASKED) / 5


def test_no_alert_fires_on_a_shop_that_is_well(made: Lab) -> None:
    """But the one that always does, and the queue that nobody consumes: the next fault."""
    wait_for(lambda: bool(made.hook.of("Watchdog")), "the watchdog")
    expected = {"Watchdog", "RabbitMQQueueWithoutConsumer"}
    assert {alert["labels"]["alertname"] for alert in made.hook.told} <= expected


def test_every_recording_rule_has_data(made: Lab) -> None:
    for path in sorted((DIRECTORY.parent / "rules").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text())["groups"][0]["rules"]:
            if "record" in rule:
                wait_for(lambda name=rule["record"]: bool(made.main.values(name)), rule["record"])
                wait_for(
                    lambda name=rule["record"]: bool(made.long.values(name)), f"{rule['record']}, federated"
                )


def told(made: Lab, name: str) -> dict[str, Any]:
    """The first notification of an alert."""
    wait_for(lambda: bool(made.hook.of(name)), name, seconds=120)
    found: dict[str, Any] = made.hook.of(name)[0]
    return found


def no_consumer(made: Lab) -> None:
    """The load publishes, nobody consumes."""


def memory_alarm(made: Lab) -> None:
    made.rabbit.control("set_vm_memory_high_watermark", "absolute", "1MB")


def saturated_pool(made: Lab) -> None:
    held = [send(made.pool, made.php.hold) for _ in range(8)]
    wait_for(lambda: bool(made.hook.of("PhpFpmPoolSaturated")), "a busy pool")
    Path(made.php.folder / "release").write_text("")
    for request in held:
        finish(request)


def redis_full(made: Lab) -> None:
    for number in range(190):
        redis(made.redis_port, "SET", f"large:{number}", "x" * 100_000)


def replica_lost(made: Lab) -> None:
    made.replica.send_signal(signal.SIGKILL)
    made.replica.wait(10)


def ended(web: Web) -> None:
    os.kill(int((web.folder / "pid").read_text()), signal.SIGTERM)


def nginx_ended(made: Lab) -> None:
    ended(made.web)


def apache_ended(made: Lab) -> None:
    ended(made.apache)


def memcached_ended(made: Lab) -> None:
    with pytest.raises((ScrapeError, OSError)):
        memcached(made.memcached_port, "shutdown")


def store_away(made: Lab) -> None:
    """Lines wait in the spool from now on."""
    stop(made.server)
    made.write("web-8", "app", "nobody takes this")


def errors_in_logs(made: Lab) -> None:
    made.write("web-7", "app", *[f'{{"level":"error","msg":"payment {n} failed"}}' for n in range(50)])


@pytest.mark.parametrize(
    ("fault", "alert", "text"),
    [
        (no_consumer, "RabbitMQQueueWithoutConsumer", "Queue orders of shop has"),
        (saturated_pool, "PhpFpmPoolSaturated", "has no free process and requests wait"),
        (redis_full, "RedisOutOfMemory", "of maxmemory."),
        (replica_lost, "RedisReplicaLost", "fewer replicas than an hour ago"),
        (errors_in_logs, "ErrorBurst", "50 errors in web-7"),
        (memory_alarm, "RabbitMQMemoryAlarm", "nobody can publish"),
        (nginx_ended, "NginxDown", "does not answer its exporter"),
        (apache_ended, "ApacheDown", "does not answer its exporter"),
        (memcached_ended, "MemcachedDown", "does not answer its exporter"),
        (store_away, "LogsLate", "that is not stored is"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_told_with_what_to_do(
    made: Lab, fault: Callable[[Lab], None], alert: str, text: str
) -> None:
    fault(made)
    found = told(made, alert)
    assert text in found["annotations"]["summary"]
    assert found["labels"]["namespace"] == NAMESPACE
    assert found["annotations"]["logq"].startswith("logq search")
    if alert == "ErrorBurst":
        assert "payment <num> failed" in found["annotations"]["pattern"]
        assert found["annotations"]["samples"].count("payment") == 3
    else:
        assert found["annotations"]["runbook"]


def test_a_shipper_that_is_killed_is_told(made: Lab) -> None:
    made.shipper.kill()
    made.shipper.wait(10)
    assert "logs of its node may not arrive" in told(made, "LogShipperDown")["annotations"]["summary"]


def test_the_long_instance_answers_for_what_the_short_one_has_forgotten(made: Lab) -> None:
    old = "redis_commands_processed_total"
    assert made.long.values(f'last_over_time({old}{{job="redis"}}[1h])')
    answered = made.long.ask("/api/v1/labels") or []
    assert "longterm" not in answered
