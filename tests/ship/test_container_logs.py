"""Container logs arrive as they were written: every record once, byte for byte."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest
from shipping import RecordingStore, Runtime, ship_once

from loghouse.ship import segment


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    return tmp_path / "pods"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def old(runtime: Runtime) -> None:
    """Let the files look as if nothing had been written for a while."""
    for path in runtime.directory.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))


def assert_exactly(store: RecordingStore, *runtimes: Runtime) -> None:
    assert Counter(store.records()) == Counter(r for runtime in runtimes for r in runtime.written)
    assert set(store.coverage().values()) <= {1}


def test_rows_carry_what_the_path_tells(pods: Path, state: Path) -> None:
    web = Runtime(pods, "shop-web-5d8f7c9b64-x2k4z", "nginx")
    web.write(b"GET /")
    store = RecordingStore()
    summary = ship_once(pods, state, store)
    (row,) = store.inserted
    assert row["data"] == web.path.read_bytes()
    assert (row["namespace"], row["pod"], row["container"], row["node"]) == (
        b"prod",
        b"shop-web-5d8f7c9b64-x2k4z",
        b"nginx",
        b"node-1",
    )
    assert (row["workload"], row["restart"], row["wrapper"]) == (b"shop-web", 0, b"cri")
    assert (row["offset"], row["span"], row["labels"]) == (0, 0, {})
    assert (summary.files, summary.lines, summary.bytes) == (1, 1, len(row["data"]))
    assert summary.complete
    assert not summary.problems


@pytest.mark.parametrize("docker", [False, True])
def test_parts_are_joined_by_stream(pods: Path, state: Path, docker: bool) -> None:
    app = Runtime(pods, docker=docker)
    app.write(b"before")
    app.write_part(b"out-1 ", "stdout")
    app.write_part(b"err-1 ", "stderr")
    app.write_part(b"out-2 ", "stdout")
    app.end_record(b"err-end", "stderr")
    app.write(b"a whole line of the other stream", "stderr")
    app.end_record(b"out-end", "stdout")
    app.write(b"after")
    store = RecordingStore()
    ship_once(pods, state, store)
    assert store.records() == [
        ("stdout", b"before"),
        ("stderr", b"err-1 err-end"),
        ("stderr", b"a whole line of the other stream"),
        ("stdout", b"out-1 out-2 out-end"),
        ("stdout", b"after"),
    ]
    assert_exactly(store, app)
    joined = [row for row in store.inserted if row["span"]]
    assert sum(row["span"] or len(row["data"]) for row in store.inserted) == app.path.stat().st_size
    assert len(joined) == 2
    if not docker:
        first = next(line for line in app.path.read_bytes().splitlines() if b"out-1" in line)
        assert joined[1]["data"].split(b" ")[0] == first.split(b" ")[0]


@pytest.mark.parametrize("docker", [False, True])
def test_records_over_many_chunks(
    pods: Path, state: Path, docker: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "CHUNK", 4096)
    monkeypatch.setattr(segment, "MAX_LINE", 4096)
    choose = random.Random(5)
    app = Runtime(pods, docker=docker)
    for number in range(400):
        text = f"{number} ".encode() + b"x" * choose.choice((0, 10, 100, 5000))
        stream = choose.choice(("stdout", "stderr"))
        if choose.random() < 0.3 and stream not in dict(app.open_records):
            app.write_part(text[:1500], stream)
        else:
            app.write(text, stream, part=1500)
        if choose.random() < 0.05:
            app.rotate(compress=choose.random() < 0.5)
    for stream, _ in app.open_records:
        app.end_record(b".", stream)
    store = RecordingStore()
    ship_once(pods, state, store)
    assert_exactly(store, app)


def test_a_record_of_120_kb_is_not_cut(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.write(b"y" * 120_000, part=16384)
    store = RecordingStore()
    ship_once(pods, state, store)
    assert store.records() == app.written


def test_an_endless_record_is_cut_and_counted(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.write(b"z" * (3 << 20), part=16384)
    app.write(b"next")
    store = RecordingStore()
    summary = ship_once(pods, state, store)
    (_, cut), (_, following) = store.records()
    assert cut == b"z" * (1 << 20)
    assert following == b"next"
    assert sum(row["span"] or len(row["data"]) for row in store.inserted) == app.path.stat().st_size
    assert summary.problems == {"records longer than 1 MiB cut": 1}


def test_docker_text_that_only_looks_complete_is_a_part(pods: Path, state: Path) -> None:
    app = Runtime(pods, docker=True)
    app.write_part(b"a path C:\\n")  # the text ends with a backslash and the letter n
    app.end_record(b"ew\\")
    app.write(b'", "stream":"stderr"')
    app.write(b'\\\\n","stream":"stdout"', part=5)
    store = RecordingStore()
    ship_once(pods, state, store)
    assert store.records() == app.written


def test_text_that_looks_like_a_part_is_left_alone(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.write(b"he said: 2026-11-20T08:00:00.000000001Z stdout P not a part")
    app.write(b"x stderr P y")
    app.write(b"")
    app.append(b"2026-11-20T08:59:00.000000001Z stdout F\n")
    store = RecordingStore()
    ship_once(pods, state, store)
    assert b"".join(row["data"] for row in store.inserted) == app.path.read_bytes()
    assert not any(row["span"] for row in store.inserted)


def test_tags_may_be_a_list(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.append(b"2026-11-20T08:00:00.000000001Z stdout P:x:y one \n")
    app.append(b"2026-11-20T08:00:00.000000002Z stdout F:z two\n")
    store = RecordingStore()
    ship_once(pods, state, store)
    assert [row["data"] for row in store.inserted] == [b"2026-11-20T08:00:00.000000001Z stdout F one two\n"]


def test_a_part_may_be_empty(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.append(b"2026-11-20T08:00:00.000000001Z stdout F whole\n")
    app.append(b"2026-11-20T08:00:00.000000002Z stdout P\n")
    app.append(b"2026-11-20T08:00:00.000000003Z stdout F ended\n")
    store = RecordingStore()
    ship_once(pods, state, store)
    assert [row["data"] for row in store.inserted] == [
        b"2026-11-20T08:00:00.000000001Z stdout F whole\n",
        b"2026-11-20T08:00:00.000000002Z stdout F ended\n",
    ]


def test_parts_meet_across_rotation_and_runs(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    store = RecordingStore()
    app.write(b"first")
    app.write_part(b"begun ")
    ship_once(pods, state, store)
    assert store.records() == [("stdout", b"first")]
    app.write_part(b"went on ")
    app.write(b"meanwhile", "stderr")
    ship_once(pods, state, store)
    app.rotate()
    app.write(b"in the new file", "stderr")
    ship_once(pods, state, store)
    app.rotate(compress=True)
    app.end_record(b"ended")
    ship_once(pods, state, store)
    ship_once(pods, state, store)
    assert_exactly(store, app)
    assert store.records()[-1] == ("stdout", b"begun went on ended")


def test_parts_without_an_end_are_a_record_when_the_file_rests(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.write_part(b"last words", "stderr")
    store = RecordingStore()
    ship_once(pods, state, store)
    assert store.records() == []
    old(app)
    ship_once(pods, state, store)
    ship_once(pods, state, store)
    assert store.records() == [("stderr", b"last words")]


def test_a_line_without_end_waits_until_its_container_is_over(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    app.write(b"whole")
    app.append(app.line(b"torn")[:-1])
    store = RecordingStore()
    old(app)
    ship_once(pods, state, store)
    assert store.records() == [("stdout", b"whole")]
    app.restart()
    app.write(b"again")
    old(app)
    for _ in range(2):
        ship_once(pods, state, store)
    assert store.records() == [("stdout", b"whole"), ("stdout", b"torn"), ("stdout", b"again")]
    assert [row["restart"] for row in store.inserted] == [0, 0, 1]


def test_rotation_while_away_loses_and_doubles_nothing(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    store = RecordingStore()
    for number in range(40):
        app.write(f"line {number}".encode())
        if number % 3 == 0:
            ship_once(pods, state, store)
        if number % 4 == 0:
            app.rotate(compress=number % 8 == 0)
    ship_once(pods, state, store)
    assert_exactly(store, app)
    assert [text for _, text in store.records()] == [f"line {n}".encode() for n in range(40)]


def test_a_source_keeps_its_name_through_rename_and_gzip(pods: Path, tmp_path: Path) -> None:
    app = Runtime(pods)
    app.write(b"one")
    names = set()
    for step in range(3):
        store = RecordingStore()
        ship_once(pods, tmp_path / f"state-{step}", store)
        names.add(store.inserted[0]["source_id"])
        app.rotate()
        if step:
            app.compress()
    assert len(names) == 1


def test_a_reused_inode_is_another_file(pods: Path, state: Path) -> None:
    app = Runtime(pods)
    store = RecordingStore()
    app.write(b"x" * 100)
    ship_once(pods, state, store)
    app.append(b"")
    content = app.line(b"y" * 200)
    with open(app.path, "r+b") as file:  # the same inode holds other lines now
        file.truncate()
        file.write(content)
    app.written.append(("stdout", b"y" * 200))
    ship_once(pods, state, store)
    assert_exactly(store, app)
    assert len({row["source_id"] for row in store.inserted}) == 2


def test_docker_links_lead_to_the_files_of_the_container(tmp_path: Path, state: Path) -> None:
    identifier = "ab" * 32
    logs = tmp_path / "logs"
    docker = logs / "containers" / identifier
    docker.mkdir(parents=True)
    app = Runtime(logs / "pods", docker=True)
    app.write(b"rotated")
    app.path.rename(docker / f"{identifier}-json.log.1")
    app.write(b"now")
    app.path.rename(docker / f"{identifier}-json.log")
    app.path.symlink_to(docker / f"{identifier}-json.log")
    store = RecordingStore()
    summary = ship_once(logs / "pods", state, store)
    assert store.records(pod=b"shop-0", wrapper=b"docker") == app.written
    assert summary.files == 2
    both = RecordingStore()
    ship_once(logs, tmp_path / "other", both)
    assert sorted(both.records(pod=b"shop-0")) == sorted(app.written)
    assert len(both.inserted) == 2
