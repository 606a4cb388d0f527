"""Plain files under logrotate, in any order of writes, rotations, looks and restarts: each line once."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from shipping import RecordingStore, ship_once
from test_sequences import SETTINGS, Reader

from loghouse.ship import follow, segment


class PlainSequences(RuleBasedStateMachine):
    """`app.log`, `.1`, `.2.gz`, ... as logrotate leaves them: renamed, or copied and emptied."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="plain"))
        self.logs = self.directory / "logs"
        self.state = self.directory / "state"
        self.logs.mkdir()
        self.log = self.logs / "app.log"
        self.store = RecordingStore()
        self.reader: Reader | None = None
        self.written: list[bytes] = []
        self.patches: list[Any] = [
            mock.patch.object(segment, "CHUNK", 512),
            mock.patch.object(segment, "MAX_LINE", 512),
            mock.patch.object(follow, "PART_TIMEOUT", 1e9),
            mock.patch.object(follow, "EVENT_TIMEOUT", 1e9),
        ]
        for patch in self.patches:
            patch.start()

    @initialize()
    def start(self) -> None:
        self.write(1)

    @rule(lines=st.integers(1, 40))
    def write(self, lines: int) -> None:
        with open(self.log, "ab") as file:
            for _ in range(lines):
                text = b"line %d" % len(self.written)
                self.written.append(text)
                file.write(text + b"\n")

    @rule(frames=st.integers(1, 5))
    def trace(self, frames: int) -> None:
        with open(self.log, "ab") as file:
            number = len(self.written)
            for text in (b"Error: %d" % number, *(b"\tat %d of %d" % (f, number) for f in range(frames))):
                self.written.append(text)
                file.write(text + b"\n")

    def shift(self) -> None:
        """Every rotated file gets the next number; the second and older ones are compressed."""
        rotated = sorted(self.logs.glob("app.log.*"), key=lambda path: -int(path.name.split(".")[2]))
        for path in rotated:
            number = int(path.name.split(".")[2]) + 1
            if path.suffix == ".gz":
                path.rename(self.logs / f"app.log.{number}.gz")
            else:
                with gzip.open(self.logs / f"app.log.{number}.gz", "wb", 1) as file:
                    file.write(path.read_bytes())
                path.unlink()

    @rule()
    def rotate(self) -> None:
        if self.log.exists() and self.log.stat().st_size:
            self.shift()
            self.log.rename(self.logs / "app.log.1")
            self.log.touch()

    @rule()
    def copy_and_empty(self) -> None:
        if self.log.exists() and self.log.stat().st_size:
            self.shift()
            shutil.copyfile(self.log, self.logs / "app.log.1")
            os.truncate(self.log, 0)

    @precondition(lambda self: self.reader is not None)
    @rule()
    def remove_the_oldest(self) -> None:
        """What is read may go, once nothing of it waits for what may belong to it."""
        with mock.patch.object(follow, "EVENT_TIMEOUT", -1.0):
            self.look(rescan=True)
            self.look(rescan=True)
        rotated = sorted(self.logs.glob("app.log.*"), key=lambda path: -int(path.name.split(".")[2]))
        for path in rotated[:1]:
            path.unlink()

    @rule(rescan=st.booleans())
    def look(self, rescan: bool) -> None:
        if self.reader is None:
            self.reader = Reader(self.logs, self.state)
        self.reader.look(self.store, rescan=rescan)

    @precondition(lambda self: self.reader is not None)
    @rule()
    def close_files(self) -> None:
        assert self.reader is not None
        self.reader.rest()

    @precondition(lambda self: self.reader is not None)
    @rule(step=st.sampled_from(["read", "spooled", "noted", "sent"]))
    def crash(self, step: str) -> None:
        assert self.reader is not None
        self.reader.look(self.store, rescan=True, crash=step)
        self.reader.close()
        self.reader = None

    @rule()
    def run_once(self) -> None:
        if self.reader:
            self.reader.close()
            self.reader = None
        ship_once(self.logs, self.state, self.store)

    def teardown(self) -> None:
        try:
            if self.reader:
                self.reader.look(self.store, rescan=True)
                self.reader.close()
            for _ in range(2):
                ship_once(self.logs, self.state, self.store)
            assert Counter(text for _, text in self.store.lines()) == Counter(self.written)
        finally:
            for patch in self.patches:
                patch.stop()
            shutil.rmtree(self.directory)


TestLogrotate = PlainSequences.TestCase
TestLogrotate.settings = SETTINGS
