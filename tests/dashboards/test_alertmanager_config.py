"""Alertmanager's configuration: read by amtool, routed as meant, and told as people will read it."""

import http.server
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rules.notified import AlertmanagerServer, wait_for

from loghouse.rules.alertmanager import Alertmanager, rfc3339

CONFIG = Path(__file__).parents[2] / "dashboards" / "alertmanager"


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("amtool") is None:
        pytest.skip("amtool is not installed")
    return subprocess.run(["amtool", *arguments], capture_output=True, text=True, timeout=60)


def test_amtool_reads_the_configuration() -> None:
    checked = amtool("check-config", str(CONFIG / "alertmanager.yml"))
    assert checked.returncode == 0, checked.stderr


def test_no_secret_stands_in_the_configuration() -> None:
    text = "".join(path.read_text() for path in CONFIG.glob("*.yml"))
    for key in ("api_url:", "auth_password:", "routing_key:", "bot_token:", "credentials:"):
        assert f" {key}" not in text


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("severity=critical namespace=prod", "on-call,chat-critical"),
        ("severity=critical", "on-call,chat-critical"),
        ("severity=critical namespace=stage", "chat-critical"),
        ("severity=warning namespace=prod", "chat"),
        ("severity=warning namespace=branch-12", "mail"),
        ("severity=none alertname=Watchdog", "dead-mans-switch"),
    ],
)
def test_alerts_go_where_they_belong(labels: str, receivers: str) -> None:
    told = amtool("config", "routes", "test", f"--config.file={CONFIG / 'alertmanager.yml'}", *labels.split())
    assert told.stdout.strip() == receivers


@pytest.fixture
def chat() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A webhook of the kind of Slack, and what was posted there."""
    posted: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, posted
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server(tmp_path: Path, chat: tuple[int, list[dict[str, Any]]]) -> Iterator[AlertmanagerServer]:
    """Our configuration with its secrets in files, and no patience."""
    directory = tmp_path / "alertmanager"
    shutil.copytree(CONFIG, directory)
    (directory / "secrets").mkdir()
    (directory / "secrets" / "slack-url").write_text(f"http://127.0.0.1:{chat[0]}/hook")
    text = (CONFIG / "alertmanager.yml").read_text().replace("/etc/alertmanager", str(directory))
    config = yaml.safe_load(text)
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    made = AlertmanagerServer(directory, yaml.safe_dump(config))
    made.start()
    yield made
    made.stop()


def alert(name: str, severity: str, **more: Any) -> dict[str, Any]:
    labels = {"alertname": name, "severity": severity, "namespace": "stage", "pod": "p", "service": "redis"}
    return {"labels": labels, "startsAt": rfc3339(time.time_ns()), **more}


def test_the_message_has_the_lines_the_command_and_the_link(
    server: AlertmanagerServer, chat: tuple[int, list[dict[str, Any]]]
) -> None:
    texts = {
        "summary": '3 errors in "p"\n<b>',
        "samples": "2026-11-21T08:00:00Z stage/p one\n2026-11-21T08:00:01Z stage/p two\nthree",
        "pattern": "order <num> failed",
        "logq": "logq search --from a --to b 'namespace == stage'",
        "runbook": "Look at the bank.",
    }
    link = "https://logs.example/?q=a&b=1"
    Alertmanager(server.url).post([alert("Errors", "critical", annotations=texts, generatorURL=link)])
    wait_for(lambda: bool(chat[1]), "the message")
    (message,) = chat[1][0]["attachments"]
    assert message["title"] == "CRITICAL Errors in stage"
    assert message["title_link"] == link and message["color"] == "danger"
    for text in (*texts.values(), link):
        assert text in message["text"]


def test_a_server_that_is_down_has_no_other_news(
    server: AlertmanagerServer, chat: tuple[int, list[dict[str, Any]]]
) -> None:
    Alertmanager(server.url).post(
        [
            alert("RedisDown", "critical"),
            alert("RedisEvictsKeys", "warning"),
            alert("RedisRejectedConnections", "warning"),
        ]
    )
    wait_for(lambda: bool(chat[1]), "the message")
    told = Alertmanager(server.url)
    wait_for(lambda: len(told.alerts(suppressed=False)) == 1, "inhibition")
    assert {each.state for each in told.alerts(suppressed=True)} == {"active", "suppressed"}
    assert [message["attachments"][0]["title"] for message in chat[1]] == ["CRITICAL RedisDown in stage"]
