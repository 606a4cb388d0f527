"""`loghouse rules` as a process: metrics, recordings, kill -9, the back-test, ten million records."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from logq.stores import LiveStore, Source, address
from rules.notified import AlertmanagerServer, Webhook, free_port, wait_for
from rules.scenes import START, Scene

from loghouse.store.client import Store

COMMAND = [sys.executable, "-c", "from loghouse.cli import main; main()", "rules"]
FILE = """
rules:
  - name: Errors
    query: 'namespace=NS level=error'
    window: 1m
    every: 1s
    delay: 0s
    by: [pod]
    condition: any
recordings:
  - name: shop_records
    query: 'namespace=NS | stats count() as n, p95(took) as p95 by level, user'
    window: 10m
    every: 1s
    limit: 3
    labels: {team: shop}
"""


class Running:
    """`loghouse rules run` on a file."""

    def __init__(self, store: LiveStore, directory: Path, text: str, *options: str) -> None:
        self.port = free_port()
        (directory / "rules.yml").write_text(text)
        self._command = [
            *COMMAND,
            "run",
            str(directory / "rules.yml"),
            f"--url={address(store.url)}",
            f"--listen=127.0.0.1:{self.port}",
            f"--state-dir={directory / 'state'}",
            *options,
        ]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def page(self) -> str:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer,
        ):
            return str(answer.read().decode())
        return ""


@contextlib.contextmanager
def running(store: LiveStore, directory: Path, text: str, *options: str) -> Iterator[Running]:
    process = Running(store, directory, text, *options)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.wait(20)


def test_killed_and_started_again_it_tells_once(
    rules_store: LiveStore, alertmanager: AlertmanagerServer, hook: Webhook, tmp_path: Path
) -> None:
    text = FILE.replace("NS", "killed")
    with running(rules_store, tmp_path, text, f"--alertmanager={alertmanager.url}") as rules:
        source = Source(rules_store.url, namespace="killed", pod='web-"1"\n')
        now = datetime.now(UTC)
        source.write(*[b"level=error msg=broken took=3 user=ann"] * 2, at=now)
        wait_for(lambda: bool(hook.of("Errors")), "the webhook")
        assert hook.of("Errors")[0]["labels"]["pod"] == 'web-"1"\n'
        rules.end(signal.SIGKILL)
        rules.start()
        # Each user is a series, and there are more of them than the recording may have.
        source.write(*(f"level=info user=u{number}".encode() for number in range(5)), at=now)
        wait_for(lambda: "loghouse_rules_alert{" in rules.page(), "the alert on the page")
        wait_for(lambda: rules.page().count("\nshop_records_n{") == 3, "the recording")
        with urllib.request.urlopen(f"http://127.0.0.1:{rules.port}/healthz", timeout=5) as health:
            assert health.read() == b"ok\n"
        page = rules.page()
        assert 'shop_records_p95{level="error",team="shop",user="ann"} 3.0' in page
        assert 'loghouse_rules_recording_overflow{recording="shop_records"} 1.0' in page
        assert re.search(r'loghouse_rules_alert\{.*pod="web-\\"1\\"\\n".*\} 1.0', page)
        checked = subprocess.run(["promtool", "check", "metrics"], input=page.encode(), capture_output=True)
        assert checked.returncode in (0, 3), checked.stderr  # 3 is advice on style, of recordings
        assert b"loghouse_rules" not in checked.stderr
        assert rules.end() == 0
    assert len(hook.of("Errors")) == 1


def test_two_evaluators_do_not_share_their_state(rules_store: LiveStore, tmp_path: Path) -> None:
    with running(rules_store, tmp_path, FILE) as rules:
        wait_for(lambda: bool(rules.page()), "the page")
        second = subprocess.run(
            [*COMMAND, "run", str(tmp_path / "rules.yml"), f"--state-dir={tmp_path / 'state'}", "--listen="],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert second.returncode == 2
        assert "another `loghouse rules run` uses" in second.stderr


def test_the_back_test_prints_when_it_would_have_fired(rules_store: LiveStore, tmp_path: Path) -> None:
    at = datetime.now(UTC).replace(second=30, microsecond=0) - timedelta(days=3)
    Source(rules_store.url, namespace="past").write(b"level=error msg=a", b"level=error msg=b", at=at)
    path = tmp_path / "r.yml"
    path.write_text(
        "rules:\n  - name: R\n    query: namespace=past level=error\n    window: 5m\n    by: [pod]\n"
        "    condition: {frequency: {above: 1}}\n"
    )
    command = [*COMMAND, "test", str(path), f"--url={address(rules_store.url)}", "--since"]
    found = subprocess.run([*command, "14d"], capture_output=True, text=True, timeout=60)
    first, second = found.stdout.splitlines()
    assert first == "R (warning) would have fired 1 times in 14 days"
    fired = at.replace(second=0) + timedelta(minutes=1)
    assert second.split() == [
        *f"{fired:%Y-%m-%d %H:%M:%S}Z".split(), "for", "5m", "up", "to", "2", "pod=web-1",
    ]  # fmt: skip
    assert found.returncode == 0
    never = subprocess.run([*command, "1d"], capture_output=True, text=True, timeout=60)
    assert never.stdout == "R (warning) would not have fired in 1 days\n"
    assert never.returncode == 1


def test_a_field_that_no_record_has_is_told(rules_store: LiveStore, tmp_path: Path) -> None:
    records = [f'{{"customer_number":{number},"n":{number}}}'.encode() for number in range(200)]
    Source(rules_store.url, namespace="fields", identity=601).write(*records, at=datetime.now(UTC))
    path = tmp_path / "r.yml"
    path.write_text("rules:\n  - {name: A, query: customer_numbr>3, window: 5m, condition: any}\n")
    command = [*COMMAND, "check", str(path), "--with-store", f"--url={address(rules_store.url)}"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert f"{path}:2:5: A: unknown field" in checked.stderr
    assert 'did you mean "customer_number"?' in checked.stderr


@pytest.mark.parametrize("text", ["", "{", '{"version": 9}'])
def test_a_state_that_cannot_be_read_is_told(rules_store: LiveStore, tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.yml").write_text(FILE)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "rules.json").write_text(text)
    command = [*COMMAND, "run", str(tmp_path / "rules.yml"), f"--state-dir={tmp_path / 'state'}", "--listen="]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "Move it away" in ended.stderr and "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_rule_that_matches_ten_million_records_stays_cheap(rules_store: LiveStore, tmp_path: Path) -> None:
    with Store(rules_store.url) as store:
        store.rows(
            "INSERT INTO logs (timestamp, inserted_at, namespace, pod, container, level, format, raw, "
            "source_id, offset) "
            "SELECT fromUnixTimestamp64Nano({start:Int64} - 1 - toInt64(number * 25000), 'UTC'), now64(3), "
            "'ten-million', 'web-1', 'php', 'error', 'text', "
            "concat('order ', toString(number), ' failed: timeout'), 77, number FROM numbers(10000000)",
            {"start": START},
        )
    scene = Scene(rules_store.url, tmp_path, "ten-million")
    scene.start(
        "rules:\n  - name: R\n    query: 'namespace=NS timeout'\n    window: 5m\n    delay: 0s\n"
        "    by: [pod]\n    condition: any\n"
    )
    began = os.times()
    scene.at(0)
    spent = os.times().user - began.user
    (alert,) = scene.firing
    assert alert.annotations["value"] == "10000000"
    assert alert.annotations["pattern"] == "order <num> failed: timeout"
    assert alert.annotations["samples"].count("\n") == 2
    assert spent < 5, f"the evaluator itself took {spent} s"
    scene.close()
