"""Entries of a real journal arrive once, with their program and unit, whatever ends in between."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import free_port, stop

from loghouse.client.journal import Target, read_place, send_journal, write_place
from loghouse.config import StoreUrl
from loghouse.errors import UsageError
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
    options = [f"--forward=127.0.0.1:{port}", "--http=", f"--state-dir={tmp_path}/receive"]
    url = f"--url=clickhouse://{store.url.address}/journal"
    command = [sys.executable, "-c", "from loghouse.cli import main; main()", "receive", *options, url]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    yield Target("127.0.0.1", port)
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
