"""The real logcli on our store; skipped where it is not installed.

It is built from the Go module github.com/grafana/loki/v3, folder cmd/logcli.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from logq.stores import KNOWN, Source
from web.conftest import RECORDS
from web.serving import LIMIT, client_of, served

from loghouse.access.secrets import hashed, new_token
from loghouse.config import StoreUrl
from loghouse.web.server import WebServer

LOGCLI = shutil.which("logcli") or ""
pytestmark = pytest.mark.skipif(not LOGCLI, reason="no logcli (Grafana Loki's command line)")

FROM = (KNOWN - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
TO = (KNOWN + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def server(web_store: StoreUrl) -> Iterator[WebServer]:
    """The page that logcli asks."""
    with served(web_store) as running:
        yield running


def logcli(url: str, *arguments: str, fails: bool = False) -> str:
    """What logcli prints; on failure what it complains about."""
    done = subprocess.run(
        [LOGCLI, "--addr", url, "--timezone=UTC", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    assert (done.returncode != 0) is fails, done.stderr
    return done.stderr if fails else done.stdout


def lines(url: str, query: str, *more: str, shape: str = "raw") -> list[str]:
    """The lines that a query finds, as they were written."""
    printed = logcli(url, "query", "-q", "-o", shape, "--from", FROM, "--to", TO, *more, query)
    return printed.splitlines()


def test_lines_come_whole_and_in_both_orders(server: WebServer) -> None:
    # A byte that is no UTF-8 is replaced: JSON has no other way.
    written = [record.decode(errors="replace") for record in RECORDS]
    assert lines(server.url, '{namespace="prod"}', "--forward") == written
    assert lines(server.url, '{namespace="prod"}') == written[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('{namespace="prod"} |= "refused"', [1]),
        ('{namespace=~"p.*"} | json | status>=500', [1]),
        ('{namespace="prod"} != "paid" |~ "curl|slow"', [2, 3]),
        ('{namespace="prod", level="warning"}', [2, 3]),
        ('{app_kubernetes_io_name="shop"} |= "paid"', [0, 5]),
    ],
)
def test_queries_find_what_they_name(server: WebServer, query: str, found: list[int]) -> None:
    assert lines(server.url, query, "--forward") == [RECORDS[place].decode() for place in found]


def test_small_batches_bring_every_line_once(server: WebServer) -> None:
    # Two lines share a moment; logcli wants batches that go beyond it.
    found = lines(server.url, '{namespace=~".+"}', "--limit=0", "--batch=3", "--forward")
    assert len(found) == len(RECORDS) + 1
    assert len(set(found)) == len(found)


def test_json_lines_have_labels_and_nanoseconds(server: WebServer) -> None:
    (printed,) = lines(server.url, '{namespace="staging"}', "--include-common-labels", shape="jsonl")
    told = json.loads(printed)
    assert told["line"] == "connection reset by peer"
    assert told["labels"]["pod"] == "job-9"
    assert datetime.fromisoformat(told["timestamp"]).astimezone(UTC) == KNOWN


def test_labels_values_and_series(server: WebServer) -> None:
    span = ("--from", FROM, "--to", TO)
    names = logcli(server.url, "labels", "-q", *span).split()
    assert {"namespace", "pod", "container", "level", "app_kubernetes_io_name"} <= set(names)
    assert logcli(server.url, "labels", "-q", *span, "namespace").split() == ["prod", "staging"]
    series = logcli(server.url, "series", "-q", *span, '{namespace="staging"}').splitlines()
    assert len(series) == 1
    assert 'pod="job-9"' in series[0]
    analyzed = logcli(server.url, "series", "-q", "--analyze-labels", *span, '{namespace=~".+"}')
    assert "pod" in analyzed


def test_metrics_of_a_moment_and_of_a_range(server: WebServer) -> None:
    counted = "sum by (namespace) (count_over_time({namespace=~`.+`}[10m]))"
    told = json.loads(logcli(server.url, "instant-query", "-q", "--now", TO, counted))
    assert {each["metric"]["namespace"]: float(each["value"][1]) for each in told} == {
        "prod": len(RECORDS),
        "staging": 1,
    }
    ranged = json.loads(
        logcli(server.url, "query", "-q", "--from", FROM, "--to", TO, "--step", "1m", counted)
    )
    assert {each["metric"]["namespace"] for each in ranged} == {"prod", "staging"}


def test_size_of_a_selector(server: WebServer) -> None:
    told = logcli(server.url, "stats", "-q", "--from", FROM, "--to", TO, '{namespace="prod"}')
    assert f"{len(RECORDS)}" in told


def test_a_mistake_is_told_with_its_place(server: WebServer) -> None:
    assert "parse error" in logcli(server.url, "query", "-q", '{namespace="prod"', fails=True)


def test_following_prints_what_is_stored_from_then_on(own_store: StoreUrl) -> None:
    source = Source(own_store)
    source.write(b"before", at=datetime.now(UTC))
    with served(own_store) as server:
        following = subprocess.Popen(
            [LOGCLI, "--addr", server.url, "query", "-q", "-o", "raw", "--tail", '{namespace="prod"}'],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert following.stdout is not None
            assert following.stdout.readline() == "before\n"
            source.write(b"one", b"two", at=datetime.now(UTC))
            assert [following.stdout.readline() for _ in range(2)] == ["one\n", "two\n"]
        finally:
            following.kill()
            following.communicate()


def test_a_token_reads_its_namespaces_only(web_store: StoreUrl, tmp_path: Path) -> None:
    token, digest = new_token()
    access = tmp_path / "access.toml"
    access.write_text(
        f'mode = "users"\n[users.ann]\nnamespaces = ["staging"]\npassword = "{hashed("unused")}"\n'
        f'[tokens.script]\ndigest = "{digest}"\nuser = "ann"\n'
    )
    held = tmp_path / "token"
    held.write_text(token)
    with served(web_store, access) as server:
        bearer = ("--bearer-token-file", str(held))
        assert lines(server.url, '{namespace=~".+"}', *bearer) == ["connection reset by peer"]
        basic = ("--username", "anything", "--password", token)
        assert lines(server.url, '{namespace=~".+"}', *basic) == ["connection reset by peer"]
        with client_of(server) as nobody:
            assert nobody.get("/loki/api/v1/labels").status_code == 401
