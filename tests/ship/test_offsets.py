"""Offsets survive restarts and crashes, and belong to one process."""

import os
import time
from pathlib import Path

import pytest

from loghouse.errors import LoghouseError, UsageError
from loghouse.ship import offsets as journal
from loghouse.ship.offsets import Offsets, Position
from loghouse.ship.partials import Range
from loghouse.ship.problems import Problems


def position(source: int, offset: int, at: int | None = None, path: str = "/var/log/x/0.log") -> Position:
    return Position(source, "lineage", path, offset, 7, 0, int(time.time()) if at is None else at)


def reopened(directory: Path, problems: Problems | None = None) -> Offsets:
    return Offsets(str(directory), problems or Problems())


def test_what_was_committed_is_there_again(tmp_path: Path) -> None:
    offsets = reopened(tmp_path)
    offsets.commit([position(1, 10), position(2, 20)], {"lineage": {"stdout": (Range(1, 5, 10),)}})
    offsets.commit([position(1, 30)], {})
    offsets.close()
    offsets = reopened(tmp_path)
    assert {p.source: p.offset for p in offsets.positions("lineage").values()} == {1: 30, 2: 20}
    assert offsets.waits("lineage") == {"stdout": (Range(1, 5, 10),)}
    offsets.commit([], {"lineage": {}})
    offsets.close()
    assert reopened(tmp_path).waits("lineage") == {}


@pytest.mark.parametrize("damage", [b'{"files":[["00', b"\0" * 100, b'{"files":[[1]]}\n', b"\xff\xfe\n"])
def test_a_damaged_end_leaves_the_rest(tmp_path: Path, damage: bytes) -> None:
    offsets = reopened(tmp_path)
    offsets.commit([position(1, 10)], {})
    offsets.close()
    with open(tmp_path / "offsets", "ab") as file:
        file.write(damage)
    problems = Problems()
    offsets = reopened(tmp_path, problems)
    assert offsets.positions("lineage")[1].offset == 10
    assert problems.counts == {"damaged line of the offsets passed over": 1}


def test_one_process_owns_the_directory(tmp_path: Path) -> None:
    offsets = reopened(tmp_path)
    with pytest.raises(UsageError, match='another "loghouse ship"'):
        reopened(tmp_path)
    offsets.close()
    reopened(tmp_path).close()


def test_a_directory_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot use the state directory"):
        reopened(tmp_path / "file" / "state")


def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offsets = reopened(tmp_path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(LoghouseError, match="No space left"):
            offsets.commit([position(1, 10)], {})


def test_the_journal_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMPACT_AT", 10_000)
    offsets = reopened(tmp_path)
    for offset in range(2000):
        offsets.commit([position(1, offset)], {})
        if offsets.grown():
            offsets.compact({"lineage": frozenset([1])})
    offsets.close()
    assert (tmp_path / "offsets").stat().st_size < 20_000
    assert reopened(tmp_path).positions("lineage")[1].offset == 1999


def test_positions_are_forgotten_only_when_their_files_are_gone(tmp_path: Path) -> None:
    long_ago = int(time.time()) - 10 * 24 * 3600
    here = str(tmp_path / "0.log")
    offsets = reopened(tmp_path)
    offsets.commit([position(1, 1, long_ago, here), position(2, 2, long_ago, here)], {})
    offsets.commit([position(3, 3, path=here)], {})
    offsets.compact({"lineage": frozenset([1])})
    assert set(offsets.positions("lineage")) == {1, 3}
    offsets.close()
    offsets = reopened(tmp_path)
    assert set(offsets.positions("lineage")) == {1, 3}  # not watched now, but the directory is there
    offsets.commit([position(1, 1, long_ago, "/gone/0.log")], {})
    offsets.compact({})
    assert set(offsets.positions("lineage")) == {3}
