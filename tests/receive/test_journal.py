"""Entries of a real journal arrive once, with their program and unit, whatever ends in between."""

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from logq.stores import wait_for
from servers import free_port, stop

from loghouse.client import journal as module
from loghouse.client.journal import Place, Target, read_place, send_journal, write_place
from loghouse.client.journal_report import STUCK, Progress, Report
from loghouse.config import StoreUrl
from loghouse.errors import LoghouseError, UsageError
from loghouse.store.client import Store
from loghouse.store.migrate import migrate

WRITER = Path("/lib/systemd/systemd-journal-remote")  # makes journal files without a running journal
LIMIT = 60  # seconds
pytestmark = pytest.mark.skipif(
    not WRITER.exists() or shutil.which("journalctl") is None,
    reason="systemd-journal-remote is not installed",
)


def entry(number: int, message: str, **fields: str) -> str:
    stamp = 1_790_000_000_000_000 + number * 1000
    head = {
        "__REALTIME_TIMESTAMP": str(stamp),
        "__MONOTONIC_TIMESTAMP": str(number + 1),
        "_BOOT_ID": "5a" * 16,
    }
    more = {
        "_HOSTNAME": "db-1",
        "_SYSTEMD_UNIT": "redis.service",
        "SYSLOG_IDENTIFIER": "redis",
        "PRIORITY": "6",
    }
    return (
        "".join(f"{key}={text}\n" for key, text in {**head, **more, **fields, "MESSAGE": message}.items())
        + "\n"
    )


def write_journal(directory: Path, text: str) -> None:
    directory.mkdir(exist_ok=True)
    name = f"--output={directory}/part-{len(list(directory.iterdir()))}.journal"
    subprocess.run([WRITER, name, "-"], input=text, text=True, check=True, capture_output=True, timeout=LIMIT)


@pytest.fixture
def store(store_url: StoreUrl) -> Iterator[Store]:
    with Store(StoreUrl(store_url.host, store_url.port, "journal")) as store:
        migrate(store)
        store.rows("TRUNCATE TABLE logs")
        yield store


@pytest.fixture
def target(store: Store, tmp_path: Path) -> Iterator[Target]:
    """A receiver, as a process of its own."""
    port = free_port()
    with receiving(store, tmp_path, port):
        yield Target("127.0.0.1", port)


@contextmanager
def receiving(store: Store, tmp_path: Path, port: int) -> Iterator[None]:
    options = [f"--forward=127.0.0.1:{port}", "--http=", f"--state-dir={tmp_path}/receive"]
    url = f"--url=clickhouse://{store.url.address}/journal"
    command = [sys.executable, "-c", "from loghouse.cli import main; main()", "receive", *options, url]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        stop(process)


def stored(store: Store) -> list[tuple[str, ...]]:
    sql = (
        "SELECT namespace, pod, container, node, stream, labels['priority'], raw FROM logs ORDER BY timestamp"
    )
    return [tuple(map(str, row)) for row in store.rows(sql)]


def until_stored(store: Store, number: int) -> list[tuple[str, ...]]:
    deadline = time.monotonic() + LIMIT
    while len(found := stored(store)) < number:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_each_entry_arrives_once(store: Store, target: Target, tmp_path: Path) -> None:
    journal, state = tmp_path / "journal", tmp_path / "cursor.json"
    odd = entry(1, "down", PRIORITY="3", SYSLOG_IDENTIFIER="php-fpm", _SYSTEMD_UNIT="php8.2-fpm.service")
    write_journal(journal, entry(0, "Ready to accept connections") + odd)
    options = [f"--directory={journal}"]
    assert send_journal(target, state, options, follow=False) == 2
    assert send_journal(target, state, options, follow=False) == 0
    write_journal(journal, entry(2, "later"))
    assert send_journal(target, state, options, follow=False) == 1
    assert until_stored(store, 3) == [
        ("journal", "redis.service", "redis", "db-1", "stdout", "info", "Ready to accept connections"),
        ("journal", "php8.2-fpm.service", "php-fpm", "db-1", "stderr", "err", "down"),
        ("journal", "redis.service", "redis", "db-1", "stdout", "info", "later"),
    ]


def test_a_damaged_place_is_said_and_kept(tmp_path: Path) -> None:
    state = tmp_path / "cursor.json"
    state.write_text("{")
    with pytest.raises(UsageError, match="cannot read the place"):
        send_journal(Target("127.0.0.1", 1), state, [], follow=False)
    assert state.read_text() == "{"


def test_a_batch_whose_acknowledgement_was_lost_is_stored_once(
    store: Store, target: Target, tmp_path: Path
) -> None:
    journal, state = tmp_path / "journal", tmp_path / "cursor.json"
    options = [f"--directory={journal}"]
    write_journal(journal, entry(0, "first"))
    send_journal(target, state, options, follow=False)
    begin = read_place(state)
    write_journal(journal, entry(1, "second") + entry(2, "third"))
    send_journal(target, state, options, follow=False)
    # As the file was before the answer came; two more entries came since.
    write_place(state, type(begin)(begin.cursor, 2))
    write_journal(journal, entry(3, "fourth") + entry(4, "fifth"))
    assert send_journal(target, state, options, follow=False) == 4
    assert [row[-1] for row in until_stored(store, 5)] == ["first", "second", "third", "fourth", "fifth"]
    assert json.loads(state.read_text())["pending"] == 0


def command(target: Target, journal: Path, state: Path) -> list[str]:
    """`loghouse journal` that follows."""
    receiver = f"--receiver={target.host}:{target.port}"
    return [
        sys.executable,
        "-m",
        "loghouse",
        "journal",
        receiver,
        f"--directory={journal}",
        f"--state-dir={state}",
    ]


def growing(journal: Path) -> subprocess.Popen[str]:
    """Writes what it is given to one file of a journal, as a journald does that runs."""
    journal.mkdir()
    return subprocess.Popen(
        [WRITER, f"--output={journal}/live.journal", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def write(writer: subprocess.Popen[str], numbers: range) -> None:
    assert writer.stdin is not None
    writer.stdin.write("".join(entry(number, f"entry {number}") for number in numbers))
    writer.stdin.flush()


def test_a_growing_journal_is_followed_through_kills(store: Store, target: Target, tmp_path: Path) -> None:
    """Killed while some entries have come and others are on their way: every entry is there once."""
    journal, state = tmp_path / "journal", tmp_path / "state"
    writer = growing(journal)
    write(writer, range(20))
    start = 20
    try:
        for step in (40, 700):
            follower = subprocess.Popen(command(target, journal, state), stderr=subprocess.PIPE)
            try:
                until_stored(store, start)  # it follows
                write(writer, range(start, start + step))
                start += step
                until_stored(store, start - step + 1)  # some have come, others are on their way
            finally:
                follower.kill()
                follower.communicate()
        follower = subprocess.Popen(command(target, journal, state), stderr=subprocess.PIPE)
        try:
            rows = until_stored(store, start)
        finally:
            stop(follower)
        assert [row[-1] for row in rows] == [f"entry {number}" for number in range(start)]
    finally:
        writer.kill()
        writer.communicate()


def last_cursor(journal: Path) -> str:
    command = ["journalctl", "--output=json", "--lines=1", f"--directory={journal}"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=LIMIT)
    return str(json.loads(done.stdout)["__CURSOR"])


def test_what_was_not_sent_before_a_reboot_is_sent_after_it(
    store: Store, target: Target, tmp_path: Path
) -> None:
    """A journal that is followed shows the last boot only, unless it is asked for all."""
    journal, state, booted = tmp_path / "journal", tmp_path / "state", {"_BOOT_ID": "6b" * 16}
    write_journal(journal, entry(0, "sent"))
    state.mkdir()
    assert send_journal(target, state / "cursor.json", [f"--directory={journal}"], follow=False) == 1
    write_journal(journal, entry(1, "before the reboot"))
    write_journal(journal, entry(2, "booted", **booted) + entry(3, "up", **booted))
    follower = subprocess.Popen(command(target, journal, state), stderr=subprocess.PIPE)
    try:
        rows = until_stored(store, 4)
        write_journal(journal, entry(4, "later", **booted))
        rows = until_stored(store, 5)
    finally:
        follower.kill()
        follower.communicate()
    assert [row[-1] for row in rows] == ["sent", "before the reboot", "booted", "up", "later"]


def test_a_place_whose_entry_is_gone_costs_no_other(store: Store, target: Target, tmp_path: Path) -> None:
    """journald removes its oldest files; the shipper was away for longer."""
    journal, state = tmp_path / "journal", tmp_path / "cursor.json"
    write_journal(journal, entry(0, "sent"))
    send_journal(target, state, [f"--directory={journal}"], follow=False)
    next(journal.iterdir()).unlink()
    write_journal(journal, entry(5, "first that is left") + entry(6, "next"))
    assert send_journal(target, state, [f"--directory={journal}"], follow=False) == 2
    assert [row[-1] for row in until_stored(store, 3)] == ["sent", "first that is left", "next"]


def page(port: int, path: str) -> str:
    """A page of `loghouse journal`; '' while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def metric(port: int, name: str) -> float:
    lines = page(port, "/metrics").splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith(f"loghouse_journal_{name} ")), 0)


def test_a_receiver_that_is_away_shows_and_asks_for_no_restart(store: Store, tmp_path: Path) -> None:
    journal, at, port = tmp_path / "journal", free_port(), free_port()
    write_journal(journal, entry(0, "one") + entry(1, "two"))
    listen = f"--listen=127.0.0.1:{at}"
    follower = subprocess.Popen(
        [*command(Target("127.0.0.1", port), journal, tmp_path / "state"), listen], stderr=subprocess.PIPE
    )
    try:
        wait_for(lambda: metric(at, "failing_seconds") > 0, "a failure")
        assert page(at, "/healthz") == "ok\n"
        assert metric(at, "failures_total") >= 1
        assert metric(at, "waiting_entries") == 2
        assert "refused" in json.loads(page(at, "/status"))["receiver"]["last_error"]
        with receiving(store, tmp_path, port):
            wait_for(lambda: metric(at, "entries_total") == 2, "both entries")
            until_stored(store, 2)
        assert (metric(at, "failing_seconds"), metric(at, "waiting_entries")) == (0, 0)
        assert metric(at, "newest_timestamp_seconds") == pytest.approx(1_790_000_000.001)
        assert metric(at, "bytes_total") > 0
        assert json.loads(page(at, "/status"))["entries"] == 2
    finally:
        follower.kill()
        follower.communicate()


def test_a_loop_that_does_not_turn_asks_for_a_restart() -> None:
    progress = Progress()
    progress.turn()
    assert Report(progress).trouble() == ""
    progress.beat -= STUCK + 1
    assert "stuck" in Report(progress).trouble()


def test_a_journal_without_entries_is_not_taken_for_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop turns while it waits; the journal is followed by a thread until its journalctl ends."""
    monkeypatch.setattr(module, "IDLE", 0.01)
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **options))
        return started[-1]

    journal, place, progress = tmp_path / "journal", tmp_path / "cursor.json", Progress()
    write_journal(journal, entry(0, "sent before"))
    write_place(place, Place(last_cursor(journal)))
    monkeypatch.setattr(module.subprocess, "Popen", noted)
    ended: list[str] = []

    def follow() -> None:
        try:
            send_journal(Target("127.0.0.1", 1), place, [f"--directory={journal}"], True, progress)
        except LoghouseError as error:
            ended.append(error.message)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        wait_for(lambda: bool(started), "the start")
        seen = progress.beat
        wait_for(lambda: progress.beat > seen, "another turn")
        seen = progress.beat
        wait_for(lambda: progress.beat > seen, "another turn")
    finally:
        started[0].kill()
        thread.join(LIMIT)
    assert ended == ["journalctl ended"]
