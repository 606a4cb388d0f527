"""The doctor finds what is wrong on a node, and nothing where all is well."""

import os
from pathlib import Path

import pytest

from loghouse.config import StoreUrl
from loghouse.errors import ExitCode
from loghouse.logq.diagnosis import Verdict
from loghouse.operator.doctor import (
    Doctor,
    doctor,
    log_files,
    may_insert,
    state_directory,
    tables_keep_what_they_get,
)
from loghouse.store.client import Store
from loghouse.store.migrate import migrate


@pytest.fixture(scope="module")
def url(store_url: StoreUrl) -> StoreUrl:
    own = StoreUrl(store_url.host, store_url.port, "examined")
    with Store(own) as store:
        migrate(store)
    return own


def test_a_node_that_is_well(url: StoreUrl, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pods").mkdir()
    (tmp_path / "pods" / "0.log").write_text("line\n")
    options = Doctor(
        paths=(str(tmp_path / "pods"),),
        state_dir=str(tmp_path / "state"),
        url=f"clickhouse://{url.address}/{url.database}",
    )
    assert doctor(options) is ExitCode.OK
    said = capsys.readouterr().out
    assert "1 files of" in said and "the user may send logs" in said and "BAD" not in said


def test_a_store_that_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = Doctor(paths=(str(tmp_path),), state_dir=str(tmp_path), url="clickhouse://127.0.0.1:1/x")
    assert doctor(options) is ExitCode.BACKEND
    assert "BAD   connection" in capsys.readouterr().out


def test_a_path_that_is_not_mounted() -> None:
    (finding,) = log_files(["/no/such/path"])
    assert finding.verdict is Verdict.BAD and "does not exist" in finding.found


def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0.log").write_text("line\n")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (finding,) = log_files([str(tmp_path)])
    assert finding.verdict is Verdict.BAD and "1 of 1 files" in finding.found


def test_links_that_lead_nowhere_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "0.log").symlink_to("/var/lib/docker/containers/gone.log")
    (finding,) = log_files([str(tmp_path)])
    assert finding.verdict is Verdict.NOTE and "no log file" in finding.found


def test_a_state_directory_in_memory_is_bad() -> None:
    (finding,) = state_directory("/dev/shm/loghouse/ship")
    assert finding.verdict is Verdict.BAD and "does not outlive" in finding.found


def test_tables_without_deduplication_are_bad(store_url: StoreUrl) -> None:
    with Store(StoreUrl(store_url.host, store_url.port, "default")) as outside:
        outside.rows("CREATE DATABASE IF NOT EXISTS unguarded")
    with Store(StoreUrl(store_url.host, store_url.port, "unguarded")) as store:
        store.rows("CREATE TABLE IF NOT EXISTS logs (a UInt8) ENGINE = MergeTree ORDER BY a")
        (finding,) = tables_keep_what_they_get(store)
        assert finding.verdict is Verdict.BAD and "stored twice" in finding.found
        assert may_insert(store).verdict is Verdict.BAD
