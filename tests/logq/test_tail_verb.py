"""`logq tail` as a command: new records in insert order, nothing twice, nothing missed, across a restart."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from logq.stores import LIMIT, LiveStore, Source, address, command, environment, wait_for

from loghouse.store.client import Store


class Tailing:
    """A running `logq tail`, with what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.out = bytearray()
        self.err = bytearray()
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, text), daemon=True)
            for pipe, text in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: object, text: bytearray) -> None:
        assert hasattr(pipe, "fileno")
        while piece := os.read(pipe.fileno(), 1 << 16):
            text += piece

    @property
    def lines(self) -> list[bytes]:
        return bytes(self.out).splitlines()

    def end(self, number: int = signal.SIGINT) -> int:
        """Interrupt it and wait for its end; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(LIMIT)
        for reader in self._readers:
            reader.join(LIMIT)
        return code


@contextmanager
def tailing(store: LiveStore, *arguments: str) -> Iterator[Tailing]:
    """`logq tail` of a store, killed at the end if it still runs."""
    process = subprocess.Popen(
        command("tail", "-o", "raw", *arguments),
        env=environment(LOGQ_URL=address(store.url)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Tailing(process)
    finally:
        process.kill()
        process.wait(LIMIT)
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def now() -> datetime:
    return datetime.now(UTC)


def numbered(start: int, count: int) -> list[bytes]:
    return [b"line %06d" % number for number in range(start, start + count)]


def test_the_last_records_then_new_ones_in_the_order_of_their_insertion(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    old = numbered(0, 20)
    source.write(*old, at=[now() - timedelta(seconds=100 - number) for number in range(20)])
    with tailing(live, "-n", space, "--tail", "3") as tail:
        wait_for(lambda: tail.lines == old[-3:], "the last three records")
        source.write(b"new 1", at=now())
        wait_for(lambda: len(tail.lines) == 4, "a new record")
        source.write(b"late", at=now() - timedelta(hours=5))
        wait_for(lambda: len(tail.lines) == 5, "a late record")
        source.write(b"new 2", b"new 3", at=now())
        wait_for(lambda: len(tail.lines) == 7, "two more")
        assert tail.end() == 0
        assert tail.lines == [*old[-3:], b"new 1", b"late", b"new 2", b"new 3"]
        assert b"7 records in " in tail.err
        assert b"(7 unknown)" in tail.err


def test_old_records_are_reached_unless_a_window_is_asked_for(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    old = numbered(0, 4)
    source.write(*old, at=now() - timedelta(days=40))
    with tailing(live, "-n", space, "--tail", "3") as tail:
        wait_for(lambda: len(tail.lines) == 3, "records older than an hour")
        assert set(tail.lines) <= set(old)
    with tailing(live, "-n", space, "--tail", "3", "--since", "1h") as tail:
        source.write(b"new", at=now())
        wait_for(lambda: tail.lines == [b"new"], "the new record alone")
        assert tail.end() == 0
        assert b"1 record in " in tail.err


def test_only_what_matches_is_followed(live: LiveStore, space: str) -> None:
    source, other = (
        Source(live.url, namespace=space),
        Source(live.url, namespace="other-" + space, identity=2),
    )
    with tailing(live, "level>=error | where status=500", "-n", space) as tail:
        source.write(b"begin level=error status=500", at=now())
        wait_for(lambda: len(tail.lines) == 1, "the first record")
        other.write(b"other level=error status=500", at=now())
        source.write(b"level=info status=500 a=1", b"level=error status=404 a=1", at=now())
        source.write(b"end level=error status=500", at=now())
        wait_for(lambda: len(tail.lines) == 2, "the last record")
        assert tail.end(signal.SIGTERM) == 0
        assert [line[:5] for line in tail.lines] == [b"begin", b"end l"]


@pytest.mark.parametrize(
    ("stages", "options", "lines"),
    [
        ("| logfmt | where took > 1 | eval double = took * 2 | format '{user}: {double}'", (), [b"ann: 5"]),
        ("| mask email | replace 'ann' with 'bob'", ("-o", "template", "-T", "{message}"),
         [b"user=bob took=2.5 mail=<email>", b"user=eve took=0.5 mail=<email>"]),
        ("| rename took as seconds | where seconds < 1 | fields user, seconds", ("-o", "csv"),
         [b"user,seconds", b"eve,0.5"]),
        ("| pattern 'user=<who> <_>' | where who = eve | fields who", ("-o", "jsonl"), [b'{"who": "eve"}']),
    ],
)  # fmt: skip
def test_stages_change_records_as_they_come(
    live: LiveStore, space: str, stages: str, options: tuple[str, ...], lines: list[bytes]
) -> None:
    """As in a search, for the last records there are and for those that come."""
    records = (b"user=ann took=2.5 mail=ann@example.com", b"user=eve took=0.5 mail=eve@example.com")
    source = Source(live.url, namespace=space)
    source.write(*records, at=[now() - timedelta(seconds=9), now() - timedelta(seconds=8)])
    with tailing(live, stages, "-n", space, *options) as tail:
        wait_for(lambda: len(tail.lines) == len(lines), "the last records")
        assert tail.lines == lines
        source.write(*records, at=[now(), now() + timedelta(milliseconds=1)])
        body = lines[1:] if "csv" in options else lines
        wait_for(lambda: len(tail.lines) == len(lines) + len(body), "new records")
        assert tail.lines == [*lines, *body]


def test_late_records_are_marked(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    with tailing(live, "-n", space, "-o", "pretty") as tail:
        source.write(b"on time", at=now())
        wait_for(lambda: len(tail.lines) == 1, "the first record")
        source.write(b"after hours", at=now() - timedelta(hours=3, seconds=30))
        wait_for(lambda: len(tail.lines) == 2, "the late record")
    assert b"late" not in tail.lines[0]
    assert re.search(rb" \[late 3h1?m?\] after hours$", tail.lines[1])


def test_a_burst_comes_whole_and_in_order(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    with tailing(live, "-n", space) as tail:
        source.write(b"ready", at=now())
        wait_for(lambda: len(tail.lines) == 1, "the first record")
        burst = numbered(0, 20_000)
        start = now()
        source.write(*burst, at=[start + timedelta(microseconds=number) for number in range(20_000)])
        wait_for(lambda: len(tail.lines) >= 20_001, "the burst")
        assert tail.lines[1:] == burst


def test_nothing_twice_and_nothing_missed_while_parts_merge(live: LiveStore, space: str) -> None:
    """Two writers, and merges of all parts between two polls of the tail."""
    sources = [Source(live.url, namespace=space, pod=f"web-{number}", identity=number) for number in (1, 2)]
    wanted = {b"%d-%d-%d" % (who, turn, line) for who in (1, 2) for turn in range(8) for line in range(5)}

    def write(source: Source) -> None:
        with Store(live.url) as store:
            for turn in range(8):
                source.write(*(b"%d-%d-%d" % (source.identity, turn, line) for line in range(5)), at=now())
                store.rows("OPTIMIZE TABLE logs FINAL")

    with tailing(live, "-n", space) as tail:
        sources[0].write(b"ready", at=now())
        wait_for(lambda: len(tail.lines) == 1, "the first record")
        threads = [threading.Thread(target=write, args=(source,)) for source in sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: wanted <= set(tail.lines), "all records")
        assert tail.end() == 0
    assert sorted(tail.lines) == sorted([*wanted, b"ready"])


def test_a_restart_of_the_store_loses_and_repeats_nothing(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    with tailing(live, "-n", space) as tail:
        before, after = numbered(0, 5), numbered(5, 5)
        source.write(*before, at=now())
        wait_for(lambda: tail.lines == before, "records before the restart")
        live.stop()
        wait_for(lambda: b"waiting for it to come back" in tail.err, "the notice of the loss")
        live.start()
        source.write(*after, at=now())
        wait_for(lambda: b"connected again after" in tail.err, "the notice of the return")
        wait_for(lambda: len(tail.lines) >= 10, "records after the restart")
        assert tail.end() == 0
        assert tail.lines == before + after


def test_a_closed_pipe_ends_it_quietly(live: LiveStore, space: str) -> None:
    source = Source(live.url, namespace=space)
    with tailing(live, "-n", space) as tail:
        source.write(b"one", at=now())
        wait_for(lambda: len(tail.lines) == 1, "the first record")
    script = '"$@" | head -n 1; echo "codes ${PIPESTATUS[*]}"'
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *command("tail", "-o", "raw", "-q", "-n", space)],
        env=environment(LOGQ_URL=address(live.url)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: _write_until_ended(process, source), "its end")
        out, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
        process.wait(LIMIT)
    assert (out, err) == (b"one\ncodes 0 0\n", b"")


def _write_until_ended(process: subprocess.Popen[bytes], source: Source) -> bool:
    """A closed pipe is noticed when there is something to write."""
    if process.poll() is not None:
        return True
    source.write(b"more", at=now())
    return False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("| stats count()",), "error: this stage needs all records"),
        (("-o", "json"), "error: -o json is one array"),
        (("--to", "now"), "error: a tail has no end"),
    ],
)
def test_what_cannot_be_followed_is_refused(arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        command("tail", *arguments),
        env=environment(LOGQ_URL="127.0.0.1:1"),
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith(said)


def test_a_store_that_is_not_there_at_the_start_is_an_error() -> None:
    done = subprocess.run(
        command("tail"),
        env=environment(LOGQ_URL="127.0.0.1:1"),
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr.startswith(b"error: cannot reach ClickHouse at 127.0.0.1:1 (connection refused)")
