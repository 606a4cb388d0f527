"""Whatever the order of writes, rotations, restarts, reads and failures: every record is stored once."""

from __future__ import annotations

import gzip
import itertools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from shipping import RecordingStore, Runtime, ship_once

from loghouse.errors import StoreError
from loghouse.ship import follow, segment
from loghouse.ship.batch import Batch, Row
from loghouse.ship.discover import Discovery
from loghouse.ship.follow import Lineage
from loghouse.ship.offsets import Offsets
from loghouse.ship.problems import Problems
from loghouse.spool import delivery
from loghouse.spool.batchfile import read_rows
from loghouse.spool.entry import Notes
from loghouse.spool.rows import COLUMNS, packets
from loghouse.spool.spool import Spool

SETTINGS = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
STREAMS = st.sampled_from(["stdout", "stderr"])
TEXTS = st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"-"))
JSON_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=40)


class Reader:
    """A shipper that stays: what `Shipper` and `Delivery` do, a look at a time, with a crash at any step."""

    def __init__(self, pods: Path, state: Path) -> None:
        self._problems = Problems()
        self._discovery = Discovery([str(pods)], "node-1", self._problems)
        self._spool = Spool(str(state / "spool"))
        self._offsets = Offsets(str(state), self._problems, Notes(self._spool.pending()))
        self._spool.start_after(self._offsets.batch)
        self._spool.settle = self._offsets.sync
        self._lineages: dict[str, Lineage] = {}

    def rest(self) -> None:
        """Close what files can be closed, as for want of descriptors."""
        for lineage in self._lineages.values():
            lineage.rest()

    def look(self, store: RecordingStore, *, rescan: bool, crash: str = "", turns: int = 1000) -> None:
        """Read what there is, at most so many chunks; spool it, store it; `crash` is the last thing done."""
        if rescan:
            self._rescan()
        writer = self._spool.begin(0)
        batch = Batch(writer, "node-1")
        for lineage in self._lineages.values():
            for rows in itertools.islice(self._rows(lineage), turns):
                for row in rows:
                    batch.add(row)
            batch.change(lineage.origin.lineage, *lineage.changes())
        if crash == "read":
            return
        if batch.rows:
            with mock.patch.object(Offsets, "commit") if crash == "spooled" else nullcontext():
                batch.commit(self._spool, self._offsets)
            if crash not in ("spooled", "noted"):
                self._send(store, acknowledge=crash != "sent")
        else:
            batch.note(self._offsets)
            batch.abort(self._spool)

    def _send(self, store: RecordingStore, acknowledge: bool) -> None:
        while entry := self._spool.take(0):
            token = {"insert_deduplication_token": entry.id}
            if entry.trailer.rows:
                store.insert_blocks("ingest", COLUMNS, packets(read_rows(entry.path)), token)
            if acknowledge:
                self._spool.acknowledge(entry)

    def _rows(self, lineage: Lineage) -> Iterator[list[Row]]:
        while lineage.changed(time.monotonic()):
            rows = lineage.read(time.monotonic())
            if rows is None:
                return
            yield rows

    def _rescan(self) -> None:
        found = self._discovery.scan()
        for key, each in found.items():
            if key not in self._lineages:
                self._lineages[key] = Lineage(each, "node-1", self._offsets, self._problems)
            elif self._lineages[key].found is not each:
                self._lineages[key].update(each)
        for key in self._lineages.keys() - found.keys():
            self._lineages[key].gone = True

    def close(self) -> None:
        for lineage in self._lineages.values():
            lineage.close()
        self._spool.close()
        self._offsets.close()


class Sequences(RuleBasedStateMachine):
    docker = False
    texts: st.SearchStrategy[bytes] = TEXTS

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="sequences"))
        self.store = RecordingStore()
        self.reader: Reader | None = None
        self.patches: list[Any] = [
            mock.patch.object(segment, "CHUNK", 512),
            mock.patch.object(segment, "MAX_LINE", 512),
            mock.patch.object(follow, "PART_TIMEOUT", 1e9),
            mock.patch.object(follow, "EVENT_TIMEOUT", 1e9),
            mock.patch.object(delivery, "_jitter", lambda: 0.0001),
            mock.patch("os.fsync"),  # no machine fails here, and disks are slow
            mock.patch("os.fdatasync"),
        ]
        for patch in self.patches:
            patch.start()
        self.pods = self.directory / "pods"
        self.state = self.directory / "state"
        self.half: bytes = b""
        self.number = 0

    @initialize()
    def start(self) -> None:
        self.app = Runtime(self.pods, docker=self.docker)
        self.app.write(b"start")

    def teardown(self) -> None:
        try:
            self.complete()
        finally:
            if self.reader:
                self.reader.close()
            for patch in self.patches:
                patch.stop()
            shutil.rmtree(self.directory)

    def complete(self) -> None:
        """In the end everything written is stored, once."""
        self.end_half_line()
        for stream, _ in self.app.open_records:
            self.app.end_record(b".", stream)
        if self.reader:
            self.reader.look(self.store, rescan=True)
            self.reader.look(self.store, rescan=True)
            self.reader.close()
            self.reader = None
        ship_once(self.pods, self.state, self.store)
        assert Counter(self.store.lines()) == Counter(self.app.written)
        assert set(self.store.coverage().values()) <= {1}
        sources = sum(row["span"] or len(row["data"]) for row in self.store.inserted)
        assert sources == sum(len(line) for line in self.lines_written())

    def lines_written(self) -> list[bytes]:

        files = list(self.app.directory.iterdir())
        return [gzip.decompress(p.read_bytes()) if p.suffix == ".gz" else p.read_bytes() for p in files]

    def text(self, text: bytes) -> bytes:
        self.number += 1
        return f"{self.number} ".encode() + text

    @precondition(lambda self: not self.half)
    @rule(data=st.data(), stream=STREAMS, part=st.sampled_from([0, 0, 20]))
    def write(self, data: st.DataObject, stream: str, part: int) -> None:
        text = self.text(data.draw(self.texts))
        if self.docker and not text.isascii():
            part = 0  # Docker writes text, so it does not cut characters
        self.app.write(text, stream, part)

    @precondition(lambda self: not self.half)
    @rule(data=st.data(), stream=STREAMS)
    def begin(self, data: st.DataObject, stream: str) -> None:
        self.app.write_part(self.text(data.draw(self.texts)), stream)

    @precondition(lambda self: not self.half)
    @rule(stream=STREAMS, frames=st.integers(0, 12), part=st.sampled_from([0, 0, 10]))
    def trace(self, stream: str, frames: int, part: int) -> None:
        """An event of several lines, perhaps only its beginning."""
        self.number += 1
        self.app.write(b"Error: %d" % self.number, stream)
        for frame in range(frames):
            self.app.write(b"\tat frame %d of %d" % (frame, self.number), stream, part)

    @precondition(lambda self: not self.half)
    @rule(lines=st.integers(5, 60))
    def burst(self, lines: int) -> None:
        for _ in range(lines):
            self.app.write(self.text(b"burst"), "stdout" if self.number % 3 else "stderr")

    @precondition(lambda self: not self.half)
    @rule(stream=STREAMS)
    def half_line(self, stream: str) -> None:
        line = self.app.line(self.text(b"slow"), stream)
        if stream not in dict(self.app.open_records):
            self.app.written.append((stream, f"{self.number} slow".encode()))
            self.app.append(line[:30])
            self.half = line[30:]

    @rule()
    def end_half_line(self) -> None:
        self.app.append(self.half)
        self.half = b""

    @precondition(lambda self: not self.half)
    @rule(compress=st.booleans())
    def rotate(self, compress: bool) -> None:
        self.app.rotate(compress)

    @rule()
    def compress(self) -> None:
        self.app.compress()

    @precondition(lambda self: not self.half)
    @rule()
    def restart_container(self) -> None:
        for stream, _ in self.app.open_records:
            self.app.end_record(b".", stream)
        self.app.restart()

    @rule(rescan=st.booleans(), turns=st.sampled_from([1, 2, 1000]))
    def look(self, rescan: bool, turns: int) -> None:
        if self.reader is None:
            self.reader = Reader(self.pods, self.state)
        self.reader.look(self.store, rescan=rescan, turns=turns)

    @rule()
    def close_files(self) -> None:
        if self.reader:
            self.reader.rest()

    @precondition(lambda self: not self.half)
    @rule(lines=st.integers(0, 20))
    def slow_rotation(self, lines: int) -> None:
        """The file is renamed, looked at, and still written before the runtime opens the new one."""
        self.app.rotate(lines_after=lines, between=lambda: self.look(rescan=True, turns=1000))

    @rule(after=st.sampled_from(["read", "spooled", "noted", "sent"]))
    def crash(self, after: str) -> None:
        """Do one more look up to some step, and die."""
        if self.reader is None:
            self.reader = Reader(self.pods, self.state)
        self.reader.look(self.store, rescan=True, crash=after)
        self.reader.close()
        self.reader = None

    @rule(faults=st.lists(st.sampled_from([None, "refuse", "lose"]), max_size=4), fatal=st.booleans())
    def run_once(self, faults: list[str | Exception | None], fatal: bool) -> None:
        if self.reader:
            self.reader.close()
            self.reader = None
        if fatal:
            faults = [fault for fault in faults if fault != "lose"]
            faults.append(StoreError("no such table", code=60))
        self.store.faults = faults
        try:
            ship_once(self.pods, self.state, self.store)
        except StoreError as error:
            assert error.code == 60
        self.store.faults = []

    @invariant()
    def nothing_twice(self) -> None:
        assert set(self.store.coverage().values()) <= {1}


class DockerSequences(Sequences):
    docker = True
    texts = JSON_TEXTS.map(str.encode)


TestContainerd = Sequences.TestCase
TestContainerd.settings = SETTINGS
TestDocker = DockerSequences.TestCase
TestDocker.settings = SETTINGS


def test_a_file_first_seen_empty_is_known_when_compressed(tmp_path: Path) -> None:
    app, store = Runtime(tmp_path / "pods"), RecordingStore()
    app.write(b"start")
    reader = Reader(tmp_path / "pods", tmp_path / "state")
    app.rotate()
    app.rotate(lines_after=1, between=lambda: reader.look(store, rescan=True))
    app.compress()
    for _ in range(2):
        reader.look(store, rescan=True)
    reader.close()
    assert store.records() == app.written


def test_parts_are_found_again_after_their_file_was_compressed(tmp_path: Path) -> None:
    app, store = Runtime(tmp_path / "pods"), RecordingStore()
    app.write_part(b"begun ")
    ship_once(tmp_path / "pods", tmp_path / "state", store)
    app.rotate()
    reader = Reader(tmp_path / "pods", tmp_path / "state")
    reader.look(store, rescan=True)
    app.compress()
    app.end_record(b"ended")
    reader.look(store, rescan=False)
    reader.close()
    assert store.records() == app.written
