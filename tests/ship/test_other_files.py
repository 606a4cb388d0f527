"""Plain files, and what is no log at all: stored as it is or told, and no neighbour is lost."""

import gzip
import os
from pathlib import Path

import pytest
from shipping import RecordingStore, Runtime, ship_once

from loghouse.errors import UsageError
from loghouse.ship import segment
from loghouse.ship.contents import open_contents


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def texts(store: RecordingStore) -> list[bytes]:
    return [text for _, text in store.records()]


def test_a_plain_file_has_no_pod(logs: Path, state: Path) -> None:
    (logs / "app.log").write_bytes(b"one\ntwo\n")
    store = RecordingStore()
    summary = ship_once(logs / "app.log", state, store)
    (row,) = store.inserted
    assert (row["wrapper"], row["namespace"], row["pod"], row["container"]) == (b"plain", b"", b"", b"")
    assert row["data"] == b"one\ntwo\n"
    assert summary.lines == 2


def test_only_the_named_file_is_read(logs: Path, state: Path) -> None:
    for name in ("app.log", "app.log.1", "other.log"):
        (logs / name).write_bytes(name.encode() + b"\n")
    store = RecordingStore()
    ship_once(logs / "app.log", state, store)
    assert texts(store) == [b"app.log"]


def test_a_copied_container_log_is_recognised(logs: Path, state: Path) -> None:
    (logs / "copy.log").write_bytes(b"2026-11-20T08:00:00.000000001Z stdout F hello\n")
    (logs / "copy.json").write_bytes(b'{"log":"hello\\n","stream":"stderr","time":"2026-11-20T08:00:00Z"}\n')
    store = RecordingStore()
    ship_once(logs, state, store)
    assert sorted((row["wrapper"], *record) for row in store.inserted for record in store.records(**row)) == [
        (b"cri", "stdout", b"hello"),
        (b"docker", "stderr", b"hello"),
    ]


def test_the_last_line_of_a_plain_file_needs_no_end(logs: Path, state: Path) -> None:
    log = logs / "app.log"
    log.write_bytes(b"one\ntwo")
    store = RecordingStore()
    ship_once(log, state, store)
    ship_once(log, state, store)
    assert texts(store) == [b"one", b"two"]
    assert store.inserted[-1]["span"] == 3
    with open(log, "ab") as file:
        file.write(b"\nthree\n")
    ship_once(log, state, store)
    assert texts(store) == [b"one", b"two", b"", b"three"]


def test_a_file_that_is_one_unfinished_line_is_not_sent_twice(logs: Path, state: Path) -> None:
    log = logs / "app.log"
    store = RecordingStore()
    for text in (b"one", b" two", b" three\nfour\n"):
        with open(log, "ab") as file:
            file.write(text)
        ship_once(log, state, store)
    assert texts(store) == [b"one", b" two", b" three", b"four"]


def test_equal_first_lines_are_different_files(logs: Path, state: Path) -> None:
    store = RecordingStore()
    log = logs / "app.log"
    for generation in range(3):
        log.write_bytes(b"starting\n" + b"%d\n" % generation * (3 - generation))
        ship_once(logs, state, store)
        for number in range(generation, -1, -1):
            name = f"app.log.{number}" if number else "app.log"
            (logs / name).rename(logs / f"app.log.{number + 1}")
    ship_once(logs, state, store)
    assert sorted(texts(store)) == sorted([b"starting"] * 3 + [b"0"] * 3 + [b"1"] * 2 + [b"2"])
    assert set(store.coverage().values()) == {1}
    assert len({row["source_id"] for row in store.inserted}) == 3


def test_an_emptied_file_is_read_from_its_beginning(logs: Path, state: Path) -> None:
    log = logs / "app.log"
    store = RecordingStore()
    log.write_bytes(b"starting\n" + b"a\n" * 10)
    ship_once(log, state, store)
    log.write_bytes(b"starting\nb\n")
    ship_once(log, state, store)
    log.write_bytes(b"starting\n" + b"c\n" * 20)  # longer than what was read of it
    ship_once(log, state, store)
    assert texts(store) == [b"starting"] + [b"a"] * 10 + [b"starting", b"b", b"starting"] + [b"c"] * 20


def test_gzip_files_are_read(logs: Path, state: Path) -> None:
    (logs / "a.log.2.gz").write_bytes(gzip.compress(b"oldest\n"))
    members = gzip.compress(b"first member\n") + gzip.compress(b"second member\n")
    (logs / "a.log.1.gz").write_bytes(members)
    (logs / "a.log").write_bytes(b"newest\n")
    store = RecordingStore()
    for _ in range(2):
        ship_once(logs, state, store)
    assert texts(store) == [b"oldest", b"first member", b"second member", b"newest"]


def test_a_damaged_gzip_file_gives_what_it_has(logs: Path, state: Path) -> None:
    lines = b"".join(os.urandom(20).hex().encode() + b"\n" for _ in range(50_000))
    (logs / "a.log.1.gz").write_bytes(gzip.compress(lines)[:200_000])
    (logs / "a.log").write_bytes(b"neighbour\n")
    (logs / "b.log.gz").write_bytes(b"not gzip at all")
    store = RecordingStore()
    summary = ship_once(logs, state, store)
    assert texts(store)[-1] == b"neighbour"
    good = texts(store)[:-2]
    assert lines.startswith(b"\n".join(good))
    assert len(good) > 5000
    assert summary.problems["file is damaged, its end was not read"] == 2
    again = RecordingStore()
    ship_once(logs, state, again)
    assert not again.inserted


def test_any_bytes_are_kept(logs: Path, state: Path) -> None:
    garbage = {
        "binary.log": os.urandom(50_000).replace(b"\n", b"") + b"\n",
        "nul.log": b"\0" * 4096 + b"\nafter\n",
        "invalid.log": b"\xff\xfe broken \xc3\n\xed\xa0\x80\n",
        "crlf.log": b"one\r\n\r\n\rtwo\r\n",
        "empty.log": b"",
        "newlines.log": b"\n\n\n",
    }
    for name, content in garbage.items():
        (logs / name).write_bytes(content)
    store = RecordingStore()
    summary = ship_once(logs, state, store)
    stored = sorted(row["data"] for row in store.inserted)
    assert stored == sorted(content for content in garbage.values() if content)
    assert not summary.problems


def test_a_very_long_line_is_cut_and_its_neighbours_are_not(logs: Path, state: Path) -> None:
    long_line = b"x" * (100 << 20)
    (logs / "app.log").write_bytes(b"before\n" + long_line + b"\nafter\n")
    store = RecordingStore()
    summary = ship_once(logs, state, store)
    assert texts(store) == [b"before", long_line[: segment.MAX_LINE], b"after"]
    assert store.inserted[1]["span"] == len(long_line) + 1
    assert summary.problems == {"lines longer than 1 MiB cut": 1}
    assert sum(row["span"] or len(row["data"]) for row in store.inserted) == (logs / "app.log").stat().st_size


def test_garbage_in_a_container_log_does_not_hurt_its_neighbours(tmp_path: Path, state: Path) -> None:
    app = Runtime(tmp_path / "pods")
    app.write(b"before")
    app.append(b"\0\0\0 torn 2026-11-20T08: stdout P \xff\n{\n\n")
    app.write_part(b"par")
    app.append(b"2026-11-20T08:00:00.000000001Z stdout\n")
    app.end_record(b"ts")
    app.write(b"after")
    store = RecordingStore()
    ship_once(tmp_path / "pods", state, store)
    records = store.records()
    for record in app.written:
        assert record in records
    assert sum(row["span"] or len(row["data"]) for row in store.inserted) == app.path.stat().st_size


def test_what_is_no_file_is_passed_over(tmp_path: Path, state: Path) -> None:
    pods = tmp_path / "pods"
    app = Runtime(pods)
    app.write(b"neighbour")
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x\n")
    os.mkfifo(app.directory / "1.log")
    (app.directory / "2.log").mkdir()
    (app.directory / "3.log").symlink_to(secret)
    (app.directory / "4.log").symlink_to(app.directory / "4.log")
    (app.directory / "5.log").symlink_to(tmp_path / "missing")
    (app.directory / "loop").symlink_to(pods)
    (app.directory / "0.log.20261120-100000.tmp").write_bytes(b"half\n")
    (app.directory.parent / "stray.log").write_bytes(b"not a container's\n")
    store = RecordingStore()
    summary = ship_once(pods, state, store)
    assert texts(store) == [b"neighbour"]
    assert summary.problems == {
        "not a regular file, passed over": 1,
        "link to something that is no container log, refused": 3,
    }


def test_links_that_leave_the_given_directory_are_refused(tmp_path: Path, logs: Path, state: Path) -> None:
    (tmp_path / "secret").write_bytes(b"root:x\n")
    (logs / "link.log").symlink_to(tmp_path / "secret")
    (logs / "twice.log").symlink_to(logs / "app.log")
    (logs / "app.log").write_bytes(b"line\n")
    store = RecordingStore()
    summary = ship_once(logs, state, store)
    assert texts(store) == [b"line"]
    assert summary.problems == {"link that leaves the given paths, refused": 1}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(logs: Path, state: Path) -> None:
    (logs / "a.log").write_bytes(b"a\n")
    (logs / "a.log").chmod(0)
    (logs / "b.log").write_bytes(b"b\n")
    store = RecordingStore()
    summary = ship_once(logs, state, store)
    assert texts(store) == [b"b"]
    assert summary.problems == {"cannot read file": 1}


def test_a_file_that_cannot_be_opened_is_told(
    logs: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (logs / "a.log").write_bytes(b"a\n")
    (logs / "b.log").write_bytes(b"b\n")

    def refuse(path: str, compressed: bool) -> object:
        if path.endswith("a.log"):
            raise PermissionError(13, "Permission denied", path)
        return open_contents(path, compressed)

    monkeypatch.setattr("loghouse.ship.segment.open_contents", refuse)
    store = RecordingStore()
    summary = ship_once(logs, state, store)
    assert texts(store) == [b"b"]
    assert summary.problems == {"cannot read file": 1}


def test_names_that_are_not_text_are_shipped(logs: Path, state: Path) -> None:
    name = os.fsdecode(b"caf\xe9 'quoted\"\n.log")
    (logs / name).write_bytes(b"line\n")
    store = RecordingStore()
    for _ in range(2):
        ship_once(logs, state, store)
    assert texts(store) == [b"line"]


def test_a_missing_path_is_an_error(tmp_path: Path, state: Path) -> None:
    with pytest.raises(UsageError, match="no such file or directory"):
        ship_once(tmp_path / "missing", state, RecordingStore())
    assert not state.exists()


def test_the_own_state_is_not_shipped(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"line\n")
    store = RecordingStore()
    for _ in range(2):
        ship_once(tmp_path, tmp_path / "state", store)
    assert texts(store) == [b"line"]
