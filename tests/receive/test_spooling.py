"""What was acknowledged is on the disk, however the receiver ends; a full disk acknowledges nothing."""

import itertools
import json
import math
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
from receiving import eventually

from loghouse.errors import StoreUnreachable
from loghouse.receive import chunks as chunk_file
from loghouse.receive import intake as intake_module
from loghouse.receive import spooling
from loghouse.receive.chunks import Chunks, chunk_id
from loghouse.receive.forward_server import ForwardServer
from loghouse.receive.http import HttpServer
from loghouse.receive.intake import Intake
from loghouse.receive.spooling import SpoolSink
from loghouse.receive.syslog import SyslogServer
from loghouse.spool.batchfile import read_rows
from loghouse.spool.spool import Spool

TIME = 1_790_000_000


class Away:
    """A store that does not answer until `back` is set; keeps the lines then."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.lines: list[bytes] = []

    def insert_blocks(self, table: str, columns: object, blocks: Any, settings: object) -> None:
        if not self.back.is_set():
            raise StoreUnreachable("away")
        self.lines += [line for block in blocks for data in block[-1] for line in data.splitlines()]

    def rows(self, sql: str, params: object = None) -> list[tuple[Any, ...]]:
        return []

    def uptime(self) -> float:
        return math.inf

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class Life:
    """A receiver from its start to its end on one directory."""

    def __init__(self, directory: Path, store: Away, limit: int = 0) -> None:
        self.spool = Spool(str(directory / "spool"), limit=limit)
        self.sink = SpoolSink(self.spool, Chunks(str(directory)), "node-1", lambda: store)
        self.delivery = self.sink.delivery
        self.intake = Intake(self.sink, "node-1")
        self.forward = ForwardServer("127.0.0.1", 0, self.intake)
        self.http = HttpServer("127.0.0.1", 0, self.intake)

    def send(self, *values: object) -> Any:
        """Send a message over a connection of its own; the answer, None when it was closed."""
        with socket.create_connection(("127.0.0.1", self.forward.port), timeout=20) as connection:
            connection.sendall(msgpack.packb([*values]))
            answer = connection.recv(4096)
            return msgpack.unpackb(answer) if answer else None

    def kill(self) -> None:
        """End without any of what a clean end does."""
        self.sink.tend = self.sink.close = lambda: None
        self.forward.close()
        self.http.close()
        self.intake.close()
        self.delivery.abandon()
        self.spool.close()

    def close(self) -> None:
        self.forward.close()
        self.http.close()
        self.intake.close()
        stop = threading.Event()
        stop.set()
        self.delivery.close(stop, 10)
        self.spool.close()


@pytest.fixture
def away() -> Away:
    return Away()


@contextmanager
def life(directory: Path, store: Away, limit: int = 0) -> Iterator[Life]:
    started = Life(directory, store, limit)
    try:
        yield started
    finally:
        started.close()


def texts(store: Away) -> list[str]:
    """What is stored, without time and stream."""
    return sorted(line.split(b" ", 3)[3].decode() for line in store.lines)


def record(text: str) -> str:
    return json.dumps({"message": text}, separators=(",", ":"))


def test_an_acknowledged_chunk_survives_a_kill_and_is_not_stored_twice(tmp_path: Path, away: Away) -> None:
    first = Life(tmp_path, away)
    for number in range(5):
        assert first.send("app", TIME, {"message": str(number)}, {"chunk": f"c{number}"}) == {
            "ack": f"c{number}"
        }
    first.kill()
    away.back.set()
    with life(tmp_path, away) as second:
        assert second.send("app", TIME, {"message": "4"}, {"chunk": "c4"}) == {"ack": "c4"}
        assert second.send("app", TIME, {"message": "5"}, {"chunk": "c5"}) == {"ack": "c5"}
        assert second.intake.counts["forward", "repeated_chunks"] == 1
    assert texts(away) == [record(str(number)) for number in range(6)]


def test_chunks_are_known_after_their_batch_has_gone(tmp_path: Path, away: Away) -> None:
    away.back.set()
    with life(tmp_path, away) as first:
        assert first.send("app", TIME, {"message": "one"}, {"chunk": "c"}) == {"ack": "c"}
    assert not list((tmp_path / "spool").glob("*.batch"))
    with life(tmp_path, away) as second:
        assert second.send("app", TIME, {"message": "one"}, {"chunk": "c"}) == {"ack": "c"}
    assert texts(away) == [record("one")]


def test_many_senders_share_a_sync(tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = itertools.count()
    first, free = threading.Event(), threading.Event()
    fdatasync = os.fdatasync

    def slow(descriptor: int) -> None:
        next(syncs)
        first.set()
        assert free.wait(20)
        fdatasync(descriptor)

    monkeypatch.setattr("os.fdatasync", slow)
    # Nothing is synced but what was received: a batch that is finished has syncs of its own.
    monkeypatch.setattr(spooling, "LINGER", 1000.0)
    monkeypatch.setattr(spooling, "HOLD", 1000.0)
    answers: list[Any] = []
    with life(tmp_path, away) as started:
        threads = [
            threading.Thread(
                target=lambda n=n: answers.append(started.send("app", TIME, {"m": n}, {"chunk": f"c{n}"}))
            )
            for n in range(100, 120)  # of one length
        ]
        threads[0].start()
        assert first.wait(20)
        one = started.intake.waiting_bytes
        for thread in threads[1:]:
            thread.start()
        eventually(lambda: started.intake.waiting_bytes == 20 * one)
        assert not answers
        free.set()
        for thread in threads:
            thread.join(20)
        assert len(answers) == 20
        assert next(syncs) == 2
        away.back.set()


def test_a_full_spool_acknowledges_nothing_and_says_when_to_come_again(
    tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "ROOM_WAIT", 0.01)
    monkeypatch.setattr(spooling, "HOLD", 0.0)
    monkeypatch.setattr(intake_module, "RETRY_WAIT", 0.01)
    with life(tmp_path, away, limit=1) as started:
        assert started.send("app", TIME, {"message": "one"}, {"chunk": "c1"}) == {"ack": "c1"}
        eventually(lambda: started.spool.pending())
        assert started.send("app", TIME, {"message": "two"}, {"chunk": "c2"}) is None
        answer = requests.post(f"http://127.0.0.1:{started.http.port}/v1/jsonl", data=b"{}\n", timeout=20)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
        assert "spool is full" in answer.json()["error"]
        with socket.create_connection(("127.0.0.1", started.forward.port), timeout=20) as without_acks:
            without_acks.sendall(msgpack.packb(["app", TIME, {"message": "held"}]))
            away.back.set()
            eventually(lambda: record("held") in texts(away))
        assert started.send("app", TIME, {"message": "two"}, {"chunk": "c2"}) == {"ack": "c2"}
    assert texts(away) == [record(text) for text in ("held", "one", "two")]


def test_syslog_over_tcp_waits_for_room(tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "ROOM_WAIT", 0.01)
    monkeypatch.setattr(spooling, "HOLD", 0.0)
    monkeypatch.setattr(intake_module, "RETRY_WAIT", 0.01)
    with life(tmp_path, away, limit=1) as started:
        syslog = SyslogServer("127.0.0.1", 0, started.intake)
        assert started.send("app", TIME, {"message": "one"}, {"chunk": "c1"}) == {"ack": "c1"}
        eventually(lambda: started.spool.pending())
        with socket.create_connection(("127.0.0.1", syslog.port), timeout=20) as connection:
            connection.sendall(b"<13>1 2026-11-21T10:00:00Z host prog - - - hello\n")
            away.back.set()
            eventually(lambda: any("hello" in line for line in texts(away)))
        syslog.close()
        assert started.intake.counts["syslog", "lost"] == 0


def test_a_disk_that_fails_acknowledges_nothing_and_doubles_nothing(
    tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    away.back.set()
    with life(tmp_path, away) as started:
        with monkeypatch.context() as patch:

            def fail(_: int) -> None:
                raise OSError(5, "I/O error")

            patch.setattr("os.fdatasync", fail)
            assert started.send("app", TIME, {"message": "one"}, {"chunk": "c"}) is None
        assert started.send("app", TIME, {"message": "one"}, {"chunk": "c"}) == {"ack": "c"}
        assert started.intake.failing_since is None
    assert texts(away) == [record("one")]


def part(text: str, ordinal: int, last: bool, of: str = "p1") -> dict[str, str]:
    """A message of Docker's fluentd driver."""
    return {
        "container_id": "abc",
        "container_name": "/web",
        "source": "stderr",
        "log": text,
        "partial_message": "true",
        "partial_id": of,
        "partial_ordinal": str(ordinal),
        "partial_last": str(last).lower(),
    }


def test_parts_of_docker_are_one_record(tmp_path: Path, away: Away) -> None:
    with life(tmp_path, away) as started:
        for ordinal, text in enumerate(("one ", "two ", "three"), 1):
            ack = {"ack": f"c{ordinal}"}
            assert started.send("t", TIME, part(text, ordinal, ordinal == 3), {"chunk": f"c{ordinal}"}) == ack
            other = part(f"x{ordinal}", ordinal, ordinal == 2, of="p2")
            started.send("t", TIME, other, {"chunk": f"d{ordinal}"}) if ordinal < 3 else None
        assert started.intake.counts["forward", "records"] == 2
        away.back.set()
    assert texts(away) == ["one two three", "x1x2"]
    assert all(line.split(b" ")[1] == b"stderr" for line in away.lines)


@pytest.mark.parametrize("finished", [False, True])
def test_parts_survive_a_kill(
    tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch, finished: bool
) -> None:
    """Each part was acknowledged, so nobody sends it again."""
    if finished:  # the batch that names the first part is stored and gone when the last part comes
        monkeypatch.setattr(spooling, "LINGER", 0.0)
        away.back.set()
    first = Life(tmp_path, away)
    assert first.send("t", TIME, part("one ", 1, last=False), {"chunk": "c1"}) == {"ack": "c1"}
    assert first.send("t", TIME, {"log": "whole", "source": "stdout"}, {"chunk": "c2"}) == {"ack": "c2"}
    if finished:
        eventually(lambda: texts(away) == ["whole"])
    first.kill()
    second = Life(tmp_path, away)
    second.kill()
    away.back.set()
    with life(tmp_path, away) as third:
        assert third.send("t", TIME, part("two", 2, last=True), {"chunk": "c3"}) == {"ack": "c3"}
    assert texts(away) == ["one two", "whole"]


def test_parts_whose_end_never_comes_are_stored(
    tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spooling, "PART_TIMEOUT", 0.05)
    away.back.set()
    with life(tmp_path, away) as started:
        started.send("t", TIME, part("only this", 1, last=False), {"chunk": "c1"})
        eventually(lambda: texts(away) == ["only this"])


def test_parts_are_bounded(tmp_path: Path, away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loghouse.receive.parts.MOST_RECORDS", 3)
    away.back.set()
    with life(tmp_path, away) as started:
        for number in range(5):
            started.send(
                "t", TIME, part(f"n{number}", 1, last=False, of=f"p{number}"), {"chunk": f"c{number}"}
            )
        eventually(lambda: texts(away) == ["n0", "n1"])


def test_ids_of_chunks_are_kept_for_two_generations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_file, "REMEMBERED", 3)
    ids = [chunk_id(b"%d" % number) for number in range(8)]
    kept = Chunks(str(tmp_path))
    for one in ids:
        kept.add([one])
    kept.sync()
    kept.close()
    with open(tmp_path / "chunks", "ab") as file:
        file.write(b"torn")
    again = Chunks(str(tmp_path))
    assert [one in again for one in ids] == [False] * 3 + [True] * 5
    again.add([chunk_id(b"new")])
    again.close()
    assert chunk_id(b"new") in Chunks(str(tmp_path))


def test_a_clean_end_leaves_everything_to_the_next_start_when_the_store_is_away(
    tmp_path: Path, away: Away
) -> None:
    with life(tmp_path, away) as first:
        assert first.send("app", TIME, {"message": "one"}, {"chunk": "c"}) == {"ack": "c"}
        eventually(lambda: first.delivery.failing_since is not None or not first.spool.pending())
    (batch,) = (tmp_path / "spool").glob("*.batch")
    assert len(list(read_rows(str(batch)))) == 1
    away.back.set()
    Life(tmp_path, away).close()
    assert texts(away) == [record("one")]
