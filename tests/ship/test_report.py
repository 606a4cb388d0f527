"""What a running shipper tells over HTTP."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import free_port
from shipping import RecordingStore

from loghouse.config import StoreUrl
from loghouse.errors import StoreUnreachable, UsageError
from loghouse.ship import report
from loghouse.ship.command import ship

WAIT = 20  # seconds
LINE = "2026-01-02T03:04:05.000000001Z stdout F text\n"


@contextmanager
def shipping(tmp_path: Path, store: RecordingStore) -> Iterator[str]:
    """A shipper that follows one container; the address of its page."""
    pod = tmp_path / "pods" / "prod_web-1_0c5a" / "web"
    pod.mkdir(parents=True)
    (pod / "0.log").write_text(LINE * 3)
    port, stop = free_port(), threading.Event()
    thread = threading.Thread(
        target=ship,
        args=([str(tmp_path / "pods")], StoreUrl(), str(tmp_path / "state"), "node-1"),
        kwargs={"store": store, "stop": stop, "listen": ("127.0.0.1", port)},
    )
    thread.start()
    try:
        until(lambda: bool(get(port, "/healthz")))
        yield f"127.0.0.1:{port}"
    finally:
        stop.set()
        thread.join(WAIT)
        assert not thread.is_alive()


def get(port: int | str, path: str) -> str:
    """A page; '' while nobody answers."""
    place = port if isinstance(port, str) else f"127.0.0.1:{port}"
    try:
        with urllib.request.urlopen(f"http://{place}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"
    except OSError:
        return ""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def value(page: str, series: str) -> float:
    return next(float(line.split(" ")[-1]) for line in page.splitlines() if line.startswith(series))


def test_the_metrics_say_what_was_read_and_stored(tmp_path: Path) -> None:
    with shipping(tmp_path, RecordingStore()) as at:
        until(lambda: value(get(at, "/metrics"), "loghouse_lines_total") == 3)
        page = get(at, "/metrics")
        assert value(page, "loghouse_read_bytes_total") == len(LINE) * 3
        behind = 'loghouse_bytes_behind{container="web",namespace="prod",pod="web-1"}'
        assert value(page, behind) == 0
        assert value(page, "loghouse_batches_acked_total") == 1
        assert value(page, "loghouse_spool_bytes") == 0
        assert get(at, "/healthz") == "ok\n"
        if promtool := shutil.which("promtool"):
            checked = subprocess.run(
                [promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False
            )
            assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_store_that_is_away_shows_and_is_no_reason_to_restart(tmp_path: Path) -> None:
    away = RecordingStore([StoreUnreachable("cannot reach ClickHouse (test)")] * 10_000)
    with shipping(tmp_path, away) as at:
        until(lambda: json.loads(get(at, "/status"))["store"]["failing_seconds"] > 0)
        status = json.loads(get(at, "/status"))
        assert "cannot reach" in status["store"]["last_error"]
        assert status["spool"]["batches"] == 1 and status["spool"]["bytes"] > 0
        assert value(get(at, "/metrics"), "loghouse_insert_errors_total") >= 1
        assert get(at, "/healthz") == "ok\n"


def test_a_reading_loop_that_is_stuck_asks_for_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shipping(tmp_path, RecordingStore()) as at:
        monkeypatch.setattr(report, "STUCK", -1.0)
        assert get(at, "/healthz").startswith("503 the reading loop has been stuck")


def test_silent_clients_do_not_block_the_page(tmp_path: Path) -> None:
    with shipping(tmp_path, RecordingStore()) as at:
        host, _, port = at.partition(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(5)]
        try:
            assert get(at, "/healthz") == "ok\n"
        finally:
            for each in silent:
                each.close()


def test_other_paths_are_not_found(tmp_path: Path) -> None:
    with shipping(tmp_path, RecordingStore()) as at:
        assert get(at, "/../../etc/passwd").startswith("404 ")


# cheroot leaves the socket that it could not bind to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (tmp_path / "pods").mkdir()
        with pytest.raises(UsageError, match="cannot listen on"):
            ship(
                [str(tmp_path / "pods")],
                StoreUrl(),
                str(tmp_path / "state"),
                store=RecordingStore(),
                listen=("127.0.0.1", taken.getsockname()[1]),
            )
