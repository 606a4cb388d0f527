"""A batch that was appended is there until the store has it, whatever happens to the process or the disk."""

import errno
import json
import os
import struct
import threading
import zlib
from pathlib import Path

import cramjam
import pytest
from spool_stores import PLACE, row, rows_of

from loghouse.errors import UsageError
from loghouse.spool import batchfile
from loghouse.spool.batchfile import Damaged, read_blocks, read_rows, read_trailer
from loghouse.spool.entry import Notes
from loghouse.spool.rows import COLUMNS, Place, Row, packets
from loghouse.spool.spool import Spool, SpoolFull


@pytest.fixture
def directory(tmp_path: Path) -> str:
    return str(tmp_path / "spool")


def killed(spool: Spool) -> None:
    """What a kill leaves: the files as they are, the lock free."""
    spool.close()


def test_columns_are_those_of_the_table() -> None:
    (block,) = packets([row(2)])
    assert dict(zip(COLUMNS, (column[0] for column in block), strict=True)) == {
        "source_id": 7,
        "offset": 2_000_000,
        "span": 0,
        "wrapper": b"cri",
        "namespace": b"prod",
        "pod": b"shop-0",
        "container": b"app",
        "node": b"node-1",
        "workload": b"shop",
        "pod_uid": b"uid-1",
        "restart": 3,
        "labels": {b"tier": b"web"},
        "data": b"line 2.0\n",
    }


def test_packets_are_bounded_and_always_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loghouse.spool.rows.PACKET_BYTES", 25)
    rows = rows_of(range(5))
    sizes = [len(packet[-1]) for packet in packets(rows)]
    assert sizes == [3, 2]
    assert list(packets(rows)) == list(packets(iter(rows)))


def test_rows_come_back_as_they_were(directory: str) -> None:
    odd = Place("plain", "n\udcff", "pöd", labels=(("k", "v\udc80"), ("", "")))
    rows = [row(1), row(2, place=odd), row(3)._replace(span=5, data=b"\0\xff joined\n"), row(4, lines=1000)]
    entry = Spool(directory).append(rows, note={"any": [1, None]})
    assert entry
    assert list(read_rows(entry.path)) == rows
    assert (entry.trailer.rows, entry.trailer.lines) == (4, 1003)
    assert Notes([entry])[entry.sequence] == {"any": [1, None]}
    assert entry.trailer.note is None  # a note may be large, and thousands of batches may wait
    assert entry.trailer.bytes == sum(len(each.data) for each in rows)


def test_batches_are_taken_once_oldest_first(directory: str) -> None:
    spool = Spool(directory)
    ids = [entry.id for n in range(3) if (entry := spool.append([row(n)]))]
    taken = [entry.id for _ in range(3) if (entry := spool.take(0))]
    assert taken == ids
    assert spool.take(0) is None
    spool.release(spool.pending()[1])
    again = spool.take(0)
    assert again
    assert again.id == ids[1]


def test_acknowledged_is_gone_for_good_and_settled_before(directory: str) -> None:
    settled: list[bool] = []
    spool = Spool(directory, settle=lambda: settled.append(os.path.exists(entry.path)))
    entry = spool.append([row(1)])
    assert entry
    spool.acknowledge(entry)
    assert settled == [True]
    assert not spool.pending()
    assert spool.pending_bytes == 0
    killed(spool)
    assert not Spool(directory).pending()


def test_a_restart_finds_every_batch_in_order(directory: str) -> None:
    spool = Spool(directory)
    entries = [spool.append([row(n)], note=n) for n in range(12)]
    killed(spool)
    found = Spool(directory)
    assert [entry.id for entry in found.pending()] == [entry.id for entry in entries if entry]
    assert list(Notes(found.pending()).values()) == list(range(12))
    assert all(entry.recovered for entry in found.pending())
    last = found.append([row(99)])
    assert last
    assert found.pending()[-1].id == last.id


def test_a_second_owner_is_refused(directory: str) -> None:
    spool = Spool(directory)
    with pytest.raises(UsageError, match="another loghouse process"):
        Spool(directory)
    spool.close()
    Spool(directory)


def test_what_was_half_written_is_not_a_batch(directory: str) -> None:
    spool = Spool(directory)
    writer = spool.begin(0)
    writer.add(row(1))
    writer.flush(whole=True)
    killed(spool)
    again = Spool(directory)
    assert not again.pending()
    assert not os.listdir(os.path.join(directory, "tmp"))


@pytest.mark.parametrize("torn", [0, 1, 7, 30])
def test_what_was_synced_survives_without_commit(directory: str, torn: int) -> None:
    """A writer that acknowledges after each sync loses only what it never acknowledged."""
    spool = Spool(directory)
    writer = spool.begin(0, survives=True)
    for number in range(3):
        writer.add(row(number))
        writer.sync(note=f"note {number}")
    writer.add(row(3))
    writer.flush(whole=True)
    os.truncate(writer.path, writer.size - torn)
    killed(spool)
    again = Spool(directory)
    (entry,) = again.pending()
    kept = 3 if torn else 4
    assert list(read_rows(entry.path)) == rows_of(range(kept))
    (notes,) = Notes([entry]).values()
    assert notes[:3] == ["note 0", "note 1", "note 2"]
    assert len(notes) == kept
    assert entry.trailer.lines == kept
    killed(again)
    (same,) = Spool(directory).pending()
    assert same.trailer == entry.trailer


def test_a_sync_that_fails_leaves_what_was_there(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(directory)
    writer = spool.begin(0, survives=True)
    writer.add(row(1))
    writer.sync("first")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    writer.add(row(2))
    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", fail)
        with pytest.raises(OSError, match="I/O error"):
            writer.sync("second")
    writer.drop_unwritten()
    writer.add(row(3))
    writer.sync("third")
    entry = spool.commit(writer)
    assert [(block.note, block.rows) for block in read_blocks(entry.path)] == [
        ("first", [row(1)]),
        ("third", [row(3)]),
    ]


def test_no_space_keeps_the_rows_in_memory(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(directory)
    writer = spool.begin(0)
    writer.add(row(1))
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr("os.write", half)
        with pytest.raises(OSError, match="No space"):
            writer.flush(whole=True)
    assert os.path.getsize(writer.path) == 0
    writer.add(row(2))
    entry = spool.commit(writer)
    assert list(read_rows(entry.path)) == [row(1), row(2)]


def test_appending_says_that_there_is_no_space(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(directory)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(SpoolFull, match="No space left"):
            spool.append([row(1)])
    assert not os.listdir(os.path.join(directory, "tmp"))
    assert spool.append([row(1)])


def test_a_full_spool_makes_the_writer_wait(directory: str) -> None:
    spool = Spool(directory, limit=100)
    first = spool.append(rows_of(range(50)))
    assert first
    with pytest.raises(SpoolFull, match="spool is full"):
        spool.append([row(51)], timeout=0.01)
    waited = threading.Event()

    def wait() -> None:
        spool.append([row(52)], timeout=20)
        waited.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not waited.wait(0.05)
    spool.acknowledge(first)
    assert waited.wait(20)
    thread.join()
    assert len(spool.pending()) == 1


def test_the_same_id_is_appended_once(directory: str) -> None:
    spool = Spool(directory)
    assert spool.append([row(1)], id="a")
    assert spool.append([row(1)], id="a") is None
    assert len(spool.pending()) == 1


def test_the_limit_follows_the_free_disk(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loghouse.spool.spool._free", lambda directory: 1000)
    assert Spool(directory).limit == 100


def damage(path: str, place: int, data: bytes = b"\xff\x00\xff\x00") -> None:
    with open(path, "r+b") as file:
        file.seek(place, os.SEEK_END if place < 0 else os.SEEK_SET)
        file.write(data)


def big_batch(directory: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(batchfile, "BLOCK_BYTES", 200)
    spool = Spool(directory)
    entry = spool.append(rows_of(range(100)))
    assert entry
    killed(spool)
    return entry.path


@pytest.mark.parametrize("kind", ["bit flip", "torn end", "zeroed end", "no trailer", "empty"])
def test_a_damaged_file_gives_what_can_be_read(
    directory: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = big_batch(directory, monkeypatch)
    size = os.path.getsize(path)
    match kind:
        case "bit flip":
            damage(path, size // 3)
        case "torn end":
            os.truncate(path, size // 2)
        case "zeroed end":
            damage(path, size - 300, bytes(300))
        case "no trailer":
            damage(path, -4)
        case "empty":
            os.truncate(path, 0)
    spool = Spool(directory)
    entry = spool.take(0)
    assert entry
    with pytest.raises(Damaged):
        list(read_rows(entry.path))
    spool.salvage(entry)
    parts = spool.pending()
    kept = [each for part in parts for each in read_rows(part.path)]
    assert set(kept) <= set(rows_of(range(100)))
    assert len(kept) == {"empty": 0, "no trailer": 100}.get(kind, len(kept))
    assert kind == "empty" or len(kept) > 30
    assert os.listdir(os.path.join(directory, "damaged")) == [os.path.basename(path)]
    assert kind == "empty" or spool.counts.damaged_bytes > 0
    killed(spool)
    assert [part.id for part in Spool(directory).pending()] == [part.id for part in parts]


def old_block(rows: list[Row], note: object) -> bytes:
    """As blocks were before the data of the rows was a column of its own."""
    heads = [(0, row.source, row.offset, row.span, len(row.data)) for row in rows]
    head = json.dumps({"places": [PLACE], "rows": heads, "note": note}).encode()
    whole = struct.pack("<I", len(head)) + head + b"".join(row.data for row in rows)
    payload = bytes(cramjam.zstd.compress(whole))
    return struct.pack("<II", len(payload), zlib.crc32(payload)) + payload


def test_a_batch_of_the_version_before_is_read(directory: str) -> None:
    Spool(directory).close()
    trailer = {"id": "a", "written_at": 1.0, "rows": 3, "lines": 4, "bytes": 36, "note": None}
    text = json.dumps(trailer).encode()
    ending = text + struct.pack("<II", len(text), zlib.crc32(text)) + b"LHSPOOL1"
    rows = [row(1, lines=2), row(2), row(3)]
    blocks = old_block(rows[:2], None) + old_block(rows[2:], None)
    Path(directory, "000000000001-a.batch").write_bytes(b"LHSPOOL1" + blocks + ending)
    entry = Spool(directory).take(0)
    assert entry
    assert list(read_rows(entry.path)) == rows
    assert [column[-1] for block in read_blocks(entry.path) for column in block.columns()[-1:]] == [
        row(2).data,
        row(3).data,
    ]


def test_a_batch_that_the_version_before_left_open_is_completed(directory: str) -> None:
    Spool(directory).close()
    begun = b"LHSPOOL1" + old_block([row(1)], "first") + old_block([row(2)], "second")
    Path(directory, "000000000001-a.open").write_bytes(begun + b"torn")
    entry = Spool(directory).take(0)
    assert entry
    assert list(read_rows(entry.path)) == [row(1), row(2)]
    assert read_trailer(entry.path).note == ["first", "second"]


def test_halves_take_the_place_of_the_whole(directory: str) -> None:
    spool = Spool(directory)
    before, whole, after = (spool.append(rows_of(range(n, n + 9))) for n in (0, 10, 20))
    assert before
    assert whole
    assert after
    assert spool.split(whole)
    ids = [entry.id for entry in spool.pending()]
    assert ids == [before.id, f"{whole.id}.0", f"{whole.id}.1", after.id]
    rows = [list(read_rows(entry.path)) for entry in spool.pending()[1:3]]
    assert rows[0] + rows[1] == rows_of(range(10, 19))
    assert all(rows)
    assert not os.path.exists(whole.path)


def test_halves_go_down_to_a_single_line(directory: str) -> None:
    spool = Spool(directory)
    spool.append([row(0, lines=5), row(1)._replace(span=9)])
    lines: list[tuple[int, bytes]] = []
    while entry := spool.take(0):
        if not spool.split(entry):
            lines.extend((each.offset, each.data) for each in read_rows(entry.path))
            spool.acknowledge(entry)
    assert sorted(lines) == [(n * 9, b"line 0.%d\n" % n) for n in range(5)] + [(1_000_000, b"line 1.0\n")]


def test_a_crash_amid_splitting_leaves_the_whole(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(directory)
    entry = spool.append(rows_of(range(4)))
    assert entry
    with monkeypatch.context() as patch:
        patch.setattr(spool, "_replace", lambda *_: None)
        spool.split(entry)
    killed(spool)
    assert len(list(Path(directory).glob("*.batch"))) == 3
    again = Spool(directory)
    assert [each.id for each in again.pending()] == [entry.id]
    assert len(list(Path(directory).glob("*.batch"))) == 1


def test_the_quarantine_keeps_the_reason_and_is_bounded(directory: str) -> None:
    spool = Spool(directory, limit=1 << 20)
    entry = spool.append([row(1, lines=3)])
    assert entry
    spool.quarantine(entry, "code 6: cannot parse")
    (kept,) = spool.quarantined.list()
    assert kept.reason == "code 6: cannot parse"
    assert list(read_rows(kept.path)) == [row(1, lines=3)]
    assert not spool.pending()
    assert spool.counts.quarantined_lines == 3
    killed(spool)
    small = Spool(directory, limit=8 * kept.size)
    lost = small.append([row(2)])
    assert lost
    small.quarantine(lost, "code 6")
    assert small.counts.lost_bytes == len(row(2).data)
    assert len(small.quarantined.list()) == 1


def test_numbers_go_on_after_those_the_caller_knows(directory: str) -> None:
    spool = Spool(directory)
    spool.start_after(41)
    entry = spool.append([row(1)])
    assert entry
    assert entry.sequence == spool.sequence == 42


def test_other_files_are_left_alone(directory: str) -> None:
    Spool(directory).close()
    for name in ("notes.txt", "000000000001-x.batch.bak", "1-x.batch"):
        Path(directory, name).write_bytes(b"mine")
    assert not Spool(directory).pending()
    assert Path(directory, "notes.txt").read_bytes() == b"mine"


def test_places_are_written_once_a_block(directory: str) -> None:
    spool = Spool(directory)
    far = PLACE._replace(labels=tuple((f"k{n}", "v" * 50) for n in range(50)))
    entry = spool.append([row(n, place=far) for n in range(1000)])
    assert entry
    assert entry.size < 50_000
