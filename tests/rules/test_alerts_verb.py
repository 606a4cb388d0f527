"""`logq alerts`, and the logs of an alert."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from logq.stores import LIMIT, LiveStore, Source, address, command, environment
from rules.notified import CONFIG, AlertmanagerServer, webhook

from loghouse.logq.alerts import matcher
from loghouse.query.timerange import MINUTE
from loghouse.rules.alertmanager import Alertmanager, rfc3339


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Alertmanager with an alert on logs, one on metrics, and one that is hostile."""
    directory: Path = tmp_path_factory.mktemp("alerts")
    with webhook() as hook:
        server = AlertmanagerServer(directory, CONFIG.format(port=hook.port))
        server.start()
        starts = rfc3339(time.time_ns() - 5 * MINUTE)
        on_logs = {
            "summary": "3 errors",
            "samples": "one\ntwo",
            "query": "namespace == alerts and level >= error",
        }
        Alertmanager(server.url).post(
            [
                {
                    "labels": {"alertname": "Errors", "severity": "critical", "namespace": "alerts"},
                    "annotations": on_logs,
                    "startsAt": starts,
                },
                {
                    "labels": {
                        "alertname": "RedisDown",
                        "severity": "warning",
                        "namespace": "alerts",
                        "pod": "web-1",
                    },
                    "annotations": {"summary": "Redis is down."},
                    "startsAt": starts,
                },
                {
                    "labels": {"alertname": "Odd", "text": 'a"b\n\x1b[31m'},
                    "annotations": {},
                    "startsAt": starts,
                },
            ]
        )
        yield server.url
        server.stop()


def logq(*arguments: str, url: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(**({"LOGQ_URL": url} if url else {}), **variables),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_what_fires_is_listed_with_its_lines_and_a_command(firing: str) -> None:
    listed = logq("alerts", "severity=critical", LOGQ_ALERTMANAGER=firing)
    assert listed.returncode == 0, listed.stderr
    first, *rest = listed.stdout.splitlines()
    assert first.split() == ["5m", "critical", "Errors", "namespace=alerts"]
    assert [line.strip() for line in rest] == ["3 errors", "| one", "| two", "logq search --alert Errors"]


def test_labels_cannot_harm_the_terminal(firing: str) -> None:
    listed = logq("alerts", "Odd", "--alertmanager", firing)
    assert "\x1b" not in listed.stdout and r'text=a"b\n\x1b[31m' in listed.stdout


def test_json_has_everything(firing: str) -> None:
    listed = logq("alerts", "--json", "RedisDown", "--alertmanager", firing)
    (found,) = map(json.loads, listed.stdout.splitlines())
    assert found["labels"]["pod"] == "web-1" and found["state"] == "active"


def test_nothing_that_fires_is_exit_code_1(firing: str) -> None:
    assert logq("alerts", "namespace=none", "--alertmanager", firing).returncode == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_an_alertmanager_that_is_away_is_told(url: str) -> None:
    listed = logq("alerts", "--alertmanager", url)
    assert listed.returncode == 3
    assert listed.stderr.startswith(f"error: cannot reach Alertmanager at {url}")


def test_matchers_need_no_quotes() -> None:
    assert matcher("RedisDown") == 'alertname="RedisDown"'
    assert matcher("pod=~web-.*") == 'pod=~"web-.*"'
    assert matcher('a="b"') == 'a="b"'


def test_the_logs_of_an_alert(firing: str, rules_store: LiveStore) -> None:
    now = datetime.now(UTC)  # the suite may have begun long ago
    around = now - timedelta(minutes=6)
    source = Source(rules_store.url, namespace="alerts", identity=501)
    source.write(b"level=error msg=refused", b"level=info msg=fine", at=around)
    source.write(b"level=error msg=old", at=now - timedelta(hours=2))
    Source(rules_store.url, namespace="alerts", pod="web-2", identity=502).write(
        b"level=info msg=other", at=around
    )
    url = address(rules_store.url)
    found = logq("search", "--alert", "Errors", "-o", "raw", url=url, LOGQ_ALERTMANAGER=firing)
    assert (found.stdout, found.returncode) == ("level=error msg=refused\n", 0), found.stderr
    found = logq("search", "--alert", "RedisDown", "fine", "-o", "raw", url=url, LOGQ_ALERTMANAGER=firing)
    assert found.stdout == "level=info msg=fine\n"
    found = logq("search", "--alert", "RedisDown", "-o", "raw", url=url, LOGQ_ALERTMANAGER=firing)
    assert "other" not in found.stdout and "old" not in found.stdout and len(found.stdout.splitlines()) == 2
    found = logq("search", "--alert", "None", url=url, LOGQ_ALERTMANAGER=firing)
    assert found.returncode == 2 and 'no alert "None" fires' in found.stderr
