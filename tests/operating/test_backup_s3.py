"""A backup in a bucket, through the command: it comes back, and what is wrong is said."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lines import store_lines
from s3_store import S3, s3_store

from loghouse.backup.place import place_of
from loghouse.backup.store import back_up, counts
from loghouse.errors import StoreError
from loghouse.store.client import Store

LIMIT = 120  # seconds for a command; a busy machine takes some


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_store() as started:
        yield started


@pytest.fixture
def credentials(s3: S3, tmp_path: Path) -> Path:
    file = tmp_path / "s3-credentials"
    file.write_text(f"{s3.key}\n{s3.secret}\n")
    return file


def loghouse(store: Store, *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and what it said."""
    url = f"--url=clickhouse://{store.url.address}/{store.url.database}"
    done = subprocess.run(
        [sys.executable, "-c", "from loghouse.cli import main; main()", *arguments, url],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stderr


def done(store: Store, *arguments: str) -> None:
    code, said = loghouse(store, *arguments)
    assert code == 0, said


def test_what_was_destroyed_comes_back_from_a_bucket(store: Store, s3: S3, credentials: Path) -> None:
    store_lines(store, "prod", [f"line {number} of many" for number in range(500)])
    store_lines(store, "staging", ["one"])
    before = counts(store)
    place, secret = s3.place("nightly/monday"), f"--s3-credentials={credentials}"
    done(store, "backup", place, "--check", secret)
    store_lines(store, "prod", ["after it"])
    done(store, "backup", s3.place("nightly/tuesday"), "--base", place, secret)
    assert "nightly/tuesday/.backup" in s3.objects("nightly/")
    ((shown,),) = store.rows("SELECT arrayStringConcat(groupArray(name)) FROM system.backups")
    assert "nightly/tuesday" in shown and s3.secret not in shown
    store.rows("TRUNCATE TABLE logs")
    store.rows("DROP TABLE counts SYNC")
    done(store, "restore", place, secret)
    assert counts(store) == before
    done(store, "restore", s3.place("nightly/tuesday"), "--as", "tuesday", secret)
    assert store.rows("SELECT count() FROM tuesday.logs") == [(502,)]
    store.rows("DROP DATABASE tuesday SYNC")


def test_what_is_wrong_is_said(store: Store, s3: S3, credentials: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(f"{s3.key}\nnot-the-secret\n")
    for verb, place, file, wanted in (
        ("backup", s3.place("x"), wrong, "refuses the credentials"),
        ("restore", s3.place("x"), wrong, "refuses the credentials"),
        ("backup", f"{s3.url}/nowhere/x", credentials, "there is no bucket"),
        ("restore", s3.place("never-made"), credentials, "there is no backup"),
        ("backup", s3.place("x"), tmp_path / "missing", "cannot read the credentials"),
    ):
        code, said = loghouse(store, verb, place, f"--s3-credentials={file}")
        assert code in (2, 3) and wanted in said, said
        assert s3.secret not in said and "not-the-secret" not in said and "Stack trace" not in said


def test_a_store_that_does_not_answer_is_given_up(
    store: Store, credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loghouse.backup.store._S3_RETRIES", {"backup_restore_s3_retry_attempts": 2})
    place = place_of("http://127.0.0.1:1/logs/x", credentials)
    with pytest.raises(StoreError, match="cannot reach the S3 store"):
        back_up(store, place)
