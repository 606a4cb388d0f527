"""Offsets survive restarts and crashes, and belong to one process."""

import json
import os
import time
from pathlib import Path

import pytest

from loghouse.errors import LoghouseError, UsageError
from loghouse.ship import offsets as journal
from loghouse.ship.offsets import Offsets, Position, noted
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


def test_positions_of_one_second_share_the_number_of_it(tmp_path: Path) -> None:
    """With 100,000 files each own number is a part of the memory."""
    offsets = reopened(tmp_path)
    offsets.commit([position(source, 10, at=2_000_000_000) for source in (1, 2)], {})
    offsets.close()
    first, second = reopened(tmp_path).positions("lineage").values()
    assert first.at == 2_000_000_000
    assert first.at is second.at


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
    told = {"damaged line of the offsets passed over": 1} if damage.endswith(b"\n") else {}
    assert problems.counts == told


def test_one_process_owns_the_directory(tmp_path: Path) -> None:
    offsets = reopened(tmp_path)
    with pytest.raises(UsageError, match="another loghouse process"):
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


def test_a_batch_that_the_journal_does_not_have_is_taken_from_the_spool(tmp_path: Path) -> None:
    """The journal is not synced with each batch, so a power loss may take any of its lines."""
    offsets = reopened(tmp_path)
    notes = {}
    for batch, offset in ((1, 10), (2, 20), (3, 30)):
        notes[batch] = noted([position(1, offset)], {"lineage": {"stdout": (Range(1, offset, offset + 5),)}})
        offsets.commit([position(1, offset)], {"lineage": {"stdout": (Range(1, offset, offset + 5),)}}, batch)
    offsets.commit([position(1, 40)], {"lineage": {}})
    offsets.close()
    lines = (tmp_path / "offsets").read_bytes().splitlines(keepends=True)
    for lost in range(1, 4):
        (tmp_path / "offsets").write_bytes(b"".join(lines[:lost] + lines[lost + 1 :]))
        offsets = Offsets(str(tmp_path), Problems(), notes)
        assert offsets.positions("lineage")[1].offset == 40
        assert offsets.waits("lineage") == {}
        offsets.close()
    (tmp_path / "offsets").write_bytes(b"".join(lines[:2]))
    offsets = Offsets(str(tmp_path), Problems(), notes)
    assert offsets.positions("lineage")[1].offset == 30
    assert offsets.waits("lineage") == {"stdout": (Range(1, 30, 35),)}
    assert offsets.batch == 3
    offsets.close()


def test_notes_of_batches_that_a_rewritten_journal_has_change_nothing(tmp_path: Path) -> None:
    offsets = reopened(tmp_path)
    note = noted([position(1, 10)], {})
    offsets.commit([position(1, 10)], {}, 1)
    offsets.commit([position(1, 20)], {}, 2)
    offsets.compact({})
    offsets.close()
    assert Offsets(str(tmp_path), Problems(), {1: note}).positions("lineage")[1].offset == 20


def test_a_rewritten_journal_that_lost_its_end_takes_the_notes_of_the_spool(tmp_path: Path) -> None:
    offsets = reopened(tmp_path)
    notes = {number: noted([position(number, 10)], {}) for number in (1, 2)}
    for number in notes:
        offsets.commit([position(number, 10)], {}, number)
    offsets.compact({})
    offsets.close()
    whole = (tmp_path / "offsets").read_bytes()
    for size in range(len(whole)):
        (tmp_path / "offsets").write_bytes(whole[:size])
        offsets = Offsets(str(tmp_path), Problems(), notes)
        assert {number: each.offset for number, each in offsets.positions("lineage").items()} == {
            1: 10,
            2: 10,
        }
        assert offsets.batch == 2
        offsets.close()


def test_a_journal_of_the_release_before_is_read(tmp_path: Path) -> None:
    line = noted([position(1, 10)], {})
    (tmp_path / "offsets").write_text('{"version": 1}\n' + json.dumps(line) + "\n")
    assert reopened(tmp_path).positions("lineage")[1].offset == 10
