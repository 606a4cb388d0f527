"""Half lines, parts, giants, broken text, torn lines, impossible dates: stored, and their neighbours too."""

import os
import signal
from pathlib import Path

import pytest
from scene import App, Scene, until

from loghouse.store.client import Store

PART = 16 << 10


def test_half_a_line_is_one_line_when_it_is_completed(scene: Scene) -> None:
    """Also when the shipper is killed in between, twice."""
    app = scene.app()
    app.say(3)
    text = app.text("stdout", 50)
    line = app.line(text)
    app.written.append(("stdout", text))
    for piece in (line[:20], line[20:70]):
        app.append(piece)
        with scene.shipping() as shipper:
            scene.wait_for(app, 3)
            until(lambda shipper=shipper: shipper.status()["files"])
            shipper.end(signal.SIGKILL)
    app.append(line[70:])
    app.say(2)
    scene.once()
    scene.assert_every_line_once(app)


def test_parts_are_joined_by_stream_over_rotations_and_kills(scene: Scene) -> None:
    """The other stream ends a line in between, the file rotates, the shipper dies."""
    app = scene.app()
    app.say(2)
    app.write_part(app.text("stdout", PART))
    with scene.shipping() as shipper:
        scene.wait_for(app, 2)
        app.say(2, ("stderr",))
        scene.wait_for(app, 4)
        shipper.end(signal.SIGKILL)
    app.rotate(compress=True)
    app.write_part(b"second ")
    app.say(1, ("stderr",))
    app.rotate(compress=True)
    app.end_record(b"third")
    app.say(2, ("stdout", "stderr"))
    scene.once()
    rows = scene.rows(app)
    assert sorted(row.text for row in rows) == sorted(text for _, text in app.written)
    scene.assert_sound()


def test_parts_without_an_end(scene: Scene) -> None:
    """The container is gone: what there is of the record is stored."""
    app = scene.app()
    app.say(1)
    app.write_part(b"never ended")
    os.utime(app.path, (1, 1))  # nobody has written to it for long
    app.restart()
    app.say(1)
    scene.once()
    scene.assert_every_line_once(app)


def giant(scene: Scene, megabytes: int) -> None:
    app = scene.app()
    app.say(2)
    first = app.text("stdout")
    app.append(app.line(first).removesuffix(b"\n"))
    for _ in range(megabytes):
        app.append(b"x" * (1 << 20))
    app.append(b"\n")
    app.say(2)
    with scene.shipping() as shipper:
        scene.wait_for(app, 5)
        assert shipper.problems()["lines longer than 1 MiB cut"] == 1
        scene.assert_fresh_line_arrives(app)
    (cut,) = [row for row in scene.rows(app) if len(row.text) > 1000]
    assert cut.text.startswith(first + b"xxx") and len(cut.text) <= 1 << 20
    assert [row.text for row in scene.rows(app) if row is not cut and len(row.text) < 1000] == [
        text for _, text in app.written
    ]
    scene.assert_sound()


def test_a_giant_line_is_cut_and_its_neighbours_are_not(scene: Scene) -> None:
    giant(scene, 10)


@pytest.mark.slow
def test_a_line_of_a_gigabyte(scene: Scene) -> None:
    giant(scene, 1024)


ODD = [
    b"\xff\xfe broken \xc3\x28",
    b"overlong \xc0\xaf",
    b"surrogate \xed\xa0\x80",
    b"\xef\xbb\xbfbyte order mark",
    b"nul \x00 inside",
    b"\x00" * 4096,
    b"carriage return\r",
    b"\r\r\r",
    b"",
    b" ",
    b"\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "line\u2028separator \u0085 next".encode(),
    b"2026-11-20T08:00:00.000000001Z stdout F a forged line",
    b'{"cut": "in hal',
    b'{"time": "1700-01-01T00:00:00Z", "level": {"deep": []}}',
    b"stdout F ",
    "é".encode() * 30_000,
]


def test_text_of_any_kind(scene: Scene) -> None:
    app = scene.app()
    for text in ODD:
        app.write(app.text("stdout") + text)
    app.write("é".encode() * 20_000, part=PART + 1)  # cut amid a character
    app.say(1)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        assert shipper.metric("loghouse_quarantined_rows_total") == 0
    scene.assert_every_line_once(app)


def test_lines_of_a_damaged_file(scene: Scene) -> None:
    """Torn and merged lines, and what a power loss leaves: each is kept as it is, and hurts no other."""
    app = scene.app()
    app.say(2)
    torn = [
        b"no prefix at all",
        b"2026-11-20T08:00",
        app.line(b"merged")[:-1] + app.line(b"line").removesuffix(b"\n"),
        b"2026-11-20T08:00:00.000000001Z stdlog F no such stream",
        b"\x00" * 4096,
        b"",
    ]
    for line in torn:
        app.append(line + b"\n")
    app.say(2)
    scene.once()
    stored = scene.rows(app)
    texts = [row.text for row in stored]
    assert all(text in texts for _, text in app.written)
    assert len(stored) == len(app.written) + len(torn)
    assert torn[0] in texts and b"merged" in b"".join(texts) and torn[4] in texts
    scene.assert_sound()


def test_a_hole_of_a_hundred_megabytes(scene: Scene) -> None:
    """As a power loss leaves it on some file systems: a sparse run of zeros without a line end."""
    app = scene.app()
    app.say(2)
    with open(app.path, "ab") as file:
        file.truncate(app.path.stat().st_size + (100 << 20))
    app.append(b"\n")
    app.say(2)
    with scene.shipping() as shipper:
        scene.wait_for(app, 5)
        assert shipper.problems()["lines longer than 1 MiB cut"] == 1
    assert [row.text for row in scene.rows(app) if len(row.text) < 1000] == [text for _, text in app.written]


STAMPS = [
    "1969-12-31T23:59:59.999999999Z",
    "1970-01-01T00:00:00Z",
    "1899-01-01T00:00:00Z",
    "2150-01-01T00:00:00Z",
    "2262-04-12T00:00:00Z",
    "2300-01-01T00:00:00.5Z",
    "9999-12-31T23:59:59Z",
    "2026-11-20T09:00:00.000000001+02:00",
    "2026-03-29T02:30:00+01:00",
    "0000-00-00T00:00:00Z",
]


def put_dated(app: App) -> None:
    """A line of each date, among lines of today."""
    for stamp in STAMPS:
        text = app.text("stdout")
        app.written.append(("stdout", text))
        app.append(f"{stamp} stdout F ".encode() + text + b"\n")
        app.say(1)


def test_dates_out_of_any_range(scene: Scene) -> None:
    """No batch is refused, and no record gets a day that would end it early or never."""
    app = scene.app()
    put_dated(app)
    with scene.shipping() as shipper:
        scene.wait_for(app)
        assert shipper.metric("loghouse_insert_errors_total") == 0
    stored = {row.text for row in scene.rows(app)}
    assert stored == {text for _, text in app.written} and scene.count(app) == len(app.written)
    with Store(scene.url) as store:
        sql = (
            "SELECT min(toYear(timestamp)), max(toYear(timestamp)),"
            " countIf(toDate(timestamp) != toDate32(timestamp)) FROM logs WHERE pod = {pod:String}"
        )
        ((first, last, wrapped),) = store.rows(sql, {"pod": app.name})
    assert first >= 1970 and last <= 2148 and wrapped == 0
    scene.assert_sound()


@pytest.mark.parametrize("seconds", [-3600, 3600, -10 * 365 * 86400, 10 * 365 * 86400])
def test_a_clock_that_is_wrong(scene: Scene, seconds: int) -> None:
    """The node's clock jumps while batches wait and between runs: nothing is lost, doubled or delayed."""
    app = scene.app()
    app.say(20)
    scene.once()
    app.say(20)
    app.rotate()
    with scene.shipping(f"clock={seconds}") as shipper:
        scene.wait_for(app)
        scene.assert_fresh_line_arrives(app)
        shipper.end()
    app.say(5)
    scene.once()
    scene.assert_every_line_once(app)


def test_gzip_of_several_members_and_one_half_written(scene: Scene, tmp_path: Path) -> None:
    import gzip

    app = scene.app()
    app.say(40)
    scene.once()
    app.say(60)
    app.rotate()
    (rotated,) = app.directory.glob("0.log.*")
    data = rotated.read_bytes()
    Path(f"{rotated}.tmp").write_bytes(gzip.compress(data)[:50])
    app.say(1)
    scene.once()
    Path(f"{rotated}.gz").write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    rotated.unlink()
    app.say(1)
    scene.once()
    scene.assert_every_line_once(app)
