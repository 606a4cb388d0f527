"""`logq export`: a whole file or none."""

import json
from pathlib import Path

from logq.stores import Logq


def test_an_export_holds_every_record(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    done = logq("export", str(tmp_path / "all.log"), "-n", "prod")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == f"{len(known)} records in {tmp_path / 'all.log'}\n".encode()
    assert (tmp_path / "all.log").read_bytes() == b"".join(record + b"\n" for record in known)
    assert logq("export", str(tmp_path / "500.jsonl"), "status=500", "-q").stderr == b""
    rows = [json.loads(line) for line in (tmp_path / "500.jsonl").read_text().splitlines()]
    assert [row["message"] for row in rows] == ["connection refused", "Disk full, \u202e 日本"]
    assert not list(tmp_path.glob("*.partial"))


def test_an_export_writes_over_nothing(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "kept.csv").write_text("mine")
    refused = logq("export", str(tmp_path / "kept.csv"))
    assert refused.returncode == 2
    assert b"is there already" in refused.stderr
    assert (tmp_path / "kept.csv").read_text() == "mine"


def test_what_cannot_be_exported_is_refused(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    assert b"does not tell a format" in logq("export", str(tmp_path / "x.pdf")).stderr
    assert b"only records can be exported" in logq("export", str(tmp_path / "x.csv"), "| top 5 pod").stderr
    assert b"cannot write" in logq("export", str(tmp_path / "no" / "x.csv")).stderr
    assert logq("export", str(tmp_path / "none.csv"), "nosuchword").returncode == 1


def test_a_refused_export_leaves_no_file(logq: Logq, known: list[bytes], tmp_path: Path) -> None:
    done = logq("export", str(tmp_path / "x.jsonl"), "--max-rows", "1")
    assert done.returncode == 3
    assert b"--max-rows" in done.stderr
    assert not list(tmp_path.iterdir())
