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
